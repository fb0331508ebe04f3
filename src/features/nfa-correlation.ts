/** @file Correlations of the neural feature ansatz (NFA): how far WᵀW and the AGOP, or their changes in training, are proportional. */

import { checkFinite, checkMatrix, checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { castTensor, differences, type FloatArray, formatShape, largestMagnitude, sameShape, type Tensor } from '../core/tensor.ts';
import { psdPower } from '../linalg/psd-power.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { congruence } from './congruence.ts';
import { nfmOf } from './nfm.ts';

export interface NfaCorrelationOptions {
  /** Subtract each matrix's mean entry first (Pearson's form, as in the authors' code); default false: the plain cosine, as in the paper. */
  readonly centerEntries?: boolean;
  /** Power of the AGOP: 1, or 1/2 as in 2212.13881's experiments. Default 1. */
  readonly power?: number;
}

/**
 * Correlation ρ of a neural feature matrix and an AGOP (UC-NFA when they are a weight's): a number in [−1, 1], free of scale.
 *
 *   ρ(F, G) = tr(Fᵀ·Gˢ) / (‖F‖_F·‖Gˢ‖_F),   s = `power`
 *
 * Shapes     F [i, i], G [i, i]
 * Units      dimensionless; in [0, 1] for positive semidefinite matrices without `centerEntries`; NaN where a matrix is zero (0/0), by convention
 * Cost       i² multiply-adds; about 10·i³ flops for a power other than 1
 * Numerics   f64. A power below 1 magnifies the rounding of a singular G: error about (ε·‖G‖)ˢ
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN, Inf, or a power of a matrix that is not positive semidefinite · ERR_ARGUMENT for power ≤ 0
 * @see Radhakrishnan et al. (2022). arXiv:2212.13881; Beaglehole, Mitliagkas, Agarwala (2024). arXiv:2402.05271.
 * @example
 * const rho = nfaCorrelation(rt, tensor([2, 2], [4, 0, 0, 0]), tensor([2, 2], [3, 0, 0, 0])); // 1
 */
export function nfaCorrelation(rt: Runtime, nfm: Tensor, agop: Tensor, options: NfaCorrelationOptions = {}): number {
  const operation = 'nfaCorrelation';
  const { centerEntries = false, power = 1 } = options;
  const i = checkSquare(operation, 'nfm', nfm);
  if (checkSquare(operation, 'agop', agop) !== i) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: nfm ${formatShape(nfm.shape)} and agop ${formatShape(agop.shape)} differ: ${i} ≠ ${agop.shape[0]}.`,
      {
        nfm: [...nfm.shape],
        agop: [...agop.shape],
      },
    );
  }
  checkFinite(operation, 'nfm', nfm);
  checkFinite(operation, 'agop', agop);
  const raised = power === 1 ? agop : psdPower(rt, agop, power).power;
  return centerEntries ? cosine(minusMean(nfm.data), minusMean(raised.data)) : cosine(nfm.data, raised.data);
}

/** A weight as used, its value before training, and the PTK covariance now. */
export interface WeightMotion {
  /** W [h, i], with the factor of its parameterization. */
  readonly weight: Tensor;
  /** W₀ [h, i]. */
  readonly initial: Tensor;
  /** K [h, h], as `ptkCovariance`. */
  readonly ptkCovariance: Tensor;
}

/**
 * Centered NFA correlation (C-NFA): ρ for the change of a weight, W̄ = W − W₀, with the current covariance K.
 *
 *   ρ(W̄ᵀW̄, W̄ᵀ·K·W̄)
 *
 * Units      as `nfaCorrelation`; NaN where the weight has not moved (0/0), by convention
 * Cost       h·i·(h + 2i) multiply-adds
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN or Inf · ERR_ARGUMENT for power ≤ 0
 * @see Beaglehole, Mitliagkas, Agarwala (2024). arXiv:2402.05271.
 */
export function centeredNfaCorrelation(rt: Runtime, motion: WeightMotion, options: NfaCorrelationOptions = {}): number {
  const change = weightChange('centeredNfaCorrelation', motion);
  return nfaCorrelation(rt, nfmOf(rt, change), congruence(rt, change, motion.ptkCovariance), options);
}

/**
 * Dominance ratio: the share of ⟨NFM, AGOP⟩ that is due to the change of the weight. 0 before training, near 1 when the change has taken over.
 *
 *   tr(W̄ᵀW̄ · W̄ᵀ·K·W̄) / tr(WᵀW · Wᵀ·K·W)
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN or Inf
 * @see Beaglehole, Mitliagkas, Agarwala (2024). arXiv:2402.05271.
 */
export function nfaDominance(rt: Runtime, motion: WeightMotion): number {
  const change = weightChange('nfaDominance', motion);
  const weight = castTensor(motion.weight, 'f64');
  const k = motion.ptkCovariance;
  return inner(nfmOf(rt, change).data, congruence(rt, change, k).data) / inner(nfmOf(rt, weight).data, congruence(rt, weight, k).data);
}

/**
 * Relative change of a weight: ‖W − W₀‖_F / ‖W₀‖_F.
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN or Inf, or W₀ = 0
 */
export function relativeWeightChange(weight: Tensor, initial: Tensor): number {
  const operation = 'relativeWeightChange';
  checkPair(operation, weight, initial);
  let moved = 0;
  for (let i = 0; i < weight.data.length; i++) moved += (weight.data[i] - initial.data[i]) * (weight.data[i] - initial.data[i]);
  const before = inner(initial.data, initial.data);
  if (!(before > 0)) {
    throw new TangedgeError(
      'ERR_DOMAIN',
      `${operation}: the initial weight ${formatShape(initial.shape)} is zero; a change relative to it is undefined.`,
      {},
    );
  }
  return Math.sqrt(moved / before);
}

/** W̄ = W − W₀ in f64. */
function weightChange(operation: string, { weight, initial, ptkCovariance }: WeightMotion): Tensor {
  checkPair(operation, weight, initial);
  const h = checkSquare(operation, 'ptkCovariance', ptkCovariance);
  const [rows] = checkMatrix(operation, 'weight', weight);
  if (rows !== h) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: weight ${formatShape(weight.shape)} and ptkCovariance ${formatShape(ptkCovariance.shape)} do not fit: ${rows} ≠ ${h}.`,
      {
        weight: [...weight.shape],
        ptkCovariance: [...ptkCovariance.shape],
      },
    );
  }
  return { shape: [...weight.shape], data: differences(weight.data, initial.data) };
}

function checkPair(operation: string, weight: Tensor, initial: Tensor): void {
  if (!sameShape(weight.shape, initial.shape)) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: weight ${formatShape(weight.shape)} and initial weight ${formatShape(initial.shape)} differ. Use two checkpoints of one model.`,
      {
        weight: [...weight.shape],
        initial: [...initial.shape],
      },
    );
  }
  checkFinite(operation, 'weight', weight);
  checkFinite(operation, 'initial weight', initial);
}

/** The matrix minus its mean entry; exactly zero where only rounding is left. */
function minusMean(a: FloatArray): Float64Array {
  let sum = 0;
  let magnitude = 0;
  for (let i = 0; i < a.length; i++) {
    sum += a[i];
    magnitude += Math.abs(a[i]);
  }
  const mean = sum / a.length;
  const rounding = magnitude * Number.EPSILON;
  const centered = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] - mean;
    centered[i] = Math.abs(difference) <= rounding ? 0 : difference;
  }
  return centered;
}

/** Cosine in the Frobenius inner product; NaN when a norm is 0. Scaled first, so that no square leaves the range of a double. */
function cosine(a: FloatArray, b: FloatArray): number {
  const [unitA, unitB] = [largestMagnitude(a), largestMagnitude(b)];
  return inner(a, b, unitA, unitB) / Math.sqrt(inner(a, a, unitA, unitA)) / Math.sqrt(inner(b, b, unitB, unitB));
}

/** Σ (a/unitA)·(b/unitB), partial sums of one row's length first. */
function inner(a: FloatArray, b: FloatArray, unitA = 1, unitB = 1): number {
  const run = Math.ceil(Math.sqrt(a.length));
  let total = 0;
  for (let start = 0; start < a.length; start += run) {
    const end = Math.min(start + run, a.length);
    let partial = 0;
    for (let i = start; i < end; i++) partial += (a[i] / unitA) * (b[i] / unitB);
    total += partial;
  }
  return total;
}
