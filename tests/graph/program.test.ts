/** @file Plans: which values a ReLU's derivative alone reads, and where. */

import { GraphBuilder, primitives as p, type ValueId } from 'tangedge';
import { expect, test } from 'vitest';
import { planProgram } from '../../src/graph/program.ts';

/** gate(x, w·y), or a graph like it, and what the plan says about w·y. */
function wantedOfProduct(make: (g: GraphBuilder, leaves: { x: ValueId; y: ValueId; product: ValueId }) => readonly ValueId[]): {
  x: ValueId;
  wanted: ValueId;
} {
  const g = new GraphBuilder();
  const [x, y, w] = [g.input('x', [3]), g.input('y', [3]), g.parameter('w', [3])];
  const product = p.mul(g, y, w);
  const graph = g.build(make(g, { x, y, product }));
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

test.each([
  ['an output', (g: GraphBuilder, { x, product }: { x: ValueId; product: ValueId }) => [p.gate(g, x, product), product]],
  ['read by another node', (g: GraphBuilder, { x, product }: { x: ValueId; product: ValueId }) => [p.add(g, p.gate(g, x, product), product)]],
  ['behind a leaky ReLU', (g: GraphBuilder, { x, product }: { x: ValueId; product: ValueId }) => [p.gate(g, x, product, 0.1)]],
  ['itself the condition', (g: GraphBuilder, { x, product }: { x: ValueId; product: ValueId }) => [p.gate(g, product, x)]],
  ['before its condition', (g: GraphBuilder, { x, product }: { x: ValueId; product: ValueId }) => [p.gate(g, p.affine(g, x, 2, 1), product)]],
])('one that is %s is wanted everywhere', (_, make) => {
  expect(wantedOfProduct(make).wanted).toBe(-1);
});
