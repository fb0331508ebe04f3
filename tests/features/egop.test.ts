/** @file Known targets: EGOP against the mean of central differences' outer products, feature quality against closed forms. */

import { egop, featureQuality, loadRuntime, normalArray, type Target, targetValues, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';

const rt = await loadRuntime();
const D = 6;

const targets: readonly Target[] = [
  { kind: 'chain-monomial', order: 5 },
  { kind: 'chain-monomial', order: 2 },
  { kind: 'linear', w: [1, -2, 0, 0.5, 0, 3] },
  { kind: 'quadratic', q: tensor([D, D], normalArray(rt, 5, 1, D * D)) },
  { kind: 'product', coordinates: [4, 0, 2] },
];

describe.each(targets.map((target) => [target.kind, target] as const))('%s', (_, target) => {
  test('EGOP is the mean of ∇f·∇fᵀ over normal inputs, by central differences (exact for these), within 5 standard errors', () => {
    const n = 4000;
    const x = normalArray(rt, 1, 0, n * D);
    const h = 0.5; // differences of polynomials of degree 2 per coordinate are exact for any step
    const values = (shift: number, coordinate: number) =>
      targetValues(target, { shape: [n, D], data: x.map((value, at) => (at % D === coordinate ? value + shift : value)) }).data;
    const gradients = Array.from({ length: D }, (_, k) => {
      const [up, down] = [values(h, k), values(-h, k)];
      return Float64Array.from(up, (value, i) => (value - down[i]) / (2 * h));
    });
    const exact = egop(target, D).data;
    for (let i = 0; i < D; i++) {
      for (let j = 0; j < D; j++) {
        const products = Array.from(gradients[i], (value, at) => value * gradients[j][at]);
        const mean = products.reduce((sum, value) => sum + value, 0) / n;
        const variance = products.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
        expect(Math.abs(mean - exact[i * D + j]), `[${i}, ${j}]`).toBeLessThanOrEqual(5 * Math.sqrt(variance / n) + 1e-12);
      }
    }
  });
});

test('the chain monomial of order 5 has the published circulant [2, 0, 1, 1, 0] and zeros elsewhere', () => {
  const { data } = egop({ kind: 'chain-monomial', order: 5 }, D);
  const circulant = [2, 0, 1, 1, 0];
  const expected = Array.from({ length: D * D }, (_, at) => {
    const [i, j] = [Math.floor(at / D), at % D];
    return i < 5 && j < 5 ? circulant[(j - i + 5) % 5] : 0;
  });
  expect(Array.from(data)).toEqual(expected);
});

test('feature quality: 1 for proportional features, r/d in expectation for the identity, 0 for orthogonal ones', () => {
  const expected = egop({ kind: 'product', coordinates: [0, 1] }, 4);
  const scaled = { shape: [4, 4], data: expected.data.map((value) => 7 * value) };
  expect(featureQuality(rt, scaled, expected)).toEqual({ correlation: expect.closeTo(1, 12), subspaceOverlap: expect.closeTo(1, 12), rank: 2 });
  const elsewhere = egop({ kind: 'product', coordinates: [2, 3] }, 4);
  expect(featureQuality(rt, elsewhere, expected)).toEqual({ correlation: 0, subspaceOverlap: expect.closeTo(0, 12), rank: 2 });
});

test('what does not fit is refused', () => {
  expect(() => egop({ kind: 'chain-monomial', order: 5 }, 4)).toThrow(/order is 5/);
  expect(() => egop({ kind: 'product', coordinates: [1, 1] }, 4)).toThrow(/twice/);
  expect(() => egop({ kind: 'linear', w: [1] }, 4)).toThrow(/1 entries for 4/);
  expect(() => featureQuality(rt, egop({ kind: 'linear', w: [1] }, 1), egop({ kind: 'linear', w: [1, 0] }, 2))).toThrow(/differ/);
});
