/** @file Gemm and MatMul. */

import { add, affine, dense, matmul, reshape, transpose, transposeMatrix } from '../../../graph/primitives/index.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';
import { alignBatch } from './arithmetic.ts';

/** alpha·A·B + beta·C with A [N, k], as torch writes Linear; or all of weights alone. */
function gemm(l: Lowering): Value {
  const a = l.array(0);
  const b = l.shared(1);
  if (l.rankOf(a) !== 2 || l.rankOf(b) !== 2) l.fail(`takes matrices; its inputs have ${l.rankOf(a)} and ${l.rankOf(b)} axes.`, 'ERR_SHAPE');
  if (a.batched && l.flag('transA')) l.fail('transposes the batch axis of its input; every example must be computed by itself.');
  const weight = l.flag('transB') ? b.id : transpose(l.g, b.id, [1, 0]);
  const input = l.flag('transA') ? transpose(l.g, a.id, [1, 0]) : a.id;
  const product = l.result(affine(l.g, dense(l.g, input, weight), l.float('alpha', 1), 0), a.batched);
  if (!l.has(2)) return product;
  const c = l.array(2);
  const [left, right] = alignBatch(l, product, l.result(affine(l.g, c.id, l.float('beta', 1), 0), c.batched));
  return l.result(add(l.g, left, right), a.batched || c.batched);
}

/** numpy.matmul for what torch exports: a shared matrix on either side, or two batched values with equal leading axes. */
function matMul(l: Lowering): Value {
  const [a, b] = [l.array(0), l.array(1)];
  if (!b.batched) return timesShared(l, a, b);
  if (!a.batched) return sharedTimes(l, a, b);
  if (l.rankOf(a) !== l.rankOf(b) || l.rankOf(a) < 3) {
    l.fail('multiplies values of different examples: both factors depend on the batch, and its axis is not a leading axis of both.');
  }
  return l.result(matmul(l.g, a.id, b.id), true);
}

/** x[…, k]·w[k, n], or w[k] → x[…]. */
function timesShared(l: Lowering, x: ArrayValue, w: ArrayValue): Value {
  const shape = l.shapeOf(w);
  if (l.shapeOf(x).length === 0 || shape.length === 0) l.fail('multiplies a value without axes.', 'ERR_SHAPE');
  if (shape.length > 2) {
    if (l.rankOf(x) === shape.length && !x.batched) return l.result(matmul(l.g, x.id, w.id), false);
    return l.fail(`multiplies by a weight of ${shape.length} axes; matrices are supported.`);
  }
  if (shape.length === 2) return l.result(dense(l.g, x.id, transpose(l.g, w.id, [1, 0])), x.batched);
  const product = dense(l.g, x.id, reshape(l.g, w.id, [1, shape[0]]));
  return l.result(reshape(l.g, product, l.shapeOf(x).slice(0, -1)), x.batched);
}

/** w[m, k]·x[N, …, k, n] = (xᵀ·wᵀ)ᵀ. */
function sharedTimes(l: Lowering, w: ArrayValue, x: ArrayValue): Value {
  if (l.rankOf(w) !== 2 || l.shapeOf(x).length < 2) {
    l.fail('multiplies a shared value by one whose rows are the examples of a batch; every example must be computed by itself.');
  }
  return l.result(transposeMatrix(l.g, dense(l.g, transposeMatrix(l.g, x.id), w.id)), true);
}

export const matrixOperators: Readonly<Record<string, OperatorRule>> = {
  Gemm: { attributes: ['alpha', 'beta', 'transA', 'transB'], lower: gemm },
  MatMul: { lower: matMul },
};
