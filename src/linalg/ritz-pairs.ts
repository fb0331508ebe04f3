/** @file Ritz pairs: eigenpairs of a symmetric operator projected onto a basis, H = Yᵀ·Θ·Y, and what is judged from them. */

import type { FloatArray } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { eigh } from './eigh.ts';

export interface RitzPairs {
  /** Θ [size], largest first. */
  readonly values: Float64Array;
  /** Y [size, size]: row k, the coefficients of the Ritz vector that belongs to values[k]. */
  readonly rows: FloatArray;
  /** The largest |θ|. */
  readonly norm: number;
}

/** Of the leading [size, size] of h, `stride` entries a row. */
export function ritzPairs(rt: Runtime, h: Float64Array, size: number, stride: number): RitzPairs {
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) data.set(h.subarray(i * stride, i * stride + size), i * size);
  const { values, vectors } = eigh(rt, { shape: [size, size], data });
  const rows = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let k = 0; k < size; k++) rows[k * size + i] = vectors.data[i * size + (size - 1 - k)];
  return { values: values.slice().reverse(), rows, norm: Math.max(Math.abs(values[0]), Math.abs(values[size - 1])) };
}

/**
 * √(yᵀ·(F·Fᵀ)·y), the residual of a Ritz pair, at its largest among the first `count`: y is the part of the last block in its
 * coefficients, F·Fᵀ [block, block] the Gram matrix of what that block's images have outside the basis. NaN when one is.
 */
export function largestResidual({ values, rows }: RitzPairs, gram: Float64Array, count: number): number {
  const size = values.length;
  const block = Math.round(Math.sqrt(gram.length));
  let largest = 0;
  for (let k = 0; k < count; k++) {
    const y = rows.subarray((k + 1) * size - block, (k + 1) * size);
    let square = 0;
    for (let i = 0; i < block; i++) for (let j = 0; j < block; j++) square += y[i] * gram[i * block + j] * y[j];
    largest = Math.max(largest, square);
  }
  return Math.sqrt(largest);
}

/** Whether `block` or more of the wanted values agree, to many tolerances: a block finds no more copies, and there may be more. */
export function repeats({ values, norm }: RitzPairs, count: number, block: number, tolerance: number): boolean {
  for (let k = 0; k + block <= count; k++) if (!(values[k] - values[k + block - 1] > 1000 * tolerance * norm)) return true;
  return false;
}

/** Whether the wanted values are still those that had been accepted, to a few tolerances. */
export function sameValues(accepted: Float64Array, { values, norm }: RitzPairs, count: number, tolerance: number): boolean {
  for (let k = 0; k < count; k++) if (!(Math.abs(values[k] - accepted[k]) <= 10 * tolerance * norm)) return false;
  return true;
}
