/**
 * @file GEMM: C ← alpha·A·B + beta·C, any strides, blocked and packed.
 *
 *   LOOP 5  jc over n by NC     B[:, jc…]            one column block
 *   LOOP 4  pc over k by KC     pack B[pc…, jc…]     [KC, NC] in panels of NR columns
 *   LOOP 3  ic over m by MC     pack A[ic…, pc…]     [MC, KC] in panels of MR rows, stays in L2
 *   LOOP 2  ir over mc by MR    a strip of the block's columns at a time, whose panels stay in L2
 *   LOOP 1  jr over nc by NR    microkernel on one MR × NR tile; along rows of C the processor reads ahead
 *
 * Order of summation, one for gemm and gram and every m, n, strides and position of an element: k is cut in blocks of KC;
 * P_b = Σ a·b inside block b runs 0 … kc−1 sequentially from +0; then C ← alpha·P_0 + beta·C, and C ← alpha·P_b + C for
 * b = 1, 2, … (multiply, then add). Blocks keep the rounding error near (KC + k/KC)·ε instead of k·ε.
 *
 * Hazards: beta = 0 never reads C; k = 0 gives beta·C (+0 when beta = 0); C must not overlap A, B or the scratch.
 *
 * Scheme: Goto & van de Geijn, Anatomy of High-Performance Matrix Multiplication, ACM TOMS 34(3), 2008; BLIS (see the
 * microkernel).
 */

import { MR, NR_BYTES, microkernelAddF32, microkernelAddF64, microkernelF32, microkernelF64 } from "./gemm-microkernel";
import { packPanels } from "./gemm-pack";
import { STRIP, multiplyVectorBlock } from "./gemm-vector";
import { padded } from "./memory";
import { multiplySkinny } from "./skinny";

/** Depth of a packed block. Part of the bits. Fewer blocks mean fewer passes over C; a panel of B, 16 KB, stays in L1 beside what streams through it. */
export const KC: i32 = 512;
/** Rows of a packed block of A, a multiple of MR: MC·KC elements, 246 KB of f64, stay in L2 beside what streams through it. */
const MC: i32 = 60;
/** Columns of a packed block of B. */
const NC: i32 = 1024;

/** Bytes of a strip of the packed block of B, which stay in L2: its panels are read again for each panel of A. */
const STRIP_BYTES: i32 = 262144;

/** Extents of C up to which column by column is faster than a register tile that is mostly padding. */
const NARROW: i32 = 2;

/** Bytes of a row of the wide module's tile. Both modules declare the scratch that it needs: an estimate is the same in both. */
const WIDEST_NR_BYTES: i32 = 64;

/** Bytes of one MR × NR tile. */
const TILE_BYTES: usize = MR * WIDEST_NR_BYTES;

/** Columns of the register tile. */
// @ts-ignore: decorator
@inline
function NR<T>(): i32 {
  return NR_BYTES / sizeof<T>();
}

function panelBytes<T>(panel: i32, extent: i32, k: i32): usize {
  const rows = ((extent + panel - 1) / panel) * panel;
  return padded(<usize>rows * <usize>k * sizeof<T>());
}

/** Bytes of scratch of `multiply` for these extents (either operand may play A). */
export function multiplyScratchBytes<T>(m: i32, n: i32, k: i32): usize {
  const kc = min(k, KC);
  const columns = WIDEST_NR_BYTES / sizeof<T>();
  const direct = panelBytes<T>(MR, min(m, MC), kc) + panelBytes<T>(columns, min(n, NC), kc);
  const swapped = panelBytes<T>(MR, min(n, MC), kc) + panelBytes<T>(columns, min(m, NC), kc);
  return TILE_BYTES + max(direct, swapped);
}

/** C ← alpha·A·B + beta·C, see the file's header. */
export function multiply<T>(
  m: i32, n: i32, k: i32, alpha: T,
  a: usize, rsa: i32, csa: i32,
  b: usize, rsb: i32, csb: i32,
  beta: T, c: usize, rsc: i32, csc: i32,
  scratch: usize,
): void {
  if (k > 0 && n <= NARROW && (m >= STRIP || m * n <= NARROW)) {
    multiplyNarrow<T>(m, n, k, alpha, a, rsa, csa, b, rsb, csb, beta, c, rsc, csc, scratch);
    return;
  }
  if (k > 0 && m <= NARROW && (n >= STRIP || m * n <= NARROW)) {
    multiplyNarrow<T>(n, m, k, alpha, b, csb, rsb, a, csa, rsa, beta, c, csc, rsc, scratch);
    return;
  }
  if (k > 0 && multiplySkinny<T>(m, n, k, alpha, a, rsa, csa, b, rsb, csb, beta, c, rsc, csc, scratch)) return;
  // Cᵀ = Bᵀ·Aᵀ has the same bits (a·b = b·a), and rows of C become contiguous.
  if (csc != 1 && rsc == 1) blockedMultiply<T>(n, m, k, alpha, b, csb, rsb, a, csa, rsa, beta, c, csc, rsc, 0, scratch);
  else blockedMultiply<T>(m, n, k, alpha, a, rsa, csa, b, rsb, csb, beta, c, rsc, csc, 0, scratch);
}

/** C [m, n] for a small n: one matrix-vector product per column, the same blocks of k and the same bits. */
function multiplyNarrow<T>(
  m: i32, n: i32, k: i32, alpha: T,
  a: usize, rsa: i32, csa: i32,
  b: usize, rsb: i32, csb: i32,
  beta: T, c: usize, rsc: i32, csc: i32,
  scratch: usize,
): void {
  for (let pc = 0; pc < k; pc += KC) {
    const kc = min(KC, k - pc);
    for (let j = 0; j < n; j++) {
      multiplyVectorBlock<T>(
        m, kc, alpha, address<T>(a, 0, rsa, pc, csa), rsa, csa, address<T>(b, pc, rsb, j, csb), rsb,
        pc == 0 ? beta : <T>1, address<T>(c, 0, rsc, j, csc), rsc, scratch,
      );
    }
  }
}

/** The five loops. lower ≠ 0 skips tiles that lie wholly above the diagonal of C. */
export function blockedMultiply<T>(
  m: i32, n: i32, k: i32, alpha: T,
  a: usize, rsa: i32, csa: i32,
  b: usize, rsb: i32, csb: i32,
  beta: T, c: usize, rsc: i32, csc: i32,
  lower: i32, scratch: usize,
): void {
  if (k <= 0) {
    scaleMatrix<T>(m, n, beta, c, rsc, csc);
    return;
  }
  const kcMax = min(k, KC);
  const packedA = scratch + TILE_BYTES;
  const packedB = packedA + panelBytes<T>(MR, min(m, MC), kcMax);
  for (let jc = 0; jc < n; jc += NC) {
    const nc = min(NC, n - jc);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc);
      const betaBlock = pc == 0 ? beta : <T>1;
      packB<T>(nc, kc, address<T>(b, pc, rsb, jc, csb), csb, rsb, packedB);
      for (let ic = 0; ic < m; ic += MC) {
        const mc = min(MC, m - ic);
        if (lower && ic + mc <= jc) continue;
        packA<T>(mc, kc, address<T>(a, ic, rsa, pc, csa), rsa, csa, packedA);
        const above = lower ? ic - jc : nc;
        macrokernel<T>(mc, nc, kc, alpha, packedA, packedB, betaBlock, address<T>(c, ic, rsc, jc, csc), rsc, csc, above, scratch);
      }
    }
  }
}

/** Panels of MR rows, the left operand of the microkernel. */
export function packA<T>(rows: i32, k: i32, src: usize, rs: i32, cs: i32, dst: usize): void {
  packPanels<T>(MR, rows, k, src, rs, cs, dst);
}

/** Panels of NR columns, its right operand: rs and cs are those of the transposed source. */
export function packB<T>(columns: i32, k: i32, src: usize, rs: i32, cs: i32, dst: usize): void {
  packPanels<T>(NR<T>(), columns, k, src, rs, cs, dst);
}

/** LOOP 2 and LOOP 1 over one packed pair of blocks. A row of tiles ends `above` columns to the right of its last row, where C does. */
function macrokernel<T>(
  mc: i32, nc: i32, kc: i32, alpha: T, packedA: usize, packedB: usize,
  beta: T, c: usize, rsc: i32, csc: i32, above: i32, tile: usize,
): void {
  const rscBytes = <usize>rsc * sizeof<T>();
  const plain = alpha == <T>1 && csc == 1;
  const direct = plain && beta == <T>0, adds = plain && beta == <T>1;
  const strip = STRIP_BYTES / (kc * NR_BYTES) * NR<T>();
  for (let js = 0; js < nc; js += strip) {
    for (let ir = 0; ir < mc; ir += MR) {
      const rows = min(MR, mc - ir);
      const panelA = packedA + <usize>(ir * kc) * sizeof<T>();
      const end = min(min(js + strip, nc), ir + rows + above);
      for (let jr = js; jr < end; jr += NR<T>()) {
        const columns = min(NR<T>(), nc - jr);
        const panelB = packedB + <usize>(jr * kc) * sizeof<T>();
        const corner = address<T>(c, ir, rsc, jr, csc);
        const whole = rows == MR && columns == NR<T>();
        if (direct && whole) {
          runMicrokernel<T>(kc, panelA, panelB, corner, rscBytes);
        } else if (adds && whole) {
          runMicrokernelAdd<T>(kc, panelA, panelB, corner, rscBytes);
        } else {
          runMicrokernel<T>(kc, panelA, panelB, tile, NR_BYTES);
          updateTile<T>(rows, columns, alpha, tile, NR_BYTES, beta, corner, rsc, csc);
        }
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function runMicrokernel<T>(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (sizeof<T>() == 8) microkernelF64(k, a, b, c, rsc);
  else microkernelF32(k, a, b, c, rsc);
}

// @ts-ignore: decorator
@inline
function runMicrokernelAdd<T>(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (sizeof<T>() == 8) microkernelAddF64(k, a, b, c, rsc);
  else microkernelAddF32(k, a, b, c, rsc);
}

/** C ← alpha·tile + beta·C on the live part of a tile, whose rows are rowBytes long: 32, or the wide module's 64. */
export function updateTile<T>(
  rows: i32, columns: i32, alpha: T, tile: usize, rowBytes: usize, beta: T, c: usize, rsc: i32, csc: i32,
): void {
  if (csc == 1 && <usize>columns * sizeof<T>() == rowBytes) {
    const step = <usize>rsc * sizeof<T>();
    for (const end = tile + <usize>rows * rowBytes; tile < end; tile += rowBytes) {
      updateVectors<T>(alpha, tile, beta, c);
      if (WIDE && rowBytes == 64) updateVectors<T>(alpha, tile + 32, beta, c + 32);
      c += step;
    }
    return;
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = address<T>(c, i, rsc, j, csc);
      let value = alpha * load<T>(tile + <usize>i * rowBytes + <usize>j * sizeof<T>());
      if (beta != <T>0) value += beta * load<T>(at);
      store<T>(at, value);
    }
  }
}

/** Two v128 of a row of a tile. Multiplying by alpha = 1 or beta = 1 changes nothing. */
// @ts-ignore: decorator
@inline
function updateVectors<T>(alpha: T, tile: usize, beta: T, c: usize): void {
  const alphas = v128.splat<T>(alpha), betas = v128.splat<T>(beta);
  let left = v128.mul<T>(alphas, v128.load(tile)), right = v128.mul<T>(alphas, v128.load(tile, 16));
  if (beta != <T>0) {
    left = v128.add<T>(left, v128.mul<T>(betas, v128.load(c)));
    right = v128.add<T>(right, v128.mul<T>(betas, v128.load(c, 16)));
  }
  v128.store(c, left);
  v128.store(c, right, 16);
}

/** C ← beta·C, and +0 without reading when beta = 0. */
function scaleMatrix<T>(m: i32, n: i32, beta: T, c: usize, rsc: i32, csc: i32): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const at = address<T>(c, i, rsc, j, csc);
      store<T>(at, beta == <T>0 ? <T>0 : beta * load<T>(at));
    }
  }
}

/** Address of an element: products in usize, so that offsets up to 4 GiB and negative strides are exact. */
// @ts-ignore: decorator
@inline
function address<T>(base: usize, i: i32, rs: i32, j: i32, cs: i32): usize {
  return base + (<usize>i * <usize>rs + <usize>j * <usize>cs) * sizeof<T>();
}

export function gemmF64(
  m: i32, n: i32, k: i32, alpha: f64, aPtr: usize, rsa: i32, csa: i32, bPtr: usize, rsb: i32, csb: i32,
  beta: f64, cPtr: usize, rsc: i32, csc: i32, scratchPtr: usize,
): void {
  multiply<f64>(m, n, k, alpha, aPtr, rsa, csa, bPtr, rsb, csb, beta, cPtr, rsc, csc, scratchPtr);
}

export function gemmF32(
  m: i32, n: i32, k: i32, alpha: f64, aPtr: usize, rsa: i32, csa: i32, bPtr: usize, rsb: i32, csb: i32,
  beta: f64, cPtr: usize, rsc: i32, csc: i32, scratchPtr: usize,
): void {
  multiply<f32>(m, n, k, <f32>alpha, aPtr, rsa, csa, bPtr, rsb, csb, <f32>beta, cPtr, rsc, csc, scratchPtr);
}

export function gemmScratchBytesF64(m: i32, n: i32, k: i32): usize {
  return multiplyScratchBytes<f64>(m, n, k);
}

export function gemmScratchBytesF32(m: i32, n: i32, k: i32): usize {
  return multiplyScratchBytes<f32>(m, n, k);
}
