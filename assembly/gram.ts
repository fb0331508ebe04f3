/**
 * @file Gram matrix: C ← alpha·A·Aᵀ + beta·C, exactly symmetric: the tiles on and below the diagonal, then a mirror.
 *
 * A [n, k] with any strides, C [n, n] rows contiguous. The bits are those of gemm (same blocks, same order of summation).
 * With beta ≠ 0 only the lower triangle of C is read.
 *
 * Of few rows packing is much of the work: then A is packed once, some blocks of KC steps at a time, and its panels serve both sides.
 */

import { blockedMultiply, KC, multiplyScratchBytes, packB, updateTile } from "./gemm";
import { packTwoPanels } from "./gemm-pack";
import { NR_BYTES } from "./gemm-microkernel";
import { gramCornerF32, gramMicrokernelF32, gramMicrokernelF64 } from "./gram-microkernel";

/** Side of the square blocks of the mirror: two of them stay in L1. */
const BLOCK: i32 = 32;

/** Bytes of A that are packed at once: they stay in L2. */
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

/** Rows that are packed, those past the end included, whatever the module. */
// @ts-ignore: decorator
@inline
function packedRows<T>(n: i32): i32 {
  const widest = 64 / <i32>sizeof<T>();
  return max(1, (n + widest - 1) / widest) * widest;
}

/** Steps that are packed at once: as many blocks of KC as there is room for, since memory is read faster in long runs of a row. */
// @ts-ignore: decorator
@inline
function packedSteps<T>(n: i32): i32 {
  return ONCE_BYTES / (KC * sizeof<T>()) / packedRows<T>(n) * KC;
}

/** Panels of four doubles, two at a time: eight rows under way, as many as an L1 has ways for rows a power of two apart. */
// @ts-ignore: decorator
@inline
function packsPairs<T>(): bool {
  return !WIDE && sizeof<T>() == 8;
}

/** C ← alpha·A·Aᵀ + beta·C. */
export function gramMatrix<T>(n: i32, k: i32, alpha: T, a: usize, rsa: i32, csa: i32, beta: T, c: usize, rsc: i32, scratch: usize): void {
  if (k > 0 && packsOnce<T>(n)) gramOfFew<T>(n, k, alpha, a, rsa, csa, beta, c, rsc, scratch);
  else blockedMultiply<T>(n, n, k, alpha, a, rsa, csa, a, csa, rsa, beta, c, rsc, 1, 1, scratch);
  mirrorLower<T>(n, c, rsc);
}

export function gramScratchBytes<T>(n: i32, k: i32): usize {
  if (!packsOnce<T>(n)) return multiplyScratchBytes<T>(n, n, k);
  const rows = packedRows<T>(n);
  return TILE_BYTES + <usize>rows * <usize>min(k, packedSteps<T>(n)) * sizeof<T>() + <usize>(rows / LEAST_COLUMNS) * GAP;
}

/** The lower triangle: a panel of columns, and the rows from its first one down, four at a time. What a tile has beyond is the mirror's. */
function gramOfFew<T>(n: i32, k: i32, alpha: T, a: usize, rsa: i32, csa: i32, beta: T, c: usize, rsc: i32, tile: usize): void {
  const columns = NR_BYTES / <i32>sizeof<T>();
  const packed = tile + TILE_BYTES;
  const row = <usize>rsc * sizeof<T>();
  const most = packedSteps<T>(n);
  for (let from = 0; from < k; from += most) {
    const steps = min(most, k - from);
    const panelBytes = <usize>steps * NR_BYTES + GAP;
    for (let j = 0; j < n; ) {
      const rows = a + (<usize>j * <usize>rsa + <usize>from * <usize>csa) * sizeof<T>();
      const panel = packed + <usize>(j / columns) * panelBytes;
      const paired = packsPairs<T>() && csa == 1 && j + 2 * columns <= n;
      if (paired) packTwoPanels(steps, rows, rsa, panel, panelBytes);
      else packB<T>(min(columns, n - j), steps, rows, rsa, csa, panel);
      j += paired ? 2 * columns : columns;
    }
    for (let pc = 0; pc < steps; pc += KC) {
      const kc = min(KC, steps - pc);
      const block = packed + <usize>pc * NR_BYTES;
      const betaBlock = from + pc == 0 ? beta : <T>1;
      for (let j = 0; j < n; j += columns) {
        const panel = block + <usize>(j / columns) * panelBytes;
        for (let i = j; i < n; i += ROWS) {
          const rows = block + <usize>(i / columns) * panelBytes + <usize>(i % columns) * sizeof<T>();
          multiplyTile<T>(i == j, kc, rows, panel, tile);
          const corner = c + <usize>i * row + <usize>j * sizeof<T>();
          updateTile<T>(min(ROWS, n - i), min(columns, n - j), alpha, tile, NR_BYTES, betaBlock, corner, rsc, 1);
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function multiplyTile<T>(crossed: bool, k: i32, rows: usize, panel: usize, tile: usize): void {
  if (sizeof<T>() == 8) gramMicrokernelF64(k, rows, panel, tile);
  else if (!WIDE && crossed) gramCornerF32(k, rows, panel, tile);
  else gramMicrokernelF32(k, rows, panel, tile);
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
