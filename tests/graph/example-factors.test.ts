/** @file Chains of products of cotangents with values of the example: the same values, one product a chain, one a time step's gates. */

import fc from 'fast-check';
import { evaluate, GraphBuilder, loadRuntime, primitives, type ValueId } from 'tangedge';
import { expect, test } from 'vitest';
import { gatherExampleFactors } from '../../src/graph/example-factors.ts';
import { uniform } from '../oracle/numbers.ts';

const rt = await loadRuntime();
const { add, affine, concat, dense, mul, reshape } = primitives;
const [EXAMPLES, OUTPUTS, WIDTH] = [3, 2, 4];

/** A sweep's leaves: x of the examples, a seed of every output and example, and a shared weight. */
function leaves() {
  const g = new GraphBuilder();
  return { g, x: g.input('x', [WIDTH]), seed: g.input('seed', [WIDTH]), weight: g.parameter('weight', [WIDTH, WIDTH]) };
}

function evaluateAll(g: GraphBuilder, values: readonly ValueId[]) {
  const tensor = (seed: number, shape: number[]) => ({
    shape,
    data: uniform(
      seed,
      shape.reduce((a, b) => a * b, 1),
    ),
  });
  return evaluate(rt, g.build(values), {
    x: tensor(1, [EXAMPLES, WIDTH]),
    seed: tensor(2, [OUTPUTS * EXAMPLES, WIDTH]),
    weight: tensor(3, [WIDTH, WIDTH]),
  });
}

/** How many nodes of an op that depend on the seed the values need. */
function lateNodes(g: GraphBuilder, seed: ValueId, values: readonly ValueId[], op: string): number {
  const { nodes } = g.build(values);
  const late: boolean[] = [];
  for (const { inputs } of nodes) late.push(late.length === seed || inputs.some((input) => late[input]));
  const needed = new Set(values);
  for (let id = nodes.length - 1; id >= 0; id--) if (needed.has(id)) for (const input of nodes[id].inputs) needed.add(input);
  return nodes.filter((node, id) => needed.has(id) && late[id] && node.op === op).length;
}

test('any values of a sweep stay what they are', () => {
  // Every step makes a value of those before it; the kept ones are drawn last.
  const step = fc.record({ op: fc.constantFrom('times', 'plus', 'scale', 'shift', 'join', 'through', 'weigh'), a: fc.nat(), b: fc.nat() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 14 }), fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (steps, picks) => {
      const { g, x, seed, weight } = leaves();
      const [early, late] = [[x, affine(g, x, 0.5, 1), mul(g, x, x)], [seed]];
      for (const { op, a, b } of steps) {
        const [c, d, f] = [late[a % late.length], late[b % late.length], early[b % early.length]];
        if (op === 'times') late.push(b % 2 ? mul(g, c, f) : mul(g, f, c));
        if (op === 'plus') late.push(add(g, c, d));
        if (op === 'scale') late.push(affine(g, c, -0.5, 0));
        if (op === 'shift') late.push(affine(g, c, 1, 0.25));
        // Two side by side, and back to the width by a weight for both.
        if (op === 'join') late.push(dense(g, concat(g, [c, d], 0), concat(g, [weight, affine(g, weight, 2, 0)], 1)));
        if (op === 'through') late.push(dense(g, c, weight));
        if (op === 'weigh') late.push(reshape(g, mul(g, reshape(g, c, [1, WIDTH]), reshape(g, f, [1, WIDTH])), [WIDTH]));
      }
      const kept = picks.map((pick) => late[pick % late.length]);
      const before = evaluateAll(g, kept);
      const after = evaluateAll(g, gatherExampleFactors(g, x, seed, kept));
      before.forEach(({ data }, index) => {
        const scale = Math.max(...data.map(Math.abs));
        data.forEach((value, i) => void expect(Math.abs(after[index].data[i] - value)).toBeLessThanOrEqual(1e-13 * scale));
      });
    }),
    { numRuns: 300 },
  );
});

test('of a chain, one product for each output is left', () => {
  const { g, x, seed, weight } = leaves();
  const chain = mul(g, affine(g, mul(g, mul(g, dense(g, seed, weight), x), affine(g, x, 1, 1)), -1, 0), mul(g, x, x));
  expect(lateNodes(g, seed, [chain], 'mul')).toBe(3);
  const [gathered] = gatherExampleFactors(g, x, seed, [chain]);
  expect(lateNodes(g, seed, [gathered], 'mul')).toBe(1);
  expect(lateNodes(g, seed, [gathered], 'affine')).toBe(0);
});

test('a single product, and one with a weight alone, stay the same nodes', () => {
  const { g, x, seed, weight } = leaves();
  const values = [mul(g, dense(g, seed, weight), x), mul(g, dense(g, mul(g, seed, x), weight), x)];
  expect(gatherExampleFactors(g, x, seed, values)).toEqual(values);
});

test('gates of several steps: a product each, and one for all steps together, without a copy of a gate', () => {
  const { g, x, seed, weight } = leaves();
  const gates = (c: ValueId) => concat(g, [mul(g, c, x), mul(g, mul(g, c, x), x), mul(g, c, affine(g, x, -1, 1))], 0);
  const steps: ValueId[] = [];
  let c = dense(g, seed, weight);
  for (let t = 0; t < 3; t++) {
    steps.push(gates(c));
    c = dense(g, steps[t], concat(g, [weight, weight, weight], 1));
  }
  const together = concat(
    g,
    steps.map((id) => reshape(g, id, [1, 3 * WIDTH])),
    0,
  );
  const values = [together, c];
  const [before, gathered] = [evaluateAll(g, values), gatherExampleFactors(g, x, seed, values)];
  evaluateAll(g, gathered).forEach(({ data }, index) => void expect([...data]).toEqual([...before[index].data].map((v) => expect.closeTo(v, 9))));
  expect(lateNodes(g, seed, values, 'mul')).toBe(9);
  expect(lateNodes(g, seed, gathered, 'mul')).toBe(3 + 1);
  expect(lateNodes(g, seed, gathered, 'concat')).toBe(1);
});
