/** @file Layers with torch.nn's semantics as graph builders: one row per layer type of a spec. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sizeOf } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import { add, affine, concat, dense, gather, reshape, slice, sum, transpose } from '../graph/primitives/table.ts';
import { activations, prelu } from './activations.ts';
import { multiheadAttention, transformerEncoderLayer } from './attention.ts';
import { STANDARD_NORMAL, ZEROS } from './initial-distribution.ts';
import { booleanOption, describe, integerOption, type LayerContext, type LayerSpec, nameOption, numberOption } from './layer-context.ts';
import { batchNorm, groupNorm, layerNorm, rmsNorm } from './normalization.ts';
import { parameterizationOf } from './parameterization.ts';
import { recurrent } from './recurrent.ts';
import { adaptiveAveragePooling, averagePooling, convolution, maxPooling, transposedConvolution, upsample } from './spatial.ts';

export type LayerBuilder = (c: LayerContext, layer: LayerSpec, x: ValueId) => ValueId;

const linear: LayerBuilder = (c, layer, x) => {
  const name = nameOption(layer);
  const inFeatures = integerOption(layer, 'in_features', 1);
  const outFeatures = integerOption(layer, 'out_features', 1);
  const rule = parameterizationOf(layer, inFeatures);
  const weight = affine(c.g, c.parameter(`${name}.weight`, [outFeatures, inFeatures], rule.weightInitial), rule.weight, 0);
  const y = dense(c.g, x, weight);
  if (!booleanOption(layer, 'bias', true)) return y;
  return add(c.g, y, affine(c.g, c.parameter(`${name}.bias`, [outFeatures], rule.biasInitial), rule.bias, 0));
};

const flatten: LayerBuilder = (c, layer, x) => {
  const shape = c.g.shapeOf(x);
  // start_dim and end_dim count the batch axis, as torch does.
  const start = (layer.start_dim === undefined ? 1 : integerOption(layer, 'start_dim', 1)) - 1;
  const given = numberOption(layer, 'end_dim', -1);
  const end = given < 0 ? shape.length + given : given - 1;
  if (!(start >= 0 && start <= end && end < shape.length)) {
    throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)} flattens axes ${start + 1} to ${given} of [n, ${shape.join(', ')}].`, {
      shape: [...shape],
    });
  }
  return reshape(c.g, x, [...shape.slice(0, start), sizeOf(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
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

const toTokens: LayerBuilder = (c, layer, x) => {
  const shape = c.g.shapeOf(x);
  if (shape.length !== 3) {
    throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)} takes [channels, height, width], not ${formatShape(shape)}.`, {
      shape: [...shape],
    });
  }
  const [channels, height, width] = shape;
  return transpose(c.g, reshape(c.g, x, [channels, height * width]), [1, 0]);
};

const parametricRelu: LayerBuilder = (c, layer, x) => {
  const shape = c.g.shapeOf(x);
  const count = layer.num_parameters === undefined ? 1 : integerOption(layer, 'num_parameters', 1);
  const weight = c.parameter(`${nameOption(layer)}.weight`, [count], { kind: 'constant', value: 0.25 });
  return prelu(c.g, x, count === 1 ? weight : reshape(c.g, weight, [count, ...shape.slice(1).map(() => 1)]));
};

/** One row per layer type. A new layer is a row here and a row in the tests of layers. */
export const layerBuilders: Readonly<Record<string, LayerBuilder>> = {
  ...Object.fromEntries(
    Object.entries(activations).map(([type, activation]): [string, LayerBuilder] => [type, (c, layer, x) => activation(c.g, layer, x)]),
  ),
  PReLU: parametricRelu,
  Linear: linear,
  Conv1d: convolution(1),
  Conv2d: convolution(2),
  ConvTranspose1d: transposedConvolution(1),
  ConvTranspose2d: transposedConvolution(2),
  MaxPool1d: maxPooling(1),
  MaxPool2d: maxPooling(2),
  AvgPool1d: averagePooling(1),
  AvgPool2d: averagePooling(2),
  AdaptiveAvgPool1d: adaptiveAveragePooling(1),
  AdaptiveAvgPool2d: adaptiveAveragePooling(2),
  Upsample: upsample,
  BatchNorm1d: batchNorm,
  BatchNorm2d: batchNorm,
  LayerNorm: layerNorm,
  RMSNorm: rmsNorm,
  GroupNorm: groupNorm,
  Embedding: (c, layer, x) => {
    const shape = [integerOption(layer, 'num_embeddings', 1), integerOption(layer, 'embedding_dim', 1)];
    return gather(c.g, c.parameter(`${nameOption(layer)}.weight`, shape, STANDARD_NORMAL), x);
  },
  MultiheadAttention: multiheadAttention,
  TransformerEncoderLayer: transformerEncoderLayer,
  RNN: recurrent('rnn'),
  GRU: recurrent('gru'),
  LSTM: recurrent('lstm'),
  Flatten: flatten,
  ToTokens: toTokens,
  ClsToken: (c, layer, x) => {
    const dim = integerOption(layer, 'dim', 1);
    return concat(c.g, [reshape(c.g, c.parameter(nameOption(layer), [1, 1, dim], ZEROS), [1, dim]), x], 0);
  },
  PosEmbed: (c, layer, x) => {
    const shape = [integerOption(layer, 'num_tokens', 1), integerOption(layer, 'dim', 1)];
    return add(c.g, x, reshape(c.g, c.parameter(nameOption(layer), [1, ...shape], { kind: 'normal', deviation: 0.02 }), shape));
  },
  SelectToken: selectToken,
  MeanTokens: (c, _layer, x) => affine(c.g, sum(c.g, x, [0]), 1 / c.g.shapeOf(x)[0], 0),
  Scale: (c, layer, x) => affine(c.g, x, numberOption(layer, 'factor'), 0),
};
