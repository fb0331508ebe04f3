/** @file A kernel beside its targets: which of the accepted layouts it has, and both as plain matrices. */

import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { type FloatArray, formatShape, type Tensor } from '../core/tensor.ts';
import { blockMatrix } from '../linalg/block-matrix.ts';

/**
 * Targets as a matrix, [n, c] row-major.
 *
 * `[n]` is one output.
 */
export interface Targets {
  readonly n: number;
  readonly c: number;
  readonly data: FloatArray;
}

/**
 * A kernel matrix [m, m] and target columns [m, q] of the same row order.
 *
 *   [n, n]                        m = n,    blockSize 1, the c targets are q = c columns: compared with Y·Yᵀ
 *   [n, n, c, c] or [n·c, n·c]    m = n·c,  blockSize c, row i·c + a, q = 1 column vec(Y): compared with vec(Y)·vec(Y)ᵀ
 */
export interface SampleKernel {
  readonly m: number;
  readonly blockSize: number;
  readonly kernel: FloatArray;
  readonly q: number;
  readonly targets: FloatArray;
}

/** @throws {TangedgeError} ERR_SHAPE unless targets are [n] or [n, c] · ERR_DOMAIN when empty, NaN or Inf. */
export function readTargets(operation: string, targets: Tensor): Targets {
  const { shape, data } = targets;
  if (shape.length !== 1 && shape.length !== 2) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: targets have shape ${formatShape(shape)}; they must be [n] or [n, c].`, {
      targets: [...shape],
    });
  }
  if (data.length === 0) {
    throw new TangedgeError('ERR_DOMAIN', `${operation}: targets ${formatShape(shape)} are empty. Give at least one sample.`, {
      targets: [...shape],
    });
  }
  checkFinite(operation, 'targets', targets);
  return { n: shape[0], c: shape.length === 2 ? shape[1] : 1, data };
}

/**
 * Pairs a kernel with targets.
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN, Inf or no samples.
 */
export function readSampleKernel(operation: string, kernel: Tensor, targets: Tensor): SampleKernel {
  const { n, c, data } = readTargets(operation, targets);
  const { shape } = kernel;
  const square = shape.length === 2 && shape[0] === shape[1];
  const blocks = shape.length === 4 && shape[0] === n && shape[1] === n && shape[2] === c && shape[3] === c;
  if (!blocks && !(square && (shape[0] === n || shape[0] === n * c))) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: kernel ${formatShape(shape)} and targets ${formatShape(targets.shape)} do not fit: ` +
        `${n} samples with ${c} outputs need a kernel ${formatShape([n, n])}, ${formatShape([n, n, c, c])} or ${formatShape([n * c, n * c])}.`,
      { kernel: [...shape], targets: [...targets.shape] },
    );
  }
  checkFinite(operation, 'kernel', kernel);
  if (square && shape[0] === n) return { m: n, blockSize: 1, kernel: kernel.data, q: c, targets: data };
  return { m: n * c, blockSize: c, kernel: blocks ? blockMatrix(kernel).data : kernel.data, q: 1, targets: data };
}

/** H·K·H with H = (I_n − 11ᵀ/n) ⊗ I_blockSize: the mean over samples leaves every output block. Exactly symmetric when K is. */
export function centerOverSamples(kernel: FloatArray, m: number, blockSize: number): Float64Array {
  const n = m / blockSize;
  // rowSums[a, j]: over the rows i·blockSize + a; columnSums[i, b] alike; both in the order of the samples
  const rowSums = new Float64Array(blockSize * m);
  const columnSums = new Float64Array(m * blockSize);
  for (let i = 0; i < m; i++) {
    const a = i % blockSize;
    for (let j = 0; j < m; j++) {
      rowSums[a * m + j] += kernel[i * m + j];
      columnSums[i * blockSize + (j % blockSize)] += kernel[i * m + j];
    }
  }
  // Half from the rows and half from the columns, so that [a, b] and [b, a] of a symmetric kernel are the same sum.
  const ofRows = new Float64Array(blockSize * blockSize);
  const ofColumns = new Float64Array(blockSize * blockSize);
  for (let i = 0; i < m; i++) {
    const a = i % blockSize;
    for (let b = 0; b < blockSize; b++) {
      ofColumns[a * blockSize + b] += columnSums[i * blockSize + b];
      ofRows[b * blockSize + a] += rowSums[b * m + i];
    }
  }
  const grandMeans = ofRows.map((sum, at) => (sum + ofColumns[at]) / 2 / n);
  const centered = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    const a = i % blockSize;
    for (let j = 0; j < m; j++) {
      const b = j % blockSize;
      const means = (rowSums[a * m + j] + columnSums[i * blockSize + b]) / n;
      centered[i * m + j] = kernel[i * m + j] - means + grandMeans[a * blockSize + b] / n;
    }
  }
  return centered;
}

/** H·Y: columns of [n, c] minus their means. */
export function centerColumns(data: FloatArray, n: number, c: number): Float64Array {
  const means = new Float64Array(c);
  for (let i = 0; i < n; i++) for (let a = 0; a < c; a++) means[a] += data[i * c + a];
  const centered = new Float64Array(n * c);
  for (let i = 0; i < n; i++) for (let a = 0; a < c; a++) centered[i * c + a] = data[i * c + a] - means[a] / n;
  return centered;
}
