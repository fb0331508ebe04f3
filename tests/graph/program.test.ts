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

/** The weight gradients of 2 examples, 6 cotangents each. */
type Gradient = (g: GraphBuilder, d: ValueId, x: ValueId) => ValueId;

const dense: Gradient = (g, d, x) => p.denseWeightGradient(g, p.reshape(g, d, [9, 2]), p.reshape(g, x, [9, 2]));
const convolution: Gradient = (g, d, x) => {
  const attributes = {
    kernel: [3, 3],
    strides: [1, 1],
    padding: [1, 1, 1, 1],
    dilation: [1, 1],
    groups: 1,
    image: [2, 3, 3],
    outputs: 2,
    sumBatch: false,
  };
  return g.emit('conv2dWeightGradient', [d, x], attributes);
};
const behindRelu: Gradient = (g, d, x) => convolution(g, p.gate(g, x, d), x);

function placedGraph(make: Gradient, examples: number, also: (g: GraphBuilder, gradient: ValueId) => readonly ValueId[] = () => []) {
  const g = new GraphBuilder();
  const [d, x] = [g.input('d', [2, 3, 3]), g.input('x', [2, 3, 3])];
  const gradient = make(g, d, x);
  const kept = p.reshape(g, gradient, [1, g.shapeOf(gradient).reduce((a, b) => a * b)]);
  const graph = g.build([kept, ...also(g, gradient)]);
  const batch = new Map([
    [d, 12],
    [x, examples],
  ]);
  const plan = (placeable?: readonly ValueId[]) => planProgram(graph, { dtype: 'f64', batch, placeable });
  return { d, x, gradient, kept, program: plan([kept]), usual: plan() };
}

test.each<[string, Gradient, number]>([
  ['dense weight', dense, 2],
  ['dense weight whose inputs are all different', dense, 12],
  ['convolution', convolution, 2],
  ['convolution whose inputs are all different', convolution, 12],
  ['convolution behind a ReLU', behindRelu, 2],
])('rows are written where they are placed, and take no memory of their own: %s', (_, make, examples) => {
  const { d, x, gradient, kept, program, usual } = placedGraph(make, examples);
  expect(program.placed[kept]).toBe(gradient);
  expect(program.valueBytes).toBeLessThan(usual.valueBytes);
  const run = 2;
  const size = program.graph.nodes[kept].shape[1];
  const data = { d: uniform(1, 12 * 18), x: uniform(2, examples * 18) };
  const [step, leap] = [3 * size, 7 * size];
  rt.arena.frame(() => {
    const expected = new Execution(rt, usual);
    const found = new Execution(rt, program);
    const length = 6 * leap;
    const ptr = rt.arena.allocateArray('f64', length);
    const view = () => rt.arena.view('f64', ptr, length);
    for (const execution of [expected, found]) {
      execution.bind(d, data.d);
      execution.bind(x, data.x);
    }
    view().fill(Number.NaN);
    found.place(kept, ptr, { run, step, leap });
    found.run(1);
    expected.run(1);
    const rows = expected.view(kept);
    const spaced = new Float64Array(length).fill(Number.NaN);
    for (let b = 0; b < 12; b++) spaced.set(rows.subarray(b * size, (b + 1) * size), Math.floor(b / run) * leap + (b % run) * step);
    expect(view()).toEqual(spaced);
  });
});

test.each<[string, Gradient, (g: GraphBuilder, gradient: ValueId) => readonly ValueId[]]>([
  ['another node reads', dense, (g, gradient) => [p.affine(g, gradient, 2, 0)]],
  ['is kept under another shape too', dense, (_, gradient) => [gradient]],
  ['is computed by a primitive that writes entries one behind the other', (g, d, x) => p.mul(g, d, x), () => []],
])('a value that %s is not placed', (_, make, also) => {
  const { kept, program, usual } = placedGraph(make, 2, also);
  expect(program.placed[kept]).toBe(-1);
  expect(program.valueBytes).toBe(usual.valueBytes);
});
