/** @file The table of primitives, and the constructors that builders and importers call. */

import { TangedgeError } from '../../core/errors.ts';
import type { Primitive } from '../primitive.ts';
import { affinePrimitives } from './affine.ts';
import { arithmeticPrimitives } from './arithmetic.ts';
import { contractionPrimitives } from './contraction.ts';
import { convolutionPrimitives } from './convolution.ts';
import { elementwisePrimitives } from './elementwise.ts';
import { gatherPrimitives } from './gather.ts';
import { logSoftmaxPrimitives } from './log-softmax.ts';
import { poolingPrimitives } from './pooling.ts';
import { reductionPrimitives } from './reduction.ts';
import { shapePrimitives } from './shape.ts';
import { softmaxPrimitives } from './softmax.ts';

export { affine, neg } from './affine.ts';
export { add, div, gate, mul, select, sub } from './arithmetic.ts';
export { dense, denseWeightGradient, matmul, transposeMatrix } from './contraction.ts';
export { conv2d, convTranspose2d, patches } from './convolution.ts';
export { elu, integerPower, leakyRelu, softplus, type UnaryOp, unary } from './elementwise.ts';
export { gather, oneHot } from './gather.ts';
export { logSoftmax } from './log-softmax.ts';
export { avgPool, max, maxPool } from './pooling.ts';
export { broadcast, broadcastShape, sum, sumBatch, sumTo } from './reduction.ts';
export { concat, pad, reshape, slice, transpose } from './shape.ts';
export { softmax } from './softmax.ts';
export type { Window } from './window.ts';

const table: ReadonlyMap<string, Primitive> = new Map(
  [
    ...shapePrimitives,
    ...reductionPrimitives,
    ...affinePrimitives,
    ...arithmeticPrimitives,
    ...elementwisePrimitives,
    ...contractionPrimitives,
    ...convolutionPrimitives,
    ...poolingPrimitives,
    ...softmaxPrimitives,
    ...logSoftmaxPrimitives,
    ...gatherPrimitives,
  ].map((row) => [row.name, row]),
);

/** Names of all primitives. */
export function primitiveNames(): string[] {
  return [...table.keys()];
}

/** The row of a primitive. */
export function primitiveOf(name: string): Primitive {
  const row = table.get(name);
  if (row === undefined) throw new TangedgeError('ERR_UNSUPPORTED', `graph: there is no primitive '${name}'.`, { name });
  return row;
}
