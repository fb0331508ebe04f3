/** @file What the page and the worker that analyzes say to each other: one order, then progress, then a report or an error. */

import type { AnalysisProgress, Dtype } from 'tangedge';

/** The files of an analysis; the names of its fields, too. */
export const ROLES = ['model', 'inputs', 'targets', 'initial', 'weights'] as const;

export type Role = (typeof ROLES)[number];

/** The demo, or files and options by the names of their fields (src/http/analysis-form.ts). */
export type Order = { readonly kind: 'demo'; readonly dtype: Dtype } | { readonly kind: 'files'; readonly fields: readonly Field[] };

/** One field of the form. Of an archive, `array` is the one that is meant. */
export type Field = { readonly name: 'dtype'; readonly value: string } | { readonly name: Role; readonly value: File; readonly array?: string };

/** Both files of a report, as the command line writes them. */
export interface Finished {
  readonly title: string;
  readonly json: string;
  readonly html: string;
}

export type Answer =
  | { readonly kind: 'progress'; readonly progress: AnalysisProgress }
  | ({ readonly kind: 'finished' } & Finished)
  | { readonly kind: 'failed'; readonly line: string };
