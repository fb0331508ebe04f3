/** @file Frobenius inner products, norms and cosines in f64, in one order of summation, with 0/0 refused instead of NaN. */

import { TangedgeError } from '../core/errors.ts';
import { type FloatArray, largestMagnitude } from '../core/tensor.ts';

/** Terms of a partial sum; partial sums are added in order. The order depends on the length alone. */
const RUN = 512;

/** Σ a[i]·b[i] in f64. */
export function frobeniusInner(a: FloatArray, b: FloatArray): number {
  let total = 0;
  for (let start = 0; start < a.length; start += RUN) {
    const end = Math.min(start + RUN, a.length);
    let partial = 0;
    for (let i = start; i < end; i++) partial += a[i] * b[i];
    total += partial;
  }
  return total;
}

/**
 * ‖a‖_F, where zero, overflow and underflow of the squares are errors.
 *
 * @param floor norms up to this count as zero (rounding left by a subtraction)
 * @param zero  how the error says what is zero: “kernel [3, 3] is zero”
 * @throws {TangedgeError} ERR_DOMAIN
 */
export function positiveNorm(operation: string, zero: string, a: FloatArray, floor = 0): number {
  const squared = frobeniusInner(a, a);
  const norm = Math.sqrt(squared);
  const inRange = squared >= SMALLEST_SQUARED_NORM && squared < Number.POSITIVE_INFINITY;
  if (norm > floor && inRange) return norm;
  const largest = largestMagnitude(a);
  if (largest === 0 || (floor > 0 && norm <= floor)) {
    throw new TangedgeError('ERR_DOMAIN', `${operation}: ${zero}, so its cosine with anything is 0/0. Give one that varies.`, { norm, floor });
  }
  throw new TangedgeError(
    'ERR_DOMAIN',
    `${operation}: the squares of entries up to ${largest} leave the range of a double. Rescale the input; the result does not depend on scale.`,
    { largest },
  );
}

/** Below this the terms of the squared norm are subnormal and have lost digits. */
const SMALLEST_SQUARED_NORM = 1e-290;
