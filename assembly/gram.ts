/**
 * @file Gram matrix: C ← alpha·A·Aᵀ + beta·C, exactly symmetric: the tiles on and below the diagonal, then a mirror.
 *
 * A [n, k] with any strides, C [n, n] rows contiguous. The bits are those of gemm (same blocks, same order of summation).
 * With beta ≠ 0 only the lower triangle of C is read.
 */

import { blockedMultiply, multiplyScratchBytes } from "./gemm";

/** Side of the square blocks of the mirror: two of them stay in L1. */
const BLOCK: i32 = 32;

/** C ← alpha·A·Aᵀ + beta·C. */
export function gramMatrix<T>(n: i32, k: i32, alpha: T, a: usize, rsa: i32, csa: i32, beta: T, c: usize, rsc: i32, scratch: usize): void {
  blockedMultiply<T>(n, n, k, alpha, a, rsa, csa, a, csa, rsa, beta, c, rsc, 1, 1, scratch);
  mirrorLower<T>(n, c, rsc);
}

/** Upper triangle ← transpose of the lower one. */
export function mirrorLower<T>(n: i32, c: usize, rsc: i32): void {
  const row = <usize>rsc * sizeof<T>();
  for (let ib = 0; ib < n; ib += BLOCK) {
    const iEnd = min(ib + BLOCK, n);
    for (let jb = 0; jb <= ib; jb += BLOCK) {
      for (let i = ib; i < iEnd; i++) {
        const jEnd = min(jb + BLOCK, i);
        let from = c + <usize>i * row + <usize>jb * sizeof<T>();
        let to = c + <usize>jb * row + <usize>i * sizeof<T>();
        for (let j = jb; j < jEnd; j++) {
          store<T>(to, load<T>(from));
          from += sizeof<T>();
          to += row;
        }
      }
    }
  }
}

export function gramF64(
  n: i32, k: i32, alpha: f64, aPtr: usize, rsa: i32, csa: i32, beta: f64, cPtr: usize, rsc: i32, scratchPtr: usize,
): void {
  gramMatrix<f64>(n, k, alpha, aPtr, rsa, csa, beta, cPtr, rsc, scratchPtr);
}

export function gramF32(
  n: i32, k: i32, alpha: f64, aPtr: usize, rsa: i32, csa: i32, beta: f64, cPtr: usize, rsc: i32, scratchPtr: usize,
): void {
  gramMatrix<f32>(n, k, <f32>alpha, aPtr, rsa, csa, <f32>beta, cPtr, rsc, scratchPtr);
}

export function gramScratchBytesF64(n: i32, k: i32): usize {
  return multiplyScratchBytes<f64>(n, n, k);
}

export function gramScratchBytesF32(n: i32, k: i32): usize {
  return multiplyScratchBytes<f32>(n, n, k);
}
