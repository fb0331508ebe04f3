/** @file The factor in a loss: what the sum over examples is divided by. */

import { checkInteger } from './check.ts';
import { TangedgeError } from './errors.ts';

export const LOSS_SCALES = ['mean-batch', 'mean-all', 'sum'] as const;

/**
 * The factor in the squared loss over n samples and c outputs.
 *
 * - `'mean-batch'` L = 1/(2n)·Σ|f − y|²: mean over samples, sum over outputs (edge-of-stability papers)
 * - `'mean-all'`   L = 1/(2nc)·Σ|f − y|²: mean over samples and outputs (neural-tangents)
 * - `'sum'`        L = ½·Σ|f − y|²
 */
export type LossScale = (typeof LOSS_SCALES)[number];

export interface LossScaleOptions {
  /** Samples in the batch that one step averages over. */
  readonly n: number;
  /** Outputs; needed for `'mean-all'` only. Default 1. */
  readonly c?: number;
  /** Default `'mean-batch'`. */
  readonly lossScale?: LossScale;
}

/**
 * M: what the sum over examples is divided by; for the squared loss, how many squared residuals it averages over.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for n or c below 1, or an unknown scale.
 */
export function lossTerms(operation: string, { n, c = 1, lossScale = 'mean-batch' }: LossScaleOptions): number {
  checkInteger(operation, 'n', n, 1);
  checkInteger(operation, 'c', c, 1);
  switch (lossScale) {
    case 'mean-batch':
      return n;
    case 'mean-all':
      return n * c;
    case 'sum':
      return 1;
    default:
      lossScale satisfies never;
      throw new TangedgeError('ERR_ARGUMENT', `${operation}: lossScale is ${lossScale}; it must be 'mean-batch', 'mean-all' or 'sum'.`, {
        lossScale,
      });
  }
}
