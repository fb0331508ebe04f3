/** @file Operators that move elements: of graph values, and of the small arrays of shape arithmetic. */

import { sizeOf } from '../../../core/tensor.ts';
import { concat, pad, reshape, slice, transpose } from '../../../graph/primitives/index.ts';
import { type Extent, formatExtents, isBatch } from '../extent.ts';
import { concatKnown, sliceKnown, takeKnown, transposeKnown, withShape } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';

const MIXES = 'would mix the examples of a batch: axis 0 must stay the batch, N.';

/** The target's numbers with 0 (copy) and −1 (what is left) resolved; `from` is the file's shape, N first when batched. */
function reshapeTarget(l: Lowering, from: readonly Extent[], target: readonly Extent[], size: number, batched: boolean): number[] {
  const copied = target.map((extent, i) =>
    extent === 0 && !l.flag('allowzero') ? (from[i] ?? l.fail(`copies axis ${i} of ${formatExtents(from)}.`, 'ERR_FORMAT')) : extent,
  );
  const [first, ...rest] = copied;
  const own = batched ? rest : copied;
  if (own.some((extent) => typeof extent !== 'number')) l.fail(`reshapes ${formatExtents(from)} to ${formatExtents(target)}, which ${MIXES}`);
  const numbers = own as number[];
  const open = numbers.indexOf(-1);
  const others = sizeOf(numbers.filter((_, i) => i !== open));
  const resolved = numbers.map((extent, i) => (i === open ? size / others : extent));
  if (batched) {
    const keepsBatch = first !== undefined && (isBatch(first) || first === l.state.fixedBatch || (first === -1 && open < 0));
    if (!keepsBatch) l.fail(`reshapes ${formatExtents(from)} to ${formatExtents(target)}, which ${MIXES}`);
  }
  if (sizeOf(resolved) !== size || !resolved.every((extent) => Number.isInteger(extent) && extent >= 0)) {
    l.fail(`reshapes ${formatExtents(from)} to ${formatExtents(target)}: ${size} elements${batched ? ' per example' : ''} do not fit.`, 'ERR_SHAPE');
  }
  return resolved;
}

function reshapeTo(l: Lowering): Value {
  const target = l.known(1);
  if (target.shape.length !== 1) l.fail('has a target that is no list.', 'ERR_FORMAT');
  const x = l.value(0);
  if (x.kind === 'known') return withShape(x, reshapeTarget(l, x.shape, target.elements, x.elements.length, false));
  const array = l.toArray(x);
  const shape = l.shapeOf(array);
  return l.result(reshape(l.g, array.id, reshapeTarget(l, fileShape(array, shape), target.elements, sizeOf(shape), array.batched)), array.batched);
}

function fileShape(value: ArrayValue, shape: readonly number[]): Extent[] {
  return value.batched ? [{ perExample: 1, plus: 0 }, ...shape] : [...shape];
}

/** [N, rest] for axis 1; other axes only where they keep the batch. */
function flatten(l: Lowering): Value {
  const x = l.array(0);
  const shape = l.shapeOf(x);
  const rank = l.rankOf(x);
  const given = l.integer('axis', 1);
  const axis = given === rank ? rank : l.axis(given, rank);
  if (!x.batched) return l.result(reshape(l.g, x.id, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]), false);
  if (axis === 0 || sizeOf(shape.slice(0, axis - 1)) !== 1) l.fail(`flattens at axis ${given}, which ${MIXES}`);
  return l.result(reshape(l.g, x.id, [sizeOf(shape)]), true);
}

function transposeAxes(l: Lowering): Value {
  const x = l.value(0);
  const rank = x.kind === 'known' ? x.shape.length : l.rankOf(l.toArray(x));
  const permutation = l.integers('perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if ([...permutation].sort((a, b) => a - b).some((axis, i) => axis !== i) || permutation.length !== rank) {
    l.fail(`has perm = ${formatExtents(permutation)}, no permutation of ${rank} axes.`, 'ERR_FORMAT');
  }
  if (x.kind === 'known') return transposeKnown(x, permutation);
  const array = l.toArray(x);
  if (!array.batched) return l.result(transpose(l.g, array.id, permutation), false);
  if (permutation[0] !== 0) l.fail(`moves the batch from axis 0; export the model with the batch first.`);
  return l.result(
    transpose(
      l.g,
      array.id,
      permutation.slice(1).map((axis) => axis - 1),
    ),
    true,
  );
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
  if (given === undefined) return l.fail('names no axes, so the batch of one example would be removed as well; export it with squeeze(dim).');
  const axes = given.map((axis) => l.ownAxis(array, axis));
  const shape = l.shapeOf(array).filter((_, i) => !axes.includes(i));
  if (sizeOf(shape) !== sizeOf(l.shapeOf(array))) l.fail('removes an axis whose extent is not 1.', 'ERR_SHAPE');
  return l.result(reshape(l.g, array.id, shape), array.batched);
}

function unsqueeze(l: Lowering): Value {
  const x = l.value(0);
  const given = l.axes(1) ?? l.fail('names no axes.', 'ERR_FORMAT');
  const array = x.kind === 'known' ? undefined : l.toArray(x);
  const rank = (array === undefined ? (x as { shape: readonly number[] }).shape.length : l.rankOf(array)) + given.length;
  const axes = given.map((axis) => l.axis(axis, rank));
  if (new Set(axes).size !== axes.length) l.fail(`names an axis twice: ${formatExtents(given)}.`, 'ERR_FORMAT');
  const from = x.kind === 'known' ? x.shape : l.shapeOf(array as ArrayValue);
  if (array?.batched && axes.includes(0)) l.fail('puts an axis before the batch; export the model with the batch first.');
  const remaining = [...(array?.batched ? [0] : []), ...from];
  const shape = Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : (remaining.shift() as number)));
  if (x.kind === 'known') return withShape(x, shape);
  return l.result(reshape(l.g, (array as ArrayValue).id, array?.batched ? shape.slice(1) : shape), (array as ArrayValue).batched);
}

function concatenate(l: Lowering): Value {
  const values = Array.from({ length: l.inputCount }, (_, i) => l.value(i));
  if (values.length === 0) return l.fail('has no inputs.', 'ERR_FORMAT');
  const given = l.integer('axis', Number.NaN);
  const knowns = values.map((value) => (value.kind === 'known' ? value : undefined));
  if (knowns.every((value) => value !== undefined)) {
    const axis = l.axis(given, knowns[0].shape.length);
    return concatKnown(knowns, axis) ?? l.fail('joins arrays whose shapes do not fit, or that are too large for shape arithmetic.', 'ERR_SHAPE');
  }
  const arrays = values.map((value) => l.toArray(value));
  const batched = arrays.some((array) => array.batched);
  const axis = l.ownAxis(arrays.find((array) => array.batched) ?? arrays[0], given);
  if (batched && !arrays.every((array) => array.batched)) l.fail('joins a value of each example with one that all share; expand is not supported.');
  return l.result(
    concat(
      l.g,
      arrays.map(({ id }) => id),
      axis,
    ),
    batched,
  );
}

interface AxisSlice {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** numpy's rule for start:end:step on an axis: negative positions count from the end, both ends are cut to the axis. */
function axisSlice(extent: number, start: number, end: number, step: number): { start: number; count: number } {
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? extent : extent - 1;
  const clip = (position: number) => Math.max(low, Math.min(high, position < 0 ? position + extent : position));
  const [from, to] = [clip(start), clip(end)];
  return { start: from, count: Math.max(0, Math.ceil((to - from) / step)) };
}

function slices(l: Lowering, rank: number, extentOf: (axis: number) => number | undefined): AxisSlice[] {
  const starts = l.numbers(1);
  const ends = l.numbers(2);
  const axes = (l.has(3) ? l.numbers(3) : starts.map((_, i) => i)).map((axis) => l.axis(axis, rank));
  const steps = l.has(4) ? l.numbers(4) : starts.map(() => 1);
  const whole = [...starts, ...ends, ...steps].every(Number.isInteger) && steps.every((step) => step !== 0);
  if (!whole || [ends, axes, steps].some(({ length }) => length !== starts.length) || new Set(axes).size !== axes.length) {
    l.fail('has starts, ends, axes and steps that do not fit each other.', 'ERR_FORMAT');
  }
  return axes.flatMap((axis, i) => {
    const extent = extentOf(axis);
    if (extent !== undefined) return [{ axis, step: steps[i], ...axisSlice(extent, starts[i], ends[i], steps[i]) }];
    const everything = starts[i] === 0 && steps[i] === 1 && ends[i] >= 0x7fffffff;
    return everything ? [] : l.fail('takes some examples of the batch; every example must be computed by itself.');
  });
}

function sliceOf(l: Lowering): Value {
  const x = l.value(0);
  if (x.kind === 'known') {
    let result = x;
    for (const { axis, start, step, count } of slices(l, x.shape.length, (own) => x.shape[own]))
      result = sliceKnown(result, axis, start, step, count);
    return result;
  }
  const array = l.toArray(x);
  const shape = l.shapeOf(array);
  const offset = array.batched ? 1 : 0;
  const starts = shape.map(() => 0);
  const limits = [...shape];
  const strides = shape.map(() => 1);
  for (const { axis, start, step, count } of slices(l, l.rankOf(array), (own) => shape[own - offset])) {
    if (step < 0) l.fail(`has the step ${step}; positive steps are supported.`);
    if (count === 0) l.fail('takes nothing of an axis.', 'ERR_SHAPE');
    starts[axis - offset] = start;
    limits[axis - offset] = start + (count - 1) * step + 1;
    strides[axis - offset] = step;
  }
  return l.result(slice(l.g, array.id, starts, limits, strides), array.batched);
}

/** Entries of an axis: any of a known array; one, or a run of neighbours, of a graph value. */
function gather(l: Lowering): Value {
  const x = l.value(0);
  const indices = l.known(1);
  const pick = (extent: number) =>
    l.numbersOf(indices).map((index) => {
      const position = index < 0 ? index + extent : index;
      return Number.isInteger(position) && position >= 0 && position < extent ? position : l.fail(`picks entry ${index} of ${extent}.`, 'ERR_SHAPE');
    });
  if (x.kind === 'known') {
    const axis = l.axis(l.integer('axis', 0), x.shape.length);
    return takeKnown(x, axis, pick(x.shape[axis]), indices.shape);
  }
  const array = l.toArray(x);
  const shape = l.shapeOf(array);
  const axis = l.ownAxis(array, l.integer('axis', 0));
  const positions = pick(shape[axis]);
  const run = positions.every((position, i) => position === positions[0] + i);
  if (!run || positions.length === 0) l.fail('picks entries that are not neighbours; one entry or a run of them is supported.');
  const starts = shape.map((_, i) => (i === axis ? positions[0] : 0));
  const limits = shape.map((extent, i) => (i === axis ? positions[0] + positions.length : extent));
  const taken = slice(l.g, array.id, starts, limits);
  return l.result(reshape(l.g, taken, [...shape.slice(0, axis), ...indices.shape, ...shape.slice(axis + 1)]), array.batched);
}

/** Consecutive parts of an axis: of the sizes that input 1 lists, or as many equal ones as there are outputs. */
function split(l: Lowering): Value[] {
  const x = l.array(0);
  const shape = l.shapeOf(x);
  const axis = l.ownAxis(x, l.integer('axis', 0));
  const parts = l.node.outputs.length;
  const sizes = l.has(1) ? l.numbers(1) : new Array<number>(parts).fill(shape[axis] / parts);
  const whole = sizes.every((size) => Number.isInteger(size) && size >= 1) && sizes.reduce((sum, size) => sum + size, 0) === shape[axis];
  if (!whole || sizes.length !== parts) l.fail(`cuts an axis of ${shape[axis]} into ${formatExtents(sizes)} for ${parts} outputs.`, 'ERR_SHAPE');
  let start = 0;
  return sizes.map((size) => {
    const from = start;
    start += size;
    const starts = shape.map((_, i) => (i === axis ? from : 0));
    const limits = shape.map((extent, i) => (i === axis ? from + size : extent));
    return l.result(slice(l.g, x.id, starts, limits), x.batched);
  });
}

/** Zeros around the axes of an example; negative amounts cut. */
function padding(l: Lowering): Value {
  const mode = l.string('mode', 'constant');
  if (mode !== 'constant') l.fail(`pads by ${JSON.stringify(mode.slice(0, 40))}; padding with a constant 0 is supported.`);
  if (l.has(2) && l.numbers(2).some((value) => value !== 0)) l.fail(`pads with ${l.numbers(2)[0]}; padding with 0 is supported.`);
  const x = l.array(0);
  const rank = l.rankOf(x);
  const amounts = l.numbers(1);
  if (amounts.length !== 2 * rank || !amounts.every((amount) => Number.isInteger(amount) && Math.abs(amount) <= 0x7fffffff)) {
    l.fail(`has ${amounts.length} amounts for ${rank} axes; it must have two whole numbers per axis.`, 'ERR_FORMAT');
  }
  if (x.batched && (amounts[0] !== 0 || amounts[rank] !== 0)) l.fail('pads the batch; every example must be computed by itself.');
  const offset = x.batched ? 1 : 0;
  const low = amounts.slice(offset, rank);
  const high = amounts.slice(rank + offset);
  const shape = l.shapeOf(x);
  const limits = shape.map((extent, i) => extent + Math.min(0, high[i]));
  const starts = low.map((amount) => Math.max(0, -amount));
  const cut = slice(l.g, x.id, starts, limits);
  return l.result(
    pad(
      l.g,
      cut,
      low.map((amount) => Math.max(0, amount)),
      high.map((amount) => Math.max(0, amount)),
    ),
    x.batched,
  );
}

export const shapeOperators: Readonly<Record<string, OperatorRule>> = {
  Reshape: { attributes: ['allowzero'], lower: reshapeTo },
  Flatten: { attributes: ['axis'], lower: flatten },
  Transpose: { attributes: ['perm'], lower: transposeAxes },
  Squeeze: { attributes: ['axes'], lower: squeeze },
  Unsqueeze: { attributes: ['axes'], lower: unsqueeze },
  Concat: { attributes: ['axis'], lower: concatenate },
  Slice: { lower: sliceOf },
  Split: { attributes: ['axis'], lower: split },
  Gather: { attributes: ['axis'], lower: gather },
  Pad: { attributes: ['mode'], lower: padding },
};
