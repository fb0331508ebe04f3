/** @file How much of the targets lies along each eigenvector of a kernel, per eigenspace and cumulated; and what shifts between two kernels. */

import { checkFinite, checkMatrix } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import type { Eigenvectors } from '../linalg/eigh.ts';
import { frobeniusInner, positiveNorm } from './frobenius.ts';
import { readTargets } from './sample-kernel.ts';

/** Eigenvectors whose eigenvalues are equal within rounding: only the space they span is determined. */
export interface Eigenspace {
  /** Mean of its eigenvalues. */
  readonly value: number;
  readonly multiplicity: number;
  /** Positions of its members, counted from the largest eigenvalue. */
  readonly indices: readonly number[];
  /** Σ c_k over its members: |projection of Y|² / |Y|², whatever basis the eigensolver chose. */
  readonly alignment: number;
  /** Alignment of this and all larger eigenspaces. */
  readonly cumulative: number;
}

export interface EigenvectorAlignment {
  /** Eigenvalues, largest first. */
  readonly values: Float64Array;
  /** c_k per eigenvector, in the order of `values`; inside an eigenspace it depends on the basis. */
  readonly alignments: Float64Array;
  /** c_0 + … + c_k. */
  readonly cumulative: Float64Array;
  readonly eigenspaces: readonly Eigenspace[];
}

export interface EigenvectorAlignmentOptions {
  /**
   * Neighbouring eigenvalues closer than rtol·max|λ| are one eigenspace. Default 100·m·ε: the gap below which rounding in
   * an eigensolver may turn the vectors into each other by a percent. For a kernel computed in f32 pass 1e-5 or so.
   */
  readonly rtol?: number;
}

/**
 * Alignment of the targets with each eigenvector, c_k = |u_kᵀ·Y|²/|Y|², largest eigenvalue first. Fractions: all m of them sum to 1.
 *
 * Shapes     values [k], vectors [m, k], ascending as from `eigh` or descending as from `topEigenpairs`; targets [n] or [n, c]: m = n, or
 *            m = n·c with rows i·c + a (then Y is vec(Y))
 * Units      dimensionless, in [0, 1]
 * Symmetry   per eigenspace: unchanged by another basis of a degenerate eigenspace, and by a rotation of the outputs
 * Cost       m·k·c multiply-adds
 * Numerics   f64, samples summed in order
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN, Inf, zero targets, or values in no order · ERR_ARGUMENT for rtol
 * @see Cristianini et al. (2001). On kernel-target alignment. NeurIPS 14. Fractions per eigenvector after arXiv:2507.12837.
 * @example
 * const identity = tensor([2, 2], [1, 0, 0, 1]);
 * const { alignments } = eigenvectorAlignment({ values: Float64Array.of(1, 3), vectors: identity }, tensor([2], [0, 5])); // [1, 0]
 */
export function eigenvectorAlignment(eigenpairs: Eigenvectors, targets: Tensor, options: EigenvectorAlignmentOptions = {}): EigenvectorAlignment {
  const operation = 'eigenvectorAlignment';
  const pairs = eigenpairs.values.length;
  const projections = squaredProjections(operation, eigenpairs, targets);
  const { rtol = 100 * eigenpairs.vectors.shape[0] * Number.EPSILON } = options;
  if (!(rtol >= 0)) throw new TangedgeError('ERR_ARGUMENT', `${operation}: rtol is ${rtol}; it must be at least 0.`, { rtol });

  const values = new Float64Array(pairs);
  const alignments = new Float64Array(pairs);
  const cumulative = new Float64Array(pairs);
  let sum = 0;
  for (let k = 0; k < pairs; k++) {
    const from = isAscending(eigenpairs.values) ? pairs - 1 - k : k;
    values[k] = eigenpairs.values[from];
    alignments[k] = projections[from];
    sum += alignments[k];
    cumulative[k] = sum;
  }
  return { values, alignments, cumulative, eigenspaces: groupEigenspaces(values, alignments, cumulative, rtol) };
}

/**
 * Kernel-target alignment from eigenpairs: Σ λ_k·c_k / ‖λ‖₂ for one target. Equal to `kernelTargetAlignment` of the kernel they belong to.
 *
 *   KTA = Σ_k λ_k·|u_kᵀ·Y|² / (‖λ‖₂·‖Y·Yᵀ‖_F)
 *
 * Shapes     as `eigenvectorAlignment`, and all m eigenpairs
 * Cost       m²·c multiply-adds, against m³ for the eigenpairs: for when those are at hand
 *
 * @throws {TangedgeError} as `eigenvectorAlignment`; ERR_SHAPE when eigenpairs are missing · ERR_DOMAIN when every eigenvalue is 0
 */
export function spectralKernelTargetAlignment(eigenpairs: Eigenvectors, targets: Tensor): number {
  const operation = 'spectralKernelTargetAlignment';
  const { values, vectors } = eigenpairs;
  const fractions = squaredProjections(operation, eigenpairs, targets);
  const m = vectors.shape[0];
  if (values.length !== m) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: ${values.length} eigenpairs of a kernel ${formatShape([m, m])} do not fix its norm; all ${m} are needed.`,
      {
        pairs: values.length,
        m,
      },
    );
  }
  const spectrumNorm = positiveNorm(operation, 'every eigenvalue is zero', values);
  const { n, c, data } = readTargets(operation, targets);
  if (m !== n) return frobeniusInner(values, fractions) / spectrumNorm;
  // |Y|²/‖Y·Yᵀ‖_F, which is 1 for one output; ‖Y·Yᵀ‖_F = ‖Yᵀ·Y‖_F
  const norm = positiveNorm(operation, 'the targets are zero', data);
  const gram = new Float64Array(c * c);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < c; a++) for (let b = 0; b < c; b++) gram[a * c + b] += (data[i * c + a] / norm) * (data[i * c + b] / norm);
  }
  return frobeniusInner(values, fractions) / spectrumNorm / Math.sqrt(frobeniusInner(gram, gram));
}

/** How the alignment of one kernel differs from another's, eigenvector by eigenvector, largest first. */
export interface AlignmentShift {
  /** after − before, per position; inside an eigenspace every member counts with the eigenspace's mean. */
  readonly alignments: Float64Array;
  /** The same of the cumulative alignment: what the top k + 1 eigenvectors have gained. */
  readonly cumulative: Float64Array;
  /** Σ k·c_k / Σ c_k with k = 1 for the largest eigenvalue: low when the targets lie along the top. */
  readonly centerOfMassBefore: number;
  readonly centerOfMassAfter: number;
}

/**
 * What moves between two kernels on the same samples (initial and trained, small and large learning rate), in fractions of |Y|².
 *
 * @throws {TangedgeError} ERR_SHAPE when they have different numbers of eigenvectors · ERR_DOMAIN when one has no alignment at all
 * @see arXiv:2507.12837 (alignment shift).
 */
export function alignmentShift(before: EigenvectorAlignment, after: EigenvectorAlignment): AlignmentShift {
  if (before.values.length !== after.values.length) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `alignmentShift: ${before.values.length} eigenvectors before and ${after.values.length} after: ${before.values.length} ≠ ${after.values.length}. Use kernels on the same samples.`,
      { before: before.values.length, after: after.values.length },
    );
  }
  const c0 = eigenspaceMeans(before);
  const c1 = eigenspaceMeans(after);
  const alignments = c1.map((c, k) => c - c0[k]);
  const cumulative = new Float64Array(alignments.length);
  let sum = 0;
  alignments.forEach((difference, k) => {
    sum += difference;
    cumulative[k] = sum;
  });
  return { alignments, cumulative, centerOfMassBefore: centerOfMass(c0), centerOfMassAfter: centerOfMass(c1) };
}

/** |u_kᵀ·Y|²/|Y|² in the order of the values; checks everything that its callers share. */
export function squaredProjections(operation: string, { values, vectors }: Eigenvectors, targets: Tensor): Float64Array {
  const { n, c, data } = readTargets(operation, targets);
  const [m, pairs] = checkMatrix(operation, 'vectors', vectors);
  if (pairs !== values.length || (m !== n && m !== n * c)) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: vectors ${formatShape(vectors.shape)}, ${values.length} values and targets ${formatShape(targets.shape)} do not fit: ` +
        `vectors must be ${formatShape([n, values.length])} or, for a full kernel, ${formatShape([n * c, values.length])}.`,
      { vectors: [...vectors.shape], values: values.length, targets: [...targets.shape] },
    );
  }
  checkFinite(operation, 'vectors', vectors);
  checkFinite(operation, 'values', { shape: [pairs], data: values });
  const step = isAscending(values) ? 1 : -1;
  for (let k = 1; k < pairs; k++) {
    if (step * (values[k] - values[k - 1]) < 0) {
      throw new TangedgeError(
        'ERR_DOMAIN',
        `${operation}: values neither ascend nor descend: value ${k} is ${values[k]}, after ${values[k - 1]}. Pass eigenpairs as eigh returns them.`,
        { index: k, value: values[k] },
      );
    }
  }
  const norm = positiveNorm(operation, `targets ${formatShape(targets.shape)} are zero`, data);
  const columns = (n * c) / m;
  const products = new Float64Array(columns * pairs);
  for (let i = 0; i < m; i++) {
    for (let a = 0; a < columns; a++) {
      const y = data[i * columns + a] / norm;
      for (let k = 0; k < pairs; k++) products[a * pairs + k] += vectors.data[i * pairs + k] * y;
    }
  }
  const squares = new Float64Array(pairs);
  for (let a = 0; a < columns; a++) {
    for (let k = 0; k < pairs; k++) squares[k] += products[a * pairs + k] * products[a * pairs + k];
  }
  return squares;
}

function isAscending(values: Float64Array): boolean {
  return values.length === 0 || values[0] <= values[values.length - 1];
}

/** Runs of eigenvalues (largest first) whose neighbours are closer than rtol·max|λ|. */
function groupEigenspaces(values: Float64Array, alignments: Float64Array, cumulative: Float64Array, rtol: number): Eigenspace[] {
  const pairs = values.length;
  const scale = pairs === 0 ? 0 : Math.max(Math.abs(values[0]), Math.abs(values[pairs - 1]));
  const eigenspaces: Eigenspace[] = [];
  for (let start = 0, end = 0; start < pairs; start = end) {
    end = start + 1;
    while (end < pairs && values[end - 1] - values[end] <= rtol * scale) end++;
    let value = 0;
    let alignment = 0;
    const indices: number[] = [];
    for (let k = start; k < end; k++) {
      value += values[k] / (end - start);
      alignment += alignments[k];
      indices.push(k);
    }
    eigenspaces.push({ value, multiplicity: end - start, indices, alignment, cumulative: cumulative[end - 1] });
  }
  return eigenspaces;
}

function eigenspaceMeans({ values, eigenspaces }: EigenvectorAlignment): Float64Array {
  const means = new Float64Array(values.length);
  for (const { indices, multiplicity, alignment } of eigenspaces) for (const k of indices) means[k] = alignment / multiplicity;
  return means;
}

function centerOfMass(alignments: Float64Array): number {
  let mass = 0;
  let moment = 0;
  alignments.forEach((c, k) => {
    mass += c;
    moment += (k + 1) * c;
  });
  if (!(mass > 0)) {
    throw new TangedgeError('ERR_DOMAIN', 'alignmentShift: the eigenvectors carry no alignment, so its center of mass is 0/0. Pass all eigenpairs.', {
      mass,
    });
  }
  return moment / mass;
}
