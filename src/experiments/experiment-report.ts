/** @file ExperimentReport: what one reproduction claims, expects and measured. The one schema of its report.json. */

/** Format of an experiment's report; the number changes when a field changes meaning or disappears. */
export const EXPERIMENT_FORMAT = 'tangedge-experiment/1';

/** One experiment, run: the claim, every check with both numbers, and the data of its figures. Plain data. */
export interface ExperimentReport {
  readonly format: 'tangedge-experiment/1';
  /** The name that `tangedge reproduce` takes. */
  readonly name: string;
  readonly title: string;
  /** What is said to be true. */
  readonly claim: string;
  /** Who says so. */
  readonly source: string;
  /** The version of this package. */
  readonly version: string;
  /** `default` takes under a minute; `full` is as large as in the source, or larger. */
  readonly size: 'default' | 'full';
  readonly seed: number;
  readonly settings: readonly Setting[];
  /** Whether every check holds. */
  readonly holds: boolean;
  readonly checks: readonly Check[];
  /** What the numbers say, in a sentence or two, whichever way they came out. */
  readonly conclusion: string;
  readonly tables: readonly DataTable[];
  readonly figures: readonly Figure[];
}

/** One choice of the set-up: width, learning rate, number of steps. */
export interface Setting {
  readonly name: string;
  readonly value: number | string;
}

/** One number against what was expected of it. */
export interface Check {
  readonly name: string;
  /** `near`: |measured − expected| ≤ tolerance. `above`, `below`: on that side of expected by at least the tolerance. */
  readonly relation: 'near' | 'above' | 'below';
  readonly expected: number;
  readonly tolerance: number;
  /** null when the measurement is not a number; the check then fails. */
  readonly measured: number | null;
  readonly holds: boolean;
}

/** Rows of numbers and words under headings. */
export interface DataTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (number | string | null)[])[];
}

/** A plot: curves over one pair of axes. */
export interface Figure {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale: 'linear' | 'log';
  readonly yScale: 'linear' | 'log';
  readonly curves: readonly Curve[];
  /** Horizontal lines at values of note. */
  readonly levels: readonly Level[];
  /** Shaded stretches of the x axis. */
  readonly bands: readonly Band[];
}

/** Points (x[i], y[i]); a null is a gap. */
export interface Curve {
  readonly name: string;
  readonly mark: 'line' | 'points' | 'line-points' | 'dashed';
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

export interface Level {
  readonly name: string;
  readonly value: number;
}

export interface Band {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}
