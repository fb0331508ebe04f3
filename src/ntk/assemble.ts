/** @file assembleTiles: tiles into the kernel, mirrored when symmetric. */

import type { Tensor } from '../core/tensor.ts';
import type { OutputLayout } from './block-layout.ts';
import type { NtkTile } from './plan.ts';

/** The kernel under assembly: one Tensor, or one per parameter. */
export interface Assembly {
  readonly kernels: readonly Float64Array[];
  readonly n1: number;
  readonly n2: number;
  readonly outputs: number;
  readonly layout: OutputLayout;
  readonly symmetric: boolean;
  readonly tileSize: number;
  readonly factor: number;
}

export function startAssembly(options: Omit<Assembly, 'kernels'>, kernels: number): Assembly {
  const { n1, n2 } = options;
  return { ...options, kernels: Array.from({ length: kernels }, () => new Float64Array(n1 * n2 * perPair(options))) };
}

/** Entries of a kernel per pair of examples. */
function perPair({ layout, outputs }: Pick<Assembly, 'layout' | 'outputs'>): number {
  return layout === 'blocks' ? outputs * outputs : layout === 'planes' ? outputs : 1;
}

/** Writes one tile, [kernels · planes, rows, columns], where it belongs, and its mirror image. */
export function placeTile(assembly: Assembly, tile: NtkTile, values: Float64Array): void {
  const { kernels, n1, n2, outputs, layout, tileSize } = assembly;
  const rows = Math.min(tileSize, n1 - tile.row * tileSize);
  const columns = Math.min(tileSize, n2 - tile.column * tileSize);
  const v = layout === 'blocks' ? outputs : 1;
  const planes = layout === 'planes' ? outputs : 1;
  const size = rows * v * columns * v;
  kernels.forEach((kernel, index) => {
    for (let plane = 0; plane < planes; plane++) {
      const part = values.subarray((index * planes + plane) * size, (index * planes + plane + 1) * size);
      (v === 1 ? placeNumbers : placeBlocks)(assembly, kernel, part, { tile, rows, columns, v, plane, planes });
    }
  });
}

/** Where one plane of a tile goes. */
interface Place {
  readonly tile: NtkTile;
  readonly rows: number;
  readonly columns: number;
  /** Output indices inside the tile, and beside it. */
  readonly v: number;
  readonly plane: number;
  readonly planes: number;
}

/** Rows placed together: their mirror images fill a cache line. */
const STRIP = 8;

/** One number per pair of examples: Θ[n, m] is at (n·n2 + m)·planes + plane, the mirror at (m·n2 + n)·planes + plane. */
function placeNumbers({ n2, symmetric, tileSize, factor }: Assembly, kernel: Float64Array, part: Float64Array, place: Place): void {
  const { tile, rows, columns, plane, planes } = place;
  const diagonal = symmetric && tile.row === tile.column;
  const [first, firstColumn] = [tile.row * tileSize, tile.column * tileSize];
  for (let i0 = 0; i0 < rows; i0 += STRIP) {
    const end = Math.min(rows, i0 + STRIP);
    for (let j = 0; j < (diagonal ? end : columns); j++) {
      const m = firstColumn + j;
      for (let i = diagonal ? Math.max(i0, j) : i0; i < end; i++) {
        const value = part[i * columns + j] * factor;
        const n = first + i;
        kernel[(n * n2 + m) * planes + plane] = value;
        if (symmetric) kernel[(m * n2 + n) * planes + plane] = value;
      }
    }
  }
}

/** A block of outputs [v, v] per pair: Θ[n, m, o, q] is at ((n·n2 + m)·v + o)·v + q, the mirror is Θ[m, n, q, o]; each is one run. */
function placeBlocks({ n2, symmetric, tileSize, factor }: Assembly, kernel: Float64Array, part: Float64Array, place: Place): void {
  const { tile, rows, columns, v } = place;
  const diagonal = symmetric && tile.row === tile.column;
  const width = columns * v;
  for (let i = 0; i < rows; i++) {
    const n = tile.row * tileSize + i;
    const last = diagonal ? i + 1 : columns;
    for (let j = 0; j < last; j++) {
      const m = tile.column * tileSize + j;
      const to = (n * n2 + m) * v * v;
      const from = i * v * width + j * v;
      if (diagonal && i === j) {
        mirrorBlock(kernel, to, part, from, width, v, factor);
        continue;
      }
      copyBlock(kernel, to, part, from, width, 1, v, factor);
      if (symmetric) copyBlock(kernel, (m * n2 + n) * v * v, part, from, 1, width, v, factor);
    }
  }
}

/** kernel[to …] ← factor·a block [v, v] of part, row by row: one run. */
function copyBlock(
  kernel: Float64Array,
  to: number,
  part: Float64Array,
  from: number,
  rowStride: number,
  columnStride: number,
  v: number,
  factor: number,
): void {
  let at = to;
  for (let o = 0; o < v; o++) {
    let source = from + o * rowStride;
    for (const end = at + v; at < end; at++) {
      kernel[at] = part[source] * factor;
      source += columnStride;
    }
  }
}

/** The same for a block on the diagonal, of which part has the lower triangle. */
function mirrorBlock(kernel: Float64Array, to: number, part: Float64Array, from: number, width: number, v: number, factor: number): void {
  for (let o = 0; o < v; o++) {
    for (let q = 0; q <= o; q++) {
      const value = part[from + o * width + q] * factor;
      kernel[to + o * v + q] = value;
      kernel[to + q * v + o] = value;
    }
  }
}

/** The finished kernels, in the shapes NtkOutputs lists. */
export function finishAssembly({ kernels, n1, n2, outputs, layout }: Assembly): Tensor[] {
  const rest = layout === 'blocks' ? [outputs, outputs] : layout === 'planes' ? [outputs] : [];
  return kernels.map((data) => ({ shape: [n1, n2, ...rest], data }));
}
