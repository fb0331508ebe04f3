/** @file Symmetric eigendecomposition A = V·diag(λ)·Vᵀ of dense matrices. */

import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import {
  allocateProblem,
  eighBytes,
  inDtype,
  loadRows,
  readRows,
  readValues,
  runBackTransform,
  runTridiagonalEigen,
  runTridiagonalize,
} from './eigh-stages.ts';
import { checkIndices, type IndexRange } from './index-range.ts';
import { checkSymmetric } from './symmetric.ts';

export interface EighOptions {
  /** false: eigenvalues alone, a third of the work; `vectors` is then absent. Default true. */
  readonly vectors?: boolean;
  /** Arithmetic. Default `'f64'`, also for f32 input, because spectra of kernels are ill-conditioned. */
  readonly dtype?: Dtype;
  /**
   * [first, last): only the eigenpairs at these positions of the ascending order; [n − 10, n] are the ten largest. Their
   * bits are those of the whole decomposition. Up to half of the work is saved. Default all.
   */
  readonly indices?: IndexRange;
}

export interface Eigenvalues {
  /** Ascending, [k]: k = n unless `indices` or a count say less. */
  readonly values: Float64Array;
}

export interface Eigenvectors extends Eigenvalues {
  /** [n, k], orthonormal columns; column j belongs to values[j]. Shares one ArrayBuffer with `values`. */
  readonly vectors: Tensor;
}

/**
 * Eigenvalues λ (ascending) and orthonormal eigenvectors V of a symmetric matrix, numpy's order: column k ↔ λ[k].
 *
 *   A = V·diag(λ)·Vᵀ
 *
 * Shapes     a [n, n]; reads the lower triangle  →  values [n], vectors [n, n]; with `indices` [k] and [n, k]
 * Units      values in the units of a, vectors dimensionless with norm 1 (their signs are arbitrary, but always the same)
 * Cost       with vectors 4.7·n³ flops at n = 128, 3.9·n³ at n = 1024, falling towards 10/3·n³ (less when eigenvalues cluster);
 *            4/3·n³ without; most of them in GEMM; WebAssembly memory 3·n² f64 with vectors, n² without, and panels of about 1000·n
 * Numerics   backward stable: ‖A − VΛVᵀ‖ and ‖I − VᵀV‖ are a small multiple of n·ε; eigenvalues are right to n·ε·‖A‖, so
 *            those far below ε·‖A‖ carry no digits. Scaled internally: entries near overflow and underflow are fine.
 *            The same bits on every runtime.
 *
 * @throws {TangedgeError} ERR_SHAPE not square · ERR_DOMAIN NaN, Inf, not symmetric (the worst entry is named), or an
 *   eigenvalue beyond the largest number · ERR_CONVERGENCE info.converged when QL reached its cap (not seen in practice) ·
 *   ERR_MEMORY with the whole need, before anything is allocated · ERR_ARGUMENT bad indices
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
  const [first, last] = checkIndices('eigh', options.indices, n);
  const count = last - first;
  checkMemory(rt, n, dtype, wantVectors, count);
  const data = inDtype('eigh', a, dtype);

  return rt.arena.frame(() => {
    const at = allocateProblem(rt, dtype, n);
    loadRows(rt, dtype, data, n, at.aPtr);
    const scale = runTridiagonalize(rt, dtype, n, at);
    const zPtr = runTridiagonalEigen(rt, dtype, n, at.dPtr, at.ePtr, [first, last], wantVectors ? 'vectors' : 'values');
    if (!wantVectors) return { values: readValues(rt, dtype, at.dPtr, [first, last], scale) };
    const buffer = new ArrayBuffer(count * 8 + n * count * bytesOf(dtype));
    const values = new Float64Array(buffer, 0, count);
    values.set(readValues(rt, dtype, at.dPtr, [first, last], scale));
    runBackTransform(rt, dtype, n, count, at, zPtr);
    const out = dtype === 'f64' ? new Float64Array(buffer, count * 8, n * count) : new Float32Array(buffer, count * 8, n * count);
    return { values, vectors: { shape: [n, count], data: readRows(rt, dtype, at.aPtr, n, count, out) } };
  });
}

/** Refuses a matrix whose decomposition cannot fit, with the whole need, before anything is copied. */
function checkMemory(rt: Runtime, n: number, dtype: Dtype, vectors: boolean, count: number): void {
  const needed = eighBytes(rt, dtype, n, vectors, count);
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
