/** @file Panel: the known ways to go wrong that were found, each with its evidence and what to do. */

import type { FailureSignature } from '../../core/failure-signature.ts';
import { plural } from '../format.ts';
import { markup, nothing } from '../markup.ts';
import { type Panel, table } from '../panel.ts';

/** `judged` says what the judgement covers. */
export function signaturePanel(signatures: readonly FailureSignature[], judged: string): Panel {
  return {
    id: 'signatures',
    title: 'What may be wrong',
    shows: `Known signatures of failure: ${judged}.`,
    concludes:
      signatures.length === 0
        ? 'None of the known signatures is present.'
        : `${plural(signatures.length, 'signature')} found, with evidence and advice below: ${codesOf(signatures)}.`,
    body:
      signatures.length === 0
        ? nothing
        : table(
            'Failure signatures',
            [{ head: 'Signature' }, { head: 'Evidence, and what to do' }],
            signatures.map(({ code, evidence, advice }) => [
              markup`<span class="fails">${code}</span>`,
              markup`<span class="wrap">${evidence}<br/>${advice}</span>`,
            ]),
          ),
  };
}

/** Each code once. */
export function codesOf(signatures: readonly FailureSignature[]): string {
  return [...new Set(signatures.map(({ code }) => code))].join(', ');
}
