/** @file AGOP by whichever route: from gradients of `inputJacobian`, for networks whose input goes through one dense layer, and others. */

import { agop, inputJacobian, loadRuntime, type Model, preactivationTangentKernel, type Tensor, withFlatParameters } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { weightOfInput } from '../../src/features/weight.ts';
import { largestDifference } from '../alignment/naive.ts';
import { maxAbs } from '../golden/read-case.ts';
import { conv, linear, network, randomInputs } from './networks.ts';

const rt = await loadRuntime();

/** (1/n)·Σ_{i,o} ∇f_o(x_i)·∇f_o(x_i)ᵀ, of gradients minus their mean over the data when centered. */
function fromJacobian(model: Model, x: Tensor, centered: boolean): Float64Array {
  const { shape, data } = inputJacobian(rt, model, x);
  const [n, c] = shape;
  const d = data.length / (n * c);
  const rows = Float64Array.from(data);
  if (centered) {
    for (let at = 0; at < c * d; at++) {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += data[i * c * d + at] / n;
      for (let i = 0; i < n; i++) rows[i * c * d + at] -= mean;
    }
  }
  const result = new Float64Array(d * d);
  for (let row = 0; row < n * c; row++) {
    for (let a = 0; a < d; a++) for (let b = 0; b < d; b++) result[a * d + b] += (rows[row * d + a] * rows[row * d + b]) / n;
  }
  return result;
}

const narrow = network([2, 3, 5], [{ type: 'Flatten' }, linear('0', 30, 8), { type: 'Tanh' }, linear('2', 8, 6)], 31);
const wide = network([6], [linear('0', 6, 40), { type: 'ReLU' }, linear('2', 40, 3)], 32);
const image = network([2, 6, 6], [conv('0', 2, 4), { type: 'GELU' }, { type: 'Flatten' }, linear('3', 64, 12)], 33);
const affine = network([30], [linear('0', 30, 4)], 34);

describe.each([
  ['a dense layer of few units, [8, 30]', narrow, 30, '0.weight'],
  ['a dense layer of many units, [40, 6]', wide, 6, '0.weight'],
  ['a convolution', image, 72, undefined],
  ['a linear function: its gradients depend on no example', affine, 30, '0.weight'],
] as const)('%s', (_, model, d, name) => {
  // Numbers that fill neither the last sweep nor the last leaf.
  const x = randomInputs(35, 101, model.input.shape);

  test.each(['raw', 'centered'] as const)('%s gradients: the sum over those of inputJacobian to 1e-12 of the largest entry', (gradients) => {
    const { shape, data } = agop(rt, model, x, { gradients });
    const expected = fromJacobian(model, x, gradients === 'centered');
    expect(shape).toEqual([d, d]);
    const scale = maxAbs(fromJacobian(model, x, false));
    expect(largestDifference(data, expected)).toBeLessThanOrEqual(1e-12 * scale);
  });

  test('f32, one example and two: to 1e-5', () => {
    for (const n of [1, 2]) {
      const few = randomInputs(36, n, model.input.shape);
      const expected = fromJacobian(model, few, false);
      expect(largestDifference(agop(rt, model, few, { dtype: 'f32' }).data, expected)).toBeLessThanOrEqual(1e-5 * maxAbs(expected));
    }
  });

  test('the weight that reads the whole input', () => {
    expect(weightOfInput(model)?.name).toBe(name);
  });
});

test('an input that is read twice goes through no single weight', () => {
  const twice = network([6], [{ type: 'Residual', layers: [{ type: 'Tanh' }] }, linear('2', 6, 3)], 37);
  expect(weightOfInput(twice)).toBeUndefined();
});

test('other values of the parameters of a graph give the AGOP and the PTK of those values', () => {
  const x = randomInputs(38, 9, [6]);
  const size = wide.parameters.reduce((sum, { value }) => sum + value.data.length, 0);
  const moved = withFlatParameters(
    wide,
    Float64Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
  );
  agop(rt, wide, x);
  preactivationTangentKernel(rt, wide, x, '0.weight');
  const expected = fromJacobian(moved, x, false);
  expect(largestDifference(agop(rt, moved, x).data, expected)).toBeLessThanOrEqual(1e-12 * maxAbs(expected));
  // A copy of the graph is planned anew.
  expect(preactivationTangentKernel(rt, moved, x, '0.weight')).toEqual(preactivationTangentKernel(rt, structuredClone(moved), x, '0.weight'));
});
