/**
 * @file Effective ranks of a spectrum, each by its own name. All are dimensionless and do not depend on the scale of λ.
 *
 * They take eigenvalues in any order, as eigh returns them. Rounding leaves tiny negative eigenvalues on a positive
 * semidefinite matrix; the functions that need λ ≥ 0 (entropy, thresholds on λ, effective dimension) take those of at
 * most n·2^−23·λmax in size as zero (`clampRoundingNegatives`) and refuse larger ones. The others clamp nothing.
 */

import { TangedgeError } from '../core/errors.ts';
import { EPSILON } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';

/** 2^−23, the rounding of single precision: kernels computed in f32 have negative eigenvalues of this relative size. */
const ROUNDING = EPSILON.f32;

/**
 * Participation ratio (Σλ)²/Σλ²: n for n equal eigenvalues, 1 for a single one.
 *
 * @throws {TangedgeError} ERR_DOMAIN empty, NaN, Inf, or all zero
 * @example
 * participationRatio(Float64Array.of(1, 1, 1, 0)); // 3
 */
export function participationRatio(values: Float64Array): number {
  const { scale } = checkSpectrum('participationRatio', values);
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    const scaled = value / scale;
    sum += scaled;
    squares += scaled * scaled;
  }
  return (sum * sum) / squares;
}

/**
 * Stable rank ‖A‖²_F/‖A‖²₂ = Σλ²/max λ² of a symmetric matrix with these eigenvalues (for singular values σ of any
 * matrix: Σσ²/σ²max).
 *
 * @throws {TangedgeError} ERR_DOMAIN empty, NaN, Inf, or all zero
 */
export function stableRank(values: Float64Array): number {
  const { scale } = checkSpectrum('stableRank', values);
  let squares = 0;
  for (const value of values) squares += (value / scale) * (value / scale);
  return squares;
}

/**
 * Intrinsic dimension tr A/‖A‖₂ = Σλ/max |λ| of a positive semidefinite matrix. Golden `stable_rank` of a Gram matrix is this.
 *
 * @throws {TangedgeError} ERR_DOMAIN empty, NaN, Inf, or all zero
 */
export function intrinsicDimension(values: Float64Array): number {
  const { scale } = checkSpectrum('intrinsicDimension', values);
  let sum = 0;
  for (const value of values) sum += value / scale;
  return sum;
}

/**
 * Effective rank exp(−Σ p·ln p) with p = λ/Σλ: the exponential of the spectrum's entropy, 0·ln 0 = 0.
 *
 * @throws {TangedgeError} ERR_DOMAIN empty, NaN, Inf, all zero, or a negative eigenvalue beyond rounding
 * @see Roy, Vetterli (2007). The effective rank: a measure of effective dimensionality. EUSIPCO.
 */
export function effectiveRank(rt: Runtime, values: Float64Array): number {
  const { values: clamped } = clampRoundingNegatives(values, 'effectiveRank');
  let sum = 0;
  for (const value of clamped) sum += value;
  const p = clamped
    .filter((value) => value > 0)
    .map((value) => value / sum)
    .filter((share) => share > 0);
  const { arena } = rt;
  return arena.frame(() => {
    const pPtr = arena.load('f64', p);
    const logPtr = arena.allocateArray('f64', p.length);
    rt.f64.log(p.length, pPtr, logPtr);
    const logs = arena.f64(logPtr, p.length);
    let entropy = 0;
    for (let i = 0; i < p.length; i++) entropy -= p[i] * logs[i];
    const out = arena.f64(pPtr, 1);
    out[0] = entropy;
    rt.f64.exp(1, pPtr, pPtr);
    return out[0];
  });
}

export interface RankAtThresholdOptions {
  /** Share that has to be reached, between 0 and 1. Default 0.95. */
  readonly threshold?: number;
  /** What is summed: `'values'` λ (default), or `'squares'` λ², which is what kpflow sums. */
  readonly of?: 'values' | 'squares';
  /**
   * `'none'` (default): the smallest k. `'kpflow'`: the fractional variant of kpflow's batched_cov_and_pcs,
   * k + (threshold − s₍ₖ₋₁₎)/(s₍ₖ₎ − s₍ₖ₋₁₎) with s₍ₖ₎ the share of the k largest and k the first whose share exceeds
   * the threshold: between k and k + 1, so one more than linear interpolation of the shares would give.
   */
  readonly interpolation?: 'none' | 'kpflow';
}

/**
 * Rank at a threshold: the smallest k whose k largest eigenvalues hold at least `threshold` of Σλ (or Σλ²).
 *
 * @throws {TangedgeError} ERR_ARGUMENT threshold outside (0, 1] (kpflow: outside (0, 1)) · ERR_DOMAIN as effectiveRank
 * @example
 * rankAtThreshold(Float64Array.of(8, 1, 1), { threshold: 0.9 }); // 2
 */
export function rankAtThreshold(values: Float64Array, options: RankAtThresholdOptions = {}): number {
  const { threshold = 0.95, of = 'values', interpolation = 'none' } = options;
  if (!(threshold > 0 && (threshold < 1 || (threshold === 1 && interpolation === 'none')))) {
    throw new TangedgeError('ERR_ARGUMENT', `rankAtThreshold: threshold is ${threshold}; it must lie between 0 and 1.`, { threshold });
  }
  const weights = descendingWeights(values, of);
  let sum = 0;
  for (const weight of weights) sum += weight;
  const goal = threshold * sum;
  let held = 0;
  for (let k = 1; k <= weights.length; k++) {
    const before = held;
    held += weights[k - 1];
    if (interpolation === 'none' ? held >= goal : held > goal) {
      return interpolation === 'none' ? k : k + (goal - before) / (held - before);
    }
  }
  return weights.length; // threshold 1: the same sum, unless threshold·sum was rounded up
}

/** λ or λ², largest first. */
function descendingWeights(values: Float64Array, of: 'values' | 'squares'): Float64Array {
  if (of === 'values') return clampRoundingNegatives(values, 'rankAtThreshold').values.sort().reverse();
  const { scale } = checkSpectrum('rankAtThreshold', values);
  return values
    .map((value) => (value / scale) * (value / scale))
    .sort()
    .reverse();
}

/**
 * Effective dimension (degrees of freedom of ridge regression) Σ λ/(λ + λ₀), λ₀ in the units of λ.
 *
 * @param lambda0 the ridge, greater than 0
 * @throws {TangedgeError} ERR_ARGUMENT lambda0 not positive · ERR_DOMAIN as effectiveRank
 * @see Zhang (2005). Learning bounds for kernel regression using effective data dimensionality; Caponnetto, De Vito (2007).
 */
export function effectiveDimension(values: Float64Array, lambda0: number): number {
  if (!(lambda0 > 0 && lambda0 < Infinity)) {
    throw new TangedgeError('ERR_ARGUMENT', `effectiveDimension: lambda0 is ${lambda0}; it must be a finite number greater than 0.`, { lambda0 });
  }
  let sum = 0;
  for (const value of clampRoundingNegatives(values, 'effectiveDimension').values) sum += 1 / (1 + lambda0 / value);
  return sum;
}

export interface ClampedSpectrum {
  /** The eigenvalues, negative ones replaced by 0. A copy. */
  readonly values: Float64Array;
  /** How many were negative. */
  readonly clamped: number;
  /** The most negative of them; 0 when there was none. */
  readonly mostNegative: number;
}

/**
 * Eigenvalues of a positive semidefinite matrix with rounding's negative ones set to 0, and how many there were.
 *
 * @param operation who errors name
 * @throws {TangedgeError} ERR_DOMAIN when one is below −n·2^−23·λmax: then the matrix is not positive semidefinite
 */
export function clampRoundingNegatives(values: Float64Array, operation = 'clampRoundingNegatives'): ClampedSpectrum {
  const { largest } = checkSpectrum(operation, values);
  const tolerance = values.length * ROUNDING * largest;
  let clamped = 0;
  let mostNegative = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < 0) {
      clamped++;
      mostNegative = Math.min(mostNegative, values[i]);
    }
  }
  if (!(-mostNegative <= tolerance)) {
    throw new TangedgeError(
      'ERR_DOMAIN',
      `${operation}: the eigenvalue ${mostNegative} is negative beyond rounding (tolerance ${-tolerance}): the matrix is not positive semidefinite.`,
      { mostNegative, tolerance },
    );
  }
  return { values: values.map((value) => Math.max(value, 0)), clamped, mostNegative };
}

/** Refuses a spectrum that has no rank; returns max λ and max |λ|. */
function checkSpectrum(operation: string, values: Float64Array): { largest: number; scale: number } {
  let largest = -Infinity;
  let scale = 0;
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new TangedgeError('ERR_DOMAIN', `${operation}: eigenvalue ${i} of ${values.length} is ${values[i]}.`, { index: [i], value: values[i] });
    }
    largest = Math.max(largest, values[i]);
    scale = Math.max(scale, Math.abs(values[i]));
  }
  if (!(scale > 0)) {
    const what = values.length === 0 ? 'there are no eigenvalues' : `all ${values.length} eigenvalues are 0`;
    throw new TangedgeError('ERR_DOMAIN', `${operation}: ${what}: the rank is not defined.`, { n: values.length });
  }
  return { largest, scale };
}
