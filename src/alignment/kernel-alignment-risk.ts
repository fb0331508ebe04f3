/** @file The kernel alignment risk estimator (KARE): test error of kernel ridge regression, predicted from training data alone. */

import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Eigenvectors } from '../linalg/eigh.ts';
import { squaredProjections } from './eigenvector-alignment.ts';
import { frobeniusInner } from './frobenius.ts';
import { readTargets } from './sample-kernel.ts';

/**
 * KARE: predicted squared test error per sample, summed over outputs, of kernel ridge regression with ridge λ on K/n.
 *
 *   KARE(λ) = (1/n)·tr(Yᵀ·(K/n + λ·I)⁻²·Y) / ((1/n)·tr (K/n + λ·I)⁻¹)²
 *
 * The same number as generalized cross-validation of that predictor.
 *
 * Shapes     eigenpairs of K [n, n]: values [n], vectors [n, n]; targets [n] or [n, c]. For a full kernel n counts its n·c rows
 * Units      (target unit)²; λ in units of K/n
 * Cost       n²·c multiply-adds once the eigenpairs are known: scanning λ is cheap
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN when an eigenvalue of K/n + λ·I is not positive
 * @see Jacot, Şimşek, Spadaro, Hongler, Gabriel (2020). Kernel alignment risk estimator. arXiv:2006.09796.
 */
export function kernelAlignmentRisk(eigenpairs: Eigenvectors, targets: Tensor, ridge: number): number {
  const operation = 'kernelAlignmentRisk';
  const { values } = eigenpairs;
  const fractions = squaredProjections(operation, eigenpairs, targets);
  const m = eigenpairs.vectors.shape[0];
  if (values.length !== m) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: ${values.length} eigenpairs of a kernel with ${m} rows: all ${m} are needed.`, {
      pairs: values.length,
      m,
    });
  }
  let fit = 0;
  let trace = 0;
  for (let k = 0; k < m; k++) {
    const regularized = values[k] / m + ridge;
    if (!(regularized > 0 && regularized < Number.POSITIVE_INFINITY)) {
      throw new TangedgeError(
        'ERR_DOMAIN',
        `${operation}: eigenvalue ${k} of K/n + λ·I is ${regularized} (ridge ${ridge}); it must be positive. Give a larger ridge.`,
        { index: k, value: regularized, ridge },
      );
    }
    fit += fractions[k] / regularized / regularized;
    trace += 1 / regularized;
  }
  const { data } = readTargets(operation, targets);
  const meanTrace = trace / m;
  return (fit * frobeniusInner(data, data)) / m / (meanTrace * meanTrace);
}
