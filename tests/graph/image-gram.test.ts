/** @file Products of images with L: against L built entry by entry from the definition of M, and all of its products. */

import { evaluate, GraphBuilder, loadRuntime } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { imageGram, lowerProduct, lowerProductFlops } from '../../src/graph/image-gram.ts';
import { windowOffsets } from '../oracle/images.ts';
import { uniform } from '../oracle/numbers.ts';

const rt = await loadRuntime();

describe.each([
  ['without padding', [5, 6], { kernel: [3, 3], strides: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] }, [3, 4]],
  ['a stride along rows', [5, 8], { kernel: [2, 3], strides: [1, 2], padding: [0, 1, 0, 3], dilation: [1, 2] }, [4, 4]],
  ['padding, stride and dilation', [7, 6], { kernel: [2, 3], strides: [2, 1], padding: [1, 2, 0, 1], dilation: [2, 1] }, [3, 7]],
] as const)('imageGram %s', (_, image, window, [oh, ow]) => {
  test('L + Lᵀ is M', () => {
    const { kernel, strides, padding, dilation } = window;
    const [[h, w], [kh, kw]] = [image, kernel];
    const [[strideH, strideW], [padTop, padLeft], [dilationH, dilationW]] = [strides, padding, dilation];
    const geometry = { h, w, kh, kw, strideH, strideW, padTop, padLeft, dilationH, dilationW, oh, ow };
    const count = oh * ow;
    const size = h * w;
    const seen = Array.from({ length: count }, (_entry, s) => windowOffsets(geometry, Math.floor(s / ow), s % ow));
    const factor = uniform(1, count * 4);
    const d = Float64Array.from({ length: count * count }, (_entry, at) => {
      const [s, t] = [Math.floor(at / count), at % count];
      return [0, 1, 2, 3].reduce((sum, k) => sum + factor[4 * s + k] * factor[4 * t + k], 0);
    });
    const m = new Float64Array(size * size);
    for (let tap = 0; tap < kh * kw; tap++) {
      for (let s = 0; s < count; s++) {
        for (let t = 0; t < count; t++) {
          const [p, q] = [seen[s][tap], seen[t][tap]];
          if (p >= 0 && q >= 0) m[p * size + q] += d[s * count + t];
        }
      }
    }
    const l = imageGram(rt, d, image, window);
    for (let p = 0; p < size; p++) {
      for (let q = 0; q < size; q++) {
        expect(l[p * size + q] + l[q * size + p]).toBeCloseTo(m[p * size + q], 12);
        if (q > p) expect(l[p * size + q]).toBe(0);
      }
    }
  });
});

test.each([5, 192, 420])('lowerProduct of images of %i positions, f64: L·x to 1e-13', (size) => {
  const [n, channels] = [2, 3];
  const lower = uniform(2, size * size).map((value, at) => (at % size > Math.floor(at / size) ? 0 : value));
  const x = uniform(3, n * channels * size);
  const g = new GraphBuilder();
  const product = lowerProduct(g, g.input('x', [channels, size]), g.parameter('l', [size, size]));
  const [y] = evaluate(rt, g.build([product]), { x: { shape: [n, channels, size], data: x }, l: { shape: [size, size], data: lower } });
  expect(y.shape).toEqual([n, channels, size]);
  y.data.forEach((value, at) => {
    const [image, p] = [Math.floor(at / size) * size, at % size];
    let sum = 0;
    for (let q = 0; q <= p; q++) sum += lower[p * size + q] * x[image + q];
    expect(Math.abs(value - sum)).toBeLessThan(1e-13);
  });
  expect(lowerProductFlops(size)).toBeLessThanOrEqual(2 * size * size);
  expect(lowerProductFlops(size)).toBeGreaterThanOrEqual(size * (size + 1));
});
