/** @file Plans: which values are computed with the ReLU's derivative that alone reads them, and what late leaves change. */

import { evaluate, GraphBuilder, loadRuntime, primitives as p, type ValueId } from 'tangedge';
import { expect, test } from 'vitest';
import { Execution } from '../../src/graph/execution.ts';
import { planProgram } from '../../src/graph/program.ts';
import { uniform } from '../oracle/numbers.ts';

const rt = await loadRuntime();

/** The outputs of a graph over the condition x and the input gradient of a convolution. */
type Make = (g: GraphBuilder, values: { readonly x: ValueId; readonly gradient: ValueId }) => readonly ValueId[];

const WINDOW = { strides: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;

/** Of 2 examples and as many cotangents each, which are zero where z is. */
function gradientGraph(make: Make, cotangents = 5) {
  const g = new GraphBuilder();
  const [x, z, y, k] = [g.input('x', [16, 3, 3]), g.input('z', [2, 3, 3]), g.input('y', [2, 3, 3]), g.parameter('k', [2, 16, 1, 1])];
  const gradient = p.convTranspose2d(g, p.gate(g, z, y), k, WINDOW, [0, 0]);
  const graph = g.build(make(g, { x, gradient }));
  const batch = new Map([
    [x, 2],
    [z, 2],
    [y, 2 * cotangents],
  ]);
  return { graph, x, gradient, program: planProgram(graph, { dtype: 'f64', batch }) };
}

test('a gradient that the derivative of a ReLU alone reads is computed with it, and takes no memory of its own', () => {
  const { graph, x, gradient, program } = gradientGraph((g, { x, gradient }) => [p.gate(g, x, gradient)]);
  const [gated] = graph.outputs;
  expect(program.wanted[gradient]).toBe(x);
  expect(program.offset[gated]).toBe(program.offset[gradient]);
  expect(program.steps.flat()).not.toContain(gated);
  const of = (seed: number, shape: number[]) => ({
    shape,
    data: uniform(
      seed,
      shape.reduce((a, b) => a * b),
    ),
  });
  const bindings = { x: of(1, [2, 16, 3, 3]), z: of(2, [2, 2, 3, 3]), y: of(3, [10, 2, 3, 3]), k: of(4, [2, 16, 1, 1]) };
  const [found] = evaluate(rt, graph, bindings);
  const [ungated] = evaluate(rt, gradientGraph((_, { gradient }) => [gradient]).graph, bindings);
  const expected = ungated.data.map((value, i) => (bindings.x.data[i % bindings.x.data.length] > 0 ? value : 0));
  expect(found.data).toEqual(expected);
});

test.each<[string, Make]>([
  ['an output', (g, { x, gradient }) => [p.gate(g, x, gradient), gradient]],
  ['read by another node', (g, { x, gradient }) => [p.add(g, p.gate(g, x, gradient), gradient)]],
  ['behind a leaky ReLU', (g, { x, gradient }) => [p.gate(g, x, gradient, 0.1)]],
  ['itself the condition', (g, { x, gradient }) => [p.gate(g, gradient, x)]],
  ['before its condition', (g, { x, gradient }) => [p.gate(g, p.affine(g, x, 2, 1), gradient)]],
])('one that is %s is computed without', (_, make) => {
  const { program, gradient } = gradientGraph(make);
  expect(program.wanted[gradient]).toBe(-1);
});

test('so is one of too few cotangents for leaving zeros out', () => {
  const { program, gradient } = gradientGraph((g, { x, gradient }) => [p.gate(g, x, gradient)], 3);
  expect(program.wanted[gradient]).toBe(-1);
});

test('what depends on late leaves and on no input stays while inputs change', () => {
  const g = new GraphBuilder();
  const [x, s, w] = [g.input('x', [2]), g.input('s', [2]), g.parameter('w', [2])];
  const scaled = p.mul(g, s, w);
  const product = p.mul(g, x, scaled);
  const graph = g.build([product]);
  const batch = new Map([
    [x, 1],
    [s, 1],
  ]);
  const program = planProgram(graph, { dtype: 'f64', batch, late: new Set([s]) });
  expect(program.steps).toEqual([[], [], [scaled], [product]]);
  rt.arena.frame(() => {
    const execution = new Execution(rt, program);
    execution.bind(w, Float64Array.of(2, 3));
    execution.bind(s, Float64Array.of(5, 7));
    execution.run(2);
    for (const value of [1, 10]) {
      execution.bind(x, Float64Array.of(value, -value));
      execution.run(1);
      execution.run(3);
      expect([...execution.view(product)]).toEqual([10 * value, -21 * value]);
    }
  });
});
