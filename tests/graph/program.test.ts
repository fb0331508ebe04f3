/** @file Plans: which values a ReLU's derivative alone reads, and where. */

import { GraphBuilder, primitives as p, type ValueId } from 'tangedge';
import { expect, test } from 'vitest';
import { planProgram } from '../../src/graph/program.ts';

/** The outputs of a graph over the condition x and the product w·y. */
type Make = (g: GraphBuilder, values: { readonly x: ValueId; readonly product: ValueId }) => readonly ValueId[];

/** x, and what the plan says about w·y. */
function wantedOfProduct(make: Make): { readonly x: ValueId; readonly wanted: ValueId } {
  const g = new GraphBuilder();
  const [x, y, w] = [g.input('x', [3]), g.input('y', [3]), g.parameter('w', [3])];
  const product = p.mul(g, y, w);
  const graph = g.build(make(g, { x, product }));
  const batch = new Map([
    [x, 2],
    [y, 6],
  ]);
  return { x, wanted: planProgram(graph, { dtype: 'f64', batch }).wanted[product] };
}

test('a value that the derivative of a ReLU alone reads is wanted where its condition is', () => {
  const { x, wanted } = wantedOfProduct((g, { x, product }) => [p.gate(g, x, product)]);
  expect(wanted).toBe(x);
});

test.each<[string, Make]>([
  ['an output', (g, { x, product }) => [p.gate(g, x, product), product]],
  ['read by another node', (g, { x, product }) => [p.add(g, p.gate(g, x, product), product)]],
  ['behind a leaky ReLU', (g, { x, product }) => [p.gate(g, x, product, 0.1)]],
  ['itself the condition', (g, { x, product }) => [p.gate(g, product, x)]],
  ['before its condition', (g, { x, product }) => [p.gate(g, p.affine(g, x, 2, 1), product)]],
])('one that is %s is wanted everywhere', (_, make) => {
  expect(wantedOfProduct(make).wanted).toBe(-1);
});
