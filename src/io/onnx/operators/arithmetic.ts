/** @file Add, Sub, Mul, Div, Pow and the functions of one variable. */

import type { ValueId } from '../../../graph/graph.ts';
import { add, affine, div, elu, integerPower, leakyRelu, mul, reshape, sub, type UnaryOp, unary } from '../../../graph/primitives/index.ts';
import { type Arithmetic, formatExtents } from '../extent.ts';
import { combineKnown } from '../known.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, KnownValue, Value } from '../value.ts';

const nodes = { Add: add, Sub: sub, Mul: mul, Div: div } as const;

const arithmetic = (operation: Arithmetic): OperatorRule => ({
  lower: (l) => {
    // A scaled weight must stay a scaling of its parameter, so stored values become parameters before numbers are looked for.
    const [a, b] = [l.value(0), l.value(1)].map((value) => (value.kind === 'stored' ? l.toArray(value) : value));
    if (a.kind === 'known' && b.kind === 'known') {
      return (
        combineKnown(operation, a, b) ??
        l.fail(`cannot combine ${formatExtents(a.elements)} and ${formatExtents(b.elements)} at import (N is the batch size).`)
      );
    }
    return withNumber(l, operation, a, b) ?? withArray(l, operation, l.toArray(a), l.toArray(b));
  },
});

/** x ∘ number and number ∘ x as scale·x + shift; undefined for anything else. */
function withNumber(l: Lowering, operation: Arithmetic, a: Value, b: Value): Value | undefined {
  const [numberA, numberB] = [singleNumber(a), singleNumber(b)];
  if (numberB !== undefined && a.kind === 'array' && rankOfKnown(b) <= l.rankOf(a)) return scaled(l, a, afterwards(operation, numberB));
  if (numberA === undefined || b.kind !== 'array' || rankOfKnown(a) > l.rankOf(b) || operation === 'Div') return undefined;
  return scaled(l, b, operation === 'Sub' ? [-1, numberA] : afterwards(operation, numberA));
}

function scaled(l: Lowering, x: ArrayValue, [scale, shift]: readonly [number, number]): Value {
  if (!Number.isFinite(scale) || !Number.isFinite(shift))
    l.fail(`computes ${scale}·x + ${shift}, which is not finite.`, 'ERR_DOMAIN', { scale, shift });
  return l.result(affine(l.g, x.id, scale, shift), x.batched);
}

/** [scale, shift] of x ∘ number. */
function afterwards(operation: Arithmetic, number: number): readonly [number, number] {
  switch (operation) {
    case 'Add':
      return [1, number];
    case 'Sub':
      return [1, -number];
    case 'Mul':
      return [number, 0];
    case 'Div':
      return [1 / number, 0];
    default:
      return operation satisfies never;
  }
}

function singleNumber(value: Value): number | undefined {
  const single = value.kind === 'known' && value.elements.length === 1 ? value.elements[0] : undefined;
  return typeof single === 'number' ? single : undefined;
}

function rankOfKnown(value: Value): number {
  return (value as KnownValue).shape.length;
}

function withArray(l: Lowering, operation: Arithmetic, a: ArrayValue, b: ArrayValue): Value {
  const [left, right] = alignBatch(l, a, b);
  return l.result(nodes[operation](l.g, left, right), a.batched || b.batched);
}

/**
 * Operands whose axes match once the batch axis is implicit. In the file axes match from the right, so the batch must be
 * the first axis of the longer shape: two batched operands need equal ranks, and a shared one may reach it only with extent 1.
 */
export function alignBatch(l: Lowering, a: ArrayValue, b: ArrayValue): readonly [ValueId, ValueId] {
  if (a.batched === b.batched) {
    if (a.batched && l.rankOf(a) !== l.rankOf(b)) l.fail('would match the batch axis of one operand with another axis of the other.');
    return [a.id, b.id];
  }
  return a.batched ? [a.id, withoutBatchAxis(l, b, l.rankOf(a))] : [withoutBatchAxis(l, a, l.rankOf(b)), b.id];
}

function withoutBatchAxis(l: Lowering, shared: ArrayValue, rank: number): ValueId {
  const shape = l.shapeOf(shared);
  if (shape.length < rank) return shared.id;
  if (shape.length > rank) l.fail(`meets a stored array of ${shape.length} axes with a value of ${rank}, which moves the batch from axis 0.`);
  if (shape[0] !== 1) l.fail(`would give each example of a batch its own entry of a stored array of ${shape[0]}; export with an open batch.`);
  return reshape(l.g, shared.id, shape.slice(1));
}

const elementwise = (op: UnaryOp): OperatorRule => ({ lower: (l) => apply(l, (x) => unary(l.g, op, x)) });

function apply(l: Lowering, f: (x: ValueId) => ValueId): Value {
  const x = l.array(0);
  return l.result(f(x.id), x.batched);
}

/** Whole exponents by multiplication; ½ and −½ by square roots; others need a logarithm, which is not defined for x ≤ 0. */
function power(l: Lowering): Value {
  const exponent = singleNumber(l.toKnown(l.value(1)) ?? l.value(1));
  if (exponent === undefined || rankOfKnown(l.known(1)) > l.rankOf(l.array(0))) return l.fail('has an exponent that is not one constant number.');
  const one = () => l.g.constant(1);
  return apply(l, (x) => {
    if (Number.isInteger(exponent) && exponent >= 1 && exponent <= 64) return integerPower(l.g, x, exponent);
    if (Number.isInteger(exponent) && exponent <= -1 && exponent >= -64) return div(l.g, one(), integerPower(l.g, x, -exponent));
    if (exponent === 0.5) return unary(l.g, 'sqrt', x);
    if (exponent === -0.5) return div(l.g, one(), unary(l.g, 'sqrt', x));
    return l.fail(`has the exponent ${exponent}; whole numbers from −64 to 64 but 0, and ±0.5, are supported.`);
  });
}

export const arithmeticOperators: Readonly<Record<string, OperatorRule>> = {
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Mul: arithmetic('Mul'),
  Div: arithmetic('Div'),
  Pow: { lower: power },
  Neg: { lower: (l) => apply(l, (x) => affine(l.g, x, -1, 0)) },
  Sqrt: elementwise('sqrt'),
  Exp: elementwise('exp'),
  Log: elementwise('log'),
  Erf: elementwise('erf'),
  Tanh: elementwise('tanh'),
  Sigmoid: elementwise('sigmoid'),
  Relu: elementwise('relu'),
  LeakyRelu: { attributes: ['alpha'], lower: (l) => apply(l, (x) => leakyRelu(l.g, x, l.float('alpha', 0.01))) },
  Elu: { attributes: ['alpha'], lower: (l) => apply(l, (x) => elu(l.g, x, l.float('alpha', 1))) },
};
