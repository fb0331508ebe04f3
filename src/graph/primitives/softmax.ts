/** @file softmax over the last axis. */

import { bytesOf, sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import type { Application, Emitter, Evaluation, Operand, Primitive } from '../primitive.ts';
import { mul, sub } from './arithmetic.ts';
import { sum } from './reduction.ts';
import { reshape } from './shape.ts';
import { broadcastDescriptor } from './strided.ts';

/** e^(x − max) / Σ e^(x − max) over the last axis. */
export function softmax(g: Emitter, x: ValueId): ValueId {
  return g.emit('softmax', [x]);
}

/** J·t = Jᵀ·t = y∘(t − Σ y∘t): the Jacobian of softmax is symmetric. */
function timesJacobian(g: Emitter, { id }: Application, t: ValueId): ValueId {
  const shape = g.shapeOf(id);
  const last = shape.length - 1;
  const weighted = mul(g, id, t);
  return mul(g, id, sub(g, t, reshape(g, sum(g, weighted, [last]), [...shape.slice(0, last), 1])));
}

/** Rows of the last axis, scratch of one element a row, and the descriptor that broadcasts it over the output. */
interface ShiftedRows {
  readonly rows: number;
  readonly count: number;
  readonly perRow: number;
  readonly descriptor: number;
}

/** output ← x − max of its row; everything it allocates is of the caller's frame. */
export function subtractRowMaxima({ inputs: [x], output, arena, routines, dtype }: Evaluation): ShiftedRows {
  const count = x.shape[x.shape.length - 1];
  const rows = x.batch * (sizeOf(x.shape) / count);
  const perRow = arena.allocate(rows * bytesOf(dtype));
  // The largest of every row, as a max-pool whose window is the row.
  routines.maxPoolSelect(rows, rows, 1, count, 1, count, 1, count, 0, 0, 1, 1, 1, 1, x.ptr, x.ptr, perRow);
  const whole: Operand = { ptr: x.ptr, batch: 1, each: 1, shape: [rows, count] };
  const descriptor = broadcastDescriptor(arena, [whole, { ...whole, shape: [rows, 1] }], whole);
  routines.sub(descriptor, x.ptr, perRow, output.ptr);
  return { rows, count, perRow, descriptor };
}

const softmaxRow: Primitive = {
  name: 'softmax',
  infer: ([x]) => ({ shape: x }),
  evaluate: (e: Evaluation) => {
    const { arena, routines, output } = e;
    arena.frame(() => {
      const { rows, count, perRow, descriptor } = subtractRowMaxima(e);
      routines.exp(rows * count, output.ptr, output.ptr);
      routines.sum(rows, count, 1, output.ptr, perRow);
      routines.div(descriptor, output.ptr, perRow, output.ptr);
    });
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : timesJacobian(g, node, tangent)),
  vjp: (g, node, cotangent) => [timesJacobian(g, node, cotangent)],
  flops: (_, output) => 25 * sizeOf(output),
  scratchBytes: (e) => (e.inputs[0].batch * sizeOf(e.inputs[0].shape) * bytesOf(e.dtype)) / e.inputs[0].shape[e.inputs[0].shape.length - 1] + 1024,
};

export const softmaxPrimitives: readonly Primitive[] = [softmaxRow];
