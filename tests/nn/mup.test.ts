/** @file mupRateFactors against table 3 of Tensor Programs V and the mup package, and against what its multipliers must not change. */

import { importSpec, loadRuntime, mupRateFactors, type Optimizer, type Tensor, Trainer, tensor, uniformArray } from 'tangedge';
import { describe, expect, test } from 'vitest';

const rt = await loadRuntime();

type Layer = Readonly<Record<string, unknown>>;
const linear = (name: string, i: number, o: number, rest: Layer = {}): Layer => ({
  type: 'Linear',
  name,
  in_features: i,
  out_features: o,
  parameterization: 'mup',
  ...rest,
});
const conv = (name: string, i: number, o: number, rest: Layer = {}): Layer => ({
  type: 'Conv2d',
  name,
  in_channels: i,
  out_channels: o,
  kernel_size: 3,
  parameterization: 'mup',
  ...rest,
});

describe('d = 5 inputs, width 256, tuned at base width 32: n = 8', () => {
  const width = 256;
  const mlp = (output: Layer) => ({
    layers: [linear('in', 5, width, { role: 'input' }), linear('hidden', width, width), linear('out', width, 3, { role: 'output', ...output })],
  });
  // Table 3 has W_out with variance 1/n² and these rates; the package instead multiplies by 1/n and keeps the rate of W_out (SGD: times n).
  test.each([
    ['sgd', {}, { 'in.weight': 8, 'in.bias': 8, 'hidden.weight': 1, 'hidden.bias': 8, 'out.weight': 1 / 8, 'out.bias': 1 }],
    ['sgd', { multiplier: 1 / 8 }, { 'in.weight': 8, 'in.bias': 8, 'hidden.weight': 1, 'hidden.bias': 8, 'out.weight': 8, 'out.bias': 1 }],
    ['adam', {}, { 'in.weight': 1, 'in.bias': 1, 'hidden.weight': 1 / 8, 'hidden.bias': 1, 'out.weight': 1 / 8, 'out.bias': 1 }],
    ['adam', { multiplier: 1 / 8 }, { 'in.weight': 1, 'in.bias': 1, 'hidden.weight': 1 / 8, 'hidden.bias': 1, 'out.weight': 1, 'out.bias': 1 }],
  ] as const)('%s, output %j', (optimizer, output, expected) => {
    expect(mupRateFactors(mlp(output), { optimizer, baseWidth: 32 })).toEqual(expected);
  });

  test('convolutions count channels, not patches; nested layers are found; a layer without bias has no factor for one', () => {
    const layers = [
      conv('in', 3, width, { role: 'input' }),
      { type: 'Residual', layers: [conv('hidden', width, width, { bias: false })], shortcut: [] },
      linear('out', width, 3, { role: 'output' }),
    ];
    expect(mupRateFactors({ layers }, { optimizer: 'sgd', baseWidth: 32 })).toEqual({
      'in.weight': 8,
      'in.bias': 8,
      'hidden.weight': 1,
      'out.weight': 1 / 8,
      'out.bias': 1,
    });
    expect(mupRateFactors({ layers }, { optimizer: 'adam', baseWidth: 32 })).toMatchObject({ 'in.weight': 1, 'hidden.weight': 1 / 8 });
  });
});

/** h = μ·(W/μ)·x: the same function at the start; with the factors also after steps. */
describe.each([{ name: 'gd' }, { name: 'momentum', momentum: 0.8 }, { name: 'adam', epsilon: 1e-300 }] satisfies Optimizer[])(
  '$name: where the scale sits, in the multiplier or in the weight, changes no trajectory',
  (optimizer) => {
    const kind = optimizer.name === 'adam' ? 'adam' : 'sgd';
    const cases = {
      dense: (m: (layer: number) => Layer) => ({
        input_shape: [1, 5],
        layers: [
          linear('a', 5, 8, { role: 'input', ...m(0) }),
          { type: 'Tanh' },
          linear('b', 8, 8, m(1)),
          { type: 'Tanh' },
          linear('c', 8, 2, { role: 'output', ...m(2) }),
        ],
      }),
      convolution: (m: (layer: number) => Layer) => ({
        input_shape: [1, 2, 5, 5],
        layers: [
          conv('a', 2, 4, { role: 'input', ...m(0) }),
          { type: 'Tanh' },
          conv('b', 4, 4, m(1)),
          { type: 'Flatten' },
          linear('c', 4, 2, { role: 'output', ...m(2) }),
        ],
      }),
    };
    test.each(Object.entries(cases))('%s', (_name, specOf) => {
      const multipliers = [3, 0.25, 1 / 8];
      const [plain, scaled] = [specOf(() => ({})), specOf((layer) => ({ multiplier: multipliers[layer] }))];
      const size = plain.input_shape.reduce((a, b) => a * b, 1);
      const inputs = tensor([6, ...plain.input_shape.slice(1)], uniformArray(1, 0, 6 * size));
      const targets = tensor([6, 2], uniformArray(2, 0, 12));
      const weights = new Map<string, Tensor>();
      importSpecShapes(plain).forEach(({ name, shape }, k) => {
        const length = shape.reduce((a, b) => a * b, 1);
        weights.set(
          name,
          tensor(
            shape,
            uniformArray(3, k, length).map((u) => u - 0.5),
          ),
        );
      });
      const divided = new Map(
        [...weights].map(([name, { shape, data }]): [string, Tensor] => {
          const layer = ['a', 'b', 'c'].indexOf(name[0]);
          return [name, name.endsWith('weight') ? { shape, data: data.map((value) => value / multipliers[layer]) } : { shape, data }];
        }),
      );
      const [expected, measured] = [
        [plain, weights],
        [scaled, divided],
      ].map(([spec, state]) => {
        const rateFactors = mupRateFactors(spec as { layers: readonly unknown[] }, { optimizer: kind });
        const model = importSpec(spec, state as Map<string, Tensor>);
        const trainer = new Trainer(rt, model, { inputs, targets }, { learningRate: 0.01, steps: 5, optimizer, rateFactors });
        try {
          for (let step = 0; step < 5; step++) {
            trainer.evaluate();
            trainer.update();
          }
          return trainer.evaluate().outputs().data;
        } finally {
          trainer.release();
        }
      });
      measured.forEach((value, i) => void expect(Math.abs(value - expected[i])).toBeLessThan(1e-10));
    });
  },
);

/** Names and shapes of a spec's weights and biases. */
function importSpecShapes({ layers }: { readonly layers: readonly Layer[] }): { name: string; shape: number[] }[] {
  return layers.flatMap((layer) => {
    if (layer.type === 'Linear') {
      const [i, o] = [layer.in_features as number, layer.out_features as number];
      return [
        { name: `${layer.name}.weight`, shape: [o, i] },
        { name: `${layer.name}.bias`, shape: [o] },
      ];
    }
    if (layer.type !== 'Conv2d') return [];
    const [i, o] = [layer.in_channels as number, layer.out_channels as number];
    return [
      { name: `${layer.name}.weight`, shape: [o, i, 3, 3] },
      { name: `${layer.name}.bias`, shape: [o] },
    ];
  });
}
