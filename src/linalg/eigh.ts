/** @file Symmetric eigendecomposition A = V·diag(λ)·Vᵀ of dense matrices. */

import { checkFinite, checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, dtypeOf, emptyArray, type FloatArray, formatShape, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { checkSymmetric } from './symmetric.ts';

export interface EighOptions {
  /** false: eigenvalues alone, a third of the work; `vectors` is then absent. Default true. */
  readonly vectors?: boolean;
  /** Arithmetic. Default `'f64'`, also for f32 input, because spectra of kernels are ill-conditioned. */
  readonly dtype?: Dtype;
}

export interface Eigenvalues {
  /** Ascending, [n]. */
  readonly values: Float64Array;
}

export interface Eigenvectors extends Eigenvalues {
  /** [n, n], orthonormal columns; column k belongs to values[k]. Shares one ArrayBuffer with `values`. */
  readonly vectors: Tensor;
}

/**
 * Eigenvalues λ (ascending) and orthonormal eigenvectors V of a symmetric matrix, numpy's order: column k ↔ λ[k].
 *
 *   A = V·diag(λ)·Vᵀ
 *
 * Shapes     a [n, n]; reads the lower triangle  →  values [n], vectors [n, n]
 * Units      values in the units of a, vectors dimensionless with norm 1 (their signs are arbitrary, but always the same)
 * Cost       4.7·n³ flops with vectors (less when eigenvalues cluster), 4/3·n³ without, most of them in GEMM; WebAssembly
 *            memory 4·n² f64 with vectors, n² without, and panels of about 150·n
 * Numerics   backward stable: ‖A − VΛVᵀ‖ and ‖I − VᵀV‖ are a small multiple of n·ε; eigenvalues are right to n·ε·‖A‖, so
 *            those far below ε·‖A‖ carry no digits. Scaled internally: entries near overflow and underflow are fine.
 *            The same bits on every runtime.
 *
 * @throws {TangedgeError} ERR_SHAPE not square · ERR_DOMAIN NaN, Inf, not symmetric (the worst entry is named), or an
 *   eigenvalue beyond the largest number · ERR_CONVERGENCE info.converged when QL reached its cap (not seen in practice)
 * @see Golub, Van Loan (2013). Matrix Computations, 4th ed., ch. 8; Gu, Eisenstat (1995). A divide-and-conquer algorithm for
 *   the symmetric tridiagonal eigenproblem. SIAM J. Matrix Anal. Appl. 16(1).
 * @example
 * const { values } = eigh(rt, tensor([2, 2], [2, 1, 1, 2])); // [1, 3]
 */
export function eigh(rt: Runtime, a: Tensor, options: EighOptions & { readonly vectors: false }): Eigenvalues;
export function eigh(rt: Runtime, a: Tensor, options?: EighOptions & { readonly vectors?: true }): Eigenvectors;
export function eigh(rt: Runtime, a: Tensor, options?: EighOptions): Eigenvalues & Partial<Eigenvectors>;
export function eigh(rt: Runtime, a: Tensor, options: EighOptions = {}): Eigenvalues & Partial<Eigenvectors> {
  const { vectors: wantVectors = true, dtype = 'f64' } = options;
  const n = checkSymmetric('eigh', 'a', a);
  const routines = routinesOf(rt, dtype);
  const { arena } = rt;
  checkMemory(rt, n, dtype, wantVectors);

  return arena.frame(() => {
    const aPtr = arena.load(dtype, a.data);
    if (dtype !== dtypeOf(a)) checkFinite('eigh', `a in ${dtype}`, { shape: a.shape, data: arena.view(dtype, aPtr, n * n) });
    const valuesPtr = arena.allocateArray(dtype, n);
    const vectorsPtr = wantVectors ? arena.allocateArray(dtype, n * n) : 0;
    const scratchPtr = arena.allocate(routines.eighScratchBytes(n, wantVectors ? 1 : 0) >>> 0);
    const status = routines.eigh(n, aPtr, valuesPtr, vectorsPtr, scratchPtr);
    if (status !== 0) {
      throw new TangedgeError(
        'ERR_CONVERGENCE',
        `eigh: the eigenvalue ${status} of ${formatShape(a.shape)} did not converge in 30·n sweeps. Please report the matrix.`,
        { converged: status - 1, n },
      );
    }
    const buffer = new ArrayBuffer(n * 8 + (wantVectors ? n * n * bytesOf(dtype) : 0));
    const values = new Float64Array(buffer, 0, n);
    values.set(arena.view(dtype, valuesPtr, n));
    checkFinite('eigh', 'the spectrum', { shape: [n], data: values });
    if (!wantVectors) return { values };
    const data = dtype === 'f64' ? new Float64Array(buffer, n * 8, n * n) : new Float32Array(buffer, n * 8, n * n);
    transposeInto(data, arena.view(dtype, vectorsPtr, n * n), n);
    return { values, vectors: { shape: [n, n], data } };
  });
}

/**
 * The `count` largest eigenvalues, largest first, and their eigenvectors.
 *
 * Shapes     a [n, n]  →  values [count], vectors [n, count]; column k belongs to values[k]
 * Cost       that of the full decomposition, of which it is the end: for large n and small count, not the cheapest way
 *
 * @param count from 1 to n
 * @throws {TangedgeError} as `eigh`; ERR_ARGUMENT when count is not a whole number from 1 to n
 */
export function topEigenpairs(rt: Runtime, a: Tensor, count: number, options: { readonly dtype?: Dtype } = {}): Eigenvectors {
  const n = a.shape[0];
  checkInteger('topEigenpairs', 'count', count, 1, n);
  const all = eigh(rt, a, { dtype: options.dtype });
  const dtype = options.dtype ?? 'f64';
  const values = all.values.slice(n - count).reverse();
  const data = emptyArray(dtype, n * count);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < count; k++) data[i * count + k] = all.vectors.data[i * n + (n - 1 - k)];
  }
  return { values, vectors: { shape: [n, count], data } };
}

/** Refuses a matrix whose decomposition cannot fit, with the whole need, before anything is copied. */
function checkMemory(rt: Runtime, n: number, dtype: Dtype, vectors: boolean): void {
  // A, and with vectors: V, the secular matrix and the gathered rows; for f32 these two and Z are f64.
  const needed = vectors ? 32 * n * n : bytesOf(dtype) * n * n;
  const limit = rt.arena.limit - rt.arena.used;
  if (!(needed <= limit)) {
    throw new TangedgeError(
      'ERR_MEMORY',
      `eigh: a [${n}, ${n}] needs ${needed} bytes of WebAssembly memory, the limit leaves ${limit}. ` +
        `${vectors ? 'Ask for values alone, or raise' : 'Raise'} the memory limit.`,
      { needed, limit },
    );
  }
}

/** out ← xᵀ for x [n, n], in tiles that stay in cache. */
function transposeInto(out: FloatArray, x: FloatArray, n: number): void {
  const tile = 32;
  for (let i0 = 0; i0 < n; i0 += tile) {
    const i1 = Math.min(i0 + tile, n);
    for (let j0 = 0; j0 < n; j0 += tile) {
      const j1 = Math.min(j0 + tile, n);
      for (let i = i0; i < i1; i++) {
        for (let j = j0; j < j1; j++) out[j * n + i] = x[i * n + j];
      }
    }
  }
}
