/**
 * @file Products whose left operand has groups of rows that are zero at the same steps, as the cotangents of all outputs are behind
 * a ReLU: those steps are left out.
 *
 *   C[g, r, :] ← A[g, r, :]·B      g < groups, r < rows; A contiguous along k, B [k, n] in any strides, rows of C contiguous
 *
 * A tile of five rows of one group is packed without the steps at which all five are zero (selected-microkernel.ts). A sum that begins
 * at +0 is never −0, so that adding ±0 changes nothing: the bits are those of gemm where B is finite. Blocks and their order
 * are gemm's. Packing looks at the values: which zeros are shared need not be known.
 *
 * lower ≠ 0: C is a square of groups · rows, and only entries with row ≥ column are asked for; others may be left as they are.
 */

import { KC, packB, updateTile } from "./gemm";
import { NR_BYTES } from "./gemm-microkernel";
import { padded } from "./memory";
import { OFFSET, STEP, selectedMicrokernelF32, selectedMicrokernelF64 } from "./selected-microkernel";

/** Rows of a tile. */
const ROWS: i32 = 5;
/** Packed tiles that one panel of B serves: 150 KB of f32 at most, in L2. */
const TILES: i32 = 12;
/** Columns of a packed block of B. */
const COLUMNS: i32 = 1024;
/** Bytes of a row of the wide module's tile: both modules declare the same scratch. */
const WIDEST_NR_BYTES: i32 = 64;
/** A tile, then the number of steps of every packed tile. */
const HEAD_BYTES: usize = ROWS * WIDEST_NR_BYTES + 64;

function scratchBytes<T>(n: i32, k: i32): usize {
  const kc = min(k, KC);
  const widest = WIDEST_NR_BYTES / <i32>sizeof<T>();
  const columns = (min(n, COLUMNS) + widest - 1) / widest * widest;
  return HEAD_BYTES + padded(<usize>(TILES * (kc + 1)) * STEP<T>()) + <usize>columns * <usize>kc * sizeof<T>();
}

function multiply<T>(
  groups: i32, rows: i32, n: i32, k: i32, a: usize, groupA: i32, rsa: i32, b: usize, rsb: i32, csb: i32,
  c: usize, groupC: i32, rsc: i32, lower: i32, tile: usize,
): void {
  const tilesOfGroup = (rows + ROWS - 1) / ROWS;
  const tiles = groups * tilesOfGroup;
  const packedA = tile + HEAD_BYTES;
  const packedB = packedA + padded(<usize>(TILES * (min(k, KC) + 1)) * STEP<T>());
  for (let jc = 0; jc < n; jc += COLUMNS) {
    const nc = min(COLUMNS, n - jc);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc);
      const panelA = <usize>(kc + 1) * STEP<T>();
      packB<T>(nc, kc, b + (<usize>pc * <usize>rsb + <usize>jc * <usize>csb) * sizeof<T>(), csb, rsb, packedB);
      for (let first = 0; first < tiles; first += TILES) {
        const last = min(first + TILES, tiles);
        if (lower && ((last - 1) / tilesOfGroup + 1) * rows <= jc) continue;
        for (let t = first; t < last; t++) {
          const row = t % tilesOfGroup * ROWS;
          const from = a + (<usize>(t / tilesOfGroup) * <usize>groupA + <usize>row * <usize>rsa + <usize>pc) * sizeof<T>();
          const steps = packSteps<T>(min(ROWS, rows - row), kc, from, <usize>rsa * sizeof<T>(), packedA + <usize>(t - first) * panelA);
          store<i32>(tile + <usize>(t - first << 2), steps, ROWS * WIDEST_NR_BYTES);
        }
        multiplyTiles<T>(
          first, last, tilesOfGroup, rows, jc, nc, kc, packedA, packedB, pc == 0 ? <T>0 : <T>1, c, groupC, rsc, lower, tile,
        );
      }
    }
  }
}

/** Every panel of B with every packed tile. */
function multiplyTiles<T>(
  first: i32, last: i32, tilesOfGroup: i32, rows: i32, jc: i32, nc: i32, kc: i32, packedA: usize, packedB: usize, beta: T,
  c: usize, groupC: i32, rsc: i32, lower: i32, tile: usize,
): void {
  const columnsOfPanel = NR_BYTES / <i32>sizeof<T>();
  const panelA = <usize>(kc + 1) * STEP<T>();
  for (let j = 0; j < nc; j += columnsOfPanel) {
    const columns = min(columnsOfPanel, nc - j);
    const panel = packedB + <usize>j * <usize>kc * sizeof<T>();
    for (let t = first; t < last; t++) {
      const group = t / tilesOfGroup, row = (t - group * tilesOfGroup) * ROWS;
      if (lower && (group + 1) * rows <= jc + j) continue;
      const live = min(ROWS, rows - row);
      const steps = load<i32>(tile + <usize>(t - first << 2), ROWS * WIDEST_NR_BYTES);
      const packed = packedA + <usize>(t - first) * panelA;
      const corner = c + (<usize>group * <usize>groupC + <usize>row * <usize>rsc + <usize>(jc + j)) * sizeof<T>();
      if (beta == <T>0 && live == ROWS && columns == columnsOfPanel) {
        run<T>(steps, packed, panel, corner, <usize>rsc * sizeof<T>());
      } else {
        run<T>(steps, packed, panel, tile, NR_BYTES);
        updateTile<T>(live, columns, <T>1, tile, NR_BYTES, beta, corner, rsc, 1);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function run<T>(steps: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (sizeof<T>() == 8) selectedMicrokernelF64(steps, a, b, c, rsc);
  else selectedMicrokernelF32(steps, a, b, c, rsc);
}

/** Packs the steps of a tile at which some row is not zero, at least one; rows beyond `live` are zero. Returns their number. */
function packSteps<T>(live: i32, k: i32, r0: usize, rsBytes: usize, dst: usize): i32 {
  const begin = dst;
  if (live < ROWS) return packFewRows<T>(live, k, r0, rsBytes, dst);
  const lanes = 16 / <i32>sizeof<T>();
  const zero = v128.splat<T>(<T>0);
  let r1 = r0 + rsBytes, r2 = r1 + rsBytes, r3 = r2 + rsBytes, r4 = r3 + rsBytes;
  let offset: i32 = 0;
  for (const end = r0 + <usize>(k - k % lanes) * sizeof<T>(); r0 < end; r0 += 16) {
    const v0 = v128.load(r0), v1 = v128.load(r1), v2 = v128.load(r2), v3 = v128.load(r3), v4 = v128.load(r4);
    const some = v128.or(v128.or(v128.or(v128.ne<T>(v0, zero), v128.ne<T>(v1, zero)), v128.or(v128.ne<T>(v2, zero), v128.ne<T>(v3, zero))), v128.ne<T>(v4, zero));
    const kept = sizeof<T>() == 8 ? i64x2.bitmask(some) : i32x4.bitmask(some);
    if (sizeof<T>() == 8) {
      v128.store(dst, v128.shuffle<i64>(v0, v1, 0, 2));
      v128.store(dst, v128.shuffle<i64>(v2, v3, 0, 2), 16);
      v128.store_lane<i64>(dst, v4, 0, 32);
      store<i32>(dst, offset, 40);
      if (kept & 1) dst += STEP<T>();
      v128.store(dst, v128.shuffle<i64>(v0, v1, 1, 3));
      v128.store(dst, v128.shuffle<i64>(v2, v3, 1, 3), 16);
      v128.store_lane<i64>(dst, v4, 1, 32);
      store<i32>(dst, offset + NR_BYTES, 40);
      if (kept & 2) dst += STEP<T>();
    } else {
      const low01 = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7);
      const low23 = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7);
      v128.store(dst, v128.shuffle<i64>(low01, low23, 0, 2));
      v128.store_lane<i32>(dst, v4, 0, 16);
      store<i32>(dst, offset, 20);
      dst += <usize>(kept & 1) * STEP<T>();
      v128.store(dst, v128.shuffle<i64>(low01, low23, 1, 3));
      v128.store_lane<i32>(dst, v4, 1, 16);
      store<i32>(dst, offset + NR_BYTES, 20);
      dst += <usize>(kept >> 1 & 1) * STEP<T>();
      v128.store(dst, v128.shuffle<i64>(high01, high23, 0, 2));
      v128.store_lane<i32>(dst, v4, 2, 16);
      store<i32>(dst, offset + 2 * NR_BYTES, 20);
      dst += <usize>(kept >> 2 & 1) * STEP<T>();
      v128.store(dst, v128.shuffle<i64>(high01, high23, 1, 3));
      v128.store_lane<i32>(dst, v4, 3, 16);
      store<i32>(dst, offset + 3 * NR_BYTES, 20);
      dst += <usize>(kept >> 3 & 1) * STEP<T>();
    }
    r1 += 16;
    r2 += 16;
    r3 += 16;
    r4 += 16;
    offset += lanes * NR_BYTES;
  }
  for (let rest = k % lanes; rest > 0; rest--) {
    const x0 = load<T>(r0), x1 = load<T>(r1), x2 = load<T>(r2), x3 = load<T>(r3), x4 = load<T>(r4);
    store<T>(dst, x0);
    store<T>(dst, x1, sizeof<T>());
    store<T>(dst, x2, 2 * sizeof<T>());
    store<T>(dst, x3, 3 * sizeof<T>());
    store<T>(dst, x4, 4 * sizeof<T>());
    store<i32>(dst, offset, OFFSET<T>());
    if (x0 != <T>0 || x1 != <T>0 || x2 != <T>0 || x3 != <T>0 || x4 != <T>0) dst += STEP<T>();
    r0 += sizeof<T>();
    r1 += sizeof<T>();
    r2 += sizeof<T>();
    r3 += sizeof<T>();
    r4 += sizeof<T>();
    offset += NR_BYTES;
  }
  // The last step written is one of zeros where none was kept.
  return max<i32>(1, <i32>((dst - begin) / STEP<T>()));
}

/** The same of fewer than five rows. */
function packFewRows<T>(live: i32, k: i32, src: usize, rsBytes: usize, dst: usize): i32 {
  const begin = dst;
  for (let l = 0; l < k; l++) {
    let some: i32 = 0;
    let from = src;
    for (let row = 0; row < ROWS; row++) {
      const x = row < live ? load<T>(from) : <T>0;
      store<T>(dst + <usize>row * sizeof<T>(), x);
      some |= i32(x != <T>0);
      from += rsBytes;
    }
    store<i32>(dst, l * NR_BYTES, OFFSET<T>());
    if (some) dst += STEP<T>();
    src += sizeof<T>();
  }
  return max<i32>(1, <i32>((dst - begin) / STEP<T>()));
}

export function gemmSharedZerosF64(
  groups: i32, rows: i32, n: i32, k: i32, aPtr: usize, groupA: i32, rsa: i32, bPtr: usize, rsb: i32, csb: i32,
  cPtr: usize, groupC: i32, rsc: i32, lower: i32, scratchPtr: usize,
): void {
  multiply<f64>(groups, rows, n, k, aPtr, groupA, rsa, bPtr, rsb, csb, cPtr, groupC, rsc, lower, scratchPtr);
}

export function gemmSharedZerosF32(
  groups: i32, rows: i32, n: i32, k: i32, aPtr: usize, groupA: i32, rsa: i32, bPtr: usize, rsb: i32, csb: i32,
  cPtr: usize, groupC: i32, rsc: i32, lower: i32, scratchPtr: usize,
): void {
  multiply<f32>(groups, rows, n, k, aPtr, groupA, rsa, bPtr, rsb, csb, cPtr, groupC, rsc, lower, scratchPtr);
}

export function gemmSharedZerosScratchBytesF64(n: i32, k: i32): usize {
  return scratchBytes<f64>(n, k);
}

export function gemmSharedZerosScratchBytesF32(n: i32, k: i32): usize {
  return scratchBytes<f32>(n, k);
}
