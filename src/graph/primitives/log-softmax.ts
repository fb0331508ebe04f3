/** @file logSoftmax over the last axis: finite where softmax underflows. */

import { bytesOf, sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import type { Emitter, Evaluation, Primitive } from '../primitive.ts';
import { mul, sub } from './arithmetic.ts';
import { sum } from './reduction.ts';
import { reshape } from './shape.ts';
import { softmax, subtractRowMaxima } from './softmax.ts';

/** x − max − log Σ e^(x − max) over the last axis. */
export function logSoftmax(g: Emitter, x: ValueId): ValueId {
  return g.emit('logSoftmax', [x]);
}

/** Σ over the last axis, kept as an axis of 1. */
function rowSums(g: Emitter, x: ValueId): ValueId {
  const shape = g.shapeOf(x);
  return reshape(g, sum(g, x, [shape.length - 1]), [...shape.slice(0, -1), 1]);
}

const logSoftmaxRow: Primitive = {
  name: 'logSoftmax',
  infer: ([x]) => ({ shape: x }),
  evaluate: (e: Evaluation) => {
    const { arena, routines, output } = e;
    arena.frame(() => {
      const { rows, count, perRow, descriptor } = subtractRowMaxima(e);
      const exponentials = arena.allocate(rows * count * bytesOf(e.dtype));
      routines.exp(rows * count, output.ptr, exponentials);
      routines.sum(rows, count, 1, exponentials, perRow);
      routines.log(rows, perRow, perRow);
      routines.sub(descriptor, output.ptr, perRow, output.ptr);
    });
  },
  // J = I − 1·pᵀ with p = softmax(x).
  jvp: (g, { inputs: [x] }, [t]) => (t === null ? null : sub(g, t, rowSums(g, mul(g, softmax(g, x), t)))),
  vjp: (g, { inputs: [x] }, cotangent) => [sub(g, cotangent, mul(g, softmax(g, x), rowSums(g, cotangent)))],
  flops: (_, output) => 26 * sizeOf(output),
  scratchBytes: (e) => {
    const { batch, shape } = e.inputs[0];
    const bytes = batch * sizeOf(shape) * bytesOf(e.dtype);
    return bytes + bytes / shape[shape.length - 1] + 1024;
  },
};

export const logSoftmaxPrimitives: readonly Primitive[] = [logSoftmaxRow];
