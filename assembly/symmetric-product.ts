/**
 * @file Products of one symmetric matrix with many blocks of vectors: half of it is packed, once, and read once per block.
 *
 *   out [vectors, n] ← X [vectors, n]·A
 *
 *   packed A: the tiles on and below the diagonal, SIDE × SIDE, in panels of ROWS rows stored column by column; GROUP rows of tiles
 *   together (below: two), column by column, so that it is read from its first byte to its last:
 *
 *        J →                    each panel serves twice:
 *     I  0                        out[rows of I] ← out + panel·X[J]         sums in registers, in steps along the panel
 *     ↓  1  2                     out[J] ← out[J] + panelᵀ·X[rows of I]     X in registers; from L1
 *        3  5  7                tiles on the diagonal are whole, and serve once
 *        4  6  8  9
 *
 * As many vectors as fill two v128 are interleaved. The last tiles are filled up with zeros.
 *
 * Vectors do not meet: the bits of one do not depend on how many others there are.
 */

import { STEP_BYTES, WIDTH, packColumns, separate } from "./interleave";
import { ROWS, SIDE, addTileF32, addTileF64 } from "./symmetric-microkernel";

/**
 * Rows of tiles that are gone through together: X[I] and out[I] of all of them stay in L1, so that X[J] and out[J] come from L2 once for
 * the group, or from beyond, where what lies between two groups is more than L2 holds.
 */
const GROUP: i32 = 4;

// @ts-ignore: decorator
@inline
function tilesOf(n: i32): i32 {
  return (n + SIDE - 1) / SIDE;
}

// @ts-ignore: decorator
@inline
function tileBytes<T>(): usize {
  return SIDE * SIDE * sizeof<T>();
}

/** Tile [I, J], J ≤ I, of so many rows of tiles. */
function tileAt<T>(tilesPtr: usize, tiles: i32, i: i32, j: i32): usize {
  const inside = i % GROUP, first = i - inside, rows = min(GROUP, tiles - first);
  const beyond = max(0, j - first); // columns of the group's own tiles, each a tile shorter than the one before
  const before = first * (first + 1) / 2 + rows * j - beyond * (beyond - 1) / 2;
  return tilesPtr + <usize>(before + i - max(first, j)) * tileBytes<T>();
}

function symmetricTilesBytes<T>(n: i32): usize {
  const tiles = <usize>tilesOf(n);
  return tiles * (tiles + 1) / 2 * tileBytes<T>();
}

/**
 * Rows first … first + count − 1 of A [n, n], row stride rsa, at aPtr, into their tiles, in ascending order. What is right of the
 * diagonal goes to its mirror's place, and is compared when that comes, which stays. Returns how many entries are not finite or not
 * their mirror's equal. The panels of a tile go together where their rows do, so that whole cache lines are filled.
 */
function packSymmetricRows<T>(n: i32, first: i32, count: i32, aPtr: usize, rsa: i32, tilesPtr: usize): i32 {
  const tiles = tilesOf(n), row = <usize>rsa * sizeof<T>(), end = first + count;
  let differing = 0;
  for (let r = first; r < end; ) {
    const panels = r % ROWS == 0 ? min(end - r, SIDE - r % SIDE) / ROWS : 0;
    differing += packRows<T>(n, r, panels, aPtr, row, tilesPtr);
    const rows = max(1, panels * ROWS);
    aPtr += <usize>rows * row;
    r += rows;
  }
  if (end == n) for (let r = n; r < tiles * SIDE; r++) storeRow<T>(0, 0, rowAt<T>(r % SIDE, tileAt<T>(tilesPtr, tiles, tiles - 1, tiles - 1)));
  return differing;
}

/** The rows from r on, `row` bytes apart: those of `panels` panels of one tile, or one row for 0. */
function packRows<T>(n: i32, r: i32, panels: i32, aPtr: usize, row: usize, tilesPtr: usize): i32 {
  const tiles = tilesOf(n), i = r / SIDE, inside = r % SIDE;
  const panelRows = <usize>ROWS * row, end = aPtr + <usize>max(1, panels * ROWS) * row;
  let differing = 0;
  for (let j = 0; j < i; j++) {
    const at = <usize>(j * SIDE) * sizeof<T>();
    let to = rowAt<T>(inside, tileAt<T>(tilesPtr, tiles, i, j));
    if (panels == 0) differing += replaceRow<T>(aPtr + at, to);
    else for (let a = aPtr; a < end; a += panelRows) {
      differing += replacePanel<T>(a + at, row, to);
      to += ROWS * SIDE * sizeof<T>();
    }
  }
  const diagonal = tileAt<T>(tilesPtr, tiles, i, i);
  let k = inside;
  for (let a = aPtr; a < end; a += row) {
    storeRow<T>(min(SIDE, n - i * SIDE), a + <usize>(i * SIDE) * sizeof<T>(), rowAt<T>(k, diagonal));
    differing += replaceMirrors<T>(k++, diagonal);
  }
  for (let j = i + 1; j < tiles; j++) {
    const live = min(SIDE, n - j * SIDE), at = <usize>(j * SIDE) * sizeof<T>();
    let to = tileAt<T>(tilesPtr, tiles, j, i) + <usize>(inside * ROWS) * sizeof<T>();
    const together = panels > 0 && live == SIDE, step = together ? ROWS : 1;
    for (let a = aPtr; a < end; a += <usize>step * row) {
      if (together) storeColumns<T>(a + at, row, to);
      else storeColumn<T>(live, a + at, to);
      to += <usize>(step * ROWS) * sizeof<T>();
    }
  }
  return differing;
}

/** Entry 0 of a row of a tile; the next are ROWS elements apart. */
// @ts-ignore: decorator
@inline
function rowAt<T>(row: i32, tile: usize): usize {
  return tile + <usize>((row / ROWS) * ROWS * SIDE + row % ROWS) * sizeof<T>();
}

/** A row of a tile ← SIDE entries. Returns how many were not there already. */
function replaceRow<T>(from: usize, to: usize): i32 {
  let differing = 0;
  for (const end = from + SIDE * sizeof<T>(); from < end; from += sizeof<T>()) {
    const entry = load<T>(from);
    differing += i32(entry - load<T>(to) != <T>0); // NaN, and Inf less Inf, are not 0
    store<T>(to, entry);
    to += ROWS * sizeof<T>();
  }
  return differing;
}

/** A panel of a tile ← SIDE entries of each of its rows, which are `row` bytes apart. Returns how many were not there already. */
function replacePanel<T>(from: usize, row: usize, to: usize): i32 {
  let differing = i32x4.splat(0); // −1 in each lane of four bytes
  for (const end = from + SIDE * sizeof<T>(); from < end; from += 16) {
    const a0 = v128.load(from), a1 = v128.load(from + row), a2 = v128.load(from + 2 * row), a3 = v128.load(from + 3 * row);
    if (sizeof<T>() == 8) {
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(a0, a1, 0, 2), to));
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(a2, a3, 0, 2), to + 16));
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(a0, a1, 1, 3), to + 32));
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(a2, a3, 1, 3), to + 48));
    } else {
      const low01 = v128.shuffle<i32>(a0, a1, 0, 4, 1, 5), low23 = v128.shuffle<i32>(a2, a3, 0, 4, 1, 5);
      const high01 = v128.shuffle<i32>(a0, a1, 2, 6, 3, 7), high23 = v128.shuffle<i32>(a2, a3, 2, 6, 3, 7);
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(low01, low23, 0, 2), to));
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(low01, low23, 1, 3), to + 16));
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(high01, high23, 0, 2), to + 32));
      differing = i32x4.add(differing, replaced<T>(v128.shuffle<i64>(high01, high23, 1, 3), to + 48));
    }
    to += 64;
  }
  const lanes = i32x4.extract_lane(differing, 0) + i32x4.extract_lane(differing, 1) + i32x4.extract_lane(differing, 2) + i32x4.extract_lane(differing, 3);
  return -lanes / <i32>(sizeof<T>() / 4);
}

/** A vector at `to` ← entries. Returns −1 in the lanes that were not there already. */
// @ts-ignore: decorator
@inline
function replaced<T>(entries: v128, to: usize): v128 {
  const differing = v128.ne<T>(v128.sub<T>(entries, v128.load(to)), v128.splat<T>(<T>0)); // NaN, and Inf less Inf, are not 0
  v128.store(to, entries);
  return differing;
}

/** A row of a tile ← `live` entries, then zeros. */
function storeRow<T>(live: i32, from: usize, to: usize): void {
  for (let c = 0; c < SIDE; c++) {
    store<T>(to, c < live ? load<T>(from) : <T>0);
    from += sizeof<T>();
    to += ROWS * sizeof<T>();
  }
}

/** The column of the same number of a tile on the diagonal ← its row, up to the diagonal. Returns how many entries were not there already. */
function replaceMirrors<T>(row: i32, tile: usize): i32 {
  const across = rowAt<T>(row, tile), down = tile + <usize>(row * ROWS) * sizeof<T>();
  let differing = 0;
  for (let c = 0; c <= row; c++) {
    const entry = load<T>(across + <usize>(c * ROWS) * sizeof<T>()), mirror = rowAt<T>(c, down);
    differing += i32(entry - load<T>(mirror) != <T>0);
    store<T>(mirror, entry);
  }
  return differing;
}

/** A column of a tile, `to` its first entry, ← `live` entries, then zeros. */
function storeColumn<T>(live: i32, from: usize, to: usize): void {
  for (let r = 0; r < SIDE; r += ROWS) {
    if (r + ROWS <= live) {
      v128.store(to, v128.load(from));
      if (sizeof<T>() == 8) v128.store(to, v128.load(from, 16), 16);
    } else {
      for (let k = 0; k < ROWS; k++) {
        const at = <usize>k * sizeof<T>();
        store<T>(to + at, r + k < live ? load<T>(from + at) : <T>0);
      }
    }
    from += ROWS * sizeof<T>();
    to += ROWS * SIDE * sizeof<T>();
  }
}

/** As many columns of a tile as a panel has rows, `to` the first entry, ← SIDE entries of rows that are `row` bytes apart. */
function storeColumns<T>(from: usize, row: usize, to: usize): void {
  for (let r = 0; r < SIDE; r += ROWS) {
    let line = from;
    for (let at = to, end = to + ROWS * ROWS * sizeof<T>(); at < end; at += ROWS * sizeof<T>(), line += row) {
      v128.store(at, v128.load(line));
      if (sizeof<T>() == 8) v128.store(at, v128.load(line, 16), 16);
    }
    from += ROWS * sizeof<T>();
    to += ROWS * SIDE * sizeof<T>();
  }
}

function panelBytes<T>(n: i32): usize {
  return <usize>(tilesOf(n) * SIDE) * STEP_BYTES;
}

/** X and out, interleaved. */
function symmetricProductScratchBytes<T>(n: i32): usize {
  return 2 * panelBytes<T>(n);
}

/** X [vectors, n] and out [vectors, n] contiguous. */
function symmetricProduct<T>(n: i32, vectors: i32, tilesPtr: usize, xPtr: usize, outPtr: usize, scratchPtr: usize): void {
  const out = scratchPtr + panelBytes<T>(n);
  for (let v = 0; v < vectors; v += WIDTH<T>()) {
    const live = min(WIDTH<T>(), vectors - v);
    const at = <usize>v * <usize>n * sizeof<T>();
    packColumns<T>(live, n, xPtr + at, 1, n, scratchPtr);
    memory.fill(scratchPtr + <usize>n * STEP_BYTES, 0, 2 * panelBytes<T>(n) - <usize>n * STEP_BYTES);
    multiplyTiles<T>(tilesOf(n), tilesPtr, scratchPtr, out);
    separate<T>(n, live, out, outPtr + at);
  }
}

function multiplyTiles<T>(tiles: i32, tile: usize, x: usize, out: usize): void {
  const block: usize = SIDE * STEP_BYTES;
  for (let first = 0; first < tiles; first += GROUP) {
    const end = min(first + GROUP, tiles);
    for (let j = 0; j < end; j++) {
      const columns = <usize>j * block;
      for (let i = max(first, j); i < end; i++) {
        const rows = <usize>i * block;
        addTile<T>(tile, x + columns, out + rows, x + rows, i == j ? 0 : out + columns);
        tile += tileBytes<T>();
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function addTile<T>(tile: usize, xj: usize, outI: usize, xi: usize, outJ: usize): void {
  if (sizeof<T>() == 8) addTileF64(tile, xj, outI, xi, outJ);
  else addTileF32(tile, xj, outI, xi, outJ);
}

export function symmetricTilesBytesF64(n: i32): usize { return symmetricTilesBytes<f64>(n); }
export function symmetricTilesBytesF32(n: i32): usize { return symmetricTilesBytes<f32>(n); }
export function packSymmetricRowsF64(n: i32, first: i32, count: i32, aPtr: usize, rsa: i32, tilesPtr: usize): i32 {
  return packSymmetricRows<f64>(n, first, count, aPtr, rsa, tilesPtr);
}
export function packSymmetricRowsF32(n: i32, first: i32, count: i32, aPtr: usize, rsa: i32, tilesPtr: usize): i32 {
  return packSymmetricRows<f32>(n, first, count, aPtr, rsa, tilesPtr);
}
export function symmetricProductF64(n: i32, vectors: i32, tilesPtr: usize, xPtr: usize, outPtr: usize, scratchPtr: usize): void {
  symmetricProduct<f64>(n, vectors, tilesPtr, xPtr, outPtr, scratchPtr);
}
export function symmetricProductF32(n: i32, vectors: i32, tilesPtr: usize, xPtr: usize, outPtr: usize, scratchPtr: usize): void {
  symmetricProduct<f32>(n, vectors, tilesPtr, xPtr, outPtr, scratchPtr);
}
export function symmetricProductScratchBytesF64(n: i32): usize { return symmetricProductScratchBytes<f64>(n); }
export function symmetricProductScratchBytesF32(n: i32): usize { return symmetricProductScratchBytes<f32>(n); }
