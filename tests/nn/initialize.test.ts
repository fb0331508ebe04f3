/** @file initializeSpec: moments of torch.nn's initial distributions, seeds, and the example specs' parameter counts. */

import { readFileSync } from 'node:fs';
import { empiricalNtk, forward, importSpec, initializeSpec, loadRuntime, parameterCount, type Tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { randomTensor } from '../ntk/networks.ts';

const rt = await loadRuntime();

const conv = { type: 'Conv2d', name: 'conv', in_channels: 6, out_channels: 40, kernel_size: [3, 2], groups: 2 };
const turned = { type: 'ConvTranspose2d', name: 'turned', in_channels: 40, out_channels: 30, kernel_size: 3, groups: 2 };
const wide = { type: 'Linear', name: 'fc', in_features: 300, out_features: 50 };
const recurrent = { type: 'LSTM', name: 'r', input_size: 7, hidden_size: 36, num_layers: 2, bidirectional: true };
const encoder = { type: 'TransformerEncoderLayer', name: 't', d_model: 48, nhead: 3, dim_feedforward: 64 };

/** spec input shape, layer, key, and the distribution torch documents: uniform by its bound, normal by its deviation. */
const rows: readonly [string, number[], object, string, { bound?: number; deviation?: number }][] = [
  ['Linear weight', [300], wide, 'fc.weight', { bound: 1 / Math.sqrt(300) }],
  ['Linear bias', [300], { ...wide, out_features: 4000 }, 'fc.bias', { bound: 1 / Math.sqrt(300) }],
  ['Conv2d weight, by group', [6, 5, 5], conv, 'conv.weight', { bound: 1 / Math.sqrt(3 * 6) }],
  ['ConvTranspose2d weight, fan of its second axis', [40, 3, 3], turned, 'turned.weight', { bound: 1 / Math.sqrt(15 * 9) }],
  ['LSTM input weight', [5, 7], recurrent, 'r.weight_ih_l1_reverse', { bound: 1 / 6 }],
  ['LSTM hidden bias', [5, 7], recurrent, 'r.bias_hh_l0', { bound: 1 / 6 }],
  ['Embedding', [5], { type: 'Embedding', name: 'e', num_embeddings: 100, embedding_dim: 30 }, 'e.weight', { deviation: 1 }],
  ['attention, input projection', [5, 48], encoder, 't.self_attn.in_proj_weight', { bound: Math.sqrt(6 / (48 + 144)) }],
  ['attention, output projection', [5, 48], encoder, 't.self_attn.out_proj.weight', { bound: 1 / Math.sqrt(48) }],
  ['transformer, second linear layer', [5, 48], encoder, 't.linear2.weight', { bound: 1 / 8 }],
  ['position embedding', [50, 40], { type: 'PosEmbed', name: 'p', num_tokens: 50, dim: 40 }, 'p', { deviation: 0.02 }],
  ['NTK weight', [300], { ...wide, parameterization: 'ntk', sigma_w: 3 }, 'fc.weight', { deviation: 1 }],
  ['NTK bias', [300], { ...wide, out_features: 4000, parameterization: 'ntk' }, 'fc.bias', { deviation: 1 }],
  ['maximal update, hidden', [300], { ...wide, parameterization: 'mup' }, 'fc.weight', { deviation: 1 / Math.sqrt(300) }],
  ['maximal update, output', [300], { ...wide, parameterization: 'mup', role: 'output' }, 'fc.weight', { deviation: 1 / 300 }],
  [
    'maximal update, output with a multiplier',
    [300],
    { ...wide, parameterization: 'mup', role: 'output', multiplier: 1 / 300 },
    'fc.weight',
    { deviation: 1 },
  ],
];

function mean(data: ArrayLike<number>, f: (value: number) => number): number {
  let total = 0;
  for (let i = 0; i < data.length; i++) total += f(data[i]);
  return total / data.length;
}

test.each(rows)('%s: mean and variance within 5 standard errors', (_what, input, layer, key, { bound, deviation }) => {
  const state = initializeSpec(rt, { input_shape: [1, ...input], layers: [layer] }, { seed: 11, dtype: 'f64' });
  const { data } = state.get(key) as Tensor;
  // The variance of x² is kurtosis − 1: 9/5 − 1 for the uniform distribution, 3 − 1 for the normal one.
  const variance = bound === undefined ? (deviation as number) ** 2 : bound ** 2 / 3;
  const spreadOfSquare = variance * Math.sqrt(bound === undefined ? 2 : 0.8);
  expect(Math.abs(mean(data, (value) => value))).toBeLessThan(5 * Math.sqrt(variance / data.length));
  expect(Math.abs(mean(data, (value) => value * value) - variance)).toBeLessThan((5 * spreadOfSquare) / Math.sqrt(data.length));
  if (bound !== undefined) expect(mean(data, (value) => (Math.abs(value) <= bound ? 1 : 0))).toBe(1);
});

test('constants: normalizations 1 and 0, running statistics 0 and 1, attention biases 0, PReLU 0.25, class token 0', () => {
  const layers = [
    { type: 'BatchNorm1d', name: 'n', num_features: 5 },
    { type: 'PReLU', name: 'a' },
    { type: 'ClsToken', name: 'cls', dim: 4 },
    { type: 'MultiheadAttention', name: 'm', embed_dim: 4, num_heads: 2 },
    { type: 'RMSNorm', name: 'r', normalized_shape: [4] },
  ];
  const state = initializeSpec(rt, { input_shape: [1, 5, 4], layers });
  const expected = { 'n.weight': 1, 'n.bias': 0, 'n.running_mean': 0, 'n.running_var': 1, 'a.weight': 0.25, cls: 0, 'r.weight': 1 };
  for (const [key, value] of Object.entries({ ...expected, 'm.in_proj_bias': 0, 'm.out_proj.bias': 0 })) {
    expect(
      [...(state.get(key) as Tensor).data].every((entry) => entry === value),
      key,
    ).toBe(true);
  }
});

test('a seed gives the same bits, another seed others; an entry depends on its place, not on sizes before it', () => {
  const spec = (width: number) => ({
    input_shape: [1, 3],
    layers: [
      { type: 'Linear', name: 'a', in_features: 3, out_features: width },
      { type: 'Linear', name: 'b', in_features: width, out_features: 2 },
    ],
  });
  const first = initializeSpec(rt, spec(4), { seed: 3 });
  expect(initializeSpec(rt, spec(4), { seed: 3 })).toEqual(first);
  expect(initializeSpec(rt, spec(4), { seed: 4 }).get('a.weight')).not.toEqual(first.get('a.weight'));
  const wider = initializeSpec(rt, spec(9), { seed: 3 }).get('a.weight') as Tensor;
  expect([...wider.data.subarray(0, 12)]).toEqual([...(first.get('a.weight') as Tensor).data]);
  expect(first.get('a.weight')?.data).toBeInstanceOf(Float32Array);
});

test('tied layers share one entry', () => {
  const layer = { type: 'Linear', name: 'a', in_features: 3, out_features: 3 };
  const spec = { input_shape: [1, 3], layers: [layer, { type: 'Tanh' }, layer] };
  const state = initializeSpec(rt, spec);
  expect([...state.keys()]).toEqual(['a.weight', 'a.bias']);
  expect(parameterCount(importSpec(spec, state))).toBe(12);
});

test('a seed that is not a whole number is refused', () => {
  expect(() => initializeSpec(rt, { input_shape: [1, 2], layers: [] }, { seed: 0.5 })).toThrow(/initializeSpec: seed/);
});

function example(name: string) {
  const spec = JSON.parse(readFileSync(new URL(`../../examples/${name}.json`, import.meta.url), 'utf8'));
  return importSpec(spec, initializeSpec(rt, spec, { seed: 1 }));
}

describe('examples', () => {
  // Counted by hand from the layers: Σ out·(in·kh·kw + 1), 2 per normalized channel.
  test.each([
    ['vgg11', 9_225_610],
    ['resnet18', 11_173_962],
    ['vit', 2_693_578],
    ['cnn', 235_722],
    ['gru', 16_394],
  ])('%s has %d parameters and 10 outputs', (name, count) => {
    const model = example(name);
    expect(parameterCount(model)).toBe(count);
    expect(model.output.size).toBe(10);
  });

  test.each(['cnn', 'gru'])('%s: trace of the NTK of two examples is symmetric, and its diagonal positive', (name) => {
    const model = example(name);
    const x = randomTensor(5, [2, ...model.input.shape]);
    expect(forward(rt, model, x).shape).toEqual([2, 10]);
    const { data } = empiricalNtk(rt, model, x, { outputs: 'trace', dtype: 'f32' });
    expect(data[1]).toBe(data[2]);
    expect(data[0] * data[3] - data[1] * data[2]).toBeGreaterThan(0);
    expect(data[0]).toBeGreaterThan(0);
  });
});
