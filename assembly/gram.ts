/**
 * @file Gram matrix: C ← alpha·A·Aᵀ + beta·C, exactly symmetric: the tiles on and below the diagonal, then a mirror.
 *
 * A [n, k] with any strides, C [n, n] rows contiguous. The bits are those of gemm (same blocks, same order of summation).
 * With beta ≠ 0 only the lower triangle of C is read.
 *
 * Of few rows packing is much of the work: then A is packed once, a block of KC steps at a time, and its panels serve both sides.
 */

import { blockedMultiply, KC, multiplyScratchBytes, packB, updateTile } from "./gemm";
import { NR_BYTES } from "./gemm-microkernel";
import { gramMicrokernelF32, gramMicrokernelF64 } from "./gram-microkernel";

/** Side of the square blocks of the mirror: two of them stay in L1. */
const BLOCK: i32 = 32;

/** Bytes of a block of A that is packed once: half of an L2. */
const ONCE_BYTES: i32 = 262144;
/** Columns of the narrowest tile: f64's. */
const LEAST_COLUMNS: i32 = 4;
/** Rows of the Gram microkernel's tile. */
const ROWS: i32 = 4;
/** Between panels, so that two of them never lie a multiple of 4096 bytes apart: their loads, side by side, would compete in L1. */
const GAP: usize = 256;
/** Its tile, as large as the wide module's: both modules declare the same scratch. */
const TILE_BYTES: usize = ROWS * 64;

// @ts-ignore: decorator
@inline
function packsOnce<T>(n: i32): bool {
  return n <= ONCE_BYTES / (KC * sizeof<T>());
}

/** C ← alpha·A·Aᵀ + beta·C. */
export function gramMatrix<T>(n: i32, k: i32, alpha: T, a: usize, rsa: i32, csa: i32, beta: T, c: usize, rsc: i32, scratch: usize): void {
  if (k > 0 && packsOnce<T>(n)) gramOfFew<T>(n, k, alpha, a, rsa, csa, beta, c, rsc, scratch);
  else blockedMultiply<T>(n, n, k, alpha, a, rsa, csa, a, csa, rsa, beta, c, rsc, 1, 1, scratch);
  mirrorLower<T>(n, c, rsc);
}

export function gramScratchBytes<T>(n: i32, k: i32): usize {
  if (!packsOnce<T>(n)) return multiplyScratchBytes<T>(n, n, k);
  const widest = 64 / <i32>sizeof<T>();
  const rows = (n + widest - 1) / widest * widest;
  return TILE_BYTES + <usize>rows * <usize>min(k, KC) * sizeof<T>() + <usize>(rows / LEAST_COLUMNS) * GAP;
}

/** The lower triangle: a panel of columns, and the rows from its first one down, four at a time. */
function gramOfFew<T>(n: i32, k: i32, alpha: T, a: usize, rsa: i32, csa: i32, beta: T, c: usize, rsc: i32, tile: usize): void {
  const columns = NR_BYTES / <i32>sizeof<T>();
  const packed = tile + TILE_BYTES;
  const row = <usize>rsc * sizeof<T>();
  for (let pc = 0; pc < k; pc += KC) {
    const kc = min(KC, k - pc);
    const panelBytes = <usize>kc * NR_BYTES + GAP;
    const betaBlock = pc == 0 ? beta : <T>1;
    for (let j = 0; j < n; j += columns) {
      const rows = a + (<usize>j * <usize>rsa + <usize>pc * <usize>csa) * sizeof<T>();
      packB<T>(min(columns, n - j), kc, rows, rsa, csa, packed + <usize>(j / columns) * panelBytes);
    }
    for (let j = 0; j < n; j += columns) {
      const panel = packed + <usize>(j / columns) * panelBytes;
      for (let i = j; i < n; i += ROWS) {
        const rows = packed + <usize>(i / columns) * panelBytes + <usize>(i % columns) * sizeof<T>();
        if (sizeof<T>() == 8) gramMicrokernelF64(kc, rows, panel, tile);
        else gramMicrokernelF32(kc, rows, panel, tile);
        const corner = c + <usize>i * row + <usize>j * sizeof<T>();
        updateTile<T>(min(ROWS, n - i), min(columns, n - j), alpha, tile, NR_BYTES, betaBlock, corner, rsc, 1);
      }
    }
  }
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
  return gramScratchBytes<f64>(n, k);
}

export function gramScratchBytesF32(n: i32, k: i32): usize {
  return gramScratchBytes<f32>(n, k);
}
