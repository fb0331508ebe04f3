/** @file Centering of kernels in feature space: H·K·H with H = I − 11ᵀ/n. */

import { checkFinite, checkMatrix } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { dtypeOf, emptyArray, formatShape, type Tensor } from '../core/tensor.ts';

/**
 * The kernel of centered features, H·K·H with H = I − 11ᵀ/n: rows and columns of the result sum to zero.
 *
 *   (H·K·H)[i, j] = K[i, j] − mean of row i − mean of column j + mean of all
 *
 * Shapes     k [n1, n2]  →  [n1, n2]; between two sets of inputs each side is centered by its own mean
 * Symmetry   exact when k is exactly symmetric
 * Cost       4·n1·n2 flops
 * Numerics   means in f64 in index order; the result in the dtype of k
 *
 * @throws {TangedgeError} ERR_SHAPE when k is not a matrix · ERR_DOMAIN for NaN, Inf or an empty kernel
 * @see Cortes, Mohri, Rostamizadeh (2012). Algorithms for Learning Kernels Based on Centered Alignment. arXiv:1203.0550.
 */
export function centerKernel(k: Tensor): Tensor {
  const [n1, n2] = checkMatrix('centerKernel', 'k', k);
  if (n1 === 0 || n2 === 0) {
    throw new TangedgeError('ERR_DOMAIN', `centerKernel: k ${formatShape(k.shape)} is empty; it has no mean.`, { shape: [...k.shape] });
  }
  checkFinite('centerKernel', 'k', k);
  const { data } = k;
  const rowMeans = new Float64Array(n1);
  const columnMeans = new Float64Array(n2);
  for (let i = 0; i < n1; i++) {
    for (let j = 0; j < n2; j++) {
      const entry = data[i * n2 + j];
      rowMeans[i] += entry;
      columnMeans[j] += entry;
    }
  }
  let mean = 0;
  for (let i = 0; i < n1; i++) {
    rowMeans[i] /= n2;
    mean += rowMeans[i];
  }
  mean /= n1;
  for (let j = 0; j < n2; j++) columnMeans[j] /= n1;

  const out = emptyArray(dtypeOf(k), n1 * n2);
  for (let i = 0; i < n1; i++) {
    // The two means are added first: i and j then enter alike, and a symmetric kernel stays exactly symmetric.
    for (let j = 0; j < n2; j++) out[i * n2 + j] = data[i * n2 + j] - (rowMeans[i] + columnMeans[j]) + mean;
  }
  return { shape: [n1, n2], data: out };
}
