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

import type { ValueId } from './graph.ts';
import type { Emitter } from './primitive.ts';
import { dense } from './primitives/contraction.ts';
import { concat, slice } from './primitives/shape.ts';
import { type Window, windowOutput } from './primitives/window.ts';

/** L [h·w, h·w] of D [s, s], which is symmetric, for a window over an image of [h, w]: zero above the diagonal. */
export function imageGram(d: ArrayLike<number>, image: readonly number[], window: Window): Float64Array {
  const size = image[0] * image[1];
  const l = new Float64Array(size * size);
  const [kh, kw] = window.kernel;
  for (let tap = 0; tap < kh * kw; tap++) {
    const seen = positionsSeen(Math.floor(tap / kw), tap % kw, image, window);
    const count = seen.length;
    for (let s = 0; s < count; s++) {
      if (seen[s] < 0) continue;
      const row = seen[s] * size;
      const at = s * count;
      // Later positions of the output see later ones of the image.
      for (let t = 0; t <= s; t++) if (seen[t] >= 0) l[row + seen[t]] += d[at + t];
    }
  }
  for (let p = 0; p < size; p++) l[p * size + p] /= 2;
  return l;
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

/** The image's position that a tap of the kernel sees from each position of the output; −1 outside the image. */
function positionsSeen(ky: number, kx: number, [h, w]: readonly number[], window: Window): Int32Array {
  const { strides, padding, dilation } = window;
  const [oh, ow] = windowOutput('imageGram', [h, w], window);
  return Int32Array.from({ length: oh * ow }, (_, s) => {
    const y = Math.floor(s / ow) * strides[0] - padding[0] + ky * dilation[0];
    const x = (s % ow) * strides[1] - padding[1] + kx * dilation[1];
    return y >= 0 && y < h && x >= 0 && x < w ? y * w + x : -1;
  });
}
