/**
 * @file Products of rows, C ← A·Wᵀ, of which the left ones may have zeros of their own, as values behind a ReLU and pixels do: those terms are
 * left out where there are many.
 *
 *   A [m, k], W [n, k], C [m, n] with contiguous rows
 *
 * Every row of A is packed without its zeros (own-zeros-microkernel.ts), W in panels of the tile's columns. A sum that begins at +0 is
 * never −0, so that adding ±0 changes nothing: the bits are those of gemm, since W is looked at too: 0·∞ is left out of nothing. Blocks of KC
 * terms are gemm's.
 */

import { transpose } from "./broadcast-transpose";
import { KC, multiply, multiplyScratchBytes } from "./gemm";
import { gramMatrix, gramScratchBytes, mirrorLower } from "./gram";
import { NR_BYTES, OFFSET, TERMS, ownZerosMicrokernelF32, ownZerosMicrokernelF64 } from "./own-zeros-microkernel";

/** Rows of A that are packed together. */
const ROWS: i32 = 32;
/** Columns of a packed block of W. */
const COLUMNS: i32 = 1024;

/** A tile of C. */
const TILE_BYTES: usize = <usize>(ROWS * NR_BYTES);
/** Packed terms, and their number. */
const LIST_BYTES: usize = 2 * OFFSET + 16;
const LISTS_BYTES: usize = <usize>(ROWS * (KC / TERMS)) * LIST_BYTES;

/** Fewest rows and columns with which it pays to pack W once more. */
const LEAST_ROWS: i32 = 32;
const LEAST_COLUMNS: i32 = 64;
/** Rows that are looked at for zeros, and terms of each. */
const SAMPLED_ROWS: u32 = 16;
const SAMPLED_TERMS: u32 = 512;
/** 2³² over the golden ratio: multiples of it fall between one another, whatever the period of the rows, as channels of images. */
const GOLDEN: u32 = 0x9e3779b9;

function wholePanels<T>(n: i32): i32 {
  const width = NR_BYTES / <i32>sizeof<T>();
  return (n + width - 1) / width * width;
}

function isLarge(m: i32, n: i32): bool {
  return m >= LEAST_ROWS && n >= LEAST_COLUMNS;
}

/** Not less for more rows and columns alike. */
function scratchBytes<T>(m: i32, n: i32, k: i32): usize {
  const bytes = max(multiplyScratchBytes<T>(m, n, k), m == n ? gramScratchBytes<T>(n, k) : 0);
  return isLarge(m, n) ? max(bytes, TILE_BYTES + LISTS_BYTES + <usize>wholePanels<T>(min(n, COLUMNS)) * <usize>min(k, KC) * sizeof<T>()) : bytes;
}

function products<T>(m: i32, n: i32, k: i32, a: usize, rsa: i32, w: usize, rsw: i32, c: usize, rsc: i32, symmetric: i32, scratch: usize): void {
  // Few columns of the panels may be lacking. The tiles of the other modules are faster than half of this one's terms.
  if (!WIDE && !FUSED && k > 0 && isLarge(m, n) && 8 * (wholePanels<T>(n) - n) <= n && hasManyZeros<T>(m, k, a, rsa) && areFinite<T>(n, k, w, rsw)) {
    multiplyTerms<T>(m, n, k, a, rsa, w, rsw, c, rsc, symmetric, scratch);
    if (symmetric) mirrorLower<T>(n, c, rsc);
  } else if (symmetric) {
    gramMatrix<T>(n, k, <T>1, a, rsa, 1, <T>0, c, rsc, scratch);
  } else {
    multiply<T>(m, n, k, <T>1, a, rsa, 1, w, 1, rsw, <T>0, c, rsc, 1, scratch);
  }
}

/** Whether three eighths of the terms are zero, as some rows say: about what the lists cost. */
function hasManyZeros<T>(m: i32, k: i32, a: usize, rsa: i32): bool {
  const terms = min(<u32>k, SAMPLED_TERMS);
  let zeros: u32 = 0;
  for (let sample: u32 = 0; sample < SAMPLED_ROWS; sample++) {
    const row = <usize>((<u64>(sample * GOLDEN) * <u64>m) >> 32);
    const begin = a + row * <usize>rsa * sizeof<T>();
    for (let i: u32 = 0; i < terms; i++) zeros += <u32>(load<T>(begin + <usize>i * sizeof<T>()) == <T>0);
  }
  return 8 * zeros >= 3 * SAMPLED_ROWS * terms;
}

function areFinite<T>(n: i32, k: i32, w: usize, rsw: i32): bool {
  // 0·x is ±0, or NaN, which stays one.
  let zeros = v128.splat<T>(<T>0), rest = <T>0;
  const zero = v128.splat<T>(<T>0);
  for (let j = 0; j < n; j++) {
    let x = w;
    const end = w + <usize>k * sizeof<T>();
    for (; x + 16 <= end; x += 16) zeros = v128.add<T>(zeros, v128.mul<T>(v128.load(x), zero));
    for (; x < end; x += sizeof<T>()) rest += load<T>(x) * <T>0;
    w += <usize>rsw * sizeof<T>();
  }
  return !v128.any_true(v128.ne<T>(zeros, zero)) && rest == <T>0;
}

function multiplyTerms<T>(m: i32, n: i32, k: i32, a: usize, rsa: i32, w: usize, rsw: i32, c: usize, rsc: i32, lower: i32, tile: usize): void {
  const lists = tile + TILE_BYTES, packedW = lists + LISTS_BYTES;
  const width = NR_BYTES / <i32>sizeof<T>();
  const rsaBytes = <usize>rsa * sizeof<T>(), rswBytes = <usize>rsw * sizeof<T>(), rscBytes = <usize>rsc * sizeof<T>();
  for (let jc = 0; jc < n; jc += COLUMNS) {
    const nc = min(COLUMNS, n - jc);
    for (let pc = 0; pc < k; pc += KC) {
      const kc = min(KC, k - pc);
      packPanels<T>(nc, kc, w + <usize>jc * rswBytes + <usize>pc * sizeof<T>(), rswBytes, packedW);
      for (let ic = 0; ic < m; ic += ROWS) {
        const rows = min(ROWS, m - ic);
        if (lower && ic + rows <= jc) continue;
        packRows<T>(rows, kc, a + <usize>ic * rsaBytes + <usize>pc * sizeof<T>(), rsaBytes, lists);
        for (let j = 0; j < nc; j += width) {
          if (lower && ic + rows <= jc + j) break;
          multiplyTile<T>(rows, kc, lists, packedW + <usize>j * <usize>kc * sizeof<T>(), tile);
          const corner = c + <usize>ic * rscBytes + <usize>(jc + j) * sizeof<T>();
          writeTile<T>(pc, rows, min(width, nc - j), tile, corner, rscBytes);
        }
      }
    }
  }
}

/** Rows of W → panels [k, width], the last one filled up with zeros. */
function packPanels<T>(n: i32, k: i32, w: usize, rowBytes: usize, packed: usize): void {
  const width = NR_BYTES / <i32>sizeof<T>();
  for (let j = 0; j < n; j += width) {
    if (n - j < width) memory.fill(packed, 0, <usize>k * NR_BYTES);
    transpose<T>(min(width, n - j), k, w, rowBytes, packed, NR_BYTES);
    w += <usize>width * rowBytes;
    packed += <usize>k * NR_BYTES;
  }
}

/** The terms that are not zero: [blocks, rows] lists. */
function packRows<T>(rows: i32, k: i32, a: usize, rsBytes: usize, list: usize): void {
  for (let pc = 0; pc < k; pc += TERMS) {
    let from = a + <usize>pc * sizeof<T>();
    for (let row = 0; row < rows; row++) {
      store<i32>(list, max(1, packTerms<T>(min(TERMS, k - pc), from, list)), 2 * OFFSET);
      list += LIST_BYTES;
      from += rsBytes;
    }
  }
}

/** Returns their number; there is one of value zero where none is kept. */
// @ts-ignore: decorator
@inline
function packTerms<T>(k: i32, a: usize, list: usize): i32 {
  const begin = list;
  const lanes = 16 / <i32>sizeof<T>();
  const zero = v128.splat<T>(<T>0);
  const end = a + <usize>(k / lanes) * 16;
  let offsets = sizeof<T>() == 8 ? i64x2(0, NR_BYTES) : i32x4(0, NR_BYTES, 2 * NR_BYTES, 3 * NR_BYTES);
  const step = sizeof<T>() == 8 ? i64x2.splat(2 * NR_BYTES) : i32x4.splat(4 * NR_BYTES);
  for (; a < end; a += 16) {
    const values = v128.load(a);
    const kept = i32x4.bitmask(v128.ne<T>(values, zero));
    const order = v128.load(KEPT + (<usize>kept << 4));
    v128.store(list, v128.swizzle(values, order));
    v128.store(list, v128.swizzle(offsets, order), OFFSET);
    offsets = sizeof<T>() == 8 ? i64x2.add(offsets, step) : i32x4.add(offsets, step);
    list += <usize>popcnt<i32>(kept) << 2;
  }
  for (let offset = k / lanes * lanes * NR_BYTES; offset < k * NR_BYTES; offset += NR_BYTES) {
    const value = load<T>(a);
    store<T>(list, value);
    store<i32>(list, offset, OFFSET);
    list += <usize>(value != <T>0) * sizeof<T>();
    a += sizeof<T>();
  }
  return <i32>((list - begin) / sizeof<T>());
}

/** Per mask of lanes of 4 bytes, two for an f64, the bytes that move those lanes to the front; others become zero. */
const KEPT = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  4, 5, 6, 7, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 255, 255, 255, 255, 255, 255, 255, 255,
  8, 9, 10, 11, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 8, 9, 10, 11, 255, 255, 255, 255, 255, 255, 255, 255,
  4, 5, 6, 7, 8, 9, 10, 11, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255, 255, 255, 255,
  12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255,
  4, 5, 6, 7, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 255, 255, 255, 255,
  8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255,
  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255, 255, 255, 255,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
]);

function multiplyTile<T>(rows: i32, k: i32, list: usize, panel: usize, tile: usize): void {
  for (let pc = 0; pc < k; pc += TERMS) {
    let sums = tile;
    for (let row = 0; row < rows; row++) {
      const terms = load<i32>(list, 2 * OFFSET);
      if (sizeof<T>() == 8) ownZerosMicrokernelF64(pc, terms, list, panel, sums);
      else ownZerosMicrokernelF32(pc, terms, list, panel, sums);
      list += LIST_BYTES;
      sums += NR_BYTES;
    }
    panel += <usize>(TERMS * NR_BYTES);
  }
}

/** C ← the tile, or C + the tile where `adds` is not 0. */
function writeTile<T>(adds: i32, rows: i32, columns: i32, tile: usize, c: usize, rsBytes: usize): void {
  const bytes = <usize>columns * sizeof<T>();
  for (let row = 0; row < rows; row++) {
    if (adds) {
      let i: usize = 0;
      for (; i + 16 <= bytes; i += 16) v128.store(c + i, v128.add<T>(v128.load(c + i), v128.load(tile + i)));
      for (; i < bytes; i += sizeof<T>()) store<T>(c + i, load<T>(c + i) + load<T>(tile + i));
    } else {
      memory.copy(c, tile, bytes);
    }
    c += rsBytes;
    tile += NR_BYTES;
  }
}

export function gemmOwnZerosF64(
  m: i32, n: i32, k: i32, aPtr: usize, rsa: i32, wPtr: usize, rsw: i32, cPtr: usize, rsc: i32, symmetric: i32, scratchPtr: usize,
): void {
  products<f64>(m, n, k, aPtr, rsa, wPtr, rsw, cPtr, rsc, symmetric, scratchPtr);
}

export function gemmOwnZerosF32(
  m: i32, n: i32, k: i32, aPtr: usize, rsa: i32, wPtr: usize, rsw: i32, cPtr: usize, rsc: i32, symmetric: i32, scratchPtr: usize,
): void {
  products<f32>(m, n, k, aPtr, rsa, wPtr, rsw, cPtr, rsc, symmetric, scratchPtr);
}

export function gemmOwnZerosScratchBytesF64(m: i32, n: i32, k: i32): usize {
  return scratchBytes<f64>(m, n, k);
}

export function gemmOwnZerosScratchBytesF32(m: i32, n: i32, k: i32): usize {
  return scratchBytes<f32>(m, n, k);
}
