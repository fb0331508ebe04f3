/** @file Small networks with seeded weights for the NTK tests: one per kind of site. */

import { GraphBuilder, importSpec, type Model, primitives, type Tensor, uniform } from 'tangedge';

export function randomTensor(seed: number, shape: readonly number[], scale = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape: [...shape], data: Float64Array.from({ length: size }, (_, i) => scale * (2 * uniform(seed, 0, i) - 1)) };
}

type Layers = readonly Readonly<Record<string, unknown>>[];

/** A model from a spec; every weight uniform in ±scale. */
export function networkOf(inputShape: readonly number[], layers: Layers, shapes: Readonly<Record<string, readonly number[]>>, scale = 0.7): Model {
  const state = new Map(Object.entries(shapes).map(([name, shape], i) => [name, randomTensor(100 + i, shape, scale)]));
  return importSpec({ input_shape: [1, ...inputShape], layers }, state);
}

const mlp = networkOf(
  [5],
  [
    { type: 'Linear', name: 'a', in_features: 5, out_features: 7 },
    { type: 'Tanh' },
    { type: 'Linear', name: 'b', in_features: 7, out_features: 6, parameterization: 'ntk', sigma_w: 1.5, sigma_b: 0.3 },
    { type: 'SiLU' },
    { type: 'Residual', layers: [{ type: 'Linear', name: 'r', in_features: 6, out_features: 6, bias: false }, { type: 'Sigmoid' }] },
    { type: 'Linear', name: 'c', in_features: 6, out_features: 3 },
  ],
  { 'a.weight': [7, 5], 'a.bias': [7], 'b.weight': [6, 7], 'b.bias': [6], 'r.weight': [6, 6], 'c.weight': [3, 6], 'c.bias': [3] },
);

const cnn = networkOf(
  [2, 7, 6],
  [
    { type: 'Conv2d', name: 'a', in_channels: 2, out_channels: 4, kernel_size: 3, padding: 1, stride: [1, 2] },
    { type: 'GELU' },
    { type: 'MaxPool2d', kernel_size: 2, stride: 1 },
    { type: 'Conv2d', name: 'g', in_channels: 4, out_channels: 6, kernel_size: [2, 1], groups: 2, dilation: [2, 1] },
    { type: 'ELU', alpha: 0.8 },
    { type: 'AvgPool2d', kernel_size: 2, stride: 2, padding: [1, 0], count_include_pad: false },
    { type: 'Flatten' },
    { type: 'Linear', name: 'f', in_features: 18, out_features: 2 },
  ],
  { 'a.weight': [4, 2, 3, 3], 'a.bias': [4], 'g.weight': [6, 2, 2, 1], 'g.bias': [6], 'f.weight': [2, 18], 'f.bias': [2] },
);

const tokens = networkOf(
  [2, 4, 4],
  [
    { type: 'Conv2d', name: 'p', in_channels: 2, out_channels: 5, kernel_size: 2, stride: 2 },
    { type: 'ToTokens' },
    { type: 'ClsToken', name: 'cls', dim: 5 },
    { type: 'PosEmbed', name: 'pos', num_tokens: 5, dim: 5 },
    { type: 'LayerNorm', name: 'n', normalized_shape: [5], eps: 1e-5 },
    { type: 'Linear', name: 'm', in_features: 5, out_features: 4 },
    { type: 'Erf' },
    { type: 'MeanTokens' },
    { type: 'Linear', name: 'h', in_features: 4, out_features: 2 },
  ],
  {
    'p.weight': [5, 2, 2, 2],
    'p.bias': [5],
    cls: [1, 1, 5],
    pos: [1, 5, 5],
    'n.weight': [5],
    'n.bias': [5],
    'm.weight': [4, 5],
    'm.bias': [4],
    'h.weight': [2, 4],
    'h.bias': [2],
  },
);

/** A head behind a mean of the image, and more outputs than are swept at once: its last convolution's cotangent is separable. */
const pooled = networkOf(
  [2, 4, 5],
  [
    { type: 'Conv2d', name: 'a', in_channels: 2, out_channels: 3, kernel_size: 2 },
    { type: 'Tanh' },
    { type: 'Conv2d', name: 'b', in_channels: 3, out_channels: 4, kernel_size: 2 },
    { type: 'BatchNorm2d', name: 'n', num_features: 4, eps: 1 },
    { type: 'LeakyReLU', negative_slope: 0.2 },
    { type: 'AdaptiveAvgPool2d', output_size: 1 },
    { type: 'Flatten' },
    { type: 'Linear', name: 'h', in_features: 4, out_features: 18 },
  ],
  {
    'a.weight': [3, 2, 2, 2],
    'a.bias': [3],
    'b.weight': [4, 3, 2, 2],
    'b.bias': [4],
    'n.weight': [4],
    'n.bias': [4],
    'n.running_mean': [4],
    'n.running_var': [4],
    'h.weight': [18, 4],
    'h.bias': [18],
  },
);

/** f = Wᵀ tanh(W·tanh(W·x)): one weight used three times, once transposed, and a parameter that nothing uses. */
function tied(): Model {
  const g = new GraphBuilder();
  const x = g.input('x', [4]);
  const w = g.parameter('w', [4, 4]);
  const unused = g.parameter('unused', [2]);
  const layer = (value: number) => primitives.unary(g, 'tanh', primitives.dense(g, value, w));
  const output = primitives.dense(g, layer(layer(x)), primitives.transpose(g, w, [1, 0]));
  return {
    graph: g.build([output]),
    input: { name: 'x', id: x, shape: [4] },
    output: { name: 'y', id: output, size: 4 },
    parameters: [
      { name: 'w', id: w, value: randomTensor(5, [4, 4]), trainable: true },
      { name: 'unused', id: unused, value: randomTensor(6, [2]), trainable: true },
    ],
    layers: [],
  };
}

/** The same weight at every time step: one site with several positions. */
function recurrent(): Model {
  const g = new GraphBuilder();
  const x = g.input('x', [3, 2]);
  const [wx, wh] = [g.parameter('wx', [4, 2]), g.parameter('wh', [4, 4])];
  let h = primitives.unary(g, 'tanh', primitives.dense(g, step(g, x, 0), wx));
  for (const t of [1, 2]) h = primitives.unary(g, 'tanh', primitives.add(g, primitives.dense(g, step(g, x, t), wx), primitives.dense(g, h, wh)));
  return {
    graph: g.build([h]),
    input: { name: 'x', id: x, shape: [3, 2] },
    output: { name: 'h', id: h, size: 4 },
    parameters: [
      { name: 'wx', id: wx, value: randomTensor(7, [4, 2]), trainable: true },
      { name: 'wh', id: wh, value: randomTensor(8, [4, 4]), trainable: true },
    ],
    layers: [],
  };
}

function step(g: GraphBuilder, x: number, t: number): number {
  return primitives.reshape(g, primitives.slice(g, x, [t, 0], [t + 1, 2]), [2]);
}

export const networks: Readonly<Record<string, Model>> = { mlp, cnn, tokens, pooled, tied: tied(), recurrent: recurrent() };
