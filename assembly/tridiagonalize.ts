/**
 * @file Householder tridiagonalization A = Q·T·Qᵀ of a symmetric matrix, lower triangle, rows contiguous.
 *
 * Row i gives reflector i (i = n−1 … 1), which acts on indices 0 … i−1:
 *
 *      A:  · . . . . .        H(i) = I − tau[i]·v·vᵀ,   v[i−1] = 1,   v[i …] = 0
 *          · · . . . .        Q = H(n−1)·…·H(2)·H(1)
 *          · · · . . .        On return row i of A holds v (zeros from index i on), so that a block of rows is a
 *          v 1 0 . . .        matrix of reflectors; d and e hold the diagonal and the subdiagonal of T,
 *          v v 1 0 . .        e[i−1] between i−1 and i, in f64 for both element types.
 *          v v v 1 0 .
 *
 * A panel of rows at a time: inside it the part of A above is left as it was, and A·v is corrected by the panel's earlier
 * reflectors; after it, one update of twice its rank with the GEMM's microkernel:  A ← A + V·Wᵀ + W·Vᵀ (W holds −w).
 *
 * Elements of a row whose squares sum to less than `negligible` are taken as zero: the caller has scaled A so that this
 * is far below one rounding error of the largest entry.
 *
 * Scheme: Householder (1958); blocks: Dongarra, Sorensen, Hammarling, J. Comput. Appl. Math. 27 (1989), as in LAPACK's
 * DSYTRD and DLATRD with UPLO = 'U', which sees the transposed (column-major) matrix.
 */

import { blockedMultiply, multiplyScratchBytes } from "./gemm";
import { axpy, dotContiguous, scaleContiguous } from "./level1";
import { addRows, addTwo, dotRows, symvLower } from "./level2";

/** Rows of a panel: few where n is small, because correcting A·v costs rows/n of the whole. */
const PANEL: i32 = 32;
const SMALL_PANEL: i32 = 16;
const SMALL: i32 = 384;
/** The part that is left is reduced row by row when it has at most this many rows. */
const CROSSOVER: i32 = 64;

/** Sums of squares below this are zero: 2^−1000 for f64, 2^−100 for f32. */
// @ts-ignore: decorator
@inline
function negligible<T>(): T {
  if (sizeof<T>() == 8) return <T>reinterpret<f64>(0x0170000000000000);
  return <T>reinterpret<f32>(0x0D800000);
}

// @ts-ignore: decorator
@inline
function panelRows(n: i32): i32 {
  return n < SMALL ? SMALL_PANEL : PANEL;
}

/** Bytes of a row of a panel: an odd number of cache lines, so that rows do not compete for the same places of the cache. */
// @ts-ignore: decorator
@inline
function panelRow<T>(n: i32): usize {
  return ((((<usize>n * sizeof<T>() + 63) >> 6) | 1) << 6);
}

/** V, W, V again, and coefficients. */
// @ts-ignore: decorator
@inline
function panelBytes<T>(n: i32): usize {
  const panel = <usize>panelRows(n);
  return 3 * panel * panelRow<T>(n) + 2 * panel * sizeof<T>();
}

export function tridiagonalizeScratchBytes<T>(n: i32): usize {
  return panelBytes<T>(n) + multiplyScratchBytes<T>(n, n, 2 * panelRows(n));
}

/** A [n, n] with row stride rsa; d [n], e [n] in f64 (the last entry of e is not written); tau [n] in T. */
export function tridiagonalize<T>(n: i32, aPtr: usize, rsa: i32, dPtr: usize, ePtr: usize, tauPtr: usize, panelPtr: usize): void {
  const panel = panelRows(n);
  const row = panelRow<T>(n), rowA = <usize>rsa * sizeof<T>();
  const rs = <i32>(row / sizeof<T>());
  const gemmScratch = panelPtr + panelBytes<T>(n);
  let end = n;
  while (end > CROSSOVER) {
    for (let done = 0; done < panel; done++) reducePanelRow<T>(n, end - 1 - done, done, aPtr, rowA, dPtr, ePtr, tauPtr, panelPtr);
    end -= panel;
    memory.copy(panelPtr + <usize>(2 * panel) * row, panelPtr, <usize>panel * row);
    blockedMultiply<T>(end, end, 2 * panel, <T>1, panelPtr, 1, rs, panelPtr + <usize>panel * row, rs, 1, <T>1, aPtr, rsa, 1, 1, gemmScratch);
  }
  for (let i = end - 1; i > 0; i--) {
    reducePanelRow<T>(n, i, 0, aPtr, rowA, dPtr, ePtr, tauPtr, panelPtr);
    const v = panelPtr, w = panelPtr + <usize>panel * row;
    for (let r = 0; r < i; r++) {
      const at = <usize>r * sizeof<T>();
      addTwo<T>(r + 1, load<T>(v + at), w, load<T>(w + at), v, aPtr + <usize>r * rowA);
    }
  }
  if (n > 0) {
    store<f64>(dPtr, <f64>load<T>(aPtr));
    store<T>(tauPtr, <T>0);
    memory.fill(aPtr, 0, <usize>n * sizeof<T>());
  }
}

/**
 * Row i, the panel's reflector number `done`: brings the row up to date, makes its reflector v, and
 * w = −tau·(A·v) + ½·tau·((A·v)ᵀ·v)·tau·v, with A as the panel's earlier reflectors leave it.
 */
function reducePanelRow<T>(
  n: i32, i: i32, done: i32, aPtr: usize, rowA: usize, dPtr: usize, ePtr: usize, tauPtr: usize, panelPtr: usize,
): void {
  const panel = panelRows(n), row = panelRow<T>(n);
  const at = <usize>i * sizeof<T>();
  const v = aPtr + <usize>i * rowA;
  const vs = panelPtr, ws = panelPtr + <usize>panel * row;
  const coefficients = panelPtr + <usize>(3 * panel) * row;
  addRows<T>(i + 1, done, ws + at, row, vs, row, v);
  addRows<T>(i + 1, done, vs + at, row, ws, row, v);

  store<f64>(dPtr + (<usize>i << 3), <f64>load<T>(v + at));
  const tau = reflector<T>(i, v, ePtr + (<usize>(i - 1) << 3));
  store<T>(tauPtr + at, tau);
  memory.fill(v + at, 0, <usize>(n - i) * sizeof<T>());
  memory.copy(vs + <usize>done * row, v, at);
  const w = ws + <usize>done * row;
  if (tau == <T>0) {
    memory.fill(w, 0, at);
    return;
  }
  symvLower<T>(i, aPtr, rowA, v, w);
  dotRows<T>(i, done, ws, row, v, coefficients);
  dotRows<T>(i, done, vs, row, v, coefficients + <usize>panel * sizeof<T>());
  addRows<T>(i, done, coefficients, sizeof<T>(), vs, row, w);
  addRows<T>(i, done, coefficients + <usize>panel * sizeof<T>(), sizeof<T>(), ws, row, w);
  scaleContiguous<T>(i, -tau, w);
  axpy<T>(i, <T>-0.5 * tau * dotContiguous<T>(i, w, v), v, w);
}

/** The reflector that maps x [m] to (0, …, 0, beta), beta stored at betaPtr; x ← v with v[m−1] = 1. Returns tau (0: H = I). */
function reflector<T>(m: i32, xPtr: usize, betaPtr: usize): T {
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
