/** @file Is a matrix symmetric? The check that eigh, cholesky and everything built on them share. */

import { checkFinite, checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { dtypeOf, EPSILON, type FloatArray, formatShape, type Tensor } from '../core/tensor.ts';

const ASYMMETRY_FACTOR = 64;
const TILE = 32;

/**
 * Throws unless `a` is square, finite and symmetric to rounding: max |A − Aᵀ| ≤ 64·n·ε·max |A|, ε of the dtype `a` is
 * stored in. Returns n.
 *
 * @throws {TangedgeError} ERR_SHAPE not square · ERR_DOMAIN NaN or Inf, or not symmetric (info.index, info.difference,
 *   info.tolerance: the pair of entries that differs most).
 */
export function checkSymmetric(operation: string, name: string, a: Tensor): number {
  const n = checkSquare(operation, name, a);
  const { data } = a;
  if (equalsMirror(data, n)) return n;
  const worst = { largest: 0, difference: 0, row: 0, column: 0, poison: 0 };
  // In tiles: a column of a large matrix misses the cache at every entry.
  for (let i0 = 0; i0 < n; i0 += TILE) {
    for (let j0 = 0; j0 <= i0; j0 += TILE) compareTile(data, n, i0, j0, worst);
  }
  const { largest, difference, row, column } = worst;
  if (!(worst.poison === 0)) checkFinite(operation, name, a);
  const tolerance = ASYMMETRY_FACTOR * n * EPSILON[dtypeOf(a)] * largest;
  if (!(difference <= tolerance / 2)) {
    const lower = data[row * n + column];
    const upper = data[column * n + row];
    throw new TangedgeError(
      'ERR_DOMAIN',
      `${operation}: ${name} ${formatShape(a.shape)} is not symmetric: entry [${row}, ${column}] is ${lower} and entry [${column}, ${row}] is ${upper}, ` +
        `${Math.abs(lower - upper)} apart (tolerance ${tolerance}). Pass a symmetric matrix.`,
      { name, index: [row, column], difference: Math.abs(lower - upper), tolerance },
    );
  }
  return n;
}

/** Whether every entry is finite and its mirror's equal, as a kernel is by construction: the quickest to see. */
function equalsMirror(data: FloatArray, n: number): boolean {
  for (let i0 = 0; i0 < n; i0 += TILE) {
    for (let j0 = 0; j0 <= i0; j0 += TILE) {
      for (let i = i0; i < Math.min(i0 + TILE, n); i++) {
        const end = i * n + Math.min(j0 + TILE, i + 1);
        // NaN, and Inf less Inf, are not 0.
        for (let lower = i * n + j0, upper = j0 * n + i; lower < end; lower++, upper += n) if (data[lower] - data[upper] !== 0) return false;
      }
    }
  }
  return true;
}

interface Worst {
  largest: number;
  difference: number;
  row: number;
  column: number;
  /** 0 while all entries are finite, NaN after one that is not. */
  poison: number;
}

/** Compares the entries of one tile with those of its mirror; the first pair in its order that differs most stays. */
function compareTile(data: FloatArray, n: number, i0: number, j0: number, worst: Worst): void {
  let { largest, difference, poison } = worst;
  for (let i = i0; i < Math.min(i0 + TILE, n); i++) {
    const end = Math.min(j0 + TILE, i + 1);
    for (let j = j0; j < end; j++) {
      const lower = data[i * n + j];
      const upper = data[j * n + i];
      if (lower > largest) largest = lower;
      else if (-lower > largest) largest = -lower;
      // Halves, so that the difference of two entries near the largest number does not overflow.
      const distance = lower / 2 - upper / 2;
      poison += distance * 0;
      if (distance > difference || -distance > difference) {
        difference = Math.abs(distance);
        worst.row = i;
        worst.column = j;
        largest = Math.max(largest, Math.abs(upper));
      }
    }
  }
  worst.largest = largest;
  worst.difference = difference;
  worst.poison = poison;
}
