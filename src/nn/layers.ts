/** @file Layers with torch.nn's semantics as graph builders: one row per layer type of a spec. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sizeOf } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import {
  add,
  affine,
  avgPool,
  concat,
  conv2d,
  dense,
  leakyRelu,
  maxPool,
  mul,
  reshape,
  slice,
  sub,
  sum,
  transpose,
  type UnaryOp,
  unary,
} from '../graph/primitives/index.ts';
import { multiheadAttention, transformerEncoderLayer } from './attention.ts';
import { geluTanh, normalize } from './compositions.ts';
import {
  booleanOption,
  choiceOption,
  describe,
  integerOption,
  type LayerContext,
  type LayerSpec,
  nameOption,
  numberOption,
  pairOption,
} from './layer-context.ts';
import { recurrent } from './recurrent.ts';

export type LayerBuilder = (c: LayerContext, layer: LayerSpec, x: ValueId) => ValueId;

/** Weight and bias factors: 1 in the standard parameterization, σ_w/√fan_in and σ_b in the NTK parameterization. */
function factors(layer: LayerSpec, fanIn: number): { weight: number; bias: number } {
  if (choiceOption(layer, 'parameterization', ['standard', 'ntk'], 'standard') === 'standard') return { weight: 1, bias: 1 };
  return { weight: numberOption(layer, 'sigma_w', 1) / Math.sqrt(fanIn), bias: numberOption(layer, 'sigma_b', 1) };
}

const linear: LayerBuilder = (c, layer, x) => {
  const name = nameOption(layer);
  const inFeatures = integerOption(layer, 'in_features', 1);
  const outFeatures = integerOption(layer, 'out_features', 1);
  const scale = factors(layer, inFeatures);
  const weight = affine(c.g, c.parameter(`${name}.weight`, [outFeatures, inFeatures]), scale.weight, 0);
  const y = dense(c.g, x, weight);
  if (!booleanOption(layer, 'bias', true)) return y;
  return add(c.g, y, affine(c.g, c.parameter(`${name}.bias`, [outFeatures]), scale.bias, 0));
};

const convolution: LayerBuilder = (c, layer, x) => {
  const name = nameOption(layer);
  const inChannels = integerOption(layer, 'in_channels', 1);
  const outChannels = integerOption(layer, 'out_channels', 1);
  const kernel = pairOption(layer, 'kernel_size', 1);
  const groups = layer.groups === undefined ? 1 : integerOption(layer, 'groups', 1);
  const [padH, padW] = pairOption(layer, 'padding', 0, 0);
  const scale = factors(layer, (inChannels / groups) * kernel[0] * kernel[1]);
  const weight = affine(c.g, c.parameter(`${name}.weight`, [outChannels, inChannels / groups, ...kernel]), scale.weight, 0);
  const window = { strides: pairOption(layer, 'stride', 1, 1), dilation: pairOption(layer, 'dilation', 1, 1), padding: [padH, padW, padH, padW] };
  const y = conv2d(c.g, x, weight, window, groups);
  if (!booleanOption(layer, 'bias', true)) return y;
  const bias = affine(c.g, c.parameter(`${name}.bias`, [outChannels]), scale.bias, 0);
  return add(c.g, y, reshape(c.g, bias, [outChannels, 1, 1]));
};

const activation =
  (op: UnaryOp): LayerBuilder =>
  (c, _layer, x) =>
    unary(c.g, op, x);

function poolWindow(layer: LayerSpec) {
  const kernel = pairOption(layer, 'kernel_size', 1);
  const [padH, padW] = pairOption(layer, 'padding', 0, 0);
  if (booleanOption(layer, 'ceil_mode', false)) {
    throw new TangedgeError('ERR_UNSUPPORTED', `spec: layer ${describe(layer)} has ceil_mode; only floor mode is supported.`, { type: layer.type });
  }
  return { kernel, strides: pairOption(layer, 'stride', 1, kernel), padding: [padH, padW, padH, padW] };
}

/** Mean over one axis, which disappears. */
function mean(c: LayerContext, x: ValueId, axes: readonly number[]): ValueId {
  const shape = c.g.shapeOf(x);
  return affine(c.g, sum(c.g, x, axes), 1 / sizeOf(axes.map((axis) => shape[axis])), 0);
}

const batchNorm: LayerBuilder = (c, layer, x) => {
  const name = nameOption(layer);
  const features = integerOption(layer, 'num_features', 1);
  const shape = [
    features,
    ...c.g
      .shapeOf(x)
      .slice(1)
      .map(() => 1),
  ];
  const runningMean = c.buffer(`${name}.running_mean`, [features]);
  const runningVar = c.buffer(`${name}.running_var`, [features]);
  const eps = numberOption(layer, 'eps', 1e-5);
  const constant = (values: Float64Array) => c.g.constantTensor({ shape, data: values });
  const centered = sub(c.g, x, constant(Float64Array.from(runningMean.data)));
  const normalized = mul(c.g, centered, constant(Float64Array.from(runningVar.data, (variance) => 1 / Math.sqrt(variance + eps))));
  if (!booleanOption(layer, 'affine', true)) return normalized;
  const weight = reshape(c.g, c.parameter(`${name}.weight`, [features]), shape);
  return add(c.g, mul(c.g, normalized, weight), reshape(c.g, c.parameter(`${name}.bias`, [features]), shape));
};

const layerNorm: LayerBuilder = (c, layer, x) => {
  const name = nameOption(layer);
  const given = layer.normalized_shape;
  const shape = Array.isArray(given) ? (given as number[]) : [integerOption(layer, 'normalized_shape', 1)];
  const normalized = normalize(c.g, x, shape.length, numberOption(layer, 'eps', 1e-5));
  const scaled = mul(c.g, normalized, c.parameter(`${name}.weight`, shape));
  return add(c.g, scaled, c.parameter(`${name}.bias`, shape));
};

const selectToken: LayerBuilder = (c, layer, x) => {
  const [tokens, ...rest] = c.g.shapeOf(x);
  const given = numberOption(layer, 'index');
  const index = given < 0 ? tokens + given : given;
  if (!(Number.isInteger(index) && index >= 0 && index < tokens)) {
    throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)} selects token ${given} of ${tokens}.`, { index: given, tokens });
  }
  const starts = [index, ...rest.map(() => 0)];
  return reshape(c.g, slice(c.g, x, starts, [index + 1, ...rest]), rest);
};

/** One row per layer type. A new layer is a row here and a row in the conformance test of layers. */
export const layerBuilders: Readonly<Record<string, LayerBuilder>> = {
  Linear: linear,
  Conv2d: convolution,
  ReLU: activation('relu'),
  Tanh: activation('tanh'),
  Erf: activation('erf'),
  Sigmoid: activation('sigmoid'),
  SiLU: activation('silu'),
  LeakyReLU: (c, layer, x) => leakyRelu(c.g, x, numberOption(layer, 'negative_slope', 0.01)),
  ELU: (c, layer, x) => c.g.emit('elu', [x], { alpha: numberOption(layer, 'alpha', 1) }),
  GELU: (c, layer, x) => (choiceOption(layer, 'approximate', ['none', 'tanh'], 'none') === 'none' ? unary(c.g, 'gelu', x) : geluTanh(c.g, x)),
  MaxPool2d: (c, layer, x) => maxPool(c.g, x, { ...poolWindow(layer), dilation: pairOption(layer, 'dilation', 1, 1) }),
  AvgPool2d: (c, layer, x) => avgPool(c.g, x, poolWindow(layer), booleanOption(layer, 'count_include_pad', true)),
  AdaptiveAvgPool2d: (c, layer, x) => {
    const size = layer.output_size ?? 1;
    if (!(size === 1 || (Array.isArray(size) && size.every((extent) => extent === 1)))) {
      throw new TangedgeError('ERR_UNSUPPORTED', `spec: layer ${describe(layer)} has output_size ${JSON.stringify(size)}; only 1 is supported.`, {
        size,
      });
    }
    const channels = c.g.shapeOf(x)[0];
    return reshape(c.g, mean(c, x, [1, 2]), [channels, 1, 1]);
  },
  Flatten: (c, _layer, x) => reshape(c.g, x, [sizeOf(c.g.shapeOf(x))]),
  BatchNorm2d: batchNorm,
  LayerNorm: layerNorm,
  ToTokens: (c, layer, x) => {
    const shape = c.g.shapeOf(x);
    if (shape.length !== 3)
      throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)} takes [c, h, w], not ${formatShape(shape)}.`, { shape: [...shape] });
    const [channels, height, width] = shape;
    return transpose(c.g, reshape(c.g, x, [channels, height * width]), [1, 0]);
  },
  ClsToken: (c, layer, x) => {
    const dim = integerOption(layer, 'dim', 1);
    const token = reshape(c.g, c.parameter(nameOption(layer), [1, 1, dim]), [1, dim]);
    return concat(c.g, [token, x], 0);
  },
  PosEmbed: (c, layer, x) => {
    const shape = [integerOption(layer, 'num_tokens', 1), integerOption(layer, 'dim', 1)];
    return add(c.g, x, reshape(c.g, c.parameter(nameOption(layer), [1, ...shape]), shape));
  },
  SelectToken: selectToken,
  MultiheadAttention: multiheadAttention,
  TransformerEncoderLayer: transformerEncoderLayer,
  RNN: recurrent('rnn'),
  GRU: recurrent('gru'),
  LSTM: recurrent('lstm'),
  MeanTokens: (c, _layer, x) => mean(c, x, [0]),
  Scale: (c, layer, x) => affine(c.g, x, numberOption(layer, 'factor'), 0),
};
