/** @file assembleTiles: tiles into the kernel, mirrored when symmetric. */

import type { Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { OutputLayout } from './block-layout.ts';
import { placeBlocks } from './place-blocks.ts';
import type { NtkTile } from './plan.ts';

/** The kernel under assembly: one Tensor, or one per parameter. */
export interface Assembly {
  readonly rt: Runtime;
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
  const { rt, kernels, n1, n2, outputs, layout, symmetric, tileSize } = assembly;
  const rows = Math.min(tileSize, n1 - tile.row * tileSize);
  const columns = Math.min(tileSize, n2 - tile.column * tileSize);
  const v = layout === 'blocks' ? outputs : 1;
  const planes = layout === 'planes' ? outputs : 1;
  const size = rows * v * columns * v;
  kernels.forEach((kernel, index) => {
    for (let plane = 0; plane < planes; plane++) {
      const part = values.subarray((index * planes + plane) * size, (index * planes + plane + 1) * size);
      if (layout !== 'blocks') placeNumbers(assembly, kernel, part, { tile, rows, columns, plane, planes });
      else {
        const diagonal = symmetric && tile.row === tile.column;
        placeBlocks(rt, kernel, part, { row: tile.row * tileSize, column: tile.column * tileSize, rows, columns, v, n2, symmetric, diagonal });
      }
    }
  });
}

/** Where one plane of a tile goes. */
interface Place {
  readonly tile: NtkTile;
  readonly rows: number;
  readonly columns: number;
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

/** The finished kernels, in the shapes NtkOutputs lists. */
export function finishAssembly({ kernels, n1, n2, outputs, layout }: Assembly): Tensor[] {
  const rest = layout === 'blocks' ? [outputs, outputs] : layout === 'planes' ? [outputs] : [];
  return kernels.map((data) => ({ shape: [n1, n2, ...rest], data }));
}
