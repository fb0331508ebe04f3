/**
 * @file Cholesky factorization A = L·Lᵀ in place, rows contiguous.
 *
 *            j0   j1
 *     ┌             ┐     For each block of BLOCK columns j0 … j1−1, with the columns to its left done:
 *     │ L           │       diagonal block   row by row, dot products of whole rows (the upper triangle is not touched)
 *  j0 │ L  D        │       panel below      P ← P − L[j1 …, … j0]·L[j0 … j1, … j0]ᵀ by GEMM, then
 *  j1 │ L  P  ·     │                        P ← P·D⁻ᵀ, each row with short dot products
 *     └             ┘
 *
 * Scheme: left-looking block Cholesky, as in Golub, Van Loan, Matrix Computations, §4.2.
 */

import { multiply, multiplyScratchBytes } from "./gemm";
import { dotContiguous } from "./level1";

/** Columns of a block. */
const BLOCK: i32 = 64;

/** See src/wasm/abi.ts. */
export function cholesky<T>(n: i32, aPtr: usize, rsa: i32, scratchPtr: usize): i32 {
  const row = <usize>rsa * sizeof<T>();
  for (let j0 = 0; j0 < n; j0 += BLOCK) {
    const j1 = min(j0 + BLOCK, n);
    for (let i = j0; i < j1; i++) {
      const ai = aPtr + <usize>i * row;
      solveRow<T>(j0, i, 0, ai, aPtr, row);
      const diagonal = ai + <usize>i * sizeof<T>();
      const pivot = load<T>(diagonal) - dotContiguous<T>(i, ai, ai);
      if (!(pivot > <T>0)) return i + 1; // also when it is NaN
      store<T>(diagonal, sqrt<T>(pivot));
    }
    const below = aPtr + <usize>j1 * row, blockRows = aPtr + <usize>j0 * row;
    const column = <usize>j0 * sizeof<T>();
    if (j0 > 0) multiply<T>(n - j1, j1 - j0, j0, <T>-1, below, rsa, 1, blockRows, 1, rsa, <T>1, below + column, rsa, 1, scratchPtr);
    for (let i = j1; i < n; i++) solveRow<T>(j0, j1, j0, aPtr + <usize>i * row, aPtr, row);
  }
  return 0;
}

/** ai[j] ← (ai[j] − Σ_{from ≤ k < j} ai[k]·L[j, k]) / L[j, j] for start ≤ j < end. */
function solveRow<T>(start: i32, end: i32, from: i32, ai: usize, aPtr: usize, row: usize): void {
  const offset = <usize>from * sizeof<T>();
  for (let j = start; j < end; j++) {
    const aj = aPtr + <usize>j * row, at = <usize>j * sizeof<T>();
    store<T>(ai + at, (load<T>(ai + at) - dotContiguous<T>(j - from, ai + offset, aj + offset)) / load<T>(aj + at));
  }
}

export function choleskyScratchBytes<T>(n: i32): usize {
  return multiplyScratchBytes<T>(n, min(n, BLOCK), n);
}

export function choleskyF64(n: i32, aPtr: usize, rsa: i32, scratchPtr: usize): i32 {
  return cholesky<f64>(n, aPtr, rsa, scratchPtr);
}

export function choleskyF32(n: i32, aPtr: usize, rsa: i32, scratchPtr: usize): i32 {
  return cholesky<f32>(n, aPtr, rsa, scratchPtr);
}

export function choleskyScratchBytesF64(n: i32): usize {
  return choleskyScratchBytes<f64>(n);
}

export function choleskyScratchBytesF32(n: i32): usize {
  return choleskyScratchBytes<f32>(n);
}
