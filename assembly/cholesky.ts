/**
 * @file Cholesky factorization A = L·Lᵀ, rows contiguous.
 *
 * Entry by entry in row order, L[i, j] = (A[i, j] − Σ_{k<j} L[i, k]·L[j, k]) / L[j, j]: every sum is a dot product of two
 * contiguous rows, in level1's order.
 */

import { dotContiguous } from "./level1";

/** See src/wasm/abi.ts. */
export function cholesky<T>(n: i32, aPtr: usize, rsa: i32, scratchPtr: usize): i32 {
  const row = <usize>rsa * sizeof<T>();
  for (let i = 0; i < n; i++) {
    const ai = aPtr + <usize>i * row;
    for (let j = 0; j < i; j++) {
      const aj = aPtr + <usize>j * row, offset = <usize>j * sizeof<T>();
      store<T>(ai + offset, (load<T>(ai + offset) - dotContiguous<T>(j, ai, aj)) / load<T>(aj + offset));
    }
    const diagonal = ai + <usize>i * sizeof<T>();
    const pivot = load<T>(diagonal) - dotContiguous<T>(i, ai, ai);
    if (!(pivot > <T>0)) return i + 1; // also when it is NaN
    store<T>(diagonal, sqrt<T>(pivot));
  }
  return 0;
}

export function choleskyScratchBytes<T>(n: i32): usize {
  return 0;
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
