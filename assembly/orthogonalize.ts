/**
 * @file Projection of a block of vectors onto the complement of orthonormal ones (classical Gram–Schmidt).
 *
 *   C [rows, count] ← X·Vᵀ,   X [rows, n] ← X − C·V
 *
 * COLUMNS columns at a time, so that V's part stays in L2 while every row of X meets it. Nothing is packed. A sum runs over the
 * columns of each part, then over the parts: its order depends on n alone.
 */

import { addRows, dotRows } from "./level2";

const COLUMNS: i32 = 256;

function orthogonalizeScratchBytes<T>(count: i32): usize {
  return <usize>count * sizeof<T>();
}

/** X [rows, n], V [count, n] and C [rows, count] contiguous. */
function orthogonalize<T>(n: i32, rows: i32, count: i32, vPtr: usize, xPtr: usize, cPtr: usize, partPtr: usize): void {
  const row = <usize>n * sizeof<T>(), rowC = <usize>count * sizeof<T>();
  memory.fill(cPtr, 0, <usize>rows * rowC);
  for (let j = 0; j < n; j += COLUMNS) {
    const at = <usize>j * sizeof<T>();
    for (let r = 0; r < rows; r++) {
      const c = cPtr + <usize>r * rowC;
      dotRows<T>(min(COLUMNS, n - j), count, vPtr + at, row, xPtr + <usize>r * row + at, partPtr);
      for (let i: usize = 0; i < rowC; i += sizeof<T>()) store<T>(c + i, load<T>(c + i) - load<T>(partPtr + i));
    }
  }
  for (let j = 0; j < n; j += COLUMNS) {
    const at = <usize>j * sizeof<T>();
    for (let r = 0; r < rows; r++) {
      addRows<T>(min(COLUMNS, n - j), count, cPtr + <usize>r * rowC, sizeof<T>(), vPtr + at, row, xPtr + <usize>r * row + at);
    }
  }
  for (let i: usize = 0; i < <usize>rows * rowC; i += sizeof<T>()) store<T>(cPtr + i, -load<T>(cPtr + i));
}

export function orthogonalizeF64(n: i32, rows: i32, count: i32, vPtr: usize, xPtr: usize, cPtr: usize, partPtr: usize): void {
  orthogonalize<f64>(n, rows, count, vPtr, xPtr, cPtr, partPtr);
}
export function orthogonalizeF32(n: i32, rows: i32, count: i32, vPtr: usize, xPtr: usize, cPtr: usize, partPtr: usize): void {
  orthogonalize<f32>(n, rows, count, vPtr, xPtr, cPtr, partPtr);
}
export function orthogonalizeScratchBytesF64(count: i32): usize { return orthogonalizeScratchBytes<f64>(count); }
export function orthogonalizeScratchBytesF32(count: i32): usize { return orthogonalizeScratchBytes<f32>(count); }
