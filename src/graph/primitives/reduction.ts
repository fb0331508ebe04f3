/** @file Sums over axes and over the batch, and their transpose, broadcast. */

import { TangedgeError } from '../../core/errors.ts';
import { formatShape, sizeOf, stridesOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import { type Emitter, listAttribute, type Primitive } from '../primitive.ts';
import { reshape } from './shape.ts';
import { copyStrided } from './strided.ts';

/** Σ over the given axes, which disappear from the shape. */
export function sum(g: Emitter, x: ValueId, axes: readonly number[]): ValueId {
  const rank = g.shapeOf(x).length;
  const sorted = [...new Set(axes)].sort((a, b) => a - b);
  let result = x;
  // One node per run of neighbouring axes, the last run first, so that earlier axes keep their numbers.
  for (let end = sorted.length; end > 0; ) {
    let start = end - 1;
    while (start > 0 && sorted[start - 1] === sorted[start] - 1) start--;
    if (!(sorted[start] >= 0 && sorted[end - 1] < rank)) {
      throw new TangedgeError('ERR_SHAPE', `sum: axes ${formatShape(axes)} are not all axes of ${formatShape(g.shapeOf(x))}.`, { axes: [...axes] });
    }
    result = g.emit('sum', [result], { axes: sorted.slice(start, end) });
    end = start;
  }
  return result;
}

/** Σ over the examples: a shared value. The weight gradients sum while they multiply. */
export function sumBatch(g: Emitter, x: ValueId): ValueId {
  const { op, inputs, attributes } = g.definition(x);
  if (op === 'denseWeightGradient' || op === 'conv2dWeightGradient') return g.emit(op, inputs, { ...attributes, sumBatch: true });
  return g.isBatched(x) ? g.emit('sumBatch', [x]) : x;
}

/** x repeated to `shape`, numpy's rule: axes aligned at the right, extents equal or 1. */
export function broadcast(g: Emitter, x: ValueId, shape: readonly number[]): ValueId {
  const from = g.shapeOf(x);
  if (from.length === shape.length && from.every((extent, axis) => extent === shape[axis])) return x;
  return g.emit('broadcast', [x], { shape });
}

/** Transpose of `broadcast`: sums x down to `shape`. */
export function sumTo(g: Emitter, x: ValueId, shape: readonly number[]): ValueId {
  const from = g.shapeOf(x);
  const missing = from.length - shape.length;
  const axes = from.map((_, axis) => axis).filter((axis) => axis < missing || (shape[axis - missing] === 1 && from[axis] !== 1));
  return reshape(g, axes.length > 0 ? sum(g, x, axes) : x, shape);
}

/** The shape two operands broadcast to, or null. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let axis = 1; axis <= rank; axis++) {
    const ea = axis <= a.length ? a[a.length - axis] : 1;
    const eb = axis <= b.length ? b[b.length - axis] : 1;
    if (ea !== eb && ea !== 1 && eb !== 1) return null;
    shape[rank - axis] = ea === 1 ? eb : ea;
  }
  return shape;
}

const sumRow: Primitive = {
  name: 'sum',
  infer: ([x], attributes) => {
    const axes = listAttribute(attributes, 'axes');
    return { shape: x.filter((_, axis) => !axes.includes(axis)) };
  },
  evaluate: (e) => {
    const [x] = e.inputs;
    const axes = listAttribute(e.attributes, 'axes');
    const outer = x.batch * sizeOf(x.shape.slice(0, axes[0]));
    const reduce = sizeOf(axes.map((axis) => x.shape[axis]));
    const inner = sizeOf(x.shape.slice(axes[axes.length - 1] + 1));
    e.routines.sum(outer, reduce, inner, x.ptr, e.output.ptr);
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : g.emit('sum', [tangent], node.attributes)),
  vjp: (g, node, cotangent) => {
    const shape = g.shapeOf(node.inputs[0]);
    const axes = listAttribute(node.attributes, 'axes');
    const kept = reshape(
      g,
      cotangent,
      shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
    );
    return [broadcast(g, kept, shape)];
  },
  flops: ([x]) => sizeOf(x),
};

const sumBatchRow: Primitive = {
  name: 'sumBatch',
  infer: ([x]) => ({ shape: x, batched: false }),
  evaluate: (e) => {
    const [x] = e.inputs;
    e.routines.sum(1, x.batch, sizeOf(x.shape), x.ptr, e.output.ptr);
  },
  jvp: (g, _node, [tangent]) => (tangent === null ? null : sumBatch(g, tangent)),
  // A shared cotangent serves every example: broadcasting over the batch is implicit.
  vjp: (_g, _node, cotangent) => [cotangent],
  flops: ([x]) => sizeOf(x),
};

const broadcastRow: Primitive = {
  name: 'broadcast',
  infer: ([x], attributes) => {
    const shape = listAttribute(attributes, 'shape');
    const common = broadcastShape(x, shape);
    if (common === null || common.length !== shape.length || common.some((extent, axis) => extent !== shape[axis])) {
      throw new TangedgeError('ERR_SHAPE', `broadcast: ${formatShape(x)} does not broadcast to ${formatShape(shape)}.`, {
        from: [...x],
        to: [...shape],
      });
    }
    return { shape };
  },
  evaluate: (e) => {
    const [x] = e.inputs;
    copyStrided(e, () => {
      const own = stridesOf(x.shape);
      const missing = e.output.shape.length - x.shape.length;
      const inStrides = e.output.shape.map((_, axis) => (axis < missing || x.shape[axis - missing] === 1 ? 0 : own[axis - missing]));
      const extents = [x.batch, ...e.output.shape];
      return { extents, inStrides: [sizeOf(x.shape), ...inStrides], outStrides: stridesOf(extents) };
    });
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : broadcast(g, tangent, g.shapeOf(node.id))),
  vjp: (g, node, cotangent) => [sumTo(g, cotangent, g.shapeOf(node.inputs[0]))],
  flops: () => 0,
};

export const reductionPrimitives: readonly Primitive[] = [sumRow, sumBatchRow, broadcastRow];
