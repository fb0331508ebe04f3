/** @file Zeros that all outputs of an example share are left out of products: the same bits as one output at a time, which leaves none out. */

import { importSpec, initializeSpec, inputJacobian, loadRuntime, type Tensor } from 'tangedge';
import { expect, test } from 'vitest';
import { randomTensor } from './networks.ts';

const rt = await loadRuntime();
const OUTPUTS = 10;

const convolution = (groups: number, stride: number) => ({
  input_shape: [1, 32, 7, 6],
  layers: [
    { type: 'Conv2d', name: 'conv', in_channels: 32, out_channels: 8, kernel_size: 3, padding: 1, stride, groups },
    { type: 'ReLU' },
    { type: 'Flatten' },
    { type: 'Linear', name: 'head', in_features: stride === 1 ? 336 : 96, out_features: OUTPUTS },
  ],
});

/** The second convolution's input gradient is wanted only where the first ReLU lets it through. */
const convolutions = (groups: number) => ({
  input_shape: [1, 3, 9, 8],
  layers: [
    { type: 'Conv2d', name: 'first', in_channels: 3, out_channels: 32, kernel_size: 3 },
    { type: 'ReLU' },
    { type: 'Conv2d', name: 'second', in_channels: 32, out_channels: 8, kernel_size: 3, padding: 1, groups },
    { type: 'ReLU' },
    { type: 'Flatten' },
    { type: 'Linear', name: 'head', in_features: 336, out_features: OUTPUTS },
  ],
});

const dense = {
  input_shape: [1, 40],
  layers: [
    { type: 'Linear', name: 'first', in_features: 40, out_features: 30 },
    { type: 'ReLU' },
    { type: 'Linear', name: 'head', in_features: 30, out_features: OUTPUTS },
  ],
};

test.each([
  ['a dense layer', dense],
  ['a convolution', convolution(1, 1)],
  ['a convolution in two groups, stride 2', convolution(2, 2)],
  ['two convolutions', convolutions(1)],
  ['two convolutions, the second in two groups', convolutions(2)],
] as const)('%s: input Jacobians', (_, spec) => {
  for (const dtype of ['f64', 'f32'] as const) {
    const weights = initializeSpec(rt, spec, { seed: 3, dtype });
    const x = randomTensor(4, [2, ...spec.input_shape.slice(1)]);
    const whole = inputJacobian(rt, importSpec(spec, weights), x, { dtype });
    const width = whole.shape[2];
    for (let o = 0; o < OUTPUTS; o++) {
      const last = spec.layers[spec.layers.length - 1];
      const single = { ...spec, layers: [...spec.layers.slice(0, -1), { ...last, out_features: 1 }] };
      const one = inputJacobian(rt, importSpec(single, withOutput(weights, o)), x, { dtype });
      for (let n = 0; n < 2; n++) {
        const row = whole.data.subarray((n * OUTPUTS + o) * width, (n * OUTPUTS + o + 1) * width);
        expect(row).toEqual(one.data.subarray(n * width, (n + 1) * width));
        expect(row.some((value) => value !== 0)).toBe(true);
      }
    }
  }
});

/** The weights of a network whose head has the given output alone. */
function withOutput(weights: ReadonlyMap<string, Tensor>, o: number): Map<string, Tensor> {
  const rows = ([name, { shape, data }]: [string, Tensor]): [string, Tensor] => {
    if (!name.startsWith('head')) return [name, { shape, data }];
    const size = data.length / OUTPUTS;
    return [name, { shape: [1, ...shape.slice(1)], data: data.slice(o * size, (o + 1) * size) }];
  };
  return new Map([...weights].map(rows));
}
