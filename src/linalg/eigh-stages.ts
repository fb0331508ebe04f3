/**
 * @file The three stages of the symmetric eigendecomposition A = Q·T·Qᵀ, T = Z·Λ·Zᵀ, V = Q·Z as plain functions, for callers
 * that divide the work: `eigh` runs the same routines in one piece, to the same bits.
 *
 *   tridiagonalize         A → reflectors of Q, T                   4/3·n³ flops, one piece
 *   tridiagonalEigenpairs  T → Λ, rows of Zᵀ                        up to 4/3·n³, 0.55·n³ at n = 1024, one piece
 *   backTransformRows      rows of Zᵀ → columns of V                2·n² a row, any rows in any pieces
 */

import { checkFinite, checkMatrix } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, dtypeOf, emptyArray, type FloatArray, formatShape, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { checkIndices, type IndexRange } from './index-range.ts';
import { checkSymmetric } from './symmetric.ts';

/** T and Q of A·scale = Q·T·Qᵀ. Plain data: it survives a structured clone. */
export interface Tridiagonalization {
  /** Diagonal of T [n]. */
  readonly diagonal: Float64Array;
  /** Subdiagonal of T [n − 1]. */
  readonly offDiagonal: Float64Array;
  /** A power of two, 1 unless entries of A were near overflow or underflow: the eigenvalues of A are those of T over it. */
  readonly scale: number;
  /** [n, n]: row i holds the Householder vector of reflector i, which acts on indices 0 … i − 1. */
  readonly reflectors: Tensor;
  /** Factors of the reflectors [n]. */
  readonly factors: FloatArray;
}

/**
 * Reduces a symmetric matrix to tridiagonal form: A·scale = Q·T·Qᵀ, Q a product of Householder reflectors.
 *
 * Shapes     a [n, n]; reads the lower triangle
 * Cost       4/3·n³ flops, half of them matrix-vector products; WebAssembly memory n² and panels
 *
 * @throws {TangedgeError} ERR_SHAPE not square · ERR_DOMAIN NaN, Inf, not symmetric · ERR_MEMORY
 * @see Dongarra, Sorensen, Hammarling (1989). Block reduction of matrices to condensed forms. J. Comput. Appl. Math. 27.
 * @example
 * const { diagonal } = tridiagonalize(rt, tensor([2, 2], [2, 1, 1, 2])); // [2, 2]
 */
export function tridiagonalize(rt: Runtime, a: Tensor, options: { readonly dtype?: Dtype } = {}): Tridiagonalization {
  const { dtype = 'f64' } = options;
  const n = checkSymmetric('tridiagonalize', 'a', a);
  const { arena } = rt;
  return arena.frame(() => {
    const at = allocateProblem(rt, dtype, n);
    loadRows(rt, dtype, inDtype('tridiagonalize', a, dtype), n, at.aPtr);
    const scale = runTridiagonalize(rt, dtype, n, at);
    return {
      diagonal: arena.read('f64', at.dPtr, n) as Float64Array,
      offDiagonal: arena.read('f64', at.ePtr, Math.max(n - 1, 0)) as Float64Array,
      scale,
      reflectors: { shape: [n, n], data: readRows(rt, dtype, at.aPtr, n, n, emptyArray(dtype, n * n)) },
      factors: arena.read(dtype, at.tauPtr, n),
    };
  });
}

/**
 * Eigenvalues of A (all, or those of `indices`, ascending) and the eigenvectors of T that belong to them, as rows.
 *
 * Shapes     values [k], rows [k, n], in the dtype of the reflectors; computed in f64
 * Cost       up to 4/3·n³ flops, 0.55·n³ at n = 1024, the larger part saved as k → 0; WebAssembly memory 2·n² f64 and panels
 *
 * @throws {TangedgeError} ERR_ARGUMENT bad indices · ERR_CONVERGENCE · ERR_MEMORY
 * @see Gu, Eisenstat (1995). A divide-and-conquer algorithm for the symmetric tridiagonal eigenproblem. SIAM J. Matrix Anal. Appl. 16(1).
 */
export function tridiagonalEigenpairs(
  rt: Runtime,
  tridiagonal: Tridiagonalization,
  options: { readonly indices?: IndexRange } = {},
): { readonly values: Float64Array; readonly rows: Tensor } {
  const { diagonal, offDiagonal, scale, reflectors } = tridiagonal;
  const n = diagonal.length;
  const dtype = dtypeOf(reflectors);
  const [first, last] = checkIndices('tridiagonalEigenpairs', options.indices, n);
  const { arena } = rt;
  return arena.frame(() => {
    const dPtr = arena.load('f64', diagonal);
    const ePtr = arena.allocateArray('f64', n);
    arena.f64(ePtr, n).set(offDiagonal);
    const zPtr = runTridiagonalEigen(rt, dtype, n, dPtr, ePtr, [first, last], 'vectors');
    return {
      values: readValues(rt, dtype, dPtr, [first, last], scale),
      rows: { shape: [last - first, n], data: arena.read(dtype, zPtr, (last - first) * n) },
    };
  });
}

/**
 * Eigenvectors of A from eigenvectors of T: columns of Q·Z from rows of Zᵀ.
 *
 * Each row is transformed by itself: the bits do not depend on how the rows are divided among calls.
 *
 * Shapes     rows [k, n]  →  [n, k]; column j comes from row j
 * Cost       2·n²·k flops, and 2·n²·min(n, 64) for the reflectors, once a call; WebAssembly memory 2·n² + k·n
 *
 * @throws {TangedgeError} ERR_SHAPE rows are not [k, n] · ERR_MEMORY
 * @see Schreiber, Van Loan (1989). A storage-efficient WY representation for products of Householder transformations. SIAM J. Sci. Stat. Comput. 10(1).
 */
export function backTransformRows(rt: Runtime, { reflectors, factors }: Pick<Tridiagonalization, 'reflectors' | 'factors'>, rows: Tensor): Tensor {
  const n = reflectors.shape[0];
  const dtype = dtypeOf(reflectors);
  const [k, columns] = checkMatrix('backTransformRows', 'rows', rows);
  if (columns !== n || k > n) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `backTransformRows: rows ${formatShape(rows.shape)} do not belong to reflectors ${formatShape([n, n])}: they must be at most ${n} rows of ${n}.`,
      { rows: [...rows.shape], n },
    );
  }
  const { arena } = rt;
  return arena.frame(() => {
    const at = allocateProblem(rt, dtype, n);
    loadRows(rt, dtype, reflectors.data, n, at.aPtr);
    arena.view(dtype, at.tauPtr, n).set(factors);
    const uPtr = arena.load(dtype, rows.data);
    runBackTransform(rt, dtype, n, k, at, uPtr);
    return { shape: [n, k], data: readRows(rt, dtype, at.aPtr, n, k, emptyArray(dtype, n * k)) };
  });
}

/** Addresses of A, whose rows are `rowStride` apart, of T's diagonal and subdiagonal (f64) and of the reflectors' factors. */
export interface ProblemAddresses {
  readonly aPtr: number;
  readonly dPtr: number;
  readonly ePtr: number;
  readonly tauPtr: number;
}

/**
 * Elements from row to row of A: an odd number of cache lines, so that rows do not compete for the same places of the cache, and
 * not one line more than whole pages, or else what is stored beside one row looks like what is loaded of the next.
 */
export function rowStride(dtype: Dtype, n: number): number {
  const line = 64 / bytesOf(dtype);
  const lines = Math.ceil(n / line);
  const odd = lines % 2 === 0 ? lines + 1 : lines;
  return (odd % 64 === 1 && odd > 1 ? odd + 2 : odd) * line;
}

export function allocateProblem({ arena }: Runtime, dtype: Dtype, n: number): ProblemAddresses {
  return {
    aPtr: arena.allocateArray(dtype, n * rowStride(dtype, n)),
    dPtr: arena.allocateArray('f64', n),
    ePtr: arena.allocateArray('f64', n),
    tauPtr: arena.allocateArray(dtype, n),
  };
}

/**
 * Bytes of WebAssembly memory that the decomposition holds at its peak, to the byte, while they fit 4 GiB; beyond, at least
 * so many.
 */
export function eighBytes(rt: Runtime, dtype: Dtype, n: number, vectors: boolean, count: number): number {
  const routines = routinesOf(rt, dtype);
  const lines = (bytes: number) => 64 * Math.ceil(bytes / 64);
  const problem = lines(n * rowStride(dtype, n) * bytesOf(dtype)) + 2 * lines(8 * n) + lines(bytesOf(dtype) * n);
  const large = problem + (vectors ? 2 : 0) * lines(8 * n * n);
  if (large > 4294967296) return large; // the routines count in 32 bits
  const reduction = lines(routines.tridiagonalizeScratchBytes(n) >>> 0);
  if (!vectors) return problem + reduction;
  const solution = lines(routines.tridiagonalEigenScratchBytes(n) >>> 0);
  const transformation = lines(routines.backTransformScratchBytes(n, count) >>> 0);
  return problem + Math.max(reduction, lines(8 * n * n) + Math.max(solution, transformation));
}

/** A in the dtype, checked again when it is rounded. */
export function inDtype(operation: string, a: Tensor, dtype: Dtype): FloatArray {
  if (dtype === 'f64' || dtypeOf(a) === dtype) return a.data;
  const data = Float32Array.from(a.data);
  checkFinite(operation, `a in ${dtype}`, { shape: a.shape, data });
  return data;
}

export function loadRows({ arena }: Runtime, dtype: Dtype, data: FloatArray, n: number, aPtr: number): void {
  const stride = rowStride(dtype, n);
  const view = arena.view(dtype, aPtr, n * stride);
  for (let i = 0; i < n; i++) view.set(data.subarray(i * n, (i + 1) * n), i * stride);
}

/** out [n, columns] ← the first columns of the rows at aPtr. */
export function readRows({ arena }: Runtime, dtype: Dtype, aPtr: number, n: number, columns: number, out: FloatArray): FloatArray {
  const stride = rowStride(dtype, n);
  const view = arena.view(dtype, aPtr, n * stride);
  for (let i = 0; i < n; i++) out.set(view.subarray(i * stride, i * stride + columns), i * columns);
  return out;
}

/** Returns the scale. */
export function runTridiagonalize(rt: Runtime, dtype: Dtype, n: number, { aPtr, dPtr, ePtr, tauPtr }: ProblemAddresses): number {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  return arena.frame(() => {
    const scratchPtr = arena.allocate(routines.tridiagonalizeScratchBytes(n) >>> 0);
    return routines.tridiagonalize(n, aPtr, rowStride(dtype, n), dPtr, ePtr, tauPtr, scratchPtr);
  });
}

/** d ← eigenvalues of T, ascending, unscaled. With vectors: returns the address of those of `range`, rows in the dtype. */
export function runTridiagonalEigen(
  rt: Runtime,
  dtype: Dtype,
  n: number,
  dPtr: number,
  ePtr: number,
  [first, last]: IndexRange,
  want: 'vectors' | 'values',
): number {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  const zPtr = want === 'vectors' ? arena.allocateArray('f64', n * n) : 0;
  const status = arena.frame(() => {
    const scratchPtr = want === 'vectors' ? arena.allocate(routines.tridiagonalEigenScratchBytes(n) >>> 0) : 0;
    return routines.tridiagonalEigen(n, dPtr, ePtr, zPtr, first, last, scratchPtr);
  });
  if (status !== 0) {
    throw new TangedgeError(
      'ERR_CONVERGENCE',
      `eigh: the eigenvalue ${status} of ${formatShape([n, n])} did not converge in 30·n sweeps. Please report the matrix.`,
      { converged: status - 1, n },
    );
  }
  return zPtr;
}

/** The columns of V replace A: column j, of n entries, comes from row j of the `rows` at uPtr. */
export function runBackTransform(rt: Runtime, dtype: Dtype, n: number, rows: number, { aPtr, tauPtr }: ProblemAddresses, uPtr: number): void {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  const stride = rowStride(dtype, n);
  arena.frame(() => {
    const scratchPtr = arena.allocate(routines.backTransformScratchBytes(n, rows) >>> 0);
    routines.backTransform(n, rows, aPtr, stride, tauPtr, uPtr, aPtr, stride, scratchPtr);
  });
}

/** Eigenvalues of A from those of T at dPtr, rounded to the dtype. */
export function readValues({ arena }: Runtime, dtype: Dtype, dPtr: number, [first, last]: IndexRange, scale: number): Float64Array {
  const values = arena.f64(dPtr + 8 * first, last - first).slice();
  for (let k = 0; k < values.length; k++) values[k] = dtype === 'f64' ? values[k] / scale : Math.fround(values[k] / scale);
  checkFinite('eigh', 'the spectrum', { shape: [values.length], data: values });
  return values;
}
