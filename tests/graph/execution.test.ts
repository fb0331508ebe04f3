/** @file Evaluation: planned memory never changes a value, estimates bound what is used, batches repeat, errors. */

import fc from 'fast-check';
import { estimate, evaluate, type Graph, GraphBuilder, jvp, loadRuntime, primitives as p, TangedgeError, type Tensor, vjp } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { randomTensor } from '../ntk/networks.ts';

const rt = await loadRuntime();

/** A random graph over two inputs and a parameter, all [3, 4], and every node as an output of a second one. */
function randomGraph(choices: readonly { readonly op: number; readonly a: number; readonly b: number }[]): { last: Graph; all: Graph } {
  const g = new GraphBuilder();
  const values = [g.input('x', [3, 4]), g.input('y', [3, 4]), g.parameter('w', [3, 4])];
  for (const { op, a, b } of choices) {
    const [x, y] = [values[a % values.length], values[b % values.length]];
    const made = [
      () => p.add(g, x, y),
      () => p.mul(g, x, y),
      () => p.unary(g, 'tanh', x),
      () => p.affine(g, x, 0.5, 0.25),
      () => p.reshape(g, p.unary(g, 'sigmoid', p.reshape(g, x, [12])), [3, 4]),
      () => p.transpose(g, p.reshape(g, x, [4, 3]), [1, 0]),
      () => p.slice(g, p.concat(g, [x, y], 0), [2, 0], [5, 4]),
    ][op % 7]();
    values.push(made);
  }
  const ids = values.slice(3);
  return { last: g.build([values[values.length - 1]]), all: g.build([...ids, values[values.length - 1]]) };
}

test('a value is the same whether its operands are kept or their memory is used again', () => {
  const step = fc.record({ op: fc.nat(6), a: fc.nat(40), b: fc.nat(40) });
  const bindings = { x: randomTensor(1, [2, 3, 4]), y: randomTensor(2, [2, 3, 4]), w: randomTensor(3, [3, 4]) };
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const { last, all } = randomGraph(steps);
      const [planned] = evaluate(rt, last, bindings);
      const kept = evaluate(rt, all, bindings);
      expect(planned).toEqual(kept[kept.length - 1]);
    }),
    { numRuns: 200, seed: 5 },
  );
});

test('estimate: bytes are enough for the evaluation, and far less than keeping every value', async () => {
  const g = new GraphBuilder();
  let x = g.input('x', [1000]);
  const w = g.parameter('w', [1000, 1000]);
  for (let i = 0; i < 20; i++) x = p.unary(g, 'tanh', p.dense(g, x, w));
  const graph = g.build([x]);
  const { bytes, flops } = estimate(rt, graph, 8);
  const exact = await loadRuntime({ memoryLimit: bytes });
  const bindings = { x: randomTensor(1, [8, 1000]), w: randomTensor(2, [1000, 1000], 0.05) };
  expect(evaluate(exact, graph, bindings)).toEqual(evaluate(rt, graph, bindings));
  expect(flops).toBeGreaterThanOrEqual(20 * 2 * 8 * 1e6);
  expect(flops).toBeLessThan(1.1 * 20 * 2 * 8 * 1e6);
  const weights = 8e6;
  const scratch = rt.f64.gemmScratchBytes(8, 1000, 1000);
  expect(bytes).toBeLessThan(weights + 5 * 8 * 8000 + scratch + 65536);
});

test('memory limit: both numbers, before anything is allocated', async () => {
  const small = await loadRuntime({ memoryLimit: 10_000 });
  const g = new GraphBuilder();
  const graph = g.build([p.unary(g, 'exp', g.input('x', [10_000]))]);
  const run = () => evaluate(small, graph, { x: randomTensor(1, [1, 10_000]) });
  expect(run).toThrow(TangedgeError);
  expect(run).toThrow(/\d+ bytes .* the limit is 10000/);
  expect(small.arena.peakBytes).toBe(0);
});

describe('batches', () => {
  test('an operand with fewer entries repeats: entry b reads entry b mod n', () => {
    const g = new GraphBuilder();
    const graph = g.build([p.mul(g, g.input('x', [2]), g.input('d', [2]))]);
    const x: Tensor = { shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) };
    const d: Tensor = { shape: [4, 2], data: Float64Array.of(1, 1, 1, 1, 10, 10, 10, 10) };
    expect([...evaluate(rt, graph, { x, d })[0].data]).toEqual([1, 2, 3, 4, 10, 20, 30, 40]);
  });

  test('batches that do not divide each other are refused', () => {
    const g = new GraphBuilder();
    const graph = g.build([p.mul(g, g.input('x', [1]), g.input('d', [1]))]);
    expect(() => evaluate(rt, graph, { x: randomTensor(1, [2, 1]), d: randomTensor(2, [3, 1]) })).toThrow(/batches of 2 and 3/);
  });
});

test('a leaf without a binding is named', () => {
  const g = new GraphBuilder();
  const graph = g.build([p.add(g, g.parameter('a', [1]), g.parameter('b', [1]))]);
  expect(() => evaluate(rt, graph, { a: randomTensor(1, [1]) })).toThrow(/'b'/);
});

test('equal nodes are made once', () => {
  const g = new GraphBuilder();
  const [x, y] = [g.input('x', [3]), g.parameter('y', [3])];
  expect(p.add(g, x, y)).toBe(p.add(g, x, y));
  expect(p.affine(g, x, 2, 0)).not.toBe(p.affine(g, x, 2, 1));
  expect(g.constant(0)).toBe(g.constant(0));
  expect(g.constant(0)).not.toBe(g.constant(-0));
});

test('the training gradient of a loss, summed over the batch, is the sum of per-example gradients', () => {
  const g = new GraphBuilder();
  const [x, w] = [g.input('x', [3]), g.parameter('w', [2, 3])];
  const y = p.unary(g, 'tanh', p.dense(g, x, w));
  const graph = g.build([p.sum(g, p.mul(g, y, y), [0])]);
  const bindings = { x: randomTensor(1, [5, 3]), w: randomTensor(2, [2, 3]), 'cotangent:0': { shape: [5], data: new Float64Array(5).fill(1) } };
  const [, summed] = evaluate(rt, vjp(graph, [w]).graph, bindings);
  const [, each] = evaluate(rt, vjp(graph, [w], { shared: 'per-example' }).graph, bindings);
  expect(summed.shape).toEqual([2, 3]);
  expect(each.shape).toEqual([5, 2, 3]);
  summed.data.forEach((value, i) => {
    const total = [0, 1, 2, 3, 4].reduce((sum, n) => sum + each.data[n * 6 + i], 0);
    expect(Math.abs(value - total)).toBeLessThan(1e-14);
  });
});

test('derivatives that are zero or equal for all examples keep the shape of what they belong to', () => {
  const g = new GraphBuilder();
  const [x, w] = [g.input('x', [2]), g.parameter('w', [2])];
  const graph = g.build([p.add(g, x, w)]);
  const bindings = { x: randomTensor(1, [3, 2]), w: randomTensor(2, [2]), 'tangent:0': randomTensor(3, [2]) };
  const [, tangent] = evaluate(rt, jvp(graph, [w]).graph, bindings);
  expect(tangent.shape).toEqual([3, 2]);
  const constant = new GraphBuilder();
  const input = constant.input('x', [2]);
  const flat = constant.build([p.gate(constant, input, constant.constant(1, [2]))]);
  const [, zero] = evaluate(rt, vjp(flat, [input]).graph, { x: randomTensor(1, [3, 2]), 'cotangent:0': randomTensor(2, [3, 2]) });
  expect(zero).toEqual({ shape: [3, 2], data: new Float64Array(6) });
});
