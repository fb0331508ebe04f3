/** @file Reshape, Flatten, Transpose, Squeeze, Unsqueeze: of graph values, wherever they have the batch, and of known arrays. */

import { sizeOf } from '../../../core/tensor.ts';
import { reshape, transpose } from '../../../graph/primitives/table.ts';
import { graphAxes, movedTo, regroup } from '../batch-axis.ts';
import { combine, type Extent, formatExtents } from '../extent.ts';
import { transposeKnown, withShape } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';

function product(l: Lowering, extents: readonly Extent[]): Extent {
  return extents.reduce((total, extent) => combine('Mul', total, extent, true) ?? l.fail('multiplies the batch size by itself.'), 1 as Extent);
}

/** The target with 0 (copy) and −1 (what is left) resolved. */
function resolvedTarget(l: Lowering, from: readonly Extent[], target: readonly Extent[]): Extent[] {
  const copied = target.map((extent, i) =>
    extent === 0 && !l.flag('allowzero') ? (from[i] ?? l.fail(`copies axis ${i} of ${formatExtents(from)}.`, 'ERR_FORMAT')) : extent,
  );
  const open = copied.indexOf(-1);
  if (open < 0) return copied;
  const others = copied.filter((_, i) => i !== open);
  const fixed = l.state.fixedBatch;
  // With a fixed batch, N may stand beside numbers that contain it.
  const asNumber = (extent: Extent) => (typeof extent === 'number' || fixed === undefined ? extent : extent.perExample * fixed + extent.plus);
  const left =
    combine('Div', product(l, from), product(l, others), true) ??
    combine('Div', product(l, from.map(asNumber)), product(l, others.map(asNumber)), true);
  return copied.map((extent, i) => (i === open ? (left ?? mismatch(l, from, target)) : extent));
}

function mismatch(l: Lowering, from: readonly Extent[], target: readonly Extent[]): never {
  return l.fail(`reshapes ${formatExtents(from)} to ${formatExtents(target)}, whose numbers of elements differ.`, 'ERR_SHAPE');
}

function reshapeTo(l: Lowering): Value {
  const target = l.known(1);
  if (target.shape.length !== 1) l.fail('has a target that is no list.', 'ERR_FORMAT');
  const x = l.value(0);
  if (x.kind !== 'known') return reshaped(l, l.toArray(x), target.elements);
  const shape = resolvedTarget(l, x.shape, target.elements);
  if (!isShapeOf(shape, x.elements.length)) return mismatch(l, x.shape, target.elements);
  return withShape(x, shape);
}

function isShapeOf(shape: readonly Extent[], size: number): shape is number[] {
  return shape.every((extent) => typeof extent === 'number' && Number.isInteger(extent) && extent >= 0) && sizeOf(shape as number[]) === size;
}

/** A graph value under another shape; the batch keeps its place between the elements before and after it. */
function reshaped(l: Lowering, x: ArrayValue, target: readonly Extent[]): Value {
  const from = l.fileShape(x);
  const resolved = resolvedTarget(l, from, target);
  const shape = l.shapeOf(x);
  if (x.batch === undefined) {
    const numbers = resolved.map((extent) => (typeof extent !== 'number' && l.state.fixedBatch === 1 ? extent.perExample + extent.plus : extent));
    if (!isShapeOf(numbers, sizeOf(shape))) return mismatch(l, from, target);
    return l.result(reshape(l.g, x.id, numbers), undefined);
  }
  const regrouped = regroup({ shape, batch: x.batch }, resolved, l.state.fixedBatch);
  if (regrouped === undefined) {
    return l.fail(`reshapes ${formatExtents(from)} to ${formatExtents(target)}, which would mix the examples of a batch, N: they must stay apart.`);
  }
  return l.result(reshape(l.g, x.id, regrouped.shape), regrouped.batch);
}

function flatten(l: Lowering): Value {
  const x = l.array(0);
  const shape = l.fileShape(x);
  const given = l.integer('axis', 1);
  const axis = given === shape.length ? given : l.axis(given, shape.length);
  return reshaped(l, x, [product(l, shape.slice(0, axis)), product(l, shape.slice(axis))]);
}

function transposeAxes(l: Lowering): Value {
  const x = l.value(0);
  const rank = x.kind === 'known' ? x.shape.length : l.rankOf(l.toArray(x));
  const permutation = l.integers('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if ([...permutation].sort((a, b) => a - b).some((axis, i) => axis !== i) || permutation.length !== rank) {
    l.fail(`has perm = ${formatExtents(permutation)}, no permutation of ${rank} axes.`, 'ERR_FORMAT');
  }
  if (x.kind === 'known') return transposeKnown(x, permutation);
  const { id, batch } = l.toArray(x);
  const own = permutation.flatMap((axis) => graphAxes(batch, axis));
  return l.result(transpose(l.g, id, own), movedTo(batch, permutation.indexOf(batch?.axis ?? 0)));
}

function squeeze(l: Lowering): Value {
  const x = l.value(0);
  const given = l.axes(1);
  if (x.kind === 'known') {
    const axes = given?.map((axis) => l.axis(axis, x.shape.length));
    const shape = x.shape.filter((extent, i) => !(axes === undefined ? extent === 1 : axes.includes(i)));
    if (sizeOf(shape) !== x.elements.length) l.fail('removes an axis whose extent is not 1.', 'ERR_SHAPE');
    return withShape(x, shape);
  }
  const array = l.toArray(x);
  const rank = l.rankOf(array);
  if (given === undefined) return l.fail('names no axes, so the batch of one example would be removed as well; export it with squeeze(dim).');
  const axes = given.map((axis) => l.axis(axis, rank));
  const { id, batch } = l.state.fixedBatch === 1 && array.batch !== undefined && axes.includes(array.batch.axis) ? l.withoutBatch(array) : array;
  const own = axes.map((axis) => l.ownAxis(l.result(id, batch), axis));
  const shape = l.g.shapeOf(id).filter((_, i) => !own.includes(i));
  if (sizeOf(shape) !== sizeOf(l.g.shapeOf(id))) l.fail('removes an axis whose extent is not 1.', 'ERR_SHAPE');
  const axis = batch?.axis ?? 0;
  return l.result(reshape(l.g, id, shape), movedTo(batch, axis - axes.filter((other) => other < axis).length));
}

function unsqueeze(l: Lowering): Value {
  const x = l.value(0);
  const given = l.axes(1) ?? l.fail('names no axes.', 'ERR_FORMAT');
  const array = x.kind === 'known' ? undefined : l.toArray(x);
  const from = array === undefined ? (x as { readonly shape: readonly number[] }).shape : l.fileShape(array);
  const rank = from.length + given.length;
  const axes = given.map((axis) => l.axis(axis, rank));
  if (new Set(axes).size !== axes.length) l.fail(`names an axis twice: ${formatExtents(given)}.`, 'ERR_FORMAT');
  const old = Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i));
  if (x.kind === 'known') {
    return withShape(
      x,
      Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : x.shape[old.indexOf(i)])),
    );
  }
  const { id, batch } = array as ArrayValue;
  const own = l.g.shapeOf(id);
  const shape = Array.from({ length: rank }, (_, i) => (axes.includes(i) ? [1] : graphAxes(batch, old.indexOf(i)).map((axis) => own[axis]))).flat();
  return l.result(reshape(l.g, id, shape), movedTo(batch, old[batch?.axis ?? 0]));
}

export const shapeOperators: Readonly<Record<string, OperatorRule>> = {
  Reshape: { attributes: ['allowzero'], lower: reshapeTo },
  Flatten: { attributes: ['axis'], lower: flatten },
  Transpose: { attributes: ['perm'], lower: transposeAxes },
  Squeeze: { attributes: ['axes'], lower: squeeze },
  Unsqueeze: { attributes: ['axes'], lower: unsqueeze },
};
