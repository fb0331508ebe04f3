/** @file Gemm and MatMul. */

import { sizeOf } from '../../../core/tensor.ts';
import type { ValueId } from '../../../graph/graph.ts';
import { add, affine, broadcast, broadcastShape, dense, matmul, reshape, transpose, transposeMatrix } from '../../../graph/primitives/table.ts';
import { aligned } from '../alignment.ts';
import { type BatchAxis, isMerged, movedTo } from '../batch-axis.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';

const ACROSS = 'multiplies values of different examples of the batch: every example must be computed by itself.';

/** alpha·A·B + beta·C with A [N, k], as torch writes Linear; or all of weights alone. */
function gemm(l: Lowering): Value {
  const a = l.array(0);
  const b = l.shared(1);
  if (l.rankOf(a) !== 2 || l.rankOf(b) !== 2) l.fail(`takes matrices; its inputs have ${l.rankOf(a)} and ${l.rankOf(b)} axes.`, 'ERR_SHAPE');
  const rows = l.flag('transA') ? transposed(l, a) : a;
  if (rows.batch !== undefined && rows.batch.axis !== 0) l.fail('sums over the batch axis of its input; every example must be computed by itself.');
  const weight = l.flag('transB') ? b.id : transpose(l.g, b.id, [1, 0]);
  const product = l.result(affine(l.g, dense(l.g, rows.id, weight), l.float('alpha', 1), 0), rows.batch);
  if (!l.has(2)) return product;
  const c = l.array(2);
  const { ids, batch } = aligned(l, [product, l.result(affine(l.g, c.id, l.float('beta', 1), 0), c.batch)]);
  return l.result(add(l.g, ids[0], ids[1]), batch);
}

/** A matrix with its axes exchanged. */
function transposed(l: Lowering, x: ArrayValue): ArrayValue {
  if (x.batch === undefined) return l.result(transpose(l.g, x.id, [1, 0]), undefined);
  if (isMerged(x.batch)) return l.fail('transposes an axis that the batch is merged with.');
  return l.result(x.id, movedTo(x.batch, 1 - x.batch.axis));
}

/** numpy.matmul, the batch among the leading axes or the rows. */
function matMul(l: Lowering): Value {
  const [a, b] = [l.array(0), l.array(1)];
  const depends = (value: ArrayValue) => value.batch !== undefined || l.g.isBatched(value.id);
  if (!depends(b) && l.shapeOf(b).length <= 2) return timesShared(l, a, b);
  if (!depends(a) && l.shapeOf(a).length === 2) return sharedTimes(l, a, b);
  return product(l, a, b);
}

/** x[…, k]·w[k, n], or w[k] → x[…]. */
function timesShared(l: Lowering, x: ArrayValue, w: ArrayValue): Value {
  const shape = l.shapeOf(w);
  if (l.rankOf(x) === 0 || shape.length === 0) l.fail('multiplies a value without axes.', 'ERR_SHAPE');
  if (x.batch?.axis === l.rankOf(x) - 1) l.fail(ACROSS);
  if (shape.length === 2) return l.result(dense(l.g, x.id, transpose(l.g, w.id, [1, 0])), x.batch);
  const column = dense(l.g, x.id, reshape(l.g, w.id, [1, shape[0]]));
  return l.result(reshape(l.g, column, l.shapeOf(x).slice(0, -1)), x.batch);
}

/** w[m, k]·x[…, k, n] = (xᵀ·wᵀ)ᵀ; where the columns are the examples, each is one vector of k. */
function sharedTimes(l: Lowering, w: ArrayValue, x: ArrayValue): Value {
  const fromRight = x.batch === undefined ? 0 : l.rankOf(x) - x.batch.axis;
  if (fromRight === 2 || l.rankOf(x) < 2) l.fail(ACROSS);
  if (fromRight === 1) {
    if (isMerged(x.batch as BatchAxis)) l.fail(ACROSS);
    return l.result(dense(l.g, x.id, w.id), x.batch);
  }
  return l.result(transposeMatrix(l.g, dense(l.g, transposeMatrix(l.g, x.id), w.id)), x.batch);
}

/** Leading axes broadcast; the batch is one of them. */
function product(l: Lowering, a: ArrayValue, b: ArrayValue): Value {
  if (l.rankOf(a) < 2 || l.rankOf(b) < 2) l.fail('multiplies a vector by stacked matrices; matrices are supported.');
  for (const { batch, ...value } of [a, b]) {
    if (batch !== undefined && l.rankOf({ ...value, batch }) - batch.axis <= 2) l.fail(ACROSS);
  }
  const { ids, batch } = aligned(l, [a, b]);
  return l.result(stackedProduct(l, ids[0], ids[1]), batch);
}

/** a[…, m, k]·b[…, k, n], leading axes broadcast. */
export function stackedProduct(l: Lowering, a: ValueId, b: ValueId): ValueId {
  const [shapeA, shapeB] = [l.g.shapeOf(a), l.g.shapeOf(b)];
  const leading = broadcastShape(shapeA.slice(0, -2), shapeB.slice(0, -2));
  if (leading === null || sizeOf(leading) === 0) return l.fail('stacks matrices whose leading axes do not fit.', 'ERR_SHAPE');
  const spread = (x: ValueId) => broadcast(l.g, x, [...leading, ...l.g.shapeOf(x).slice(-2)]);
  return matmul(l.g, spread(a), spread(b));
}

export const matrixOperators: Readonly<Record<string, OperatorRule>> = {
  Gemm: { attributes: ['alpha', 'beta', 'transA', 'transB'], lower: gemm },
  MatMul: { lower: matMul },
};
