/** @file Ritz pairs: eigenpairs of a symmetric operator projected onto a basis, H = Yᵀ·Θ·Y, and what is judged from them. */

import type { Runtime } from '../wasm/runtime.ts';
import { allocateProblem, loadRows, readValues, rowStride, runBackTransform, runTridiagonalEigen, runTridiagonalize } from './eigh-stages.ts';

export interface RitzPairs {
  /** Θ [size], largest first. */
  readonly values: Float64Array;
  /** Y [wanted, size]: row k, the coefficients of the Ritz vector that belongs to values[k]. */
  readonly rows: Float64Array;
  /** The largest |θ|. */
  readonly norm: number;
}

/** All values and the first `wanted` vectors of the leading [size, size] of h, symmetric and finite, `stride` entries a row. */
export function ritzPairs(rt: Runtime, h: Float64Array, size: number, stride: number, wanted: number): RitzPairs {
  const count = Math.min(wanted, size);
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) data.set(h.subarray(i * stride, i * stride + size), i * size);
  return rt.arena.frame(() => {
    const at = allocateProblem(rt, 'f64', size);
    loadRows(rt, 'f64', data, size, at.aPtr);
    const scale = runTridiagonalize(rt, 'f64', size, at);
    const zPtr = runTridiagonalEigen(rt, 'f64', size, at.dPtr, at.ePtr, [size - count, size], 'vectors');
    const values = readValues(rt, 'f64', at.dPtr, [0, size], scale).reverse();
    runBackTransform(rt, 'f64', size, count, at, zPtr);
    const step = rowStride('f64', size);
    const columns = rt.arena.f64(at.aPtr, size * step);
    const rows = new Float64Array(count * size);
    for (let k = 0; k < count; k++) for (let i = 0; i < size; i++) rows[k * size + i] = columns[i * step + (count - 1 - k)];
    return { values, rows, norm: Math.max(Math.abs(values[0]), Math.abs(values[size - 1])) };
  });
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
