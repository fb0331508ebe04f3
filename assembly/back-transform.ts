/**
 * @file Back-transformation: eigenvectors of T, as rows, become eigenvectors of A, as columns, by blocks of reflectors.
 *
 *   out ← (U·Qᵀ)ᵀ = H(n−1)·…·H(2)·H(1)·Uᵀ
 *
 * A block of consecutive reflectors, the rows of V, is  H(b)·…·H(b+count−1) = I − Vᵀ·F·V  with F upper triangular (the
 * compact WY form), applied to vectors u with two products:  p = V·u,  u ← u + Xᵀ·p,  X = −F·V.
 *
 * V and X of all blocks are packed once, as the microkernel's left operands. Vectors are its right operand and stay packed
 * from the first block to the last, NR vectors to a panel and a group of panels at a time, so that a group stays in L2:
 *
 *        panel of u            V, X: panels of MR reflectors, of MR indices
 *     index 0 | 0 1 2 3 |
 *     index 1 | 4 5 6 7 |      p = V·u    MR reflectors × NR vectors, sums over indices in blocks of KC
 *           … | …       |      u + Xᵀ·p   MR indices × NR vectors, sums over the block's reflectors
 *
 * Vectors do not meet: the bits of one do not depend on how many others there are.
 *
 * Scheme: Schreiber, Van Loan, SIAM J. Sci. Stat. Comput. 10(1), 1989; panels as in BLIS (see the microkernel).
 */

import { blockedMultiply, KC, multiply, multiplyScratchBytes, packA, packB } from "./gemm";
import { MR, NR_BYTES, microkernelAddF32, microkernelAddF64, microkernelF32, microkernelF64 } from "./gemm-microkernel";
import { dotContiguous } from "./level1";
import { padded } from "./memory";

/** Reflectors of a block: few where n is small, because F·V and V·Vᵀ cost count/n of the whole. */
const BLOCK: i32 = 64;
const SMALL_BLOCK: i32 = 32;
const SMALL: i32 = 384;
/** A group of vectors has about as many bytes, half of an L2 of 1 MB: V and X are read once a group, from L3. */
const GROUP_BYTES: usize = 524288;
const MIN_GROUP: i32 = 4;

// @ts-ignore: decorator
@inline
function NR<T>(): i32 {
  return NR_BYTES / sizeof<T>();
}

// @ts-ignore: decorator
@inline
function blockSize(n: i32): i32 {
  return n < SMALL ? SMALL_BLOCK : BLOCK;
}

// @ts-ignore: decorator
@inline
function wholePanels(extent: i32): i32 {
  return ((extent + MR - 1) / MR) * MR;
}

/** Bytes of V and X, packed, of the block of `count` reflectors from b. */
function packedBytes<T>(b: i32, count: i32): usize {
  const length = b + count - 1;
  return (<usize>wholePanels(count) * <usize>length + <usize>wholePanels(length) * <usize>count) * sizeof<T>();
}

function allPackedBytes<T>(n: i32): usize {
  let bytes: usize = 0;
  const block = blockSize(n);
  for (let b = 1; b < n; b += block) bytes += packedBytes<T>(b, min(block, n - b));
  return padded(bytes);
}

/** Panels of a group, and bytes of one: n indices and room for the last MR to be written whole. */
function groupPanels<T>(n: i32, rows: i32): i32 {
  const panels = (rows + NR<T>() - 1) / NR<T>();
  return min(panels, max(MIN_GROUP, <i32>(GROUP_BYTES / vectorPanelBytes(n))));
}
function vectorPanelBytes(n: i32): usize {
  return (<usize>n + MR) * NR_BYTES;
}

/** P of a group's panels. */
function productBytes(panels: i32): usize {
  return padded(<usize>panels * wholePanels(BLOCK) * NR_BYTES);
}

export function backTransformScratchBytes<T>(n: i32, rows: i32): usize {
  const panels = groupPanels<T>(n, rows);
  const groups = padded(<usize>panels * vectorPanelBytes(n)) + productBytes(panels);
  const factors = padded((<usize>BLOCK * <usize>n + 2 * BLOCK * BLOCK) * sizeof<T>());
  return allPackedBytes<T>(n) + max(groups, factors + multiplyScratchBytes<T>(BLOCK, max(n, BLOCK), max(n, BLOCK)));
}

/**
 * U [rows, n], contiguous → out [n, rows], row stride rsOut. A [n, n], row stride rsa, holds the reflectors as `tridiagonalize`
 * left them; out may be A.
 */
export function backTransform<T>(
  n: i32, rows: i32, aPtr: usize, rsa: i32, tauPtr: usize, uPtr: usize, outPtr: usize, rsOut: i32, scratchPtr: usize,
): void {
  const restPtr = scratchPtr + allPackedBytes<T>(n);
  packBlocks<T>(n, aPtr, rsa, tauPtr, scratchPtr, restPtr);
  const width = groupPanels<T>(n, rows);
  const groupPtr = restPtr, productPtr = groupPtr + padded(<usize>width * vectorPanelBytes(n));
  for (let r = 0; r < rows; r += width * NR<T>()) {
    const live = min(width * NR<T>(), rows - r);
    const panels = (live + NR<T>() - 1) / NR<T>();
    packVectors<T>(n, live, uPtr + <usize>r * <usize>n * sizeof<T>(), groupPtr);
    applyBlocks<T>(n, panels, scratchPtr, groupPtr, productPtr);
    unpackVectors<T>(n, live, groupPtr, outPtr + <usize>r * sizeof<T>(), rsOut);
  }
}

/** V and X of every block, one behind the other. */
function packBlocks<T>(n: i32, aPtr: usize, rsa: i32, tauPtr: usize, packedPtr: usize, workPtr: usize): void {
  const block = blockSize(n);
  const gPtr = workPtr + <usize>BLOCK * <usize>n * sizeof<T>(), fPtr = gPtr + BLOCK * BLOCK * sizeof<T>();
  const gemmScratch = workPtr + padded((<usize>BLOCK * <usize>n + 2 * BLOCK * BLOCK) * sizeof<T>());
  for (let b = 1; b < n; b += block) {
    const count = min(block, n - b);
    const length = b + count - 1; // the last reflector of the block acts on so many indices
    const v = aPtr + <usize>b * <usize>rsa * sizeof<T>();
    blockedMultiply<T>(count, count, length, <T>1, v, rsa, 1, v, 1, rsa, <T>0, gPtr, BLOCK, 1, 1, gemmScratch);
    triangularFactor<T>(count, tauPtr + <usize>b * sizeof<T>(), gPtr, fPtr);
    // Of F, upper triangular, the lower left quarter is not multiplied.
    const half = count >> 1, rest = count - half;
    multiply<T>(half, length, count, <T>1, fPtr, BLOCK, 1, v, rsa, 1, <T>0, workPtr, n, 1, gemmScratch);
    multiply<T>(
      rest, length, rest, <T>1, fPtr + <usize>(half * (BLOCK + 1)) * sizeof<T>(), BLOCK, 1, v + <usize>half * <usize>rsa * sizeof<T>(), rsa, 1,
      <T>0, workPtr + <usize>half * <usize>n * sizeof<T>(), n, 1, gemmScratch,
    );
    for (let pc = 0; pc < length; pc += KC) {
      const kc = min(KC, length - pc);
      packA<T>(count, kc, v + <usize>pc * sizeof<T>(), rsa, 1, packedPtr);
      packedPtr += <usize>wholePanels(count) * <usize>kc * sizeof<T>();
    }
    packA<T>(length, count, workPtr, 1, n, packedPtr);
    packedPtr += <usize>wholePanels(length) * <usize>count * sizeof<T>();
  }
}

/** −F [count, count], row stride BLOCK:  F[j, j] = tau[j],  F[0…j−1, j] = −tau[j]·F[0…j−1, 0…j−1]·(V·Vᵀ)[0…j−1, j]. */
function triangularFactor<T>(count: i32, tauPtr: usize, gPtr: usize, fPtr: usize): void {
  const row = BLOCK * sizeof<T>();
  memory.fill(fPtr, 0, BLOCK * row);
  for (let j = 0; j < count; j++) {
    const tau = load<T>(tauPtr + <usize>j * sizeof<T>());
    for (let i = 0; i < j; i++) {
      const at = <usize>(i * row + i * sizeof<T>());
      const sum = dotContiguous<T>(j - i, fPtr + at, gPtr + <usize>(j * row + i * sizeof<T>()));
      store<T>(fPtr + <usize>(i * row + j * sizeof<T>()), -tau * sum);
    }
    store<T>(fPtr + <usize>(j * row + j * sizeof<T>()), -tau);
  }
}

function packVectors<T>(n: i32, live: i32, uPtr: usize, groupPtr: usize): void {
  for (let r = 0; r < live; r += NR<T>()) {
    packB<T>(min(NR<T>(), live - r), n, uPtr + <usize>r * <usize>n * sizeof<T>(), n, 1, groupPtr);
    memory.fill(groupPtr + <usize>n * NR_BYTES, 0, MR * NR_BYTES);
    groupPtr += vectorPanelBytes(n);
  }
}

function unpackVectors<T>(n: i32, live: i32, groupPtr: usize, outPtr: usize, rsOut: i32): void {
  for (let i = 0; i < n; i++) {
    let from = groupPtr + <usize>i * NR_BYTES;
    const to = outPtr + <usize>i * <usize>rsOut * sizeof<T>();
    let r = 0;
    for (; r + NR<T>() <= live; r += NR<T>()) {
      for (let at = 0; at < NR_BYTES; at += 16) v128.store(to + <usize>r * sizeof<T>() + at, v128.load(from + at));
      from += vectorPanelBytes(n);
    }
    for (let k = 0; r < live; r++, k++) store<T>(to + <usize>r * sizeof<T>(), load<T>(from + <usize>k * sizeof<T>()));
  }
}

/** All blocks on one group of `panels` panels. */
function applyBlocks<T>(n: i32, panels: i32, packedPtr: usize, groupPtr: usize, productPtr: usize): void {
  const block = blockSize(n);
  const step = vectorPanelBytes(n), productStep: usize = wholePanels(BLOCK) * NR_BYTES;
  for (let b = 1; b < n; b += block) {
    const count = min(block, n - b);
    const length = b + count - 1;
    for (let pc = 0; pc < length; pc += KC) {
      const kc = min(KC, length - pc);
      for (let i = 0; i < count; i += MR) {
        let u = groupPtr + <usize>pc * NR_BYTES, p = productPtr + <usize>i * NR_BYTES;
        // V is a trapezoid: beyond the panel's last reflector it is zero.
        const live = min(kc, b + min(i + MR, count) - 1 - pc);
        for (let g = 0; g < panels; g++) {
          if (pc == 0) product<T>(live, packedPtr, u, p);
          else if (live > 0) addProduct<T>(live, packedPtr, u, p);
          u += step;
          p += productStep;
        }
        packedPtr += <usize>(MR * kc) * sizeof<T>();
      }
    }
    for (let i = 0; i < length; i += MR) {
      let u = groupPtr + <usize>i * NR_BYTES, p = productPtr;
      for (let g = 0; g < panels; g++) {
        addProduct<T>(count, packedPtr, p, u);
        u += step;
        p += productStep;
      }
      packedPtr += <usize>(MR * count) * sizeof<T>();
    }
  }
}

/** C [MR, NR], contiguous, ← A·B. */
// @ts-ignore: decorator
@inline
function product<T>(k: i32, a: usize, b: usize, c: usize): void {
  if (sizeof<T>() == 8) microkernelF64(k, a, b, c, NR_BYTES);
  else microkernelF32(k, a, b, c, NR_BYTES);
}

/** C [MR, NR], contiguous, ← C + A·B. */
// @ts-ignore: decorator
@inline
function addProduct<T>(k: i32, a: usize, b: usize, c: usize): void {
  if (sizeof<T>() == 8) microkernelAddF64(k, a, b, c, NR_BYTES);
  else microkernelAddF32(k, a, b, c, NR_BYTES);
}
