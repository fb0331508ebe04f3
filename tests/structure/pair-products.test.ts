/** @file The build's pass over the text of the modules: products before their additions, with the same meaning. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pairProducts } from '../../scripts/pair-products.mjs';

/** s ← s + x·y, as asc writes it. */
const statement = (sum: string, x: string, y: string): string[] =>
  [`local.get ${sum}`, x, y, 'f32x4.mul', 'f32x4.add', `local.set ${sum}`].map((line) => `  ${line}`);

/** What the locals hold after a text of local.get, local.tee, local.set, mul and add, from integers: exact in any order. */
function run(text: string): Map<string, number> {
  const locals = new Map(Array.from({ length: 8 }, (_, i) => [`$${i}`, i + 2]));
  const stack: number[] = [];
  for (const line of text
    .split('\n')
    .map((each) => each.trim())
    .filter((each) => each !== '')) {
    const [instruction = '', local = ''] = line.split(' ');
    if (instruction === 'local.get') stack.push(locals.get(local) as number);
    else if (instruction === 'local.tee') locals.set(local, stack.at(-1) as number);
    else if (instruction === 'local.set') locals.set(local, stack.pop() as number);
    else {
      const [right, left] = [stack.pop() as number, stack.pop() as number];
      stack.push(instruction.endsWith('mul') ? (left * right) % 65521 : (left + right) % 65521);
    }
  }
  expect(stack).toEqual([]);
  return locals;
}

describe('pairProducts', () => {
  test('puts the products of two statements before their additions', () => {
    const text = ['$0', '$1'].flatMap((sum) => statement(sum, 'local.get $2', 'local.get $3')).join('\n');
    expect(
      pairProducts(text, 2)
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      ...['local.get $2', 'local.get $3', 'f32x4.mul', 'local.get $2', 'local.get $3', 'f32x4.mul'],
      ...['local.get $1', 'f32x4.add', 'local.set $1', 'local.get $0', 'f32x4.add', 'local.set $0'],
    ]);
  });

  test('leaves alone what is no such group: a sum read by the next product, the same sum twice, statements apart', () => {
    const texts = [
      [...statement('$0', 'local.get $2', 'local.get $3'), ...statement('$1', 'local.get $0', 'local.get $3')],
      [...statement('$0', 'local.get $2', 'local.get $3'), ...statement('$0', 'local.get $2', 'local.get $3')],
      [...statement('$0', 'local.get $2', 'local.get $3'), '  nop', ...statement('$1', 'local.get $2', 'local.get $3')],
    ];
    for (const text of texts.map((lines) => lines.join('\n'))) expect(pairProducts(text, 2)).toBe(text);
  });

  test('keeps the meaning of any sequence of statements', () => {
    const local = fc.integer({ min: 0, max: 7 }).map((i) => `$${i}`);
    const operand = fc.tuple(local, fc.option(local)).map(([get, tee]) => [`local.get ${get}`, ...(tee === null ? [] : [`local.tee ${tee}`])]);
    const any = fc
      .tuple(local, operand, operand)
      .map(([sum, x, y]) => [`local.get ${sum}`, ...x, ...y, 'f64x2.mul', 'f64x2.add', `local.set ${sum}`]);
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), fc.constantFrom(2, 4), (statements, group) => {
        const text = statements.flat().join('\n');
        expect(run(pairProducts(text, group))).toEqual(run(text));
      }),
    );
  });
});
