/** @file Mini-batches: which examples step t sees, a function of (seed, t) alone, so that a resumed run sees the same. */

import { checkInteger } from '../core/check.ts';
import { permutation } from '../core/random.ts';

/** Every epoch is one order of all n examples, stream = epoch of the seed, cut into batches; the last may be smaller. */
export interface Batches {
  /** Steps of one epoch. */
  readonly perEpoch: number;
  /** Rows of step t; undefined when every step sees all rows in their order. */
  rows(step: number): Uint32Array | undefined;
}

/** @throws {TangedgeError} ERR_ARGUMENT when batchSize is not a whole number from 1 to n. */
export function batchesOf(n: number, batchSize: number | undefined, seed: number): Batches {
  if (batchSize !== undefined) checkInteger('train', 'batchSize', batchSize, 1, n);
  checkInteger('train', 'seed', seed, 0);
  if (batchSize === undefined || batchSize === n) return { perEpoch: 1, rows: () => undefined };
  const perEpoch = Math.ceil(n / batchSize);
  let epoch = -1;
  let order: Uint32Array = new Uint32Array(0);
  return {
    perEpoch,
    rows: (step) => {
      const wanted = Math.floor(step / perEpoch);
      if (wanted !== epoch) {
        order = permutation(seed, wanted, n);
        epoch = wanted;
      }
      const start = (step - wanted * perEpoch) * batchSize;
      return order.subarray(start, Math.min(n, start + batchSize));
    },
  };
}
