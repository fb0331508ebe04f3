/** @file Embedding lookup and its transpose. Indices are whole numbers in an array of the computation's dtype. */

import { TangedgeError } from '../../core/errors.ts';
import { bytesOf, formatShape, sameShape, sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import { type Emitter, type Evaluation, entryOf, numberAttribute, type Operand, type Primitive } from '../primitive.ts';
import { affine } from './affine.ts';
import { bilinearTangent, select, sub } from './arithmetic.ts';
import { reshape } from './shape.ts';

/** table[indices]: table [v, d], indices [...] → [..., d]. */
export function gather(g: Emitter, table: ValueId, indices: ValueId): ValueId {
  return g.emit('gather', [table, indices]);
}

/** indices [...] → [..., size]: 1 at the index, 0 elsewhere. */
export function oneHot(g: Emitter, indices: ValueId, size: number): ValueId {
  const labels = g.constantTensor({ shape: [size], data: Float64Array.from({ length: size }, (_, i) => i) });
  const difference = sub(g, reshape(g, indices, [...g.shapeOf(indices), 1]), labels);
  const distance = select(g, difference, difference, affine(g, difference, -1, 0));
  return select(g, affine(g, distance, -1, 0.5), g.constant(1), g.constant(0));
}

/** Throws unless every index is a whole number in [0, rows). */
function checkIndices(e: Evaluation, indices: Operand, rows: number): void {
  const values = e.arena.view(e.dtype, indices.ptr, indices.batch * sizeOf(indices.shape));
  values.forEach((index, position) => {
    if (!(Number.isInteger(index) && index >= 0 && index < rows)) {
      throw new TangedgeError(
        'ERR_DOMAIN',
        `gather: index ${index} at position ${position} of its batch is not a whole number from 0 to ${rows - 1}.`,
        {
          index,
          position,
          rows,
        },
      );
    }
  });
}

const gatherRow: Primitive = {
  name: 'gather',
  infer: ([table, indices]) => {
    if (table.length !== 2)
      throw new TangedgeError('ERR_SHAPE', `gather: the table is ${formatShape(table)}; it must be [rows, width].`, { shape: [...table] });
    return { shape: [...indices, table[1]] };
  },
  evaluate: (e) => {
    const [table, indices] = e.inputs;
    const [rows, width] = table.shape;
    checkIndices(e, indices, rows);
    const n = sizeOf(indices.shape);
    const bytes = bytesOf(e.dtype);
    for (let b = 0; b < e.output.batch; b++) {
      const tablePtr = table.ptr + entryOf(table, b) * rows * width * bytes;
      const indexPtr = indices.ptr + entryOf(indices, b) * n * bytes;
      e.routines.gatherRows(n, width, tablePtr, indexPtr, e.output.ptr + b * n * width * bytes);
    }
  },
  jvp: (g, { inputs: [, indices] }, [tangent]) => (tangent === null ? null : gather(g, tangent, indices)),
  vjp: (g, { inputs: [table, indices] }, cotangent) => [g.emit('scatterRows', [cotangent, indices], { rows: g.shapeOf(table)[0] }), null],
  flops: (_, output) => sizeOf(output),
};

/** [rows, d]: x [..., d] added up by index. */
const scatterRowsRow: Primitive = {
  name: 'scatterRows',
  infer: ([x, indices], attributes) => {
    if (!sameShape(x.slice(0, -1), indices)) {
      throw new TangedgeError('ERR_SHAPE', `scatterRows: values ${formatShape(x)} and indices ${formatShape(indices)} do not fit.`, {
        x: [...x],
        indices: [...indices],
      });
    }
    return { shape: [numberAttribute(attributes, 'rows'), x[x.length - 1]] };
  },
  evaluate: (e) => {
    const [x, indices] = e.inputs;
    const [rows, width] = e.output.shape;
    checkIndices(e, indices, rows);
    const n = sizeOf(indices.shape);
    const bytes = bytesOf(e.dtype);
    e.routines.fill(e.output.batch * rows * width, 0, e.output.ptr);
    for (let b = 0; b < e.output.batch; b++) {
      const xPtr = x.ptr + entryOf(x, b) * n * width * bytes;
      const indexPtr = indices.ptr + entryOf(indices, b) * n * bytes;
      e.routines.scatterAddRows(n, width, xPtr, indexPtr, e.output.ptr + b * rows * width * bytes);
    }
  },
  jvp: (g, { inputs, attributes }, [tangent]) =>
    bilinearTangent(g, inputs, [tangent, null], (x, indices) => g.emit('scatterRows', [x, indices], attributes)),
  vjp: (g, { inputs: [, indices] }, cotangent) => [gather(g, cotangent, indices), null],
  flops: ([x]) => sizeOf(x),
};

export const gatherPrimitives: readonly Primitive[] = [gatherRow, scatterRowsRow];
