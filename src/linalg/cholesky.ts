/** @file Cholesky factorization A = L·Lᵀ of symmetric positive definite matrices. */

import { TangedgeError } from '../core/errors.ts';
import { dtypeOf, formatShape, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { checkSymmetric } from './symmetric.ts';

const JITTER_GROWTH = 10;
const MAX_ATTEMPTS = 12;

export interface CholeskyOptions {
  /**
   * What may be added to the diagonal when A is not positive definite to rounding, as a fraction of the mean diagonal
   * entry, tr(A)/n: tried after the plain attempt, then 10 times as much, and so on, at most 12 attempts.
   * Default 0: nothing is ever added, and such a matrix is an error.
   */
  readonly jitter?: number;
}

export interface CholeskyFactor {
  /** L [n, n], lower triangular (zeros above), positive diagonal, in the dtype of a. */
  readonly factor: Tensor;
  /** What was added to each diagonal entry, in the units of a; 0 when nothing was. */
  readonly jitter: number;
  /** Factorizations tried, 1 when nothing was added. */
  readonly attempts: number;
}

/**
 * Cholesky factor L of a symmetric positive definite matrix, and what had to be added to get it.
 *
 *   A + jitter·I = L·Lᵀ
 *
 * Shapes     a [n, n]; reads the lower triangle  →  factor [n, n]
 * Cost       n³/3 flops per attempt
 * Numerics   backward stable; exact on integer factors while the integers fit
 *
 * @throws {TangedgeError} ERR_SHAPE not square · ERR_ARGUMENT bad jitter · ERR_DOMAIN NaN, Inf, not symmetric, or not
 *   positive definite (info.minor: order of the first leading minor that is not positive; info.attempts)
 * @example
 * const { factor } = cholesky(rt, tensor([2, 2], [4, 2, 2, 5])); // [[2, 0], [1, 2]]
 */
export function cholesky(rt: Runtime, a: Tensor, options: CholeskyOptions = {}): CholeskyFactor {
  return choleskyFor('cholesky', rt, a, options);
}

/** `cholesky` for another public function, which the errors then name. */
export function choleskyFor(operation: string, rt: Runtime, a: Tensor, options: CholeskyOptions): CholeskyFactor {
  const n = checkSymmetric(operation, 'a', a);
  const { jitter: fraction = 0 } = options;
  if (!(fraction >= 0 && fraction < Infinity)) {
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: jitter is ${fraction}; it must be a finite number, at least 0.`, { jitter: fraction });
  }
  let trace = 0;
  for (let i = 0; i < n; i++) trace += a.data[i * n + i] / n;
  let jitter = 0;
  let attempts = 1;
  let { minor, factor } = attemptCholesky(rt, a, n, jitter);
  for (let next = fraction * trace; minor !== 0 && next > 0 && attempts < MAX_ATTEMPTS; next *= JITTER_GROWTH) {
    jitter = next;
    attempts++;
    ({ minor, factor } = attemptCholesky(rt, a, n, jitter));
  }
  if (minor !== 0) {
    const tried = attempts > 1 ? ` even with ${jitter} added to the diagonal (${attempts} attempts)` : '';
    throw new TangedgeError(
      'ERR_DOMAIN',
      `${operation}: a ${formatShape(a.shape)} is not positive definite: its leading minor of order ${minor} is not positive${tried}. ` +
        'Add a multiple of the identity, or give a larger jitter.',
      { minor, jitter, attempts },
    );
  }
  return { factor, jitter, attempts };
}

/** One factorization of A + jitter·I; minor > 0 says where it failed. */
function attemptCholesky(rt: Runtime, a: Tensor, n: number, jitter: number): { minor: number; factor: Tensor } {
  const dtype = dtypeOf(a);
  const routines = routinesOf(rt, dtype);
  const { arena } = rt;
  return arena.frame(() => {
    const aPtr = arena.load(dtype, a.data);
    const scratchPtr = arena.allocate(routines.choleskyScratchBytes(n) >>> 0);
    const matrix = arena.view(dtype, aPtr, n * n);
    for (let i = 0; i < n; i++) matrix[i * n + i] += jitter;
    const minor = routines.cholesky(n, aPtr, n, scratchPtr);
    const data = arena.read(dtype, aPtr, n * n);
    for (let i = 0; i < n; i++) data.fill(0, i * n + i + 1, (i + 1) * n);
    return { minor, factor: { shape: [n, n], data } };
  });
}
