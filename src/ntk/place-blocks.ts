/**
 * @file Places a tile of blocks of outputs in the kernel: Θ[n, m, o, q] from rows (n, o) and columns (m, q), and its mirror image.
 *
 *   part  [rows, v, columns, v]          what the contraction leaves
 *   kernel[n, m, o, q] and, mirrored, kernel[m, n, q, o]
 *
 * A strip of examples at a time is rearranged by the routines, in memory that stays in the cache, so that what goes into the
 * kernel are long runs.
 */

import { copyStridedBetween, type StridedCopy } from '../graph/primitives/strided.ts';
import type { Runtime } from '../wasm/runtime.ts';

/** Where a tile of the kernel goes; `diagonal` tiles have their lower triangle alone. */
export interface BlockPlace {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
  /** Outputs. */
  readonly v: number;
  /** Columns of the kernel, examples. */
  readonly n2: number;
  readonly symmetric: boolean;
  readonly diagonal: boolean;
}

/** Examples of a strip: the runs of its mirror image are this many blocks long. */
const STRIP = 8;

/** Arena bytes that placing tiles of `tileSize` examples with v outputs takes: a strip, and the same in the kernel's order. */
export function placeBlocksBytes(tileSize: number, v: number): number {
  return 2 * (Math.min(STRIP, tileSize) * v * tileSize * v * 8 + 64) + 1024;
}

export function placeBlocks(rt: Runtime, kernel: Float64Array, part: Float64Array, place: BlockPlace): void {
  const { rows, columns, diagonal } = place;
  for (let start = 0; start < rows; start += STRIP) {
    const end = Math.min(rows, start + STRIP);
    const left = diagonal ? start : columns;
    if (left > 0) placeStrip(rt, kernel, part, place, { start, count: end - start, columns: left });
    if (diagonal) placeCorner(kernel, part, place, start, end);
  }
}

interface Strip {
  readonly start: number;
  readonly count: number;
  readonly columns: number;
}

/** Address of elements of part: where they are when they are in the runtime's memory, else of a copy in the current frame. */
function addressOf({ arena }: Runtime, part: Float64Array, start: number, size: number): number {
  return part.buffer === arena.memory.buffer ? part.byteOffset + start * 8 : arena.load('f64', part.subarray(start, start + size));
}

/** Whole blocks: rows start … start + count of the tile, its first `columns` columns. */
function placeStrip(rt: Runtime, kernel: Float64Array, part: Float64Array, place: BlockPlace, { start, count, columns }: Strip): void {
  const { row, column, v, n2 } = place;
  const { arena } = rt;
  const width = place.columns * v;
  const block = v * v;
  arena.frame(() => {
    const stripPtr = addressOf(rt, part, start * v * width, count * v * width);
    const outPtr = arena.allocateArray('f64', count * columns * block);
    const arrange = (copy: StridedCopy) => copyStridedBetween({ arena, routines: rt.f64, dtype: 'f64' }, copy, stripPtr, outPtr);
    const extents = [count, v, columns, v];
    const inStrides = [v * width, width, v, 1];
    arrange({ extents, inStrides, outStrides: [columns * block, v, block, 1] });
    for (let i = 0; i < count; i++) {
      kernel.set(arena.f64(outPtr + i * columns * block * 8, columns * block), ((row + start + i) * n2 + column) * block);
    }
    if (!place.symmetric) return;
    arrange({ extents, inStrides, outStrides: [block, 1, count * block, v] });
    for (let j = 0; j < columns; j++) {
      kernel.set(arena.f64(outPtr + j * count * block * 8, count * block), ((column + j) * n2 + row + start) * block);
    }
  });
}

/** The blocks on and below the diagonal among examples start … end of a diagonal tile, number by number. */
function placeCorner(kernel: Float64Array, part: Float64Array, { row, columns, v, n2 }: BlockPlace, start: number, end: number): void {
  const width = columns * v;
  for (let i = start; i < end; i++) {
    for (let j = start; j <= i; j++) {
      const [n, m] = [row + i, row + j];
      for (let o = 0; o < v; o++) {
        for (let q = 0; q < (i === j ? o + 1 : v); q++) {
          const value = part[(i * v + o) * width + j * v + q];
          kernel[((n * n2 + m) * v + o) * v + q] = value;
          kernel[((m * n2 + n) * v + q) * v + o] = value;
        }
      }
    }
  }
}
