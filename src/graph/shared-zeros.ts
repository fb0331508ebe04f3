/**
 * @file Cotangents that are zero at the same places for all outputs: behind a ReLU where the example's unit is off, behind a maximum
 * everywhere but at it. Products leave those terms out (assembly/shared-zeros.ts), with the same bits.
 */

import type { Attributes, ValueId } from './graph.ts';

interface Definition {
  readonly op: string;
  readonly inputs: readonly ValueId[];
  readonly attributes: Attributes;
}

/** Whether a node is a ReLU's derivative: its second operand where the first is > 0, else 0. */
export function isReluDerivative({ op, attributes }: Pick<Definition, 'op' | 'attributes'>): boolean {
  return op === 'gate' && attributes.slope === 0;
}

/** The definition of a value before its elements are moved. */
export function unmoved<T extends Definition>(definitionOf: (id: ValueId) => T, id: ValueId): T {
  const definition = definitionOf(id);
  return ['reshape', 'transpose', 'slice'].includes(definition.op) ? unmoved(definitionOf, definition.inputs[0]) : definition;
}

/** The value whose examples decide where a cotangent is zero; null when nothing is known. */
export function zerosOf(definitionOf: (id: ValueId) => Definition, id: ValueId): ValueId | null {
  const definition = unmoved(definitionOf, id);
  return isReluDerivative(definition) || definition.op === 'maxPoolScatter' ? definition.inputs[0] : null;
}

/** Cotangents of one example from which on leaving terms out pays: five make a tile. */
const LEAST_ROWS = 4;
/** Columns of the other operand from which on it does. */
const LEAST_COLUMNS = 16;

/** Whether a product of `rows` cotangents per example with `columns` columns should leave zeros out. */
export function leavesZerosOut(rows: number, columns: number): boolean {
  return rows >= LEAST_ROWS && columns >= LEAST_COLUMNS;
}
