/**
 * @file Back-transformation: eigenvectors of T, as rows, become eigenvectors of A by blocks of Householder reflectors.
 *
 *   U ← U·Qᵀ = U·H(1)·H(2)·…·H(n−1)
 *
 * A block of BLOCK consecutive reflectors, the rows of V, is  H(b)·…·H(b+BLOCK−1) = I − Vᵀ·F·V  with F upper triangular
 * (the compact WY form), applied with three products:  P = U·Vᵀ,  X = F·V,  U ← U − P·X.
 *
 * Scheme: Schreiber, Van Loan, SIAM J. Sci. Stat. Comput. 10(1), 1989.
 */

import { multiply } from "./gemm";

/** Reflectors of a block. */
const BLOCK: i32 = 64;

/** Bytes of `workPtr`: P [n, BLOCK], X [BLOCK, n], V·Vᵀ and F [BLOCK, BLOCK]. */
export function backTransformScratchBytes<T>(n: i32): usize {
  return (<usize>(2 * BLOCK) * <usize>n + <usize>(2 * BLOCK * BLOCK)) * sizeof<T>();
}

/** U [n, n] in place; A holds the reflectors as `tridiagonalize` left them; gemmScratch as for GEMM of extents up to n. */
export function backTransform<T>(n: i32, aPtr: usize, tauPtr: usize, uPtr: usize, workPtr: usize, gemmScratch: usize): void {
  const pPtr = workPtr;
  const xPtr = pPtr + <usize>BLOCK * <usize>n * sizeof<T>();
  const gPtr = xPtr + <usize>BLOCK * <usize>n * sizeof<T>();
  const fPtr = gPtr + BLOCK * BLOCK * sizeof<T>();
  for (let b = 1; b < n; b += BLOCK) {
    const count = min(BLOCK, n - b);
    const length = b + count - 1; // the last reflector of the block acts on so many indices
    const v = aPtr + <usize>b * <usize>n * sizeof<T>();
    multiply<T>(count, count, length, <T>1, v, n, 1, v, 1, n, <T>0, gPtr, BLOCK, 1, gemmScratch);
    triangularFactor<T>(count, tauPtr + <usize>b * sizeof<T>(), gPtr, fPtr);
    multiply<T>(count, length, count, <T>1, fPtr, BLOCK, 1, v, n, 1, <T>0, xPtr, n, 1, gemmScratch);
    multiply<T>(n, count, length, <T>1, uPtr, n, 1, v, 1, n, <T>0, pPtr, BLOCK, 1, gemmScratch);
    multiply<T>(n, length, count, <T>-1, pPtr, BLOCK, 1, xPtr, n, 1, <T>1, uPtr, n, 1, gemmScratch);
  }
}

/** F [count, count], row stride BLOCK: F[j, j] = tau[j], F[0…j−1, j] = −tau[j]·F[0…j−1, 0…j−1]·(V·Vᵀ)[0…j−1, j]. */
function triangularFactor<T>(count: i32, tauPtr: usize, gPtr: usize, fPtr: usize): void {
  const row = BLOCK * sizeof<T>();
  memory.fill(fPtr, 0, BLOCK * row);
  for (let j = 0; j < count; j++) {
    const tau = load<T>(tauPtr + <usize>j * sizeof<T>());
    for (let i = 0; i < j; i++) {
      let sum = <T>0;
      for (let k = i; k < j; k++) {
        sum += load<T>(fPtr + <usize>(i * row + k * sizeof<T>())) * load<T>(gPtr + <usize>(k * row + j * sizeof<T>()));
      }
      store<T>(fPtr + <usize>(i * row + j * sizeof<T>()), -tau * sum);
    }
    store<T>(fPtr + <usize>(j * row + j * sizeof<T>()), tau);
  }
}
