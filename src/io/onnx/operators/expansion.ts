/** @file Expand, Tile, Range, ConstantOfShape, Trilu: arrays made larger, or made of a rule. */

import { sizeOf } from '../../../core/tensor.ts';
import { broadcast, broadcastShape, concat, mul, reshape } from '../../../graph/primitives/table.ts';
import { type BatchAxis, graphAxes, isMerged } from '../batch-axis.ts';
import { type Extent, formatExtents } from '../extent.ts';
import { broadcastKnown, known, MAX_KNOWN } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import { isFloat, readStoredTensor, typeOfTensor } from '../stored-tensor.ts';
import type { ArrayValue, Value } from '../value.ts';

interface Target {
  /** Per example; 1 … in place of the batch. */
  readonly shape: readonly number[];
  readonly batch: BatchAxis | undefined;
}

/** A shape that names the batch at most once, on an axis of its own. */
function targetOf(l: Lowering, extents: readonly Extent[]): Target {
  const axis = extents.findIndex((extent) => typeof extent !== 'number');
  const rest = extents.filter((_, i) => i !== axis);
  const found = extents[axis];
  const whole = rest.every((extent) => typeof extent === 'number' && Number.isInteger(extent) && extent >= 0);
  if (!whole || (found !== undefined && (typeof found === 'number' || found.plus !== 0 || found.perExample < 1))) {
    return l.fail(`makes an array of shape ${formatExtents(extents)}; N may be a factor of one axis.`);
  }
  if (axis < 0) return { shape: rest as number[], batch: undefined };
  const inner = (found as { readonly perExample: number }).perExample;
  const batch = { axis, outer: 1, inner };
  return { shape: [...(rest.slice(0, axis) as number[]), ...(isMerged(batch) ? [1, inner] : []), ...(rest.slice(axis) as number[])], batch };
}

function constantOfShape(l: Lowering): Value {
  const { shape, batch } = targetOf(l, l.known(0).elements);
  if (!(sizeOf(shape) <= MAX_KNOWN)) l.fail(`makes an array of shape ${formatExtents(shape)}; at most ${MAX_KNOWN} elements are supported.`);
  const tensor = l.attribute('value')?.tensor;
  const [fill] = tensor === undefined ? [0] : readStoredTensor(tensor).data;
  const type = tensor === undefined || isFloat(typeOfTensor(tensor)) ? 'float' : 'integer';
  if (batch !== undefined) return l.result(l.g.constant(fill ?? 0, shape), batch);
  return known(type, shape, new Array<number>(sizeOf(shape)).fill(fill ?? 0));
}

/** numpy.broadcast_to, both ways; what all examples share may be repeated along a new batch axis. */
function expand(l: Lowering): Value {
  const x = l.value(0);
  const extents = l.known(1).elements;
  if (x.kind === 'known' && extents.every((extent) => typeof extent === 'number')) {
    const shape = broadcastShape(x.shape, extents as number[]);
    if (shape !== null && sizeOf(shape) <= MAX_KNOWN) return broadcastKnown(x, shape);
  }
  const array = l.toArray(x);
  return array.batch === undefined ? expandShared(l, array, extents) : expandBatched(l, array, array.batch, extents);
}

function expandShared(l: Lowering, x: ArrayValue, extents: readonly Extent[]): Value {
  const from = l.shapeOf(x);
  const { shape, batch } = targetOf(l, extents);
  if (batch === undefined || l.lostBatch(x)) {
    const all = broadcastShape(
      from,
      extents.map((extent) => (typeof extent === 'number' ? extent : extent.perExample)),
    );
    return l.result(broadcast(l.g, x.id, all ?? misfit(l, from, extents)), undefined);
  }
  const padded = [...new Array<number>(Math.max(0, extents.length - from.length)).fill(1), ...from];
  if (padded.length > extents.length || isMerged(batch) || padded[batch.axis] !== 1) return misfit(l, from, extents);
  const without = [...padded.slice(0, batch.axis), ...padded.slice(batch.axis + 1)];
  const own = broadcastShape(without, shape) ?? misfit(l, from, extents);
  return l.result(broadcast(l.g, reshape(l.g, x.id, without), own), batch);
}

function expandBatched(l: Lowering, x: ArrayValue, batch: BatchAxis, extents: readonly Extent[]): Value {
  const from = l.fileShape(x);
  const rank = Math.max(from.length, extents.length);
  const padded = [...new Array<number>(rank - extents.length).fill(1), ...extents];
  const axis = batch.axis + rank - from.length;
  // The batch meets itself, or 1; every other axis must be a number.
  const shape = padded.flatMap((extent, i): number[] => {
    if (i !== axis) return [typeof extent === 'number' ? extent : misfit(l, from, extents)];
    const fixed = l.state.fixedBatch;
    const same = extent === 1 || typeof extent !== 'number' || (fixed !== undefined && extent === fixed * batch.outer * batch.inner);
    return same ? graphAxes(batch, batch.axis).map(() => 1) : misfit(l, from, extents);
  });
  const own = broadcastShape(l.shapeOf(x), shape) ?? misfit(l, from, extents);
  return l.result(broadcast(l.g, x.id, own), { ...batch, axis });
}

function misfit(l: Lowering, from: readonly Extent[], to: readonly Extent[]): never {
  return l.fail(`expands ${formatExtents(from)} to ${formatExtents(to)}, which do not fit.`, 'ERR_SHAPE');
}

/** Most copies that one Tile makes along an axis. */
const MAX_COPIES = 1024;

/** Copies side by side; along an axis of extent 1 that is an expansion, and may be by the batch. */
function tile(l: Lowering): Value {
  const x = l.array(0);
  const repeats = l.known(1).elements;
  const from = l.fileShape(x);
  if (repeats.length !== from.length) l.fail(`has ${repeats.length} repeats for ${from.length} axes.`, 'ERR_FORMAT');
  if (repeats.every((times, i) => times === 1 || from[i] === 1)) {
    return x.batch === undefined
      ? expandShared(
          l,
          x,
          repeats.map((times, i) => (times === 1 ? from[i] : times)),
        )
      : expandBatched(l, x, x.batch, repeats);
  }
  let { id } = x;
  repeats.forEach((times, fileAxis) => {
    if (times === 1) return;
    const copies =
      typeof times === 'number' && times >= 1 && times <= MAX_COPIES ? times : l.fail(`repeats an axis ${formatExtents([times])} times.`);
    const axis = l.ownAxis(x, fileAxis);
    id = concat(l.g, new Array<number>(copies).fill(id), axis);
  });
  return l.result(id, x.batch);
}

function range(l: Lowering): Value {
  const [[start], [limit], [step]] = [l.numbers(0), l.numbers(1), l.numbers(2)];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (!(count <= MAX_KNOWN)) l.fail(`lists ${count} numbers; at most ${MAX_KNOWN} are supported.`);
  const type = [0, 1, 2].every((i) => l.known(i).type === 'integer') ? 'integer' : 'float';
  return known(
    type,
    [count],
    Array.from({ length: count }, (_, i) => start + i * step),
  );
}

/** The upper or lower triangle of the last two axes, zeros elsewhere. */
function triangle(l: Lowering): Value {
  const x = l.value(0);
  const upper = l.flag('upper', 1);
  const diagonal = l.has(1) ? l.numbers(1)[0] : 0;
  const shape = x.kind === 'known' ? x.shape : l.fileShape(l.toArray(x));
  const [rows, columns] = shape.slice(-2);
  if (shape.length < 2 || typeof rows !== 'number' || typeof columns !== 'number') return l.fail('takes a triangle of an axis that is the batch.');
  const kept = (i: number, j: number) => (upper ? j - i >= diagonal : j - i <= diagonal);
  if (x.kind === 'known') {
    const elements = x.elements.map((element, at) => (kept(Math.floor(at / columns) % rows, at % columns) ? element : 0));
    return known(x.type, x.shape, elements);
  }
  if (!(rows * columns <= 0x1000000)) return l.fail('takes a triangle of more than 2^24 elements.');
  const mask = Float64Array.from({ length: rows * columns }, (_, at) => Number(kept(Math.floor(at / columns), at % columns)));
  const array = l.toArray(x);
  return l.result(mul(l.g, array.id, l.g.constantTensor({ shape: [rows, columns], data: mask })), array.batch);
}

export const expansionOperators: Readonly<Record<string, OperatorRule>> = {
  ConstantOfShape: { attributes: ['value'], lower: constantOfShape },
  Expand: { lower: expand },
  Tile: { lower: tile },
  Range: { lower: range },
  Trilu: { attributes: ['upper'], lower: triangle },
};
