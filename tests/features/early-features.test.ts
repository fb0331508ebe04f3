/** @file C-NFA(0⁺): against the published formula with explicit products, and the second derivatives against finite differences of small steps. */

import {
  earlyFeatures,
  evaluate,
  forward,
  importSpec,
  initializeSpec,
  jacobian,
  loadRuntime,
  type Model,
  neuralFeatures,
  type Tensor,
  vjp,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { randomInputs } from './networks.ts';

const rt = await loadRuntime();

const linear = (name: string, from: number, to: number, parameterization: string) => ({
  type: 'Linear',
  name,
  in_features: from,
  out_features: to,
  parameterization,
});

function build(layers: readonly unknown[], shape: readonly number[], seed: number): Model {
  const spec = { input_shape: [1, ...shape], layers };
  return importSpec(spec, initializeSpec(rt, spec, { seed, dtype: 'f64' }));
}

const networks = {
  'two outputs, NTK parameterization': build([linear('a', 5, 8, 'ntk'), { type: 'Tanh' }, linear('b', 8, 2, 'ntk')], [5], 1),
  'a convolution': build(
    [
      { type: 'Conv2d', name: 'a', in_channels: 2, out_channels: 3, kernel_size: 2 },
      { type: 'GELU' },
      { type: 'Flatten' },
      linear('b', 27, 1, 'standard'),
    ],
    [2, 4, 4],
    2,
  ),
};

/** θ + rate·(−∇L), L = 1/(2n)·Σ|f − y|². */
function step(model: Model, x: Tensor, y: Tensor, rate: number): Model {
  const derived = vjp(
    model.graph,
    model.parameters.map(({ id }) => id),
  );
  const nameOf = (id: number) => derived.graph.nodes[id].name as string;
  const f = forward(rt, model, x);
  const error = f.data.map((value, i) => (value - y.data[i]) / x.shape[0]);
  const bound: Record<string, Tensor> = { [nameOf(model.input.id)]: x, [nameOf(derived.seeds[0])]: { shape: f.shape, data: error } };
  for (const { id, value } of model.parameters) bound[nameOf(id)] = value;
  const gradients = evaluate(rt, derived.graph, bound).slice(1);
  return {
    ...model,
    parameters: model.parameters.map((parameter, k) => ({
      ...parameter,
      value: { shape: parameter.value.shape, data: Float64Array.from(parameter.value.data, (value, i) => value - rate * gradients[k].data[i]) },
    })),
  };
}

describe.each(Object.entries(networks))('%s', (_, model) => {
  const n = 7;
  const x = randomInputs(3, n, model.input.shape);
  const y = randomInputs(4, n, [model.output.size]);
  const predicted = earlyFeatures(rt, model, x, y);

  test('C-NFA after a step of 1e-7 agrees to 1e-6', () => {
    const after = neuralFeatures(rt, step(model, x, y, 1e-7), x, { initial: model });
    expect(predicted.map(({ name }) => name)).toEqual(after.map(({ name }) => name));
    for (const [k, { correlation }] of predicted.entries()) {
      expect(Math.abs((after[k].motion?.centeredCorrelation ?? Number.NaN) - correlation)).toBeLessThanOrEqual(1e-6);
    }
  });

  test('W̄ᵀW̄ of a step of η is η²/2 times its second derivative, to 1e-9 of its size', () => {
    const rate = 1e-3;
    const after = neuralFeatures(rt, step(model, x, y, rate), x, { initial: model });
    for (const [k, { nfmAcceleration }] of predicted.entries()) {
      const { weight, motion } = after[k];
      const [h, i] = weight.shape;
      const change = weight.data.map((value, at) => value - (motion?.initial.data[at] ?? Number.NaN));
      const scale = Math.max(...nfmAcceleration.data.map(Math.abs));
      for (let a = 0; a < i; a++) {
        for (let b = 0; b < i; b++) {
          let sum = 0;
          for (let row = 0; row < h; row++) sum += change[row * i + a] * change[row * i + b];
          expect(Math.abs((2 * sum) / rate ** 2 - nfmAcceleration.data[a * i + b])).toBeLessThanOrEqual(1e-9 * scale);
        }
      }
    }
  });
});

test('one output, one weight: (2/n²)·XᵀR𝒦RX and (2/n³)·XᵀR𝒦²RX, 𝒦 from Jacobians with respect to the pre-activation’s bias', () => {
  const model = build([{ ...linear('a', 4, 6, 'standard'), bias: true }, { type: 'ReLU' }, linear('b', 6, 1, 'standard')], [4], 5);
  const n = 9;
  const x = randomInputs(6, n, [4]);
  const y = randomInputs(7, n, [1]);
  const { shape, data } = jacobian(rt, model, x);
  const p = shape[2];
  const biasAt = 24; // a.weight [6, 4] comes first
  const delta = Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * p + biasAt, i * p + biasAt + 6)));
  const f = forward(rt, model, x).data;
  const rx = Array.from({ length: n }, (_, i) => Array.from({ length: 4 }, (_, k) => (y.data[i] - f[i]) * x.data[i * 4 + k]));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, at) => sum + value * b[at], 0);
  const kernel = delta.map((a) => delta.map((b) => dot(a, b)));
  const once = kernel.map((row) =>
    Array.from({ length: 4 }, (_, k) =>
      dot(
        row,
        rx.map((entry) => entry[k]),
      ),
    ),
  );
  const [{ nfmAcceleration, agopAcceleration }] = earlyFeatures(rt, model, x, y);
  for (let a = 0; a < 4; a++) {
    for (let b = 0; b < 4; b++) {
      const first = (2 / n ** 2) * rx.reduce((sum, row, i) => sum + row[a] * once[i][b], 0);
      const second = (2 / n ** 3) * once.reduce((sum, row) => sum + row[a] * row[b], 0);
      expect(nfmAcceleration.data[a * 4 + b]).toBeCloseTo(first, 12);
      expect(agopAcceleration.data[a * 4 + b]).toBeCloseTo(second, 12);
    }
  }
});

test('targets of another number of examples or outputs are refused', () => {
  const model = networks['a convolution'];
  expect(() => earlyFeatures(rt, model, randomInputs(1, 3, [2, 4, 4]), randomInputs(1, 3, [2]))).toThrow(/\[3, 2\] do not fit 3 examples of 1/);
});
