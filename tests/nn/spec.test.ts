/** @file What importSpec refuses: one line that names the layer, what it has, and what it needs. */

import { importSpec, TangedgeError, type Tensor } from 'tangedge';
import { expect, test } from 'vitest';

const zeros = (...shape: number[]): Tensor => ({ shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) });
const linear = { type: 'Linear', name: 'fc', in_features: 3, out_features: 2 };
const state = new Map([
  ['fc.weight', zeros(2, 3)],
  ['fc.bias', zeros(2)],
]);
const spec = (...layers: Record<string, unknown>[]) => ({ input_shape: [1, 3], layers });

test.each<[string, unknown, ReadonlyMap<string, Tensor>, string, RegExp]>([
  ['no object', [], state, 'ERR_FORMAT', /JSON object with input_shape and layers/],
  ['no batch axis', { input_shape: [3], layers: [linear] }, state, 'ERR_FORMAT', /input_shape is \[3\]/],
  ['layers that are no list', { input_shape: [1, 3], layers: 'Linear' }, state, 'ERR_FORMAT', /layers of the spec must be a list/],
  ['an unknown layer', spec({ type: 'Linaer', name: 'fc' }), state, 'ERR_UNSUPPORTED', /layer Linaer 'fc' is not supported; supported are .*Linear/],
  ['a property of Object', spec({ type: 'constructor' }), state, 'ERR_UNSUPPORTED', /constructor is not supported/],
  ['a missing weight', spec(linear), new Map([['fc.bias', zeros(2)]]), 'ERR_FORMAT', /no 'fc.weight' in the state dict; it has fc.bias/],
  [
    'a weight of another shape',
    spec(linear),
    new Map([...state, ['fc.weight', zeros(3, 2)]]),
    'ERR_SHAPE',
    /'fc.weight' is \[3, 2\], the model needs \[2, 3\]/,
  ],
  ['a missing option', spec({ type: 'Linear', name: 'fc', in_features: 3 }), state, 'ERR_FORMAT', /Linear 'fc' has out_features = undefined/],
  ['a misspelled option', spec({ ...linear, sigma: 2 }), state, 'ERR_UNSUPPORTED', /Linear 'fc' has sigma = 2, which it does not take/],
  [
    'an option that would change the result',
    spec(linear, { type: 'MaxPool1d', kernel_size: 1, return_indices: true }),
    state,
    'ERR_SHAPE',
    /MaxPool1d/,
  ],
  ['layers that do not chain', spec(linear, { ...linear, name: 'fc' }), state, 'ERR_SHAPE', /do not chain: 2 ≠ 3/],
  [
    'a listed parameter that no layer uses',
    { ...spec(linear), parameters: [{ name: 'fc.weight' }, { name: 'fc.bias' }, { name: 'g' }] },
    state,
    'ERR_FORMAT',
    /'g', which no layer uses/,
  ],
  [
    'a used parameter that is not listed',
    { ...spec(linear), parameters: [{ name: 'fc.weight' }] },
    state,
    'ERR_FORMAT',
    /uses 'fc.bias', which parameters does not list/,
  ],
  [
    'BatchNorm that couples the batch',
    { input_shape: [1, 2, 2, 2], layers: [{ type: 'BatchNorm2d', name: 'b', num_features: 2, track_running_stats: false }] },
    state,
    'ERR_UNSUPPORTED',
    /evaluation mode/,
  ],
])('%s', (_, given, weights, code, message) => {
  const run = () => importSpec(given, weights);
  expect(run).toThrow(TangedgeError);
  expect(run).toThrow(message);
  expect(run).toThrow(expect.objectContaining({ code, message: expect.not.stringContaining('\n') }));
});

test('options that PyTorch has and that change nothing here are taken', () => {
  const layers = [linear, { type: 'ReLU', name: 'act', inplace: true }, { type: 'Dropout', p: 0.5 }, { type: 'LeakyReLU', inplace: null }];
  expect(importSpec(spec(...layers), state).output.size).toBe(2);
});
