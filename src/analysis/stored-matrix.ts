/** @file StoredMatrix: a matrix made small enough to keep in a report and to draw. */

import type { Tensor } from '../core/tensor.ts';
import { encodeFloat32 } from './base64.ts';
import type { StoredMatrix } from './report.ts';

/** Most rows of a kernel that a report keeps: more samples are thinned out evenly, because a mean would hide the diagonal. */
export const KERNEL_ROWS = 512;

/** Most rows of a feature matrix that a report keeps: more are averaged in blocks of neighbors, which pixels and channels allow. */
export const FEATURE_ROWS = 256;

/** Positions 0 … n − 1, or `limit` of them evenly spaced: the middle of each of `limit` equal parts. */
export function evenlySpaced(n: number, limit: number): number[] {
  if (n <= limit) return Array.from({ length: n }, (_, i) => i);
  return Array.from({ length: limit }, (_, i) => Math.floor(((2 * i + 1) * n) / (2 * limit)));
}

/** The entries of some rows and the same columns of a square matrix, in that order. */
export function storeSelected({ shape, data }: Tensor, rows: readonly number[]): StoredMatrix {
  const n = shape[0];
  const values = new Float64Array(rows.length * rows.length);
  rows.forEach((row, i) => {
    rows.forEach((column, j) => {
      values[i * rows.length + j] = data[row * n + column];
    });
  });
  return {
    shape: [rows.length, rows.length],
    of: [n, n],
    sampling: rows.length === n ? 'exact' : 'selected',
    dtype: 'f32',
    base64: encodeFloat32(values),
  };
}

/** A square matrix, or the means of its blocks when it has more than `limit` rows. */
export function storeAveraged({ shape, data }: Tensor, limit = FEATURE_ROWS): StoredMatrix {
  const n = shape[0];
  if (n <= limit) return { shape: [n, n], of: [n, n], sampling: 'exact', dtype: 'f32', base64: encodeFloat32(data) };
  const starts = Array.from({ length: limit + 1 }, (_, block) => Math.floor((block * n) / limit));
  const values = new Float64Array(limit * limit);
  for (let p = 0; p < limit; p++) {
    for (let q = 0; q < limit; q++) {
      let sum = 0;
      for (let i = starts[p]; i < starts[p + 1]; i++) for (let j = starts[q]; j < starts[q + 1]; j++) sum += data[i * n + j];
      values[p * limit + q] = sum / ((starts[p + 1] - starts[p]) * (starts[q + 1] - starts[q]));
    }
  }
  return { shape: [limit, limit], of: [n, n], sampling: 'block-mean', dtype: 'f32', base64: encodeFloat32(values) };
}
