/**
 * @file A convolution whose cotangents are the same for all examples: its traced kernel as a product of images.
 *
 * With δ[o, h, s] of output o, channel h and position s, and tap k of the kernel, which at s sees the image's position p(k, s):
 *
 *   Σ_o Σ_h Σ_k (Σ_s δ[o, h, s]·x[n, c, p(k, s)])·(Σ_t δ[o, h, t]·x[m, c, p(k, t)])  =  x[n, c, :]ᵀ·M·x[m, c, :]
 *   M[p, q] = Σ of D[s, t] over k, s, t with p(k, s) = p, p(k, t) = q,     D[s, t] = Σ_o Σ_h δ[o, h, s]·δ[o, h, t]
 */

import { type Window, windowOutput } from './primitives/window.ts';

/** M [h·w, h·w] of D [s, s], both symmetric, for a window over an image of [h, w]. */
export function imageGram(d: ArrayLike<number>, image: readonly number[], window: Window): Float64Array {
  const size = image[0] * image[1];
  const m = new Float64Array(size * size);
  const [kh, kw] = window.kernel;
  for (let tap = 0; tap < kh * kw; tap++) {
    const seen = positionsSeen(Math.floor(tap / kw), tap % kw, image, window);
    const count = seen.length;
    for (let s = 0; s < count; s++) {
      if (seen[s] < 0) continue;
      const row = seen[s] * size;
      const at = s * count;
      for (let t = 0; t < count; t++) if (seen[t] >= 0) m[row + seen[t]] += d[at + t];
    }
  }
  return m;
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
