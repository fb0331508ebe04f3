/** @file Random orthogonal matrices: QᵀQ = I, Haar's moments, and random matrices that keep a spectrum. */

import { eigh, haarOrthogonal, loadRuntime, matmul, sameSpectrumRandom, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';

const rt = await loadRuntime();
const EPS = 2 ** -52;

describe('haarOrthogonal', () => {
  test.each([1, 2, 7, 64, 97])('QᵀQ = I to 20·n·ε, n = %i', (n) => {
    const q = haarOrthogonal(rt, n, { seed: 4 });
    const product = matmul(rt, q, q, { transposeA: true }).data;
    for (let at = 0; at < n * n; at++) expect(Math.abs(product[at] - (Math.floor(at / n) === at % n ? 1 : 0))).toBeLessThanOrEqual(20 * n * EPS);
  });

  test('moments of an entry: mean 0, E q² = 1/n, E q⁴ = 3/(n(n+2)), over 4000 streams, within 5 standard errors', () => {
    const n = 3;
    const entries = Array.from({ length: 4000 }, (_, stream) => haarOrthogonal(rt, n, { seed: 1, stream }).data[stream % 9]);
    const moment = (power: number) => entries.reduce((sum, value) => sum + value ** power, 0) / entries.length;
    const error = (power: number) => 5 * Math.sqrt((moment(2 * power) - moment(power) ** 2) / entries.length);
    expect(Math.abs(moment(1))).toBeLessThanOrEqual(error(1));
    expect(Math.abs(moment(2) - 1 / n)).toBeLessThanOrEqual(error(2));
    expect(Math.abs(moment(4) - 3 / (n * (n + 2)))).toBeLessThanOrEqual(error(4));
  });

  test('the determinant takes both signs: the whole group, not the rotations', () => {
    const signs = Array.from({ length: 40 }, (_, stream) => {
      const [a, b, c, d] = haarOrthogonal(rt, 2, { seed: 2, stream }).data;
      return Math.sign(a * d - b * c);
    });
    expect(new Set(signs)).toEqual(new Set([-1, 1]));
  });
});

test('sameSpectrumRandom keeps the eigenvalues to rounding, is symmetric, and has other eigenvectors', () => {
  const a = tensor([3, 3], [4, 1, 0, 1, 3, 0.5, 0, 0.5, 1]);
  const b = sameSpectrumRandom(rt, a, { seed: 9 });
  const [before, after] = [eigh(rt, a).values, eigh(rt, b).values];
  for (let k = 0; k < 3; k++) expect(Math.abs(after[k] - before[k])).toBeLessThanOrEqual(100 * EPS * before[2]);
  expect(b.data[1]).toBe(b.data[3]);
  expect(Math.max(...b.data.map((value, at) => Math.abs(value - a.data[at])))).toBeGreaterThan(0.1);
});
