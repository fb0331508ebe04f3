/**
 * @file Projection of a block of vectors onto the complement of orthonormal ones (classical Gram–Schmidt).
 *
 *   C [rows, count] ← X·Vᵀ,   X [rows, n] ← X − C·V
 *
 * COLUMNS columns and GROUP rows of V at a time, so that this part of V stays in L1 while every row of X meets it. Nothing is packed.
 * A sum runs over the columns of each part, then over the parts: its order depends on n alone.
 */

import { addRows, dotRows } from "./level2";

const COLUMNS: i32 = 256;
/** As many rows as level 2 takes at a time. */
const GROUP: i32 = 4;

/** Sums of a group. */
function orthogonalizeScratchBytes<T>(): usize {
  return GROUP * sizeof<T>();
}

/** X [rows, n], V [count, n] and C [rows, count] contiguous. */
function orthogonalize<T>(n: i32, rows: i32, count: i32, vPtr: usize, xPtr: usize, cPtr: usize, partPtr: usize): void {
  const row = <usize>n * sizeof<T>(), rowC = <usize>count * sizeof<T>();
  memory.fill(cPtr, 0, <usize>rows * rowC);
  for (let j = 0; j < n; j += COLUMNS) {
    const columns = min(COLUMNS, n - j), x = xPtr + <usize>j * sizeof<T>();
    for (let i = 0; i < count; i += GROUP) {
      const live = min(GROUP, count - i), v = vPtr + <usize>i * row + <usize>j * sizeof<T>();
      for (let r = 0; r < rows; r++) {
        dotRows<T>(columns, live, v, row, x + <usize>r * row, partPtr);
        const c = cPtr + <usize>r * rowC + <usize>i * sizeof<T>();
        for (let k: usize = 0; k < <usize>live * sizeof<T>(); k += sizeof<T>()) store<T>(c + k, load<T>(c + k) - load<T>(partPtr + k));
      }
    }
  }
  for (let j = 0; j < n; j += COLUMNS) {
    const columns = min(COLUMNS, n - j), x = xPtr + <usize>j * sizeof<T>();
    for (let i = 0; i < count; i += GROUP) {
      const live = min(GROUP, count - i), v = vPtr + <usize>i * row + <usize>j * sizeof<T>();
      for (let r = 0; r < rows; r++) {
        addRows<T>(columns, live, cPtr + <usize>r * rowC + <usize>i * sizeof<T>(), sizeof<T>(), v, row, x + <usize>r * row);
      }
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
export function orthogonalizeScratchBytesF64(): usize { return orthogonalizeScratchBytes<f64>(); }
export function orthogonalizeScratchBytesF32(): usize { return orthogonalizeScratchBytes<f32>(); }
