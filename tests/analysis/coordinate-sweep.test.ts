/** @file coordinateSweep: maximal update keeps activations moving at every width, as its theory says; other parameterizations do not. */

import { coordinateSweep, loadRuntime, type Optimizer, tensor, uniformArray } from 'tangedge';
import { describe, expect, test } from 'vitest';

const rt = await loadRuntime();
const widths = [64, 128, 256];
const data = {
  inputs: tensor(
    [8, 6],
    uniformArray(1, 0, 48).map((u) => 2 * u - 1),
  ),
  targets: tensor(
    [8, 1],
    Float64Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? 1 : -1)),
  ),
};

const mlp = (linear: (role: 'input' | 'hidden' | 'output', fanIn: number) => Readonly<Record<string, unknown>>) => (width: number) => ({
  input_shape: [1, 6],
  layers: (['input', 'hidden', 'output'] as const).flatMap((role, k) => {
    const [i, o] = [[6, width, width][k], [width, width, 1][k]];
    const layer = { type: 'Linear', name: role, in_features: i, out_features: o, bias: false, ...linear(role, i) };
    return role === 'output' ? [layer] : [layer, { type: 'Tanh' }];
  }),
});
const mup = mlp((role, fanIn) => ({ parameterization: 'mup', role, ...(role === 'output' && { multiplier: 1 / fanIn }) }));

describe.each<[Optimizer, number]>([
  [{ name: 'gd' }, 0.3],
  [{ name: 'adam' }, 0.02],
])('maximal update with %j', (optimizer, learningRate) => {
  const sweep = coordinateSweep(rt, mup, data, { widths, learningRate, optimizer });

  test('every layer’s pre-activations move by as much at every width; the output starts as 1/√width', () => {
    expect(sweep.change.map(({ layer }) => layer)).toEqual(['input.weight', 'hidden.weight', 'output.weight']);
    expect(sweep.passes).toBe(true);
    expect(sweep.initial.map(({ passes }) => passes)).toEqual([true, true, false]);
    expect(sweep.initial[2].slope).toBeLessThan(-0.3);
    for (const { sizes } of sweep.sizes.change) expect(Math.min(...sizes)).toBeGreaterThan(0.01);
  });
});

test('NTK parameterization: hidden layers move as width^(−½); a fixed rate in the standard one: they grow', () => {
  const ntk = coordinateSweep(
    rt,
    mlp(() => ({ parameterization: 'ntk' })),
    data,
    { widths, learningRate: 0.5 },
  );
  expect(ntk.change[0].slope).toBeCloseTo(-0.5, 0);
  expect(ntk.change.slice(0, 2).map(({ passes }) => passes)).toEqual([false, false]);
  const standard = coordinateSweep(
    rt,
    mlp(() => ({})),
    data,
    { widths, learningRate: 0.05 },
  );
  expect(standard.change[2].slope).toBeGreaterThan(0.3);
  expect(standard.passes).toBe(false);
});

test('what cannot be fitted is refused', () => {
  expect(() => coordinateSweep(rt, mup, data, { widths: [64, 128], learningRate: 0.1 })).toThrow(/number of widths/);
  expect(() => coordinateSweep(rt, mup, data, { widths, learningRate: 0.1, steps: 0 })).toThrow(/steps is 0/);
  expect(() => coordinateSweep(rt, mup, data, { widths, learningRate: 0.1, seeds: [] })).toThrow(/no seeds/);
});
