/**
 * @file Projection of a block of vectors onto the complement of orthonormal ones (Gram–Schmidt).
 *
 *   C [rows, count] ← X·Vᵀ,   X [rows, n] ← X − C·V
 *
 * Four rows of V at a time, where they lie: what they take of X is gone when the next four come. As many vectors of X as fill two v128 are
 * interleaved. A sum runs over parts of COLUMNS columns, then over the parts: its order depends on n alone. Vectors of X do not meet.
 */

import { STEP_BYTES, WIDTH, packColumns, separate } from "./interleave";
import { addRowsMultipleF32, addRowsMultipleF64 } from "./orthogonalize-microkernel";
import { rowsMicrokernelF32, rowsMicrokernelF64 } from "./skinny-microkernel";

const COLUMNS: i32 = 256;
/** Rows of V that a microkernel takes. */
const GROUP: i32 = 4;
const TILE_BYTES: usize = GROUP * STEP_BYTES;

/** A tile, vectors and their coefficients, all interleaved. */
function orthogonalizeScratchBytes<T>(n: i32, count: i32): usize {
  return TILE_BYTES + <usize>(n + count + GROUP) * STEP_BYTES;
}

/** X [rows, n], V [count, n] and C [rows, count] contiguous. */
function orthogonalize<T>(n: i32, rows: i32, count: i32, vPtr: usize, xPtr: usize, cPtr: usize, tile: usize): void {
  const row = <usize>n * sizeof<T>(), panel = tile + TILE_BYTES, coefficients = panel + <usize>n * STEP_BYTES;
  for (let r = 0; r < rows; r += WIDTH<T>()) {
    const live = min(WIDTH<T>(), rows - r);
    packColumns<T>(live, n, xPtr, 1, n, panel);
    let v = vPtr, c = coefficients;
    for (let i = 0; i < count; i += GROUP) {
      projectGroup<T>(n, min(GROUP, count - i), v, panel, c, tile);
      v += <usize>GROUP * row;
      c += TILE_BYTES;
    }
    separate<T>(n, live, panel, xPtr);
    separate<T>(count, live, coefficients, cPtr);
    xPtr += <usize>live * row;
    cPtr += <usize>live * <usize>count * sizeof<T>();
  }
}

/** c [GROUP] ← V·x, x [n] ← x − Vᵀ·c, for `live` rows of V; the others repeat the first, and their coefficients are 0. */
function projectGroup<T>(n: i32, live: i32, v: usize, x: usize, c: usize, tile: usize): void {
  const row = <usize>n * sizeof<T>();
  const v1 = live > 1 ? v + row : v, v2 = live > 2 ? v1 + row : v, v3 = live > 3 ? v2 + row : v;
  const end = c + <usize>live * STEP_BYTES;
  memory.fill(c, 0, TILE_BYTES);
  for (let j = 0; j < n; j += COLUMNS) {
    const at = <usize>j * sizeof<T>();
    const columns = min(COLUMNS, n - j), part = x + <usize>j * STEP_BYTES;
    if (sizeof<T>() == 8) rowsMicrokernelF64(columns, v + at, v1 + at, v2 + at, v3 + at, part, STEP_BYTES, tile, STEP_BYTES);
    else rowsMicrokernelF32(columns, v + at, v1 + at, v2 + at, v3 + at, part, STEP_BYTES, tile, STEP_BYTES);
    for (let to = c, from = tile; to < end; to += 16, from += 16) v128.store(to, v128.add<T>(v128.load(to), v128.load(from)));
  }
  for (let k: usize = 0; k < TILE_BYTES; k += 16) v128.store(tile + k, v128.neg<T>(v128.load(c + k)));
  if (sizeof<T>() == 8) addRowsMultipleF64(n, v, v1, v2, v3, tile, x);
  else addRowsMultipleF32(n, v, v1, v2, v3, tile, x);
}

export function orthogonalizeF64(n: i32, rows: i32, count: i32, vPtr: usize, xPtr: usize, cPtr: usize, scratchPtr: usize): void {
  orthogonalize<f64>(n, rows, count, vPtr, xPtr, cPtr, scratchPtr);
}
export function orthogonalizeF32(n: i32, rows: i32, count: i32, vPtr: usize, xPtr: usize, cPtr: usize, scratchPtr: usize): void {
  orthogonalize<f32>(n, rows, count, vPtr, xPtr, cPtr, scratchPtr);
}
export function orthogonalizeScratchBytesF64(n: i32, count: i32): usize { return orthogonalizeScratchBytes<f64>(n, count); }
export function orthogonalizeScratchBytesF32(n: i32, count: i32): usize { return orthogonalizeScratchBytes<f32>(n, count); }
