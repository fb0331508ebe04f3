/** @file Centered kernel alignment (CKA) of two kernels or of two representations, biased and debiased. */

import { checkFinite, checkMatrix, checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { type FloatArray, formatShape, type Tensor } from '../core/tensor.ts';
import { gram } from '../linalg/gram.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { frobeniusInner, positiveNorm } from './frobenius.ts';
import { centerColumns, centerOverSamples } from './sample-kernel.ts';

export interface CkaOptions {
  /**
   * - `'biased'`   cosine of H·K·H and H·L·H; positive for independent kernels of few samples. The default, as in the papers
   * - `'debiased'` the unbiased estimators HSIC₁ in place of HSIC: zero on average for independent kernels; needs n ≥ 4
   */
  readonly estimator?: 'biased' | 'debiased';
}

/**
 * CKA of two kernels on the same samples: the cosine of the centered kernels. 1 when they are proportional after centering.
 *
 *   CKA(K, L) = ⟨H·K·H, H·L·H⟩_F / (‖H·K·H‖_F·‖H·L·H‖_F),   H = I − 11ᵀ/n
 *
 * Shapes     K [n, n], L [n, n]
 * Units      dimensionless; in [0, 1] for positive semidefinite kernels (`'biased'`), in [−1, 1] for `'debiased'`
 * Symmetry   in K and L; unchanged by positive factors and by constants added to a kernel
 * Cost       3 passes over both kernels and a copy of each
 * Numerics   f64, one order of summation
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN, Inf, a constant kernel (0/0), n < 4 for `'debiased'`
 * @see Cortes, Mohri, Rostamizadeh (2012), arXiv:1203.0550; Song et al. (2012), Feature selection via dependence maximization, JMLR 13 (HSIC₁); Nguyen, Raghu, Kornblith (2021), arXiv:2010.15327 (debiased CKA).
 */
export function cka(k: Tensor, l: Tensor, options: CkaOptions = {}): number {
  const operation = 'cka';
  const n = checkSquare(operation, 'k', k);
  if (checkSquare(operation, 'l', l) !== n) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: k ${formatShape(k.shape)} and l ${formatShape(l.shape)} differ: ${n} ≠ ${l.shape[0]}. Use kernels on the same samples.`,
      {
        k: [...k.shape],
        l: [...l.shape],
      },
    );
  }
  checkFinite(operation, 'k', k);
  checkFinite(operation, 'l', l);
  const center = centering(operation, options.estimator ?? 'biased', n);
  const [centeredK, normK] = centeredWithNorm(operation, 'k', k, center, n);
  const [centeredL, normL] = centeredWithNorm(operation, 'l', l, center, n);
  return frobeniusInner(centeredK, centeredL) / normK / normL;
}

/**
 * Linear CKA of two representations of the same samples: `cka(X·Xᵀ, Y·Yᵀ)`.
 *
 *   ‖(H·Y)ᵀ·H·X‖_F² / (‖(H·X)ᵀ·H·X‖_F·‖(H·Y)ᵀ·H·Y‖_F)
 *
 * Shapes     X [n, d1], Y [n, d2]
 * Units      dimensionless, in [0, 1] (`'biased'`)
 * Symmetry   unchanged by orthogonal maps and isotropic scaling of either, and by shifts
 * Cost       n²·(d1 + d2) multiply-adds, 2·n² doubles
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN, Inf, a representation that does not vary (0/0), n < 4 for `'debiased'`
 * @see Kornblith, Norouzi, Lee, Hinton (2019). Similarity of neural network representations revisited. arXiv:1905.00414.
 */
export function linearCka(rt: Runtime, x: Tensor, y: Tensor, options: CkaOptions = {}): number {
  const operation = 'linearCka';
  const [n, d1] = checkMatrix(operation, 'x', x);
  const [rowsOfY, d2] = checkMatrix(operation, 'y', y);
  if (rowsOfY !== n) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: x ${formatShape(x.shape)} and y ${formatShape(y.shape)} have different samples: ${n} ≠ ${rowsOfY}.`,
      {
        x: [...x.shape],
        y: [...y.shape],
      },
    );
  }
  return cka(centeredGram(rt, operation, 'x', x, n, d1), centeredGram(rt, operation, 'y', y, n, d2), options);
}

/** H·X·Xᵀ·H: centering the features first loses nothing to a large mean. Both estimators ignore what it subtracts. */
function centeredGram(rt: Runtime, operation: string, name: string, x: Tensor, n: number, d: number): Tensor {
  checkFinite(operation, name, x);
  const constant = `${name} ${formatShape(x.shape)} is the same for every sample`;
  const centered = centerColumns(x.data, n, d);
  positiveNorm(operation, constant, centered, n * Number.EPSILON * Math.sqrt(frobeniusInner(x.data, x.data)));
  return gram(rt, { shape: [n, d], data: centered });
}

type Center = (kernel: FloatArray, n: number) => Float64Array;

function centering(operation: string, estimator: 'biased' | 'debiased', n: number): Center {
  switch (estimator) {
    case 'biased':
      return (kernel) => centerOverSamples(kernel, n, 1);
    case 'debiased':
      if (n < 4) {
        throw new TangedgeError('ERR_DOMAIN', `${operation}: the debiased estimator needs 4 samples or more; there are ${n}. Use 'biased'.`, { n });
      }
      return uCenter;
    default:
      estimator satisfies never;
      throw new TangedgeError('ERR_ARGUMENT', `${operation}: estimator is ${estimator}; it must be 'biased' or 'debiased'.`, { estimator });
  }
}

function centeredWithNorm(operation: string, name: string, kernel: Tensor, center: Center, n: number): [Float64Array, number] {
  const centered = center(kernel.data, n);
  const rounding = n * Number.EPSILON * Math.sqrt(frobeniusInner(kernel.data, kernel.data));
  return [centered, positiveNorm(operation, `${name} ${formatShape(kernel.shape)} is constant over samples`, centered, rounding)];
}

/**
 * U-centering: zero diagonal, and every row and column sums to zero. HSIC₁(K, L) = ⟨uCenter(K), uCenter(L)⟩/(n(n − 3)).
 *
 * Székely, Rizzo (2014). Partial distance correlation with methods for dissimilarities. arXiv:1310.2926 (the U-centered matrix).
 */
function uCenter(kernel: FloatArray, n: number): Float64Array {
  const rowSums = new Float64Array(n);
  const columnSums = new Float64Array(n);
  let total = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j) continue;
      rowSums[i] += kernel[i * n + j];
      columnSums[j] += kernel[i * n + j];
    }
    total += rowSums[i];
  }
  const centered = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j) continue;
      centered[i * n + j] = kernel[i * n + j] - (rowSums[i] + columnSums[j]) / (n - 2) + total / ((n - 1) * (n - 2));
    }
  }
  return centered;
}
