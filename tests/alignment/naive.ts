/** @file Independent, obvious versions of what src/alignment computes: whole matrices, no shortcuts. Imports nothing from src but types. */

import type { Tensor } from 'tangedge';

export type Matrix = number[][];

/** Plain numbers as a Tensor [rows, columns]. */
export function matrixTensor(rows: Matrix): Tensor {
  return { shape: [rows.length, rows[0]?.length ?? 0], data: Float64Array.from(rows.flat()) };
}

export function rowsOf({ shape: [rows, columns], data }: Tensor): Matrix {
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)));
}

export function transpose(a: Matrix): Matrix {
  return a[0].map((_, j) => a.map((row) => row[j]));
}

export function multiply(a: Matrix, b: Matrix): Matrix {
  return a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));
}

export function inner(a: Matrix, b: Matrix): number {
  return a.reduce((sum, row, i) => sum + row.reduce((part, value, j) => part + value * b[i][j], 0), 0);
}

export function cosine(a: Matrix, b: Matrix): number {
  return inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b));
}

export function identity(n: number): Matrix {
  return Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
}

/** Kronecker product. */
export function kronecker(a: Matrix, b: Matrix): Matrix {
  return a.flatMap((rowA) => b.map((rowB) => rowA.flatMap((x) => rowB.map((y) => x * y))));
}

/** H ⊗ I_c applied from both sides, by matrix products. */
export function center(k: Matrix, c = 1): Matrix {
  const n = k.length / c;
  const h = kronecker(
    identity(n).map((row) => row.map((value) => value - 1 / n)),
    identity(c),
  );
  return multiply(multiply(h, k), h);
}

/** A⁻¹ by Gauss–Jordan elimination with row pivoting. */
export function inverse(a: Matrix): Matrix {
  const n = a.length;
  const work = a.map((row, i) => [...row, ...identity(n)[i]]);
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column; row < n; row++) if (Math.abs(work[row][column]) > Math.abs(work[pivot][column])) pivot = row;
    [work[column], work[pivot]] = [work[pivot], work[column]];
    const scale = work[column][column];
    work[column] = work[column].map((value) => value / scale);
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = work[row][column];
      work[row] = work[row].map((value, j) => value - factor * work[column][j]);
    }
  }
  return work.map((row) => row.slice(n));
}

/** Seeded numbers in [−1, 1): a 32-bit linear congruential generator, enough for test data. */
export function randomMatrix(seed: number, rows: number, columns: number): Matrix {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const next = () => {
    for (let i = 0; i < 2; i++) state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return Array.from({ length: rows }, () => Array.from({ length: columns }, next));
}

/** Orthogonal [n, n]: Gram–Schmidt, twice, on random columns. */
export function randomOrthogonal(seed: number, n: number): Matrix {
  const rows = randomMatrix(seed, n, n);
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const projection = rows[i].reduce((sum, value, k) => sum + value * rows[j][k], 0);
        rows[i] = rows[i].map((value, k) => value - projection * rows[j][k]);
      }
      const norm = Math.sqrt(rows[i].reduce((sum, value) => sum + value * value, 0));
      rows[i] = rows[i].map((value) => value / norm);
    }
  }
  return rows;
}

/** A·Aᵀ of random A [n, rank]: positive semidefinite. */
export function randomKernel(seed: number, n: number, rank = n): Matrix {
  const a = randomMatrix(seed, n, rank);
  return multiply(a, transpose(a));
}

/** Σ λ_k·u_k·u_kᵀ for the columns u_k of v. */
export function fromEigenpairs(values: ArrayLike<number>, v: Matrix): Matrix {
  return multiply(
    v.map((row) => row.map((x, k) => x * values[k])),
    transpose(v),
  );
}

/** max|a_i − b_i|; Infinity for another length or NaN, so that it fails every bound. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= Number.MAX_VALUE)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, difference);
  }
  return largest;
}
