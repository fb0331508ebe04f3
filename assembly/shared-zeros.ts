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
import { OFFSET, STEP, selectedMicrokernel } from "./selected-microkernel";

/** Rows of a tile. */
export const ROWS: i32 = 5;
/** Packed tiles that one panel of B serves: 150 KB of f32 at most, in L2. */
const TILES: i32 = 12;
/** Columns of a packed block of B. */
const COLUMNS: i32 = 1024;
/** Bytes of a row of the wide module's tile: both modules declare the same scratch. */
export const WIDEST_NR_BYTES: i32 = 64;
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
          const steps = packSteps<T>(min(ROWS, rows - row), kc, from, <usize>rsa * sizeof<T>(), sizeof<T>(), packedA + <usize>(t - first) * panelA);
          store<i32>(tile + <usize>(t - first << 2), max(1, steps), ROWS * WIDEST_NR_BYTES);
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
      if (live == ROWS && columns == columnsOfPanel) {
        selectedMicrokernel<T>(beta != <T>0, steps, packed, panel, corner, <usize>rsc * sizeof<T>());
      } else {
        selectedMicrokernel<T>(0, steps, packed, panel, tile, NR_BYTES);
        updateTile<T>(live, columns, <T>1, tile, NR_BYTES, beta, corner, rsc, 1);
      }
    }
  }
}

/**
 * Packs the steps of a tile at which one of its rows is not zero, rows and steps in any strides of bytes; rows beyond the `live` ones are
 * the last of them again. Returns the number of steps; the last one written, perhaps beyond them, is zero where none was kept.
 */
export function packSteps<T>(live: i32, k: i32, src: usize, rsBytes: usize, csBytes: usize, dst: usize): i32 {
  return sizeof<T>() == 8 ? packBits<T, u64>(live - 1, k, src, rsBytes, csBytes, dst) : packBits<T, u32>(live - 1, k, src, rsBytes, csBytes, dst);
}

// @ts-ignore: decorator
@inline
function packBits<T, Bits>(last: i32, k: i32, r0: usize, rsBytes: usize, csBytes: usize, dst: usize): i32 {
  const begin = dst;
  let r1 = r0 + <usize>min(1, last) * rsBytes, r2 = r0 + <usize>min(2, last) * rsBytes;
  let r3 = r0 + <usize>min(3, last) * rsBytes, r4 = r0 + <usize>min(4, last) * rsBytes;
  for (let offset = 0; offset < k * NR_BYTES; offset += NR_BYTES) {
    const x0 = load<Bits>(r0), x1 = load<Bits>(r1), x2 = load<Bits>(r2), x3 = load<Bits>(r3), x4 = load<Bits>(r4);
    store<Bits>(dst, x0);
    store<Bits>(dst, x1, sizeof<T>());
    store<Bits>(dst, x2, 2 * sizeof<T>());
    store<Bits>(dst, x3, 3 * sizeof<T>());
    store<Bits>(dst, x4, 4 * sizeof<T>());
    store<i32>(dst, offset, OFFSET<T>());
    // Not zero, but for its sign; no branch, which nothing could predict.
    dst += <usize>(((x0 | x1 | x2 | x3 | x4) << 1) != 0) * STEP<T>();
    r0 += csBytes;
    r1 += csBytes;
    r2 += csBytes;
    r3 += csBytes;
    r4 += csBytes;
  }
  return <i32>((dst - begin) / STEP<T>());
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
