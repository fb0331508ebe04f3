/** @file Add, Sub, Mul, Div, Pow. */

import type { ValueId } from '../../../graph/graph.ts';
import { add, affine, div, integerPower, mul, sub, unary } from '../../../graph/primitives/table.ts';
import { aligned } from '../alignment.ts';
import { type Arithmetic, formatExtents } from '../extent.ts';
import { combineKnown, known } from '../known.ts';
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
  return l.result(affine(l.g, x.id, scale, shift), x.batch);
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

/** The one number of a known value; undefined for lists, and for what depends on N. */
export function singleNumber(value: Value): number | undefined {
  const single = value.kind === 'known' && value.elements.length === 1 ? value.elements[0] : undefined;
  return typeof single === 'number' ? single : undefined;
}

function rankOfKnown(value: Value): number {
  return (value as KnownValue).shape.length;
}

function withArray(l: Lowering, operation: Arithmetic, a: ArrayValue, b: ArrayValue): Value {
  const { ids, batch } = aligned(l, [a, b]);
  return l.result(nodes[operation](l.g, ids[0], ids[1]), batch);
}

/** Whole exponents by multiplication; ½ and −½ by square roots; others need a logarithm, which is not defined for x ≤ 0. */
function power(l: Lowering): Value {
  const base = l.value(0);
  const exponent = singleNumber(l.toKnown(l.value(1)) ?? l.value(1));
  if (exponent === undefined) return l.fail('has an exponent that is not one constant number.');
  if (base.kind === 'known') {
    const powers = l.numbersOf(base).map((value) => knownPower(value, exponent) ?? refuseExponent(l, exponent));
    return known('float', base.shape, powers);
  }
  const x = l.toArray(base);
  if (l.known(1).shape.length > l.rankOf(x)) l.fail('has an exponent with more axes than its base.');
  return l.result(powerOf(l, x.id, exponent), x.batch);
}

function powerOf(l: Lowering, x: ValueId, exponent: number): ValueId {
  if (Number.isInteger(exponent) && exponent >= 1 && exponent <= 64) return integerPower(l.g, x, exponent);
  if (Number.isInteger(exponent) && exponent <= -1 && exponent >= -64) return div(l.g, l.g.constant(1), integerPower(l.g, x, -exponent));
  if (exponent === 0.5) return unary(l.g, 'sqrt', x);
  if (exponent === -0.5) return div(l.g, l.g.constant(1), unary(l.g, 'sqrt', x));
  return refuseExponent(l, exponent);
}

/** By products and square roots alone, which every runtime rounds the same way. */
function knownPower(base: number, exponent: number): number | undefined {
  if (exponent === 0.5 || exponent === -0.5) return exponent > 0 ? Math.sqrt(base) : 1 / Math.sqrt(base);
  if (!Number.isInteger(exponent) || Math.abs(exponent) > 64) return undefined;
  let product = 1;
  for (let i = 0; i < Math.abs(exponent); i++) product *= base;
  return exponent < 0 ? 1 / product : product;
}

function refuseExponent(l: Lowering, exponent: number): never {
  return l.fail(`has the exponent ${exponent}; whole numbers from −64 to 64 but 0, and ±0.5, are supported.`);
}

export const arithmeticOperators: Readonly<Record<string, OperatorRule>> = {
  Add: arithmetic('Add'),
  Sub: arithmetic('Sub'),
  Mul: arithmetic('Mul'),
  Div: arithmetic('Div'),
  Pow: { lower: power },
};
