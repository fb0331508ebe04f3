/** @file The largest eigenpairs of a symmetric matrix or operator: block Lanczos, or the direct decomposition where that is faster. */

import { checkInteger, checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, dtypeOf, emptyArray, type FloatArray, formatShape, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type BlockProduct, blockLanczos, lanczosBytes } from './block-lanczos.ts';
import { type Eigenvectors, eigh } from './eigh.ts';
import { inDtype } from './eigh-stages.ts';
import { matmul } from './gemm.ts';
import type { LinearOperator } from './linear-operator.ts';
import { checkSymmetric } from './symmetric.ts';

/** Below this size the direct decomposition takes a few milliseconds. */
const SMALL = 160;
/** Asking for more than n/MANY pairs, and products with more than n/BUDGET vectors, cost about as much as the direct decomposition. */
const MANY = 10;
const BUDGET = 2;
const TOLERANCE = { f64: 1e-10, f32: 1e-5 } as const;
/** Rows of a matrix that are packed at a time, a multiple of a panel; those of 2048 columns stay in L2. */
const PACKED_ROWS = 32;
/** Vectors of a block: as many as the product has in its registers. */
const BLOCK = { f64: 4, f32: 8 } as const;

export interface TopEigenpairsOptions {
  /** Arithmetic. Default `'f64'`. */
  readonly dtype?: Dtype;
  /** Largest residual ‖A·v − λ·v‖ of a pair, relative to the largest |λ|. Default 1e-10, for f32 1e-5. */
  readonly tolerance?: number;
  /** `'auto'`: block Lanczos, and direct for small matrices, many pairs and flat spectra. Default `'auto'`. */
  readonly method?: 'auto' | 'lanczos' | 'direct';
  /** Of the random start vectors. Default 0. */
  readonly seed?: number;
}

export interface TopEigenpairs extends Eigenvectors {
  /** What was used. `'direct'` under `'auto'` on a large matrix: the spectrum is too flat for block Lanczos to pay. */
  readonly method: 'lanczos' | 'direct';
  /** ‖A·v − λ·v‖₂ per pair [count], in the units of the values. */
  readonly residuals: Float64Array;
  /** Blocks of vectors multiplied by A until the pairs had converged, or it was given up. */
  readonly iterations: number;
}

/**
 * The `count` largest eigenvalues (algebraically), largest first, and their eigenvectors.
 *
 * From nothing, in blocks; to follow few pairs of a changing operator from where they were, or the smallest, `extremalEigenpairs`.
 *
 * Shapes     a [n, n]  →  values [count], vectors [n, count], residuals [count]; column k belongs to values[k]
 * Cost       2·n² flops a vector that is multiplied by A: 3 to 5 times `count` vectors for the spectra of kernels, which
 *            decay; half of the matrix is read for every four vectors (f32: eight). WebAssembly memory n²/2 and about
 *            max(240, 8·count)·n. Flat spectra: n/2 vectors are tried, then the direct decomposition of the pairs asked for. A
 *            LinearOperator that needs it is formed by n products, in 3·n² f64.
 * Numerics   residuals are at most tolerance·max |λ|, eigenvalues then right to that, far better where they stand apart; equal
 *            and close eigenvalues come with all their vectors (where as many agree as a block has vectors, a random block looks
 *            for copies that were missed). The same bits on every runtime.
 *
 * @param a a symmetric matrix, or a LinearOperator that is symmetric
 * @param count from 1 to n
 * @throws {TangedgeError} as `eigh`; ERR_ARGUMENT bad count, tolerance or seed · ERR_DOMAIN the operator is not symmetric ·
 *   ERR_CONVERGENCE with method `'lanczos'`: not converged after products with n vectors
 * @see Wu, Simon (2000). Thick-restart Lanczos method for large symmetric eigenvalue problems. SIAM J. Matrix Anal. Appl. 22(2).
 * @example
 * const { values } = topEigenpairs(rt, tensor([2, 2], [2, 1, 1, 2]), 1); // [3]
 */
export function topEigenpairs(rt: Runtime, a: Tensor | LinearOperator, count: number, options: TopEigenpairsOptions = {}): TopEigenpairs {
  const { dtype = 'f64', tolerance = TOLERANCE[dtype], method = 'auto', seed = 0 } = options;
  const n = isOperator(a) ? squareOperator(a) : checkSquare('topEigenpairs', 'a', a);
  checkInteger('topEigenpairs', 'count', count, 1, n);
  checkInteger('topEigenpairs', 'seed', seed, 0);
  if (!(tolerance > 0 && tolerance < 1)) {
    throw new TangedgeError('ERR_ARGUMENT', `topEigenpairs: tolerance is ${tolerance}; it must be between 0 and 1.`, { tolerance });
  }
  const direct = method === 'direct' || (method === 'auto' && (n <= SMALL || count > n / MANY));
  const block = Math.min(n, BLOCK[dtype]);
  const budget = method === 'lanczos' || isOperator(a) ? 2 * n : Math.floor(n / BUDGET);
  const found = direct
    ? undefined
    : withProduct(rt, a, dtype, n, lanczosBytes(rt, n, dtype, count, block), (product) =>
        blockLanczos(rt, dtype, n, product, { count, block, tolerance, budget, seed }),
      );
  if (found) {
    const { values, rows, residuals, iterations } = found;
    return { ...pairs(dtype, n, values, (data) => transposeRows(rows, count, n, data)), method: 'lanczos', residuals, iterations };
  }
  if (method === 'lanczos') {
    throw new TangedgeError(
      'ERR_CONVERGENCE',
      `topEigenpairs: ${count} pairs of ${formatShape([n, n])} have not converged to ${tolerance} after products with ${budget} vectors. Use method 'auto', or a larger tolerance.`,
      { count, n, tolerance, budget },
    );
  }
  return directPairs(rt, isOperator(a) ? formed(a, dtype) : a, n, count, dtype, direct ? 0 : Math.floor(budget / block));
}

/** The end of the direct decomposition, largest first, with its residuals. */
function directPairs(rt: Runtime, a: Tensor, n: number, count: number, dtype: Dtype, iterations: number): TopEigenpairs {
  const top = eigh(rt, a, { dtype, indices: [n - count, n] });
  const values = top.values.slice().reverse();
  const result = pairs(dtype, n, values, (data) => {
    for (let i = 0; i < n; i++) for (let k = 0; k < count; k++) data[i * count + k] = top.vectors.data[i * count + (count - 1 - k)];
  });
  const image = matmul(rt, a, { shape: [n, count], data: Float64Array.from(result.vectors.data) }).data;
  const squares = new Float64Array(count);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < count; k++) {
      const difference = image[i * count + k] - values[k] * result.vectors.data[i * count + k];
      squares[k] += difference * difference;
    }
  }
  return { ...result, method: 'direct', residuals: squares.map(Math.sqrt), iterations };
}

/** Values and vectors in one buffer. */
function pairs(dtype: Dtype, n: number, values: Float64Array, fill: (data: FloatArray) => void): Eigenvectors {
  const count = values.length;
  const buffer = new ArrayBuffer(count * 8 + n * count * bytesOf(dtype));
  const copy = new Float64Array(buffer, 0, count);
  copy.set(values);
  const data = dtype === 'f64' ? new Float64Array(buffer, count * 8, n * count) : new Float32Array(buffer, count * 8, n * count);
  fill(data);
  return { values: copy, vectors: { shape: [n, count], data } };
}

/** Runs `body` with X ← X·A on rows in WebAssembly memory; half of a matrix is in memory meanwhile. Refuses before anything is copied. */
function withProduct<T>(rt: Runtime, a: Tensor | LinearOperator, dtype: Dtype, n: number, bytes: number, body: (product: BlockProduct) => T): T {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  const scratchBytes = isOperator(a) ? 0 : routines.symmetricProductScratchBytes(n) >>> 0;
  const tilesBytes = isOperator(a) ? 0 : routines.symmetricTilesBytes(n) >>> 0;
  const packingBytes = isOperator(a) ? 0 : Math.min(PACKED_ROWS, n) * n * bytesOf(dtype);
  const needed = tilesBytes + Math.max(packingBytes, scratchBytes + bytes);
  const limit = arena.limit - arena.used;
  if (!(needed <= limit)) {
    throw new TangedgeError(
      'ERR_MEMORY',
      `topEigenpairs: a [${n}, ${n}] needs ${needed} bytes of WebAssembly memory, the limit leaves ${limit}. Raise the memory limit${isOperator(a) ? ' or ask for fewer pairs' : ', or pass a LinearOperator'}.`,
      { needed, limit },
    );
  }
  return arena.frame(() => {
    if (isOperator(a)) return body((rows, xPtr, outPtr) => multiplyOperator(rt, a, dtype, n, rows, xPtr, outPtr));
    const tilesPtr = arena.allocate(tilesBytes);
    packTiles(rt, dtype, a, n, tilesPtr);
    const scratchPtr = arena.allocate(scratchBytes);
    return body((rows, xPtr, outPtr) => routines.symmetricProduct(n, rows, tilesPtr, xPtr, outPtr, scratchPtr));
  });
}

/** The lower triangle of the matrix, packed, and found symmetric: it passes through memory PACKED_ROWS rows at a time. */
function packTiles(rt: Runtime, dtype: Dtype, a: Tensor, n: number, tilesPtr: number): void {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  if (dtypeOf(a) !== dtype) checkSymmetric('topEigenpairs', 'a', a); // rounding would hide a difference
  const data = inDtype('topEigenpairs', a, dtype);
  const differing = arena.frame(() => {
    const rowsPtr = arena.allocateArray(dtype, Math.min(PACKED_ROWS, n) * n);
    let count = 0;
    for (let first = 0; first < n; first += PACKED_ROWS) {
      const rows = Math.min(PACKED_ROWS, n - first);
      arena.view(dtype, rowsPtr, rows * n).set(data.subarray(first * n, (first + rows) * n));
      count += routines.packSymmetricRows(n, first, rows, rowsPtr, n, tilesPtr);
    }
    return count;
  });
  if (differing > 0) checkSymmetric('topEigenpairs', 'a', a); // to rounding?
}

function multiplyOperator(rt: Runtime, a: LinearOperator, dtype: Dtype, n: number, rows: number, xPtr: number, outPtr: number): void {
  const x = emptyArray(dtype, n * rows);
  transposeRows(rt.arena.view(dtype, xPtr, rows * n), rows, n, x);
  const image = a.apply({ shape: [n, rows], data: x }).data;
  transposeRows(image, n, rows, rt.arena.view(dtype, outPtr, rows * n));
}

/** The operator's matrix, its symmetric part: n products. */
function formed(a: LinearOperator, dtype: Dtype): Tensor {
  const n = a.rows;
  const data = emptyArray(dtype, n * n);
  const step = 64;
  for (let c0 = 0; c0 < n; c0 += step) {
    const width = Math.min(step, n - c0);
    const unit = emptyArray(dtype, n * width);
    for (let c = 0; c < width; c++) unit[(c0 + c) * width + c] = 1;
    const image = a.apply({ shape: [n, width], data: unit }).data;
    for (let i = 0; i < n; i++) for (let c = 0; c < width; c++) data[i * n + c0 + c] = image[i * width + c];
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) data[i * n + j] = data[j * n + i] = (data[i * n + j] + data[j * n + i]) / 2;
  }
  return { shape: [n, n], data };
}

/** out [columns, rows] ← xᵀ for x [rows, columns]. */
function transposeRows(x: FloatArray, rows: number, columns: number, out: FloatArray): void {
  for (let c = 0; c < columns; c++) for (let r = 0; r < rows; r++) out[c * rows + r] = x[r * columns + c];
}

function isOperator(a: Tensor | LinearOperator): a is LinearOperator {
  return 'apply' in a;
}

function squareOperator({ rows, cols }: LinearOperator): number {
  if (rows !== cols) {
    throw new TangedgeError('ERR_SHAPE', `topEigenpairs: the operator is ${formatShape([rows, cols])}; it must be square: ${rows} ≠ ${cols}.`, {
      rows,
      cols,
    });
  }
  return rows;
}
