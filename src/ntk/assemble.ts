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
  const { n1, n2, outputs, layout } = options;
  const perPair = layout === 'blocks' ? outputs * outputs : layout === 'planes' ? outputs : 1;
  return { ...options, kernels: Array.from({ length: kernels }, () => new Float64Array(n1 * n2 * perPair)) };
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
      placePlane(assembly, kernel, tile, part, { rows, columns, v, plane, planes });
    }
  });
}

function placePlane(
  { n2, symmetric, tileSize, factor }: Assembly,
  kernel: Float64Array,
  tile: NtkTile,
  part: Float64Array,
  { rows, columns, v, plane, planes }: { rows: number; columns: number; v: number; plane: number; planes: number },
): void {
  // Θ[n, m, o, q] is at ((n·n2 + m)·v + o)·v + q, or at (n·n2 + m)·planes + plane.
  const at = (n: number, m: number, o: number, q: number) => (v > 1 ? ((n * n2 + m) * v + o) * v + q : (n * n2 + m) * planes + plane);
  const diagonal = symmetric && tile.row === tile.column;
  for (let i = 0; i < rows * v; i++) {
    const n = tile.row * tileSize + Math.floor(i / v);
    const o = i % v;
    const end = diagonal ? i + 1 : columns * v;
    for (let j = 0; j < end; j++) {
      const m = tile.column * tileSize + Math.floor(j / v);
      const q = j % v;
      const value = part[i * columns * v + j] * factor;
      kernel[at(n, m, o, q)] = value;
      if (symmetric) kernel[at(m, n, q, o)] = value;
    }
  }
}

/** The finished kernels, in the shapes NtkOutputs lists. */
export function finishAssembly({ kernels, n1, n2, outputs, layout }: Assembly): Tensor[] {
  const rest = layout === 'blocks' ? [outputs, outputs] : layout === 'planes' ? [outputs] : [];
  return kernels.map((data) => ({ shape: [n1, n2, ...rest], data }));
}
