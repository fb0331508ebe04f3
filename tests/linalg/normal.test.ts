import { loadRuntime, normalArray, TangedgeError, uniformArray } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { erf } from '../oracle/error-function.ts';

const rt = await loadRuntime();

describe('normalArray', () => {
  test('is Box and Muller’s transform of the uniform stream, to 16 ε', () => {
    const n = 1000;
    const u = uniformArray(3, 1, n);
    const z = normalArray(rt, 3, 1, n);
    for (let p = 0; p < n / 2; p++) {
      const radius = Math.sqrt(-2 * Math.log1p(-u[2 * p]));
      const angle = 2 * Math.PI * u[2 * p + 1];
      const tolerance = 16 * Number.EPSILON * radius; // the angle alone is up to 2π·ε off
      expect(Math.abs(z[2 * p] - radius * Math.cos(angle)), `pair ${p}`).toBeLessThanOrEqual(tolerance);
      expect(Math.abs(z[2 * p + 1] - radius * Math.sin(angle)), `pair ${p}`).toBeLessThanOrEqual(tolerance);
    }
  });

  test('holds the same elements wherever it starts, across chunks', () => {
    const whole = normalArray(rt, 5, 2, 20_000);
    for (const [start, length] of [
      [0, 0],
      [0, 1],
      [1, 1],
      [1, 2],
      [7, 10],
      [1, 8192],
      [8191, 3],
      [3, 16_500],
    ]) {
      expect(normalArray(rt, 5, 2, length, start), `start ${start} length ${length}`).toEqual(whole.slice(start, start + length));
    }
  });

  test('Kolmogorov–Smirnov distance to Φ of 20 000 elements is below its 1 − 10⁻⁶ quantile, 2.69/√n', () => {
    const n = 20_000;
    const z = normalArray(rt, 11, 0, n).sort();
    let distance = 0;
    z.forEach((value, i) => {
      const cdf = 0.5 + 0.5 * erf(value / Math.SQRT2);
      distance = Math.max(distance, Math.abs(cdf - i / n), Math.abs(cdf - (i + 1) / n));
    });
    expect(distance).toBeLessThan(2.69 / Math.sqrt(n));
  });

  test('mean, variance, fourth moment and correlation within a pair of 100 000 elements are within 5 σ', () => {
    const n = 100_000;
    const z = normalArray(rt, 12, 0, n);
    const mean = (f: (value: number, i: number) => number) => z.reduce((sum, value, i) => sum + f(value, i), 0) / n;
    expect(Math.abs(mean((v) => v))).toBeLessThan(5 * Math.sqrt(1 / n));
    expect(Math.abs(mean((v) => v * v) - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(mean((v) => v * v * v * v) - 3)).toBeLessThan(5 * Math.sqrt(96 / n)); // var(z⁴) = 105 − 9
    expect(Math.abs(mean((v, i) => v * z[i ^ 1]))).toBeLessThan(5 * Math.sqrt(2 / n)); // each pair counts twice
  });

  test('refuses a bad length and a bad seed with ERR_ARGUMENT', () => {
    for (const call of [() => normalArray(rt, 0, 0, -1), () => normalArray(rt, 0.5, 0, 1)]) {
      expect(call).toThrowError(TangedgeError);
      expect(call).toThrowError(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    }
  });
});
