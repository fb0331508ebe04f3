/** @file Einsum of two operands, each letter once per operand: transposes, one product of stacked matrices, a transpose back. */

import { sizeOf } from '../../../core/tensor.ts';
import type { ValueId } from '../../../graph/graph.ts';
import { dense, reshape, sum, transpose } from '../../../graph/primitives/table.ts';
import { isMerged } from '../batch-axis.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';
import { stackedProduct } from './matrix.ts';

/** An operand, and the letters of the axes of its graph value, the batch left out. */
interface Labelled {
  readonly id: ValueId;
  readonly letters: readonly string[];
}

function einsum(l: Lowering): Value {
  const equation = l.string('equation', '').replace(/\s/g, '');
  const match = /^([A-Za-z]*),([A-Za-z]*)->([A-Za-z]*)$/.exec(equation);
  const terms = match?.slice(1).map((term) => [...term]);
  if (terms === undefined || l.inputCount !== 2 || terms.some((term) => new Set(term).size !== term.length)) {
    return l.fail(`computes ${JSON.stringify(equation.slice(0, 60))}; two operands with each letter once, as in "bhid,bhjd->bhij", are supported.`);
  }
  const [ofA, ofB, out] = terms;
  const values = [l.array(0), l.array(1)];
  const batchLetter = batchOf(l, values, [ofA, ofB], out);
  const own = (letters: readonly string[]) => letters.filter((letter) => letter !== batchLetter);
  const [a, b] = values.map(({ id }, i): Labelled => {
    const letters = own([ofA, ofB][i]);
    if (letters.length !== l.g.shapeOf(id).length) return l.fail(`has an equation that does not fit operand ${i}.`, 'ERR_SHAPE');
    return { id, letters };
  });
  const kept = own(out);
  if (kept.some((letter) => !a.letters.includes(letter) && !b.letters.includes(letter))) l.fail('makes an axis that no operand has.', 'ERR_FORMAT');
  const result = contract(l, summed(l, a, [...b.letters, ...kept]), summed(l, b, [...a.letters, ...kept]), kept);
  return l.result(result, batchLetter === undefined ? undefined : { axis: out.indexOf(batchLetter), outer: 1, inner: 1 });
}

/** The letter of the batch: the same in every operand that has one, and kept. */
function batchOf(l: Lowering, values: readonly ArrayValue[], terms: readonly (readonly string[])[], out: readonly string[]): string | undefined {
  const letters = values.flatMap(({ batch }, i) => (batch === undefined ? [] : [terms[i][batch.axis]]));
  const [letter] = letters;
  if (letter === undefined) return undefined;
  const apart =
    letters.every((other) => other === letter) &&
    out.includes(letter) &&
    values.every(({ batch }, i) => (batch === undefined ? !terms[i].includes(letter) : !isMerged(batch)));
  return apart ? letter : l.fail('multiplies or sums values of different examples: every example must be computed by itself.');
}

/** Sums over the axes that nothing else names. */
function summed(l: Lowering, { id, letters }: Labelled, named: readonly string[]): Labelled {
  const axes = letters.flatMap((letter, axis) => (named.includes(letter) ? [] : [axis]));
  return axes.length === 0 ? { id, letters } : { id: sum(l.g, id, axes), letters: letters.filter((letter) => named.includes(letter)) };
}

function contract(l: Lowering, a: Labelled, b: Labelled, out: readonly string[]): ValueId {
  const stacked = a.letters.filter((letter) => b.letters.includes(letter) && out.includes(letter));
  const inner = a.letters.filter((letter) => b.letters.includes(letter) && !out.includes(letter));
  const rows = a.letters.filter((letter) => !b.letters.includes(letter));
  const columns = b.letters.filter((letter) => !a.letters.includes(letter));
  const extentOf = (letter: string) => {
    const [inA, inB] = [a, b].map(({ id, letters }) => l.g.shapeOf(id)[letters.indexOf(letter)]);
    if (inA !== undefined && inB !== undefined && inA !== inB) l.fail(`has ${inA} and ${inB} entries for the letter ${letter}.`, 'ERR_SHAPE');
    return inA ?? inB;
  };
  const extents = (letters: readonly string[]) => letters.map(extentOf);
  const arranged = ({ id, letters }: Labelled, order: readonly (readonly string[])[], leading: readonly number[]) =>
    reshape(
      l.g,
      transpose(
        l.g,
        id,
        order.flat().map((letter) => letters.indexOf(letter)),
      ),
      [...leading, ...order.slice(order.length - 2).map((group) => sizeOf(extents(group)))],
    );
  const made = [...stacked, ...rows, ...columns];
  const shape = extents(made);
  let product: ValueId;
  if (stacked.length === 0 && !l.g.isBatched(b.id)) {
    // A weight: one site whose positions are the rows.
    product = dense(l.g, arranged(a, [rows, inner], []), arranged(b, [columns, inner], []));
  } else {
    const leading = [sizeOf(extents(stacked))];
    product = stackedProduct(l, arranged(a, [stacked, rows, inner], leading), arranged(b, [stacked, inner, columns], leading));
  }
  return transpose(
    l.g,
    reshape(l.g, product, shape),
    out.map((letter) => made.indexOf(letter)),
  );
}

export const einsumOperators: Readonly<Record<string, OperatorRule>> = {
  Einsum: { attributes: ['equation'], lower: einsum },
};
