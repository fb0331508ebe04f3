/** @file Normalizations with torch.nn's semantics. BatchNorm uses its running statistics: evaluation mode. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import { add, mul, reshape, sub } from '../graph/primitives/table.ts';
import { normalize, rootMeanSquare } from './compositions.ts';
import { ONES, ZEROS } from './initial-distribution.ts';
import { booleanOption, describe, integerOption, type LayerContext, type LayerSpec, nameOption, numberOption } from './layer-context.ts';

/** weight and bias per channel (axis 0), spread over the other axes. */
function channelAffine(c: LayerContext, name: string, x: ValueId, channels: number): ValueId {
  const shape = [
    channels,
    ...c.g
      .shapeOf(x)
      .slice(1)
      .map(() => 1),
  ];
  const weight = reshape(c.g, c.parameter(`${name}.weight`, [channels], ONES), shape);
  return add(c.g, mul(c.g, x, weight), reshape(c.g, c.parameter(`${name}.bias`, [channels], ZEROS), shape));
}

function checkChannels(layer: LayerSpec, shape: readonly number[], channels: number): void {
  if (shape[0] === channels) return;
  throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)} takes ${channels} channels, not ${formatShape(shape)}.`, {
    shape: [...shape],
    channels,
  });
}

/** BatchNorm1d and BatchNorm2d over axis 0 of one example: (x − running mean)/√(running variance + eps)·weight + bias. */
export function batchNorm(c: LayerContext, layer: LayerSpec, x: ValueId): ValueId {
  const name = nameOption(layer);
  const channels = integerOption(layer, 'num_features', 1);
  checkChannels(layer, c.g.shapeOf(x), channels);
  if (!booleanOption(layer, 'track_running_stats', true)) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `spec: layer ${describe(layer)} has no running statistics: it would couple the examples of a batch, and a tangent kernel needs each example by itself. Export it in evaluation mode, with running statistics.`,
      { type: layer.type },
    );
  }
  const shape = [
    channels,
    ...c.g
      .shapeOf(x)
      .slice(1)
      .map(() => 1),
  ];
  const perChannel = ({ data }: Tensor, f: (value: number) => number) => c.g.constantTensor({ shape, data: Float64Array.from(data, f) });
  const eps = numberOption(layer, 'eps', 1e-5);
  const centered = sub(
    c.g,
    x,
    perChannel(c.buffer(`${name}.running_mean`, [channels], ZEROS), (mean) => mean),
  );
  const inverse = perChannel(c.buffer(`${name}.running_var`, [channels], ONES), (variance) => 1 / Math.sqrt(variance + eps));
  const normalized = mul(c.g, centered, inverse);
  return booleanOption(layer, 'affine', true) ? channelAffine(c, name, normalized, channels) : normalized;
}

function normalizedShape(layer: LayerSpec): number[] {
  const given = layer.normalized_shape;
  return Array.isArray(given) ? (given as number[]) : [integerOption(layer, 'normalized_shape', 1)];
}

function checkTrailing(layer: LayerSpec, actual: readonly number[], trailing: readonly number[]): void {
  const tail = actual.slice(actual.length - trailing.length);
  if (tail.length === trailing.length && tail.every((extent, i) => extent === trailing[i])) return;
  throw new TangedgeError(
    'ERR_SHAPE',
    `spec: layer ${describe(layer)} normalizes ${formatShape(trailing)}, which are not the last axes of ${formatShape(actual)}.`,
    {
      shape: [...actual],
      normalized: [...trailing],
    },
  );
}

export function layerNorm(c: LayerContext, layer: LayerSpec, x: ValueId): ValueId {
  const shape = normalizedShape(layer);
  checkTrailing(layer, c.g.shapeOf(x), shape);
  const normalized = normalize(c.g, x, shape.length, numberOption(layer, 'eps', 1e-5));
  if (!booleanOption(layer, 'elementwise_affine', true)) return normalized;
  const name = nameOption(layer);
  const scaled = mul(c.g, normalized, c.parameter(`${name}.weight`, shape, ONES));
  return booleanOption(layer, 'bias', true) ? add(c.g, scaled, c.parameter(`${name}.bias`, shape, ZEROS)) : scaled;
}

/** x/√(mean(x²) + eps)·weight over the last axes. */
export function rmsNorm(c: LayerContext, layer: LayerSpec, x: ValueId): ValueId {
  const shape = normalizedShape(layer);
  checkTrailing(layer, c.g.shapeOf(x), shape);
  const normalized = rootMeanSquare(c.g, x, shape.length, numberOption(layer, 'eps', 2.220446049250313e-16));
  return booleanOption(layer, 'elementwise_affine', true)
    ? mul(c.g, normalized, c.parameter(`${nameOption(layer)}.weight`, shape, ONES))
    : normalized;
}

/** Groups of channels normalized over channels and positions, then an affine map per channel. */
export function groupNorm(c: LayerContext, layer: LayerSpec, x: ValueId): ValueId {
  const channels = integerOption(layer, 'num_channels', 1);
  const groups = integerOption(layer, 'num_groups', 1);
  const shape = c.g.shapeOf(x);
  checkChannels(layer, shape, channels);
  if (channels % groups !== 0) {
    throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)}: ${groups} groups do not divide ${channels} channels.`, {
      groups,
      channels,
    });
  }
  const grouped = reshape(c.g, x, [groups, channels / groups, ...shape.slice(1)]);
  const normalized = reshape(c.g, normalize(c.g, grouped, shape.length, numberOption(layer, 'eps', 1e-5)), shape);
  return booleanOption(layer, 'affine', true) ? channelAffine(c, nameOption(layer), normalized, channels) : normalized;
}
