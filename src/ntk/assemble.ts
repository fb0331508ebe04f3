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
  const diagonal = symmetric && tile.row === tile.column;
  for (let i = 0; i < rows * v; i++) {
    const n = tile.row * tileSize + Math.floor(i / v);
    const o = i % v;
    const width = diagonal ? i + 1 : columns * v;
    for (let first = 0; first < width; first += v) {
      const m = tile.column * tileSize + first / v;
      // Θ[n, m, o, q] is at ((n·n2 + m)·v + o)·v + q; with planes, v = 1 and the plane comes last. The mirror is Θ[m, n, q, o].
      const to = ((n * n2 + m) * v + o) * v * planes + plane;
      const mirror = (m * n2 + n) * v * v * planes + o + plane;
      const count = Math.min(v, width - first);
      for (let q = 0; q < count; q++) {
        const value = part[i * columns * v + first + q] * factor;
        kernel[to + q] = value;
        if (symmetric) kernel[mirror + q * v] = value;
      }
    }
  }
}

/** The finished kernels, in the shapes NtkOutputs lists. */
export function finishAssembly({ kernels, n1, n2, outputs, layout }: Assembly): Tensor[] {
  const rest = layout === 'blocks' ? [outputs, outputs] : layout === 'planes' ? [outputs] : [];
  return kernels.map((data) => ({ shape: [n1, n2, ...rest], data }));
}
