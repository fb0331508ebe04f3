/** @file Chizat's κ against central differences along the gradient, its law 1/α, α-scaled targets, and the abc table of regimes. */

import {
  abcRegime,
  flatParameters,
  forward,
  importSpec,
  initializeSpec,
  lazyCriterion,
  linearize,
  loadRuntime,
  scaledTargets,
  trainingLoss,
  withFlatParameters,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { randomInputs } from '../features/networks.ts';

const rt = await loadRuntime();
const layer = (name: string, from: number, to: number) => ({ type: 'Linear', name, in_features: from, out_features: to });
const layers = [layer('a', 3, 6), { type: 'Tanh' }, layer('b', 6, 2)];
const spec = { input_shape: [1, 3], layers };
const model = importSpec(spec, initializeSpec(rt, spec, { seed: 1, dtype: 'f64' }));
const [x, y] = [randomInputs(2, 5, [3]), randomInputs(3, 5, [2])];

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

describe('lazyCriterion', () => {
  test('first and second derivatives along the gradient agree with central differences to 1e-6', () => {
    const theta = flatParameters(model);
    const { gradient } = trainingLoss(rt, model, { inputs: x, targets: y }).gradient(theta);
    const h = 1e-4;
    const at = (step: number) =>
      forward(
        rt,
        withFlatParameters(
          model,
          theta.map((value, i) => value + (step * gradient[i]) / norm(gradient)),
        ),
        x,
      ).data;
    const [up, middle, down] = [at(h), at(0), at(-h)];
    const { first, second, residual, kappa } = lazyCriterion(rt, model, x, y);
    expect(first).toBeCloseTo(norm(up.map((value, i) => (value - down[i]) / (2 * h))), 6);
    expect(second).toBeCloseTo(norm(up.map((value, i) => (value - 2 * middle[i] + down[i]) / (h * h))), 5);
    expect(residual).toBeCloseTo(norm(middle.map((value, i) => value - y.data[i])), 12);
    expect(kappa).toBeCloseTo((residual * second) / first ** 2, 12);
  });

  test('is 0 for the linearized model', () => {
    expect(lazyCriterion(rt, linearize(model), x, y).second).toBeLessThan(1e-12);
  });

  test('falls as 1/α in α-scaled training', () => {
    const [one, ten] = [1, 10].map((alpha) => lazyCriterion(rt, model, x, scaledTargets(rt, model, x, y, alpha)).kappa);
    expect(one / ten).toBeCloseTo(10, 8);
  });
});

test('scaledTargets: the gradient of the plain loss is that of |F − y|²/(2nα²), F = α·(f − f₀), by its definition', () => {
  const alpha = 4;
  const moved = withFlatParameters(
    model,
    flatParameters(model).map((value) => 1.1 * value),
  );
  const shifted = scaledTargets(rt, model, x, y, alpha);
  const [f, f0] = [forward(rt, moved, x).data, forward(rt, model, x).data];
  const byDefinition = Array.from(f).reduce((sum, value, i) => sum + (alpha * (value - f0[i]) - y.data[i]) ** 2, 0) / (2 * 5 * alpha ** 2);
  const { loss } = trainingLoss(rt, model, { inputs: x, targets: shifted }).gradient(flatParameters(moved));
  expect(loss).toBeCloseTo(byDefinition, 12);
  expect(() => scaledTargets(rt, model, x, y, 0)).toThrow(/alpha is 0/);
});

test.each([
  ['NTK', { a: [0, 0.5, 0.5], b: [0, 0, 0], c: 0 }, 0.5, 'kernel'],
  ['standard, rate ∝ 1/width', { a: [0, 0, 0], b: [0, 0.5, 0.5], c: 1 }, 0.5, 'kernel'],
  ['maximal update', { a: [-0.5, 0, 0.5], b: [0.5, 0.5, 0.5], c: 0 }, 0, 'feature learning'],
  ['mean field, one hidden layer', { a: [0, 1], b: [0, 0], c: -1 }, 0, 'feature learning'],
  ['standard, fixed rate', { a: [0, 0, 0], b: [0, 0.5, 0.5], c: 0 }, -1, 'unstable'],
] as const)('abcRegime of %s', (_, parameterization, r, regime) => {
  expect(abcRegime(parameterization)).toEqual({ r, regime });
});

test('abcRegime refuses exponents that do not pair', () => {
  expect(() => abcRegime({ a: [0, 0], b: [0], c: 0 })).toThrow(/2 entries and b 1/);
});
