/** @file Recursive feature machine: recovers the coordinates that matter; its metric is the AGOP of its predictor by central differences. */

import { loadRuntime, normalArray, recursiveFeatureMachine, type Tensor, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';

const rt = await loadRuntime();

function task(n: number, d: number): { x: Tensor; y: Tensor } {
  const data = normalArray(rt, 1, 0, n * d);
  const y = Float64Array.from({ length: 2 * n }, (_, at) => Number(at % 2 === 0 ? data[(at >> 1) * d] > 0 : data[(at >> 1) * d + 1] < 0.5));
  return { x: { shape: [n, d], data }, y: { shape: [n, 2], data: y } };
}

describe('recursiveFeatureMachine', () => {
  test('y = [x₀ > 0, x₁ < 0.5] of 30 inputs: each of these two coordinates has 20 times the weight of any other', () => {
    const { x, y } = task(300, 30);
    const { metric, metrics } = recursiveFeatureMachine(rt, x, y);
    const diagonal = Array.from({ length: 30 }, (_, k) => metric.data[31 * k]);
    expect(Math.min(...diagonal.slice(0, 2)) / Math.max(...diagonal.slice(2))).toBeGreaterThan(20);
    expect(metrics).toHaveLength(6);
    expect(metrics[0].data[31]).toBe(1);
  });

  test('one round: M ∝ AGOP of the predictor of round 0, gradients by central differences of predict, to 1e-6', () => {
    const { x, y } = task(40, 4);
    const before = recursiveFeatureMachine(rt, x, y, { rounds: 0, bandwidth: 3 });
    const h = 1e-5;
    const agop = new Float64Array(16);
    const shifted = (k: number, step: number) =>
      before.predict({ shape: [40, 4], data: x.data.map((value, at) => (at % 4 === k ? value + step : value)) }).data;
    // The kernel has a kink where two inputs coincide: central differences are 0 there, as the gradient is taken to be.
    const gradients = Array.from({ length: 4 }, (_, k) => {
      const [up, down] = [shifted(k, h), shifted(k, -h)];
      return Float64Array.from(up, (value, i) => (value - down[i]) / (2 * h));
    });
    for (let a = 0; a < 4; a++) for (let b = 0; b < 4; b++) for (let i = 0; i < 80; i++) agop[4 * a + b] += gradients[a][i] * gradients[b][i];
    const largest = Math.max(...agop.map(Math.abs));
    const { metric } = recursiveFeatureMachine(rt, x, y, { rounds: 1, bandwidth: 3 });
    for (let at = 0; at < 16; at++) expect(Math.abs(metric.data[at] - agop[at] / largest)).toBeLessThanOrEqual(1e-6);
  });

  test('predict interpolates the targets for a small regularization', () => {
    const { x, y } = task(60, 5);
    const fitted = recursiveFeatureMachine(rt, x, y, { rounds: 2, regularization: 1e-9 }).predict(x);
    for (let i = 0; i < y.data.length; i++) expect(Math.abs(fitted.data[i] - y.data[i])).toBeLessThan(1e-5);
  });

  test('what does not fit is refused', () => {
    const { x, y } = task(6, 3);
    expect(() => recursiveFeatureMachine(rt, x, tensor([5], [1, 2, 3, 4, 5]))).toThrow(/\[5\] do not fit 6 inputs/);
    expect(() => recursiveFeatureMachine(rt, x, y, { bandwidth: 0 })).toThrow(/bandwidth is 0/);
    expect(() => recursiveFeatureMachine(rt, x, tensor([6], [0, 0, 0, 0, 0, 0]))).toThrow(/no gradient/);
  });
});
