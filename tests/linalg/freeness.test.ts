/** @file Freeness: the moments by hand, and their decay as 1/d when one matrix has random eigenvectors. */

import { freeness, loadRuntime, sameSpectrumRandom, type Tensor, tensor } from 'tangedge';
import { expect, test } from 'vitest';

const rt = await loadRuntime();

function ramp(d: number): Tensor {
  return { shape: [d, d], data: Float64Array.from({ length: d * d }, (_, at) => (Math.floor(at / d) === at % d ? (at % d) / d : 0)) };
}

test('a matrix and itself: second moment 1, fourth φ(Ā⁴)/φ(Ā²)²', () => {
  const a = tensor([3, 3], [2, 0, 0, 0, 0, 0, 0, 0, 1]); // centered: 1, −1, 0
  expect(freeness(rt, a, a)).toEqual({ second: expect.closeTo(1, 12), fourth: expect.closeTo(2 / 3 / (2 / 3) ** 2, 12) });
});

test('random eigenvectors: both moments decay like 1/d, in root mean square over 20 draws', () => {
  const rms = (d: number) => {
    const draws = Array.from({ length: 20 }, (_, stream) => freeness(rt, ramp(d), sameSpectrumRandom(rt, ramp(d), { seed: 5, stream })));
    const root = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    return { second: root(draws.map(({ second }) => second)), fourth: root(draws.map(({ fourth }) => fourth)) };
  };
  const [small, large] = [rms(12), rms(48)];
  // Four times the size: a quarter, within the statistics of 20 draws.
  for (const moment of ['second', 'fourth'] as const) {
    expect(small[moment] / large[moment]).toBeGreaterThan(2);
    expect(large[moment]).toBeLessThan(0.1);
  }
});

test('a multiple of the identity and matrices of different size are refused', () => {
  expect(() => freeness(rt, ramp(2), tensor([2, 2], [3, 0, 0, 3]))).toThrow(/identity/);
  expect(() => freeness(rt, ramp(2), ramp(3))).toThrow(/differ/);
});
