/** @file Feature quality: how well an estimate of the features (NFM, AGOP) agrees with the target's own (EGOP). */

import { checkInteger, checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, sumOfSquares, type Tensor } from '../core/tensor.ts';
import { matmul } from '../linalg/gemm.ts';
import { topEigenpairs } from '../linalg/top-eigenpairs.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type NfaCorrelationOptions, nfaCorrelation } from './nfa-correlation.ts';

export interface FeatureQualityOptions extends NfaCorrelationOptions {
  /** Leading eigenvectors to compare; default: the numerical rank of the EGOP (eigenvalues above 10⁻¹⁰ of the largest). */
  readonly rank?: number;
}

export interface FeatureQuality {
  /** ρ(features, EGOP): their cosine. 1 when they are proportional. */
  readonly correlation: number;
  /** ‖U_FᵀU_E‖²_F/r: share of the EGOP's leading r-dimensional eigenspace in that of the features. r/d for a random one. */
  readonly subspaceOverlap: number;
  readonly rank: number;
}

/**
 * Quality of features F against the EGOP of the target: correlation, and overlap of the leading eigenspaces. Both are 1 at best.
 *
 * Shapes     features [d, d], egop [d, d], symmetric positive semidefinite
 * Cost       two eigendecompositions of [d, d]
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN, Inf or a zero EGOP · ERR_ARGUMENT for a rank outside 1 … d
 * @see Beaglehole, Mitliagkas, Agarwala (2024). arXiv:2402.05271.
 * @example
 * const { correlation } = featureQuality(rt, tensor([2, 2], [2, 0, 0, 0]), egop({ kind: 'linear', w: [1, 0] }, 2)); // 1
 */
export function featureQuality(rt: Runtime, features: Tensor, expected: Tensor, options: FeatureQualityOptions = {}): FeatureQuality {
  const operation = 'featureQuality';
  const d = checkSquare(operation, 'features', features);
  if (checkSquare(operation, 'egop', expected) !== d) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: features ${formatShape(features.shape)} and egop ${formatShape(expected.shape)} differ.`, {
      features: [...features.shape],
      egop: [...expected.shape],
    });
  }
  const target = topEigenpairs(rt, expected, d);
  if (!(target.values[0] > 0)) throw new TangedgeError('ERR_DOMAIN', `${operation}: the EGOP is zero: the target is constant.`, {});
  const rank = options.rank ?? target.values.filter((value) => value > RANK_THRESHOLD * target.values[0]).length;
  checkInteger(operation, 'rank', rank, 1, d);
  const own = topEigenpairs(rt, features, rank);
  const wanted = firstColumns(target.vectors, rank);
  const subspaceOverlap = sumOfSquares(matmul(rt, own.vectors, wanted, { transposeA: true }).data) / rank;
  return { correlation: nfaCorrelation(rt, features, expected, options), subspaceOverlap, rank };
}

const RANK_THRESHOLD = 1e-10;

function firstColumns({ shape: [rows, columns], data }: Tensor, count: number): Tensor {
  const kept = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) for (let k = 0; k < count; k++) kept[row * count + k] = data[row * columns + k];
  return { shape: [rows, count], data: kept };
}
