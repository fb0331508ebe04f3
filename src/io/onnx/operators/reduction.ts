/** @file Means, sums and maxima over axes. */

import { sizeOf } from '../../../core/tensor.ts';
import { affine, max, reshape, sum } from '../../../graph/primitives/table.ts';
import { movedTo } from '../batch-axis.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';

type Reduction = 'mean' | 'sum' | 'max' | 'min';

/** Over axes of the file, none of them the batch; with `kept` they stay with extent 1. */
function reduce(l: Lowering, x: ArrayValue, reduction: Reduction, fileAxes: readonly number[], kept: boolean): Value {
  const shape = l.shapeOf(x);
  const axes = fileAxes.map((axis) => l.ownAxis(x, axis));
  const count = sizeOf(axes.map((axis) => shape[axis]));
  if (count === 0) l.fail('reduces over no elements.', 'ERR_SHAPE');
  const total = reduced(l, x, reduction, axes, count);
  if (kept)
    return l.result(
      reshape(
        l.g,
        total,
        shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
      ),
      x.batch,
    );
  const axis = x.batch?.axis ?? 0;
  return l.result(total, movedTo(x.batch, axis - fileAxes.filter((other) => other < axis).length));
}

function reduced(l: Lowering, { id }: ArrayValue, reduction: Reduction, axes: readonly number[], count: number): number {
  switch (reduction) {
    case 'mean':
      return affine(l.g, sum(l.g, id, axes), 1 / count, 0);
    case 'sum':
      return sum(l.g, id, axes);
    case 'max':
      return max(l.g, id, axes);
    case 'min':
      return affine(l.g, max(l.g, affine(l.g, id, -1, 0), axes), -1, 0);
    default:
      return reduction satisfies never;
  }
}

const reduceOver = (reduction: Reduction): OperatorRule => ({
  attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
  lower: (l) => {
    const x = l.array(0);
    const given = l.axes(1);
    const rank = l.rankOf(x);
    const all = given === undefined || given.length === 0;
    if (all && l.flag('noop_with_empty_axes')) return x;
    if (all && x.batch !== undefined) return l.fail('reduces over all axes, the batch included; every example must be computed by itself.');
    const axes = all ? Array.from({ length: rank }, (_, axis) => axis) : given.map((axis) => l.axis(axis, rank));
    return reduce(l, x, reduction, [...new Set(axes)], l.flag('keepdims', 1));
  },
});

const globalPool = (reduction: Reduction): OperatorRule => ({
  lower: (l) => {
    const x = l.examples(0);
    const axes = Array.from({ length: l.rankOf(x) }, (_, axis) => axis).slice(2);
    if (axes.length === 0) return l.fail(`takes [N, channels, …]; its input has ${l.rankOf(x)} axes.`, 'ERR_SHAPE');
    return reduce(l, x, reduction, axes, true);
  },
});

export const reductionOperators: Readonly<Record<string, OperatorRule>> = {
  ReduceMean: reduceOver('mean'),
  ReduceSum: reduceOver('sum'),
  ReduceMax: reduceOver('max'),
  ReduceMin: reduceOver('min'),
  GlobalAveragePool: globalPool('mean'),
  GlobalMaxPool: globalPool('max'),
};
