/**
 * @file Slices and concatenations that see through each other.
 *
 * Exporters reorder the gates of recurrent weights: slices of a weight, concatenated in ONNX's order. Taken back apart
 * and put together in the other order they are the weight itself, which then has a site of its own.
 */

import type { ValueId } from '../../graph/graph.ts';
import { type Emitter, listAttribute, numberAttribute } from '../../graph/primitive.ts';
import { concat, slice } from '../../graph/primitives/table.ts';

/** Entries [start, end) of one axis: of the concatenation or slice that x is, where it is one. */
export function partOf(g: Emitter, x: ValueId, axis: number, start: number, end: number): ValueId {
  const shape = g.shapeOf(x);
  const { op, inputs, attributes } = g.definition(x);
  if (op === 'concat' && numberAttribute(attributes, 'axis') === axis && start < end) {
    let offset = 0;
    const parts = inputs.flatMap((input) => {
      const from = offset;
      offset += g.shapeOf(input)[axis];
      const [low, high] = [Math.max(start, from), Math.min(end, offset)];
      return low < high ? [partOf(g, input, axis, low - from, high - from)] : [];
    });
    return mergedConcat(g, parts, axis);
  }
  const outer = op === 'slice' ? alongOneAxis(g, x) : undefined;
  if (outer?.axis === axis) return partOf(g, inputs[0], axis, outer.start + start, outer.start + end);
  return slice(
    g,
    x,
    shape.map((_, i) => (i === axis ? start : 0)),
    shape.map((extent, i) => (i === axis ? end : extent)),
  );
}

/** Values side by side; slices that follow each other in one array become one. */
export function mergedConcat(g: Emitter, values: readonly ValueId[], axis: number): ValueId {
  const merged: ValueId[] = [];
  for (const value of values) {
    const last = merged[merged.length - 1];
    const joined = last === undefined ? undefined : adjacent(g, last, value, axis);
    if (joined === undefined) merged.push(value);
    else merged[merged.length - 1] = joined;
  }
  return concat(g, merged, axis);
}

function adjacent(g: Emitter, a: ValueId, b: ValueId, axis: number): ValueId | undefined {
  const [left, right] = [alongOneAxis(g, a), alongOneAxis(g, b)];
  if (left === undefined || right === undefined || left.of !== right.of || left.axis !== axis || right.axis !== axis) return undefined;
  return left.end === right.start ? partOf(g, left.of, axis, left.start, right.end) : undefined;
}

interface Run {
  readonly of: ValueId;
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** A slice that cuts one axis alone, by steps of one. */
function alongOneAxis(g: Emitter, x: ValueId): Run | undefined {
  const { op, inputs, attributes } = g.definition(x);
  if (op !== 'slice') return undefined;
  const [starts, limits, strides] = ['starts', 'limits', 'strides'].map((name) => listAttribute(attributes, name));
  const shape = g.shapeOf(inputs[0]);
  const cut = shape.map((_, i) => i).filter((i) => starts[i] !== 0 || limits[i] !== shape[i]);
  if (cut.length !== 1 || strides.some((step) => step !== 1)) return undefined;
  return { of: inputs[0], axis: cut[0], start: starts[cut[0]], end: limits[cut[0]] };
}
