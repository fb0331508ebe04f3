/** @file Concat, Slice, Split, Gather, Pad: parts of axes, of graph values and of known arrays. */

import { concat, gather, pad, reshape, slice } from '../../../graph/primitives/table.ts';
import { aligned } from '../alignment.ts';
import { type Extent, formatExtents } from '../extent.ts';
import { concatKnown, sliceKnown, takeKnown } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import { mergedConcat, partOf } from '../rearrangement.ts';
import type { ArrayValue, Value } from '../value.ts';

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
  const rank = l.rankOf(arrays[0]);
  if (arrays.some((array) => l.rankOf(array) !== rank)) l.fail('joins arrays of different numbers of axes.', 'ERR_SHAPE');
  const { ids, batch } = aligned(l, arrays);
  const axis = l.ownAxis(l.result(ids[0], batch), given);
  return l.result(mergedConcat(l.g, ids, axis), batch);
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

function slices(l: Lowering, shape: readonly Extent[]): AxisSlice[] {
  const starts = l.numbers(1);
  const ends = l.numbers(2);
  const axes = (l.has(3) ? l.numbers(3) : starts.map((_, i) => i)).map((axis) => l.axis(axis, shape.length));
  const steps = l.has(4) ? l.numbers(4) : starts.map(() => 1);
  const whole = [...starts, ...ends, ...steps].every(Number.isInteger) && steps.every((step) => step !== 0);
  if (!whole || [ends, axes, steps].some(({ length }) => length !== starts.length) || new Set(axes).size !== axes.length) {
    l.fail('has starts, ends, axes and steps that do not fit each other.', 'ERR_FORMAT');
  }
  return axes.flatMap((axis, i) => {
    const extent = shape[axis];
    if (typeof extent === 'number') return [{ axis, step: steps[i], ...axisSlice(extent, starts[i], ends[i], steps[i]) }];
    const everything = starts[i] === 0 && steps[i] === 1 && ends[i] >= 0x7fffffff;
    return everything ? [] : l.fail('takes some examples of the batch; every example must be computed by itself.');
  });
}

function sliceOf(l: Lowering): Value {
  const x = l.value(0);
  if (x.kind === 'known') {
    let result = x;
    for (const { axis, start, step, count } of slices(l, x.shape)) result = sliceKnown(result, axis, start, step, count);
    return result;
  }
  const array = l.toArray(x);
  const shape = l.shapeOf(array);
  const starts = shape.map(() => 0);
  const limits = [...shape];
  const strides = shape.map(() => 1);
  for (const { axis: fileAxis, start, step, count } of slices(l, l.fileShape(array))) {
    if (step < 0) l.fail(`has the step ${step}; positive steps are supported.`);
    if (count === 0) l.fail('takes nothing of an axis.', 'ERR_SHAPE');
    const axis = l.ownAxis(array, fileAxis);
    starts[axis] = start;
    limits[axis] = start + (count - 1) * step + 1;
    strides[axis] = step;
  }
  return l.result(slice(l.g, array.id, starts, limits, strides), array.batch);
}

/** Most separate entries that one Gather may pick of a graph value's axis. */
const MAX_PICKED = 1024;

/** Entries of an axis by constant indices, or rows of a table by indices that depend on the example: an embedding. */
function gatherFrom(l: Lowering): Value {
  const x = l.value(0);
  const indices = l.value(1);
  if (indices.kind === 'array') return embedding(l, l.toArray(x), indices);
  const known = l.known(1);
  const pick = (extent: Extent) =>
    l.numbersOf(known).map((index) => {
      const position = typeof extent === 'number' && index < 0 ? index + extent : index;
      const inside = typeof extent === 'number' && Number.isInteger(position) && position >= 0 && position < extent;
      return inside ? position : l.fail(`picks entry ${index} of ${formatExtents([extent])}.`, 'ERR_SHAPE');
    });
  if (x.kind === 'known') {
    const axis = l.axis(l.integer('axis', 0), x.shape.length);
    return takeKnown(x, axis, pick(x.shape[axis]), known.shape);
  }
  const array = l.toArray(x);
  const shape = l.shapeOf(array);
  const fileAxis = l.axis(l.integer('axis', 0), l.rankOf(array));
  const axis = l.ownAxis(array, fileAxis);
  const positions = pick(shape[axis]);
  if (positions.length === 0 || positions.length > MAX_PICKED) l.fail(`picks ${positions.length} entries; 1 to ${MAX_PICKED} are supported.`);
  const runs: { start: number; end: number }[] = [];
  for (const position of positions) {
    const last = runs[runs.length - 1];
    if (last?.end === position) last.end++;
    else runs.push({ start: position, end: position + 1 });
  }
  const taken = concat(
    l.g,
    runs.map(({ start, end }) => partOf(l.g, array.id, axis, start, end)),
    axis,
  );
  const result = reshape(l.g, taken, [...shape.slice(0, axis), ...known.shape, ...shape.slice(axis + 1)]);
  const { batch } = array;
  return l.result(result, batch !== undefined && fileAxis < batch.axis ? { ...batch, axis: batch.axis - 1 + known.shape.length } : batch);
}

function embedding(l: Lowering, table: ArrayValue, indices: ArrayValue): Value {
  const isTable = table.batch === undefined && !l.g.isBatched(table.id) && l.shapeOf(table).length === 2 && l.axis(l.integer('axis', 0), 2) === 0;
  if (!isTable) l.fail('picks by indices that depend on the example from a value that is no table [rows, width] of weights.');
  if (!l.state.integerInput) l.fail('picks by indices computed from floats; the model’s input must be of integers.');
  return l.result(gather(l.g, table.id, indices.id), indices.batch);
}

/** Consecutive parts of an axis: of the sizes that input 1 or the attribute lists, or as equal as the number of outputs allows. */
function split(l: Lowering): Value[] {
  const x = l.array(0);
  const shape = l.shapeOf(x);
  const axis = l.ownAxis(x, l.integer('axis', 0));
  const parts = l.node.outputs.length;
  const each = Math.ceil(shape[axis] / parts);
  const equal = Array.from({ length: parts }, (_, i) => Math.min(each, shape[axis] - i * each));
  const sizes = l.has(1) ? l.numbers(1) : (l.integers('split') ?? equal);
  const whole = sizes.every((size) => Number.isInteger(size) && size >= 1) && sizes.reduce((sum, size) => sum + size, 0) === shape[axis];
  const uneven = sizes === equal && l.attribute('num_outputs') === undefined && shape[axis] % parts !== 0;
  if (!whole || uneven || sizes.length !== parts) {
    l.fail(`cuts an axis of ${shape[axis]} into ${formatExtents(sizes)} for ${parts} outputs.`, 'ERR_SHAPE');
  }
  let start = 0;
  return sizes.map((size) => {
    const from = start;
    start += size;
    return l.result(partOf(l.g, x.id, axis, from, start), x.batch);
  });
}

/** Zeros around the axes of an example; negative amounts cut. */
function padding(l: Lowering): Value {
  const mode = l.string('mode', 'constant');
  if (mode !== 'constant') l.fail(`pads by ${JSON.stringify(mode.slice(0, 40))}; padding with a constant 0 is supported.`);
  if (l.has(2) && l.numbers(2).some((value) => value !== 0)) l.fail(`pads with ${l.numbers(2)[0]}; padding with 0 is supported.`);
  const x = l.array(0);
  const rank = l.rankOf(x);
  const axes = l.has(3) ? l.numbers(3).map((axis) => l.axis(axis, rank)) : Array.from({ length: rank }, (_, axis) => axis);
  const amounts = l.numbers(1);
  if (amounts.length !== 2 * axes.length || !amounts.every((amount) => Number.isInteger(amount) && Math.abs(amount) <= 0x7fffffff)) {
    l.fail(`has ${amounts.length} amounts for ${axes.length} axes; it must have two whole numbers per axis.`, 'ERR_FORMAT');
  }
  const shape = l.shapeOf(x);
  const [low, high] = [shape.map(() => 0), shape.map(() => 0)];
  axes.forEach((fileAxis, i) => {
    const [before, after] = [amounts[i], amounts[i + axes.length]];
    if (before === 0 && after === 0) return;
    if (fileAxis === x.batch?.axis) l.fail('pads the batch; every example must be computed by itself.');
    const axis = l.ownAxis(x, fileAxis);
    [low[axis], high[axis]] = [before, after];
  });
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
    x.batch,
  );
}

export const selectionOperators: Readonly<Record<string, OperatorRule>> = {
  Concat: { attributes: ['axis'], lower: concatenate },
  Slice: { lower: sliceOf },
  Split: { attributes: ['axis', 'split', 'num_outputs'], lower: split },
  Gather: { attributes: ['axis'], lower: gatherFrom },
  Pad: { attributes: ['mode'], lower: padding },
};
