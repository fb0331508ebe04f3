/**
 * @file A convolution whose cotangents are the same for all examples: its traced kernel as a product of images.
 *
 * With δ[o, h, s] of output o, channel h and position s, and tap k of the kernel, which at s sees the image's position p(k, s):
 *
 *   Σ_o Σ_h Σ_k (Σ_s δ[o, h, s]·x[n, c, p(k, s)])·(Σ_t δ[o, h, t]·x[m, c, p(k, t)])  =  x[n, c, :]ᵀ·M·x[m, c, :]
 *   M[p, q] = Σ of D[s, t] over k, s, t with p(k, s) = p, p(k, t) = q,     D[s, t] = Σ_o Σ_h δ[o, h, s]·δ[o, h, t]
 *
 * M is symmetric, L + Lᵀ with L lower triangular, and the kernel x[n]ᵀ·(L·x[m]) + (L·x[n])ᵀ·x[m]: half the products with the images.
 */

import type { Runtime } from '../wasm/runtime.ts';
import type { ValueId } from './graph.ts';
import type { Emitter } from './primitive.ts';
import { dense } from './primitives/contraction.ts';
import { concat, slice } from './primitives/shape.ts';
import { type Window, windowOutput } from './primitives/window.ts';

/** L [h·w, h·w] of D [s, s], which is symmetric, for a window over an image of [h, w]: zero above the diagonal. */
export function imageGram(rt: Runtime, d: Float64Array, image: readonly number[], window: Window): Float64Array {
  const [h, w] = image;
  const [oh, ow] = windowOutput('imageGram', image, window);
  const [size, count] = [h * w, oh * ow];
  const { kernel, strides, padding, dilation } = window;
  return rt.arena.frame(() => {
    const dPtr = rt.arena.load('f64', d);
    const lPtr = rt.arena.allocateArray('f64', size * size);
    rt.f64.fill(size * size, 0, lPtr);
    for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
      const [ky, kx] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
      const [top, left] = [ky * dilation[0] - padding[0], kx * dilation[1] - padding[1]];
      const first = Math.max(0, Math.ceil(-left / strides[1]));
      const seen = Math.min(ow, Math.ceil((w - left) / strides[1])) - first;
      for (let oy = 0; oy < oh && seen > 0; oy++) {
        const y = oy * strides[0] + top;
        if (y < 0 || y >= h) continue;
        // Rows of D are what the tap sees of as many images, rows of L, as the stride apart as channels are.
        const from = dPtr + (oy * ow + first) * count * 8;
        const to = lPtr + (y * w + first * strides[1] + left) * size * 8;
        rt.f64.fold(seen, strides[1], h, w, 0, 1, 1, 1, strides[0], strides[1], -top, -left, 1, 1, oh, ow, from, to);
      }
    }
    const l = rt.arena.f64(lPtr, size * size).slice();
    for (let p = 0; p < size; p++) {
      l[p * size + p] /= 2;
      l.fill(0, p * size + p + 1, (p + 1) * size);
    }
    return l;
  });
}

/** Arena bytes that it takes, and gives back. */
export function imageGramBytes([h, w]: readonly number[], positions: number): number {
  return (h * w * h * w + positions * positions) * 8 + 1024;
}

/** Rows of L that are multiplied together. */
const BLOCK_ROWS = 192;

/** The blocks of rows [from, to) of L: what lies beyond column `to` is zero. */
function blocksOf(size: number): readonly { readonly from: number; readonly to: number }[] {
  const count = Math.ceil(size / BLOCK_ROWS);
  return Array.from({ length: count }, (_, block) => ({
    from: Math.floor((block * size) / count),
    to: Math.floor(((block + 1) * size) / count),
  }));
}

/** L·x of images x [channels, h·w] → [channels, h·w], without most of what L has above its diagonal. */
export function lowerProduct(g: Emitter, x: ValueId, l: ValueId): ValueId {
  const [channels, size] = g.shapeOf(x);
  const parts = blocksOf(size).map(({ from, to }) => dense(g, slice(g, x, [0, 0], [channels, to]), slice(g, l, [from, 0], [to, to])));
  return concat(g, parts, 1);
}

/** Its flops, of one channel. */
export function lowerProductFlops(size: number): number {
  return blocksOf(size).reduce((flops, { from, to }) => flops + 2 * (to - from) * to, 0);
}
