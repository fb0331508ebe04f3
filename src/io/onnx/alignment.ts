/** @file Operands of one element-wise operation, their axes matched from the right as ONNX matches them, the batch implicit. */

import { sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../../graph/graph.ts';
import { broadcast, reshape } from '../../graph/primitives/table.ts';
import { type BatchAxis, isMerged } from './batch-axis.ts';
import type { Lowering } from './lowering.ts';
import type { ArrayValue } from './value.ts';

export interface Aligned {
  readonly ids: readonly ValueId[];
  /** The batch axis of the result. */
  readonly batch: BatchAxis | undefined;
}

/** The graph values that broadcast as the file's do: what all examples share may reach the batch axis only with extent 1. */
export function aligned(l: Lowering, values: readonly ArrayValue[]): Aligned {
  const first = values.find(({ batch }) => batch !== undefined);
  if (first?.batch === undefined) return { ids: values.map(({ id }) => id), batch: undefined };
  if (values.some((value) => l.lostBatch(value))) return { ids: values.map((value) => l.withoutBatch(value).id), batch: undefined };
  const { outer, inner } = first.batch;
  const fromRight = l.rankOf(first) - first.batch.axis;
  const ids = values.map((value) => {
    const { batch } = value;
    if (batch === undefined) return belowBatch(l, value, fromRight, first.batch as BatchAxis);
    const fits = l.rankOf(value) - batch.axis === fromRight && batch.outer === outer && batch.inner === inner;
    return fits ? value.id : l.fail('would match the batch axis of one operand with another axis of the other.');
  });
  const rank = Math.max(...values.map((value) => l.rankOf(value)));
  return { ids, batch: { axis: rank - fromRight, outer, inner } };
}

/** A shared value without the axis that meets the batch. */
function belowBatch(l: Lowering, shared: ArrayValue, fromRight: number, batch: BatchAxis): ValueId {
  const shape = l.shapeOf(shared);
  if (shape.length < fromRight) return shared.id;
  const axis = shape.length - fromRight;
  const own = isMerged(batch) ? [1, 1] : [];
  const without = [...shape.slice(0, axis), ...own, ...shape.slice(axis + 1)];
  if (shape[axis] === 1) return reshape(l.g, shared.id, without);
  const repeated = repeatedOver(l, shared.id, axis);
  if (shape[axis] === l.state.fixedBatch && repeated !== undefined && !isMerged(batch)) {
    return broadcast(l.g, reshape(l.g, repeated, [...l.g.shapeOf(repeated).slice(0, axis), ...l.g.shapeOf(repeated).slice(axis + 1)]), without);
  }
  return l.fail(`would give each example of a batch its own entry of a stored array of ${shape[axis]}; export with an open batch.`);
}

/** What an Expand repeated along the axis, with that axis at extent 1; undefined for anything else. */
function repeatedOver(l: Lowering, id: ValueId, axis: number): ValueId | undefined {
  const { op, inputs, shape } = l.g.definition(id);
  if (op !== 'broadcast') return undefined;
  const from = l.g.shapeOf(inputs[0]);
  const full = [...new Array<number>(shape.length - from.length).fill(1), ...from];
  return full[axis] === 1 && sizeOf(full) === sizeOf(from) ? reshape(l.g, inputs[0], full) : undefined;
}
