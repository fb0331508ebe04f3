/**
 * @file Small products: C ← alpha·A·B + beta·C where packing both operands would cost as much as multiplying.
 *
 *   A [m, k] is read where it lies, four rows at a time; B [k, n] too where its rows are contiguous, else it is packed, a block of
 *   KC steps at a time. Of the two roles an operand can play (Cᵀ = Bᵀ·Aᵀ has the same bits) the one that packs less is taken.
 *
 * Order of summation: that of gemm.ts.
 */

import { KC, updateTile } from "./gemm";
import { STEP_BYTES, WIDTH, packColumns } from "./interleave";
import { rowsMicrokernelF32, rowsMicrokernelF64, stridedMicrokernelF32, stridedMicrokernelF64 } from "./skinny-microkernel";

/** Rows of a tile. */
const ROWS: i32 = 4;
const TILE_BYTES: usize = ROWS * STEP_BYTES;

/**
 * Extents of C of which one may be large when the other is at most so large; measured against packing both. Less is worth it where sums
 * go to a transposed C, or A's steps lie apart; least where rows of B, or steps of A, are longer than ROW_LIMIT: then each touches a page.
 */
const SKINNY: i32 = WIDE ? 16 : 32;
const LESS: i32 = 16;
const LEAST: i32 = 8;
const ROW_LIMIT: i32 = 512;

/**
 * C ← alpha·A·B + beta·C where that is faster than packing both operands; else false, and nothing was done. k ≥ 1. Scratch: a tile,
 * and min(k, KC) steps of at most max(SKINNY, WIDTH) columns.
 */
export function multiplySkinny<T>(
  m: i32, n: i32, k: i32, alpha: T,
  a: usize, rsa: i32, csa: i32,
  b: usize, rsb: i32, csb: i32,
  beta: T, c: usize, rsc: i32, csc: i32,
  scratch: usize,
): bool {
  const swaps = 2 * m > WIDTH<T>() && packedColumns<T>(m, csa, rsa) < packedColumns<T>(n, rsb, csb);
  if (swaps) {
    if (!pays<T>(n, m, k, csb, csa, rsa, rsc)) return false;
    multiplyRows<T>(n, m, k, alpha, b, csb, rsb, a, csa, rsa, beta, c, csc, rsc, scratch);
  } else {
    if (!pays<T>(m, n, k, csa, rsb, csb, csc)) return false;
    multiplyRows<T>(m, n, k, alpha, a, rsa, csa, b, rsb, csb, beta, c, rsc, csc, scratch);
  }
  return true;
}

function pays<T>(m: i32, n: i32, k: i32, csa: i32, rsb: i32, csb: i32, csc: i32): bool {
  // Five rows are what the packed microkernel has, and here would be eight.
  if (min(m, n) > SKINNY || m == 5) return false;
  const direct = isDirect<T>(n, rsb, csb);
  if (!direct && n > max(m, WIDTH<T>())) return false;
  const longRows = (direct && n > ROW_LIMIT / <i32>sizeof<T>()) || (csa != 1 && m > ROW_LIMIT / <i32>sizeof<T>());
  return min(m, n) <= (longRows ? LEAST : csa == 1 && (csc == 1 || k > 256) ? SKINNY : LESS);
}

/** Of an operand [k, columns] as B. */
// @ts-ignore: decorator
@inline
function packedColumns<T>(columns: i32, rs: i32, cs: i32): i32 {
  return isDirect<T>(columns, rs, cs) ? 0 : columns;
}

/** Whether the microkernel reads it where it lies; below, a row stride of 0 says that it does not. */
// @ts-ignore: decorator
@inline
function isDirect<T>(columns: i32, rs: i32, cs: i32): bool {
  return cs == 1 && rs != 0 && columns >= WIDTH<T>();
}

function multiplyRows<T>(
  m: i32, n: i32, k: i32, alpha: T,
  a: usize, rsa: i32, csa: i32,
  b: usize, rsb: i32, csb: i32,
  beta: T, c: usize, rsc: i32, csc: i32,
  tile: usize,
): void {
  const direct = isDirect<T>(n, rsb, csb);
  const packed = tile + TILE_BYTES;
  for (let pc = 0; pc < k; pc += KC) {
    const kc = min(KC, k - pc);
    const blockA = a + <usize>pc * <usize>csa * sizeof<T>();
    const blockB = b + <usize>pc * <usize>rsb * sizeof<T>();
    if (!direct) packColumns<T>(n, kc, blockB, rsb, csb, packed);
    const betaBlock = pc == 0 ? beta : <T>1;
    // The operand with the larger extent passes once, the other's block stays in the caches.
    const across = direct && m <= SKINNY ? WIDTH<T>() : n;
    for (let j = 0; j < n; j += across) {
      const columns = min(across, n - j);
      // A panel that would end beyond B begins further left: `skipped` columns are in the one before.
      const skipped = direct ? max(0, WIDTH<T>() - columns) : 0;
      const panel = direct ? blockB + <usize>(j - skipped) * sizeof<T>() : packed;
      for (let i = 0; i < m; i += ROWS) {
        multiplyFourRows<T>(
          min(ROWS, m - i), columns, skipped, kc, alpha, blockA + <usize>i * <usize>rsa * sizeof<T>(), rsa, csa, panel, direct ? rsb : 0,
          betaBlock, c + (<usize>i * <usize>rsc + <usize>j * <usize>csc) * sizeof<T>(), rsc, csc, tile,
        );
      }
    }
  }
}

/** Up to four rows of C over one block of k; rsb = 0: b is packed. The first `skipped` columns of b are not C's. */
function multiplyFourRows<T>(
  rows: i32, n: i32, skipped: i32, k: i32, alpha: T, a: usize, rsa: i32, csa: i32, b: usize, rsb: i32, beta: T,
  c: usize, rsc: i32, csc: i32, tile: usize,
): void {
  const rsaBytes = <usize>rsa * sizeof<T>(), csaBytes = <usize>csa * sizeof<T>(), rscBytes = <usize>rsc * sizeof<T>();
  const a1 = rows > 1 ? a + rsaBytes : a, a2 = rows > 2 ? a1 + rsaBytes : a, a3 = rows > 3 ? a2 + rsaBytes : a;
  const stepB = rsb == 0 ? <usize>STEP_BYTES : <usize>rsb * sizeof<T>();
  const panelBytes = rsb == 0 ? <usize>k * STEP_BYTES : <usize>STEP_BYTES;
  const plain = rows == ROWS && csc == 1 && alpha == <T>1 && beta == <T>0;
  for (let j = 0; j < n; j += WIDTH<T>()) {
    const columns = min(WIDTH<T>(), n - j);
    if (rsb != 0 && j > 0 && columns < WIDTH<T>()) {
      skipped = WIDTH<T>() - columns;
      b -= <usize>skipped * sizeof<T>();
    }
    const whole = plain && columns == WIDTH<T>();
    const target = whole ? c : tile, targetStep = whole ? rscBytes : <usize>STEP_BYTES;
    if (csa == 1) {
      if (sizeof<T>() == 8) rowsMicrokernelF64(k, a, a1, a2, a3, b, stepB, target, targetStep);
      else rowsMicrokernelF32(k, a, a1, a2, a3, b, stepB, target, targetStep);
    } else {
      if (sizeof<T>() == 8) stridedMicrokernelF64(k, a, a1, a2, a3, csaBytes, b, stepB, target, targetStep);
      else stridedMicrokernelF32(k, a, a1, a2, a3, csaBytes, b, stepB, target, targetStep);
    }
    if (!whole) updateTile<T>(rows, columns, alpha, tile + <usize>skipped * sizeof<T>(), STEP_BYTES, beta, c, rsc, csc);
    c += <usize>columns * <usize>csc * sizeof<T>();
    b += panelBytes;
  }
}
