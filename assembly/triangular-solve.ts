/**
 * @file Solves with a lower triangular matrix and with its transpose, in place, rows contiguous.
 *
 * Block row by block row of BLOCK rows (from the top, or with Lᵀ from the bottom): what the solved rows contribute is
 * subtracted by GEMM, the block itself by multiples of whole rows. A column of the solution has the same bits whatever
 * the number of columns.
 */

import { multiply, multiplyScratchBytes } from "./gemm";
import { axpy } from "./level1";

/** Rows of a block. */
const BLOCK: i32 = 64;

/** See src/wasm/abi.ts. */
export function triangularSolve<T>(n: i32, m: i32, transpose: i32, lPtr: usize, rsl: i32, bPtr: usize, rsb: i32, scratchPtr: usize): void {
  const rowL = <usize>rsl * sizeof<T>(), rowB = <usize>rsb * sizeof<T>();
  if (!transpose) {
    for (let i0 = 0; i0 < n; i0 += BLOCK) {
      const i1 = min(i0 + BLOCK, n);
      if (i0 > 0) multiply<T>(i1 - i0, m, i0, <T>-1, lPtr + <usize>i0 * rowL, rsl, 1, bPtr, rsb, 1, <T>1, bPtr + <usize>i0 * rowB, rsb, 1, scratchPtr);
      for (let i = i0; i < i1; i++) {
        for (let j = i0; j < i; j++) subtractMultiple<T>(m, lPtr + <usize>i * rowL + <usize>j * sizeof<T>(), bPtr + <usize>j * rowB, bPtr + <usize>i * rowB);
        divideRow<T>(m, lPtr + <usize>i * (rowL + sizeof<T>()), bPtr + <usize>i * rowB);
      }
    }
    return;
  }
  for (let i0 = ((n - 1) / BLOCK) * BLOCK; i0 >= 0; i0 -= BLOCK) {
    const i1 = min(i0 + BLOCK, n);
    const corner = lPtr + <usize>i1 * rowL + <usize>i0 * sizeof<T>();
    if (i1 < n) multiply<T>(i1 - i0, m, n - i1, <T>-1, corner, 1, rsl, bPtr + <usize>i1 * rowB, rsb, 1, <T>1, bPtr + <usize>i0 * rowB, rsb, 1, scratchPtr);
    for (let i = i1 - 1; i >= i0; i--) {
      for (let j = i1 - 1; j > i; j--) subtractMultiple<T>(m, lPtr + <usize>j * rowL + <usize>i * sizeof<T>(), bPtr + <usize>j * rowB, bPtr + <usize>i * rowB);
      divideRow<T>(m, lPtr + <usize>i * (rowL + sizeof<T>()), bPtr + <usize>i * rowB);
    }
  }
}

/** y [m] ← y − factor·x. */
// @ts-ignore: decorator
@inline
function subtractMultiple<T>(m: i32, factorPtr: usize, xPtr: usize, yPtr: usize): void {
  axpy<T>(m, -load<T>(factorPtr), xPtr, yPtr);
}

/** x [m] ← x / pivot. */
function divideRow<T>(m: i32, pivotPtr: usize, xPtr: usize): void {
  const pivot = load<T>(pivotPtr);
  for (let c = 0; c < m; c++) {
    store<T>(xPtr, load<T>(xPtr) / pivot);
    xPtr += sizeof<T>();
  }
}

export function triangularSolveScratchBytes<T>(n: i32, m: i32): usize {
  return multiplyScratchBytes<T>(min(n, BLOCK), m, n);
}

export function triangularSolveF64(n: i32, m: i32, transpose: i32, lPtr: usize, rsl: i32, bPtr: usize, rsb: i32, scratchPtr: usize): void {
  triangularSolve<f64>(n, m, transpose, lPtr, rsl, bPtr, rsb, scratchPtr);
}

export function triangularSolveF32(n: i32, m: i32, transpose: i32, lPtr: usize, rsl: i32, bPtr: usize, rsb: i32, scratchPtr: usize): void {
  triangularSolve<f32>(n, m, transpose, lPtr, rsl, bPtr, rsb, scratchPtr);
}

export function triangularSolveScratchBytesF64(n: i32, m: i32): usize {
  return triangularSolveScratchBytes<f64>(n, m);
}

export function triangularSolveScratchBytesF32(n: i32, m: i32): usize {
  return triangularSolveScratchBytes<f32>(n, m);
}
