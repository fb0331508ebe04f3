/** @file Comparisons, logic, Where, Min, Max, Clip. A truth value is 1 or 0; derivatives follow the branch that is taken. */

import { sizeOf } from '../../../core/tensor.ts';
import type { ValueId } from '../../../graph/graph.ts';
import { affine, broadcastShape, mul, select, sub } from '../../../graph/primitives/table.ts';
import { clamp } from '../../../nn/activations.ts';
import { aligned } from '../alignment.ts';
import type { Extent } from '../extent.ts';
import { known, MAX_KNOWN, pairsOf } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';

type Truth = (a: number, b: number) => boolean;
type OfArrays = (l: Lowering, a: ValueId, b: ValueId) => ValueId;

/** Two operands to one value: at import where both are known numbers, in the graph otherwise. */
const binary = (truth: Truth, ofArrays: OfArrays): OperatorRule => ({
  lower: (l) => {
    const [a, b] = [l.value(0), l.value(1)];
    if (a.kind === 'known' && b.kind === 'known') {
      const shape = broadcastShape(a.shape, b.shape);
      if (shape === null || !(sizeOf(shape) <= MAX_KNOWN))
        return l.fail('compares arrays whose shapes do not fit, or that are too large.', 'ERR_SHAPE');
      const pairs = pairsOf(a, b, shape).map(([p, q]) => {
        const [left, right] = [beyond(p, q), beyond(q, p)];
        if (left !== undefined && right !== undefined) return Number(truth(left, right));
        return l.fail('compares the batch size with a number; the result would differ from batch to batch.');
      });
      return known('integer', shape, pairs);
    }
    const { ids, batch } = aligned(l, [l.toArray(a), l.toArray(b)]);
    return l.result(ofArrays(l, ids[0], ids[1]), batch);
  },
});

/** A number for a comparison with `other`: an extent of at least N = 1 that is above `other` for every batch counts as infinite. */
function beyond(extent: Extent, other: Extent): number | undefined {
  if (typeof extent === 'number') return extent;
  const { perExample, plus } = extent;
  return typeof other === 'number' && perExample > 0 && perExample + plus > other ? Number.POSITIVE_INFINITY : undefined;
}

const isPositive = (l: Lowering, x: ValueId) => select(l.g, x, l.g.constant(1), l.g.constant(0));
const not = (l: Lowering, x: ValueId) => affine(l.g, x, -1, 1);
const greater: OfArrays = (l, a, b) => isPositive(l, sub(l.g, a, b));
const notGreater: OfArrays = (l, a, b) => not(l, greater(l, a, b));
const both: OfArrays = (l, a, b) => mul(l.g, a, b);

/** The larger of the two, or the smaller; at a tie the second. */
const larger: OfArrays = (l, a, b) => select(l.g, sub(l.g, a, b), a, b);
const smaller: OfArrays = (l, a, b) => select(l.g, sub(l.g, b, a), a, b);

const extremum = (pick: OfArrays): OperatorRule => ({
  lower: (l) => {
    let result = l.array(0);
    for (let i = 1; i < l.inputCount; i++) {
      const { ids, batch } = aligned(l, [result, l.array(i)]);
      result = l.result(pick(l, ids[0], ids[1]), batch);
    }
    return result;
  },
});

function negation(l: Lowering): Value {
  const value = l.value(0);
  if (value.kind === 'known')
    return known(
      'integer',
      value.shape,
      l.numbersOf(value).map((truth) => Number(truth === 0)),
    );
  const x = l.toArray(value);
  return l.result(not(l, x.id), x.batch);
}

function where(l: Lowering): Value {
  const [condition, a, b] = [l.value(0), l.value(1), l.value(2)];
  if (condition.kind === 'known' && a.kind === 'known' && b.kind === 'known') {
    const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape) ?? [-1]);
    if (shape === null || !(sizeOf(shape) <= MAX_KNOWN)) return l.fail('chooses between arrays whose shapes do not fit.', 'ERR_SHAPE');
    const [yes, no] = [pairsOf(condition, a, shape), pairsOf(condition, b, shape)];
    return known(
      a.type === 'integer' && b.type === 'integer' ? 'integer' : 'float',
      shape,
      yes.map(([truth, value], i) => (truth === 0 ? no[i][1] : value)),
    );
  }
  const { ids, batch } = aligned(
    l,
    [condition, a, b].map((value) => l.toArray(value)),
  );
  return l.result(select(l.g, ids[0], ids[1], ids[2]), batch);
}

function clip(l: Lowering): Value {
  const x = l.array(0);
  const bound = (position: number) => {
    if (!l.has(position)) return undefined;
    const [value, ...more] = l.numbers(position);
    return more.length === 0 ? value : l.fail('has a bound that is not one number.', 'ERR_FORMAT');
  };
  const [low, high] = [bound(1), bound(2)];
  return l.result(clipped(l, x, low, high), x.batch);
}

function clipped(l: Lowering, { id }: ArrayValue, low: number | undefined, high: number | undefined): ValueId {
  if (low !== undefined && high !== undefined) return clamp(l.g, id, low, high);
  if (low !== undefined) return larger(l, id, l.g.constant(low));
  return high === undefined ? id : smaller(l, id, l.g.constant(high));
}

export const comparisonOperators: Readonly<Record<string, OperatorRule>> = {
  Greater: binary((a, b) => a > b, greater),
  Less: binary(
    (a, b) => a < b,
    (l, a, b) => greater(l, b, a),
  ),
  GreaterOrEqual: binary(
    (a, b) => a >= b,
    (l, a, b) => notGreater(l, b, a),
  ),
  LessOrEqual: binary((a, b) => a <= b, notGreater),
  Equal: binary(
    (a, b) => a === b,
    (l, a, b) => both(l, notGreater(l, a, b), notGreater(l, b, a)),
  ),
  And: binary((a, b) => a !== 0 && b !== 0, both),
  Or: binary(
    (a, b) => a !== 0 || b !== 0,
    (l, a, b) => not(l, both(l, not(l, a), not(l, b))),
  ),
  Not: { lower: negation },
  Where: { lower: where },
  Max: extremum(larger),
  Min: extremum(smaller),
  Clip: { lower: clip },
};
