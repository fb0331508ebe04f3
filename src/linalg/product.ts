/**
 * @file Products of two matrices of any size. What WebAssembly memory holds is computed in one call; larger products tile by tile:
 *
 *        A [m, k]        B [k, n]              C [m, n]
 *     rows │▒▒▒│      columns                rows │▒▒▒│        C's tile ← A's rows · B's columns, TILE_DEPTH steps of the sum at a time
 *
 * Tiles change no bit: an element's sum is cut after every 512 steps in any case (assembly/gemm.ts), and a tile's depth is a multiple.
 */

import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, emptyArray, type FloatArray, formatShape, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { mirrorLower } from './mirror.ts';

/** A factor with its extent beside the sum and its strides, one of which is 1: its element (i, l) is data[i·rs + l·cs]. */
export interface Factor {
  readonly name: string;
  readonly tensor: Tensor;
  readonly extent: number;
  readonly rs: number;
  readonly cs: number;
}

/** Steps after which every sum is cut: KC of assembly/gemm.ts. */
const STEPS = 512;
/** Depth of the tiles of what does not fit as a whole; deeper ones would leave less room for rows and columns. */
const TILE_DEPTH = 4 * STEPS;
/** Extents of tiles are multiples of it: whole register tiles. */
const LEAST_EXTENT = 40;

/** Σ_l left(i, l)·right(j, l) → [left.extent, right.extent]; of one and the same factor, half of it, mirrored. */
export function product(rt: Runtime, operation: string, dtype: Dtype, left: Factor, right: Factor, k: number): FloatArray {
  const [m, n] = [left.extent, right.extent];
  const free = rt.arena.limit - rt.arena.used;
  if (wholeBytes(rt, dtype, left, right, k) <= free) return rt.arena.frame(() => wholeProduct(rt, operation, dtype, left, right, k));
  const tile = tileOf(rt, operation, dtype, m, n, k, free);
  const c = resultArray(operation, dtype, m, n);
  for (let i = 0; i < m; i += tile.extent) {
    for (let j = 0; j < (left === right ? i + 1 : n); j += tile.extent) {
      rt.arena.frame(() => placeTile(rt, operation, dtype, left, right, k, tile, i, j, c));
    }
  }
  if (left === right) mirrorLower(n, c);
  return c;
}

function wholeProduct(rt: Runtime, operation: string, dtype: Dtype, left: Factor, right: Factor, k: number): FloatArray {
  const { arena } = rt;
  const [m, n] = [left.extent, right.extent];
  const aPtr = loadFinite(rt, operation, dtype, left);
  const bPtr = right.tensor.data === left.tensor.data ? aPtr : loadFinite(rt, operation, dtype, right);
  const cPtr = arena.allocateArray(dtype, m * n);
  multiply(rt, dtype, left === right, k, { ...left, ptr: aPtr }, { ...right, ptr: bPtr }, 0, cPtr);
  const c = resultArray(operation, dtype, m, n);
  c.set(arena.view(dtype, cPtr, m * n));
  return c;
}

function wholeBytes(rt: Runtime, dtype: Dtype, left: Factor, right: Factor, k: number): number {
  const elements = left.tensor.data.length + (right.tensor.data === left.tensor.data ? 0 : right.tensor.data.length) + left.extent * right.extent;
  return elements * bytesOf(dtype) + scratchBytes(rt, dtype, left === right, left.extent, right.extent, k) + 4 * 64;
}

function loadFinite(rt: Runtime, operation: string, dtype: Dtype, { name, tensor }: Factor): number {
  const ptr = rt.arena.load(dtype, tensor.data);
  if (routinesOf(rt, dtype).allFinite(tensor.data.length, ptr) === 0) checkFinite(operation, name, tensor);
  return ptr;
}

/** Part of a factor in WebAssembly memory. */
interface Block {
  readonly extent: number;
  readonly ptr: number;
  readonly rs: number;
  readonly cs: number;
}

function multiply(rt: Runtime, dtype: Dtype, same: boolean, k: number, a: Block, b: Block, beta: number, cPtr: number): void {
  const routines = routinesOf(rt, dtype);
  const [m, n] = [a.extent, b.extent];
  const scratchPtr = rt.arena.allocate(scratchBytes(rt, dtype, same, m, n, k));
  if (same) routines.gram(m, k, 1, a.ptr, a.rs, a.cs, beta, cPtr, m, scratchPtr);
  else routines.gemm(m, n, k, 1, a.ptr, a.rs, a.cs, b.ptr, b.cs, b.rs, beta, cPtr, n, 1, scratchPtr);
}

function scratchBytes(rt: Runtime, dtype: Dtype, same: boolean, m: number, n: number, k: number): number {
  const routines = routinesOf(rt, dtype);
  return (same ? routines.gramScratchBytes(m, k) : routines.gemmScratchBytes(m, n, k)) >>> 0;
}

interface Tile {
  /** Most rows, and most columns. */
  readonly extent: number;
  readonly depth: number;
}

/** The largest square tile of C that fits into `free` bytes with a block of each factor. */
function tileOf(rt: Runtime, operation: string, dtype: Dtype, m: number, n: number, k: number, free: number): Tile {
  const depth = Math.min(k, TILE_DEPTH);
  const bytes = (extent: number) => {
    const [rows, columns] = [Math.min(extent, m), Math.min(extent, n)];
    const scratch = scratchBytes(rt, dtype, false, rows, columns, depth);
    return (rows * columns + (rows + columns) * depth) * bytesOf(dtype) + scratch + 4 * 64;
  };
  let extent = LEAST_EXTENT;
  if (bytes(extent) > free) {
    const needed = bytes(extent);
    throw new TangedgeError(
      'ERR_MEMORY',
      `${operation}: [${m}, ${k}]·[${k}, ${n}] needs ${needed} bytes of WebAssembly memory even in tiles, ${free} are free. Raise the memory limit.`,
      { needed, limit: free },
    );
  }
  while (extent < Math.max(m, n) && bytes(extent + LEAST_EXTENT) <= free) extent += LEAST_EXTENT;
  return { extent, depth };
}

function resultArray(operation: string, dtype: Dtype, m: number, n: number): FloatArray {
  try {
    return emptyArray(dtype, m * n);
  } catch (cause) {
    const needed = m * n * bytesOf(dtype);
    throw new TangedgeError(
      'ERR_MEMORY',
      `${operation}: the result ${formatShape([m, n])} takes ${needed} bytes, more than this host can allocate. Compute fewer rows or columns at a time.`,
      { needed },
      { cause },
    );
  }
}

/** C[i…, j…] ← the whole sum over k, of one tile. */
function placeTile(
  rt: Runtime,
  operation: string,
  dtype: Dtype,
  left: Factor,
  right: Factor,
  k: number,
  tile: Tile,
  i: number,
  j: number,
  c: FloatArray,
): void {
  const { arena } = rt;
  const [rows, columns] = [Math.min(tile.extent, left.extent - i), Math.min(tile.extent, right.extent - j)];
  const cPtr = arena.allocateArray(dtype, rows * columns);
  for (let l = 0; l < k; l += tile.depth) {
    const depth = Math.min(tile.depth, k - l);
    arena.frame(() => {
      const same = left === right && i === j;
      const a = loadBlock(rt, operation, dtype, left, i, rows, l, depth);
      const b = same ? a : loadBlock(rt, operation, dtype, right, j, columns, l, depth);
      multiply(rt, dtype, same, depth, a, b, l === 0 ? 0 : 1, cPtr);
    });
  }
  const values = arena.view(dtype, cPtr, rows * columns);
  for (let row = 0; row < rows; row++) c.set(values.subarray(row * columns, (row + 1) * columns), (i + row) * right.extent + j);
}

/** `extent` rows from `first` on and `depth` steps from `start` on, one contiguous run of the factor after the other. */
function loadBlock(rt: Runtime, operation: string, dtype: Dtype, factor: Factor, first: number, extent: number, start: number, depth: number): Block {
  const { name, tensor, rs, cs } = factor;
  const along = cs === 1;
  const [runs, length, step] = along ? [extent, depth, rs] : [depth, extent, cs];
  const ptr = rt.arena.allocateArray(dtype, extent * depth);
  const block = rt.arena.view(dtype, ptr, extent * depth);
  const origin = first * rs + start * cs;
  for (let run = 0; run < runs; run++) {
    block.set(tensor.data.subarray(origin + run * step, origin + run * step + length), run * length);
  }
  if (routinesOf(rt, dtype).allFinite(extent * depth, ptr) === 0) checkFinite(operation, name, tensor);
  return { extent, ptr, rs: along ? depth : 1, cs: along ? 1 : extent };
}
