/** @file Means, sums and maxima over axes, softmax, and the normalizations. */

import { sizeOf } from '../../../core/tensor.ts';
import type { ValueId } from '../../../graph/graph.ts';
import { add, affine, max, mul, reshape, softmax, sub, sum } from '../../../graph/primitives/index.ts';
import { normalize } from '../../../nn/compositions.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';

type Reduction = 'mean' | 'sum' | 'max';

/** Over axes of one example; with `kept` they stay with extent 1. */
function reduce(l: Lowering, x: ArrayValue, reduction: Reduction, axes: readonly number[], kept: boolean): Value {
  const shape = l.shapeOf(x);
  const count = sizeOf(axes.map((axis) => shape[axis]));
  if (count === 0) l.fail('reduces over no elements.', 'ERR_SHAPE');
  const total = reduction === 'max' ? max(l.g, x.id, axes) : sum(l.g, x.id, axes);
  const result = reduction === 'mean' ? affine(l.g, total, 1 / count, 0) : total;
  const keptShape = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return l.result(kept ? reshape(l.g, result, keptShape) : result, x.batched);
}

const reduceOver = (reduction: Reduction): OperatorRule => ({
  attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
  lower: (l) => {
    const x = l.array(0);
    const given = l.axes(1);
    if (given === undefined || given.length === 0) {
      if (l.flag('noop_with_empty_axes')) return x;
      if (x.batched) return l.fail('reduces over all axes, the batch included; every example must be computed by itself.');
    }
    const axes = given === undefined || given.length === 0 ? l.shapeOf(x).map((_, axis) => axis) : given.map((axis) => l.ownAxis(x, axis));
    return reduce(l, x, reduction, [...new Set(axes)], l.flag('keepdims', 1));
  },
});

const globalPool = (reduction: Reduction): OperatorRule => ({
  lower: (l) => {
    const x = l.batched(0);
    const axes = l
      .shapeOf(x)
      .map((_, axis) => axis)
      .slice(1);
    if (axes.length === 0) return l.fail(`takes [N, channels, …]; its input has ${l.rankOf(x)} axes.`, 'ERR_SHAPE');
    return reduce(l, x, reduction, axes, true);
  },
});

/** Evaluation mode: (x − mean)/√(variance + ε) by the stored statistics, then scale and shift, which are trained. */
function batchNormalization(l: Lowering): Value {
  if (l.flag('training_mode') || l.node.outputs.slice(1).some((name) => name !== '')) {
    l.fail(
      'is in training mode: it normalizes by the batch, which couples the examples, so no kernel between two of them is defined. Call model.eval() before export.',
    );
  }
  const x = l.batched(0);
  const shape = l.shapeOf(x);
  if (shape.length === 0) l.fail('takes [N, channels, …].', 'ERR_SHAPE');
  const perChannel = [shape[0], ...shape.slice(1).map(() => 1)];
  const [mean, variance] = [l.tensor(3).data, l.tensor(4).data];
  for (const { length } of [mean, variance]) {
    if (length !== shape[0]) l.fail(`has statistics of ${length} channels for an input of ${shape[0]}.`, 'ERR_SHAPE');
  }
  const epsilon = l.float('epsilon', 1e-5);
  variance.forEach((value, channel) => {
    if (!(value + epsilon > 0))
      l.fail(`has the running variance ${value} in channel ${channel}; it must be above −epsilon.`, 'ERR_DOMAIN', { channel, value });
  });
  const constant = (values: Float64Array): ValueId => l.g.constantTensor({ shape: perChannel, data: values });
  const centered = sub(l.g, x.id, constant(Float64Array.from(mean)));
  const normalized = mul(l.g, centered, constant(Float64Array.from(variance, (value) => 1 / Math.sqrt(value + epsilon))));
  const scaled = mul(l.g, normalized, reshape(l.g, l.shared(1).id, perChannel));
  return l.result(add(l.g, scaled, reshape(l.g, l.shared(2).id, perChannel)), true);
}

/** Over the axes from `axis` on, biased variance, then scale and shift. */
function layerNormalization(l: Lowering): Value {
  if (l.node.outputs.slice(1).some((name) => name !== '')) l.fail('returns its statistics as well; only the normalized value is supported.');
  const x = l.array(0);
  const axis = l.ownAxis(x, l.integer('axis', -1));
  const normalized = normalize(l.g, x.id, l.shapeOf(x).length - axis, l.float('epsilon', 1e-5));
  const scaled = mul(l.g, normalized, l.shared(1).id);
  return l.result(l.has(2) ? add(l.g, scaled, l.shared(2).id) : scaled, x.batched);
}

function softmaxOver(l: Lowering): Value {
  const x = l.array(0);
  const axis = l.ownAxis(x, l.integer('axis', -1));
  if (axis !== l.shapeOf(x).length - 1) l.fail('runs over an axis that is not the last; only the last is supported.');
  return l.result(softmax(l.g, x.id), x.batched);
}

export const reductionOperators: Readonly<Record<string, OperatorRule>> = {
  ReduceMean: reduceOver('mean'),
  ReduceSum: reduceOver('sum'),
  ReduceMax: reduceOver('max'),
  GlobalAveragePool: globalPool('mean'),
  GlobalMaxPool: globalPool('max'),
  BatchNormalization: { attributes: ['epsilon', 'momentum', 'training_mode', 'spatial'], lower: batchNormalization },
  LayerNormalization: { attributes: ['axis', 'epsilon', 'stash_type'], lower: layerNormalization },
  Softmax: { attributes: ['axis'], lower: softmaxOver },
};
