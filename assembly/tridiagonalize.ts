/**
 * @file Householder tridiagonalization A = Q·T·Qᵀ of a symmetric matrix, lower triangle, rows contiguous.
 *
 * Row i gives reflector i (i = n−1 … 1), which acts on indices 0 … i−1:
 *
 *      A:  · . . . . .        H(i) = I − tau[i]·v·vᵀ,   v[i−1] = 1,   v[i …] = 0
 *          · · . . . .        Q = H(n−1)·…·H(2)·H(1)
 *          · · · . . .        On return row i of A holds v (zeros from index i on), so that a block of rows is a
 *          v 1 d . . .        matrix of reflectors; d and e hold the diagonal and the subdiagonal of T,
 *          v v 1 d . .        e[i−1] between i−1 and i, in f64 for both element types.
 *          v v v 1 d .
 *
 * Elements of a row whose squares sum to less than `negligible` are taken as zero: the caller has scaled A so that this
 * is far below one rounding error of the largest entry.
 *
 * Scheme: Householder (1958); stored as LAPACK's DSYTRD with UPLO = 'U' sees the transposed (column-major) matrix.
 */

import { axpy, axpy2, dotContiguous, scaleContiguous } from "./level1";
import { symvLower } from "./symv";

/** Sums of squares below this are zero: 2^−1000 for f64, 2^−100 for f32. */
// @ts-ignore: decorator
@inline
function negligible<T>(): T {
  if (sizeof<T>() == 8) return <T>reinterpret<f64>(0x0170000000000000);
  return <T>reinterpret<f32>(0x0D800000);
}

/** d [n], e [n − 1] in f64; tau [n] and workPtr [n] in T. */
export function tridiagonalize<T>(n: i32, aPtr: usize, dPtr: usize, ePtr: usize, tauPtr: usize, workPtr: usize): void {
  const row = <usize>n * sizeof<T>();
  for (let i = n - 1; i > 0; i--) {
    const v = aPtr + <usize>i * row;
    store<f64>(dPtr + ((<usize>i) << 3), <f64>load<T>(v + <usize>i * sizeof<T>()));
    const tau = reflector<T>(i, v, ePtr + ((<usize>(i - 1)) << 3));
    store<T>(tauPtr + <usize>i * sizeof<T>(), tau);
    memory.fill(v + <usize>i * sizeof<T>(), 0, <usize>(n - i) * sizeof<T>());
    if (tau == <T>0) continue;

    symvLower<T>(i, aPtr, row, v, workPtr);
    scaleContiguous<T>(i, tau, workPtr);
    axpy<T>(i, <T>-0.5 * tau * dotContiguous<T>(i, workPtr, v), v, workPtr);
    for (let r = 0; r < i; r++) {
      const vr = load<T>(v + <usize>r * sizeof<T>());
      const wr = load<T>(workPtr + <usize>r * sizeof<T>());
      axpy2<T>(r + 1, -vr, workPtr, -wr, v, aPtr + <usize>r * row);
    }
  }
  if (n > 0) {
    store<f64>(dPtr, <f64>load<T>(aPtr));
    store<T>(tauPtr, <T>0);
    memory.fill(aPtr, 0, row);
  }
}

/**
 * The reflector that maps x [m] to (0, …, 0, beta), beta stored at betaPtr; x ← v with v[m−1] = 1. Returns tau (0: H = I).
 */
export function reflector<T>(m: i32, xPtr: usize, betaPtr: usize): T {
  const lastPtr = xPtr + <usize>(m - 1) * sizeof<T>();
  const alpha = load<T>(lastPtr);
  const squares = dotContiguous<T>(m - 1, xPtr, xPtr);
  store<T>(lastPtr, <T>1);
  if (squares < negligible<T>()) {
    store<f64>(betaPtr, <f64>alpha);
    return <T>0;
  }
  const radius = sqrt<T>(alpha * alpha + squares);
  const beta = alpha > <T>0 ? -radius : radius;
  scaleContiguous<T>(m - 1, <T>1 / (alpha - beta), xPtr);
  store<f64>(betaPtr, <f64>beta);
  return (beta - alpha) / beta;
}
