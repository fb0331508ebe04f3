/** @file Solves with a lower triangular matrix and with its transpose, in place, rows contiguous. */

import { axpy } from "./level1";

/** See src/wasm/abi.ts. */
export function triangularSolve<T>(n: i32, m: i32, transpose: i32, lPtr: usize, rsl: i32, bPtr: usize, rsb: i32, scratchPtr: usize): void {
  const rowL = <usize>rsl * sizeof<T>(), rowB = <usize>rsb * sizeof<T>();
  for (let step = 0; step < n; step++) {
    const i = transpose ? n - 1 - step : step;
    const bi = bPtr + <usize>i * rowB;
    for (let done = 0; done < step; done++) {
      const j = transpose ? n - 1 - done : done;
      const factor = transpose ? lPtr + <usize>j * rowL + <usize>i * sizeof<T>() : lPtr + <usize>i * rowL + <usize>j * sizeof<T>();
      axpy<T>(m, -load<T>(factor), bPtr + <usize>j * rowB, bi);
    }
    const pivot = load<T>(lPtr + <usize>i * rowL + <usize>i * sizeof<T>());
    for (let c = 0; c < m; c++) {
      const entry = bi + <usize>c * sizeof<T>();
      store<T>(entry, load<T>(entry) / pivot);
    }
  }
}

export function triangularSolveScratchBytes<T>(n: i32, m: i32): usize {
  return 0;
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
