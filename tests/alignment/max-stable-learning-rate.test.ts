import { maxStableLearningRate, modeHalfLives } from 'tangedge';
import { describe, expect, test } from 'vitest';

/** ‖residual‖ after gradient descent with momentum on one mode: residual r, dr/dstep from the loss r²/(2M) and df = −λ·velocity. */
function residualAfter(steps: number, learningRate: number, lambda: number, terms: number, momentum: number): number {
  let residual = 1;
  let velocity = 0;
  for (let step = 0; step < steps && Math.abs(residual) < 1e9; step++) {
    velocity = momentum * velocity + (lambda * residual) / terms;
    residual -= learningRate * velocity;
  }
  return Math.abs(residual) + Math.abs(velocity);
}

describe('maxStableLearningRate', () => {
  test('2n/λmax; 2nc/λmax for the mean over all entries; (1 + μ) with momentum', () => {
    expect(maxStableLearningRate(50, { n: 100 })).toBe(4);
    expect(maxStableLearningRate(50, { n: 100, c: 10 })).toBe(4);
    expect(maxStableLearningRate(50, { n: 100, c: 10, lossScale: 'mean-all' })).toBe(40);
    expect(maxStableLearningRate(50, { n: 100, momentum: 0.5 })).toBe(6);
    expect(maxStableLearningRate(0, { n: 1 })).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    ['mean-batch', 0],
    ['mean-batch', 0.9],
    ['mean-all', 0],
    ['mean-all', 0.9],
  ] as const)('%s, momentum %f: gradient descent shrinks the residual just below it and grows it just above', (lossScale, momentum) => {
    const [n, c, lambda] = [20, 3, 7.5];
    const rate = maxStableLearningRate(lambda, { n, c, lossScale, momentum });
    const terms = lossScale === 'mean-all' ? n * c : n;
    expect(residualAfter(20000, rate * 0.99, lambda, terms, momentum)).toBeLessThan(1e-3);
    expect(residualAfter(20000, rate * 1.01, lambda, terms, momentum)).toBeGreaterThan(1e3);
  });

  test.each([
    [-1, { n: 3 }, 'ERR_DOMAIN', 'λmax is -1'],
    [Number.NaN, { n: 3 }, 'ERR_DOMAIN', 'λmax is NaN'],
    [1, { n: 0 }, 'ERR_ARGUMENT', 'n is 0'],
    [1, { n: 2, c: 1.5 }, 'ERR_ARGUMENT', 'c is 1.5'],
    [1, { n: 2, momentum: 1 }, 'ERR_ARGUMENT', 'momentum is 1'],
    [1, { n: 2, lossScale: 'mean' as 'mean-all' }, 'ERR_ARGUMENT', 'lossScale is mean'],
  ] as const)('λmax %s, %j is refused', (lambdaMax, options, code, text) => {
    expect(() => maxStableLearningRate(lambdaMax, options)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }));
  });
});

describe('modeHalfLives', () => {
  test('after its half-life a mode of the flow is halved: exp(−η·λ·t/M) = ½', () => {
    const eigenvalues = Float64Array.of(1e-3, 0.7, 12, 400);
    for (const [options, terms] of [
      [{ n: 10, learningRate: 0.25 }, 10],
      [{ n: 10, c: 4, lossScale: 'mean-all', learningRate: 2 }, 40],
    ] as const) {
      modeHalfLives(eigenvalues, options).forEach((t, k) => {
        expect(Math.exp((-options.learningRate * eigenvalues[k] * t) / terms)).toBeCloseTo(0.5, 14);
      });
    }
  });

  test('a mode with no or negative eigenvalue is never learned', () => {
    expect([...modeHalfLives(Float64Array.of(-1e-18, 0), { n: 1 })]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
  });

  test.each([
    [Float64Array.of(1, Number.NaN), { n: 1 }, 'ERR_DOMAIN', 'eigenvalue 1 is NaN'],
    [Float64Array.of(1), { n: 1, learningRate: 0 }, 'ERR_ARGUMENT', 'learningRate is 0'],
  ] as const)('%j, %j is refused', (eigenvalues, options, code, text) => {
    expect(() => modeHalfLives(eigenvalues, options)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }));
  });
});
