/** @file Conformance of every primitive: adjoint identity, finite differences, second and third order. */

import { type Bindings, evaluate, type Graph, GraphBuilder, jvp, loadRuntime, primitives, type Tensor, uniform, vjp } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { type Row, rows } from './conformance-rows.ts';

const rt = await loadRuntime();
const BATCH = 3;
const EPS = 2 ** -52;
const STEPS = [2 ** -5, 2 ** -6, 2 ** -7, 2 ** -8];

/** Distinct values of a leaf, evenly spaced in its interval and at least 1/16 from 0: no step below crosses a kink. */
function leafValue(index: number, shape: readonly number[], shared: boolean, [low, high]: readonly [number, number]): Tensor {
  const full = shared ? [...shape] : [BATCH, ...shape];
  const size = full.reduce((a, b) => a * b, 1);
  const order = Array.from({ length: size }, (_, i) => i).sort((a, b) => uniform(11 + index, 0, a) - uniform(11 + index, 0, b));
  const values = order.map((rank) => {
    const value = low + ((rank + 0.5) / size) * (high - low);
    return Math.abs(value) < 1 / 16 ? 1 / 16 : value;
  });
  return { shape: full, data: Float64Array.from(values) };
}

function direction(stream: number, like: Tensor): Tensor {
  return { shape: like.shape, data: Float64Array.from(like.data, (_, i) => 2 * uniform(7, stream, i) - 1) };
}

const dot = (a: readonly Tensor[], b: readonly Tensor[]) =>
  a.reduce((total, t, k) => total + [...t.data].reduce((sum, value, i) => sum + value * b[k].data[i], 0), 0);
const norm = (a: readonly Tensor[]) => Math.sqrt(dot(a, a));
const moved = (x: readonly Tensor[], v: readonly Tensor[], h: number): Tensor[] =>
  x.map((t, k) => ({ shape: t.shape, data: Float64Array.from(t.data, (value, i) => value + h * v[k].data[i]) }));

interface Case {
  readonly graph: Graph;
  readonly leaves: readonly number[];
  readonly x: readonly Tensor[];
}

/** y = primitive(leaves); `curved` puts e^(0.3·y) on top, so that linear primitives have higher derivatives too. */
function caseOf(row: Row, curved: boolean): Case {
  const g = new GraphBuilder();
  const interval = row.interval ?? [-2.5, 2.5];
  const leaves = row.leaves.map(({ shape, shared }, i) => (shared ? g.parameter(`leaf${i}`, shape) : g.input(`leaf${i}`, shape)));
  const y = row.build(g, leaves);
  const output = curved ? primitives.unary(g, 'exp', primitives.affine(g, y, 0.3, 0)) : y;
  return { graph: g.build([output]), leaves, x: row.leaves.map(({ shape, shared }, i) => leafValue(i, shape, shared ?? false, interval)) };
}

const bindLeaves = (x: readonly Tensor[]): Bindings => Object.fromEntries(x.map((t, i) => [`leaf${i}`, t]));
const bindAs = (prefix: string, t: readonly Tensor[]): Bindings => Object.fromEntries(t.map((value, i) => [`${prefix}:${i}`, value]));

/** J·v */
function tangent({ graph, leaves }: Case, x: readonly Tensor[], v: readonly Tensor[]): Tensor[] {
  const derived = jvp(graph, leaves);
  return evaluate(rt, derived.graph, { ...bindLeaves(x), ...bindAs('tangent', v) }).slice(graph.outputs.length);
}

/** Jᵀ·u */
function cotangent({ graph, leaves }: Case, x: readonly Tensor[], u: Tensor): Tensor[] {
  const derived = vjp(graph, leaves);
  return evaluate(rt, derived.graph, { ...bindLeaves(x), 'cotangent:0': u }).slice(1);
}

/** ∇²⟨u, f⟩·v, by jvp∘vjp. */
function hessianProduct({ graph, leaves }: Case, x: readonly Tensor[], u: Tensor, v: readonly Tensor[]): Tensor[] {
  const gradient = vjp(graph, leaves);
  const only: Graph = { nodes: gradient.graph.nodes, outputs: gradient.graph.outputs.slice(1) };
  const second = jvp(only, leaves);
  return evaluate(rt, second.graph, { ...bindLeaves(x), 'cotangent:0': u, ...bindAs('tangent', v) }).slice(leaves.length);
}

/** ∇³⟨u, f⟩[v, w], by jvp∘jvp∘vjp. */
function thirdProduct({ graph, leaves }: Case, x: readonly Tensor[], u: Tensor, v: readonly Tensor[], w: readonly Tensor[]): Tensor[] {
  const gradient = vjp(graph, leaves);
  const second = jvp({ nodes: gradient.graph.nodes, outputs: gradient.graph.outputs.slice(1) }, leaves);
  const third = jvp({ nodes: second.graph.nodes, outputs: second.graph.outputs.slice(leaves.length) }, leaves, 'again');
  return evaluate(rt, third.graph, { ...bindLeaves(x), 'cotangent:0': u, ...bindAs('tangent', v), ...bindAs('again', w) }).slice(leaves.length);
}

/** ∇³⟨u, f⟩[v, w] once more, with the last derivative in reverse: ∇⟨v, ∇²⟨u, f⟩ w⟩ by vjp∘jvp∘vjp. */
function thirdProductReverse({ graph, leaves }: Case, x: readonly Tensor[], u: Tensor, v: readonly Tensor[], w: readonly Tensor[]): Tensor[] {
  const gradient = vjp(graph, leaves);
  const second = jvp({ nodes: gradient.graph.nodes, outputs: gradient.graph.outputs.slice(1) }, leaves);
  const third = vjp({ nodes: second.graph.nodes, outputs: second.graph.outputs.slice(leaves.length) }, leaves, { prefix: 'again' });
  return evaluate(rt, third.graph, { ...bindLeaves(x), 'cotangent:0': u, ...bindAs('tangent', w), ...bindAs('again', v) }).slice(leaves.length);
}

/** Checks d/dh F(x + h·v) at 0 against `derivative`: exact for multilinear F, error ∝ h² for smooth. */
function checkDifference(kind: Row['kind'], f: (h: number) => Tensor[], derivative: readonly Tensor[]): void {
  const difference = (h: number) => {
    const [plus, minus] = [f(h), f(-h)];
    return plus.map((t, k) => ({ shape: t.shape, data: Float64Array.from(t.data, (value, i) => (value - minus[k].data[i]) / (2 * h)) }));
  };
  const error = (h: number) => norm(moved(difference(h), derivative, -1));
  const scale = norm(derivative) + norm(f(0));
  if (kind === 'multilinear') {
    const h = 2 ** -8;
    expect(error(h)).toBeLessThanOrEqual((100 * EPS * scale) / h);
    return;
  }
  const errors = STEPS.map(error);
  for (let i = 0; i + 1 < errors.length; i++) {
    const floor = (200 * EPS * scale) / STEPS[i + 1];
    if (errors[i + 1] <= floor) continue; // already at rounding
    expect(errors[i] / errors[i + 1], `errors ${errors.join(', ')}`).toBeGreaterThan(3.8);
    expect(errors[i] / errors[i + 1], `errors ${errors.join(', ')}`).toBeLessThan(4.25);
  }
}

test('every primitive has a row', () => {
  expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(primitives.primitiveNames()));
});

for (const row of rows) {
  describe(row.variant ? `${row.name} (${row.variant})` : row.name, () => {
    const plain = caseOf(row, false);
    const curved = caseOf(row, true);
    const [v, w, z] = [1, 2, 3].map((stream) => plain.x.map((t, i) => direction(10 * stream + i, t)));
    const [output] = evaluate(rt, plain.graph, bindLeaves(plain.x));
    const u = direction(99, output);

    test('the graph holds the primitive', () => {
      expect(plain.graph.nodes.some(({ op }) => op === row.name)).toBe(true);
    });

    test('adjoint: ⟨u, Jv⟩ = ⟨Jᵀu, v⟩ within 50·ε·‖u‖·‖Jv‖', () => {
      const jv = tangent(plain, plain.x, v);
      const jtu = cotangent(plain, plain.x, u);
      const size = norm([u]) * norm(jv) + norm(jtu) * norm(v);
      expect(Math.abs(dot([u], jv) - dot(jtu, v))).toBeLessThanOrEqual(50 * EPS * size);
    });

    test('jvp is the limit of central differences', () => {
      checkDifference(row.kind, (h) => evaluate(rt, plain.graph, bindLeaves(moved(plain.x, v, h))), tangent(plain, plain.x, v));
    });

    test('second order: jvp∘vjp is the limit of differences of vjp, and symmetric', () => {
      const hv = hessianProduct(curved, curved.x, u, v);
      checkDifference('smooth', (h) => cotangent(curved, moved(curved.x, v, h), u), hv);
      const hw = hessianProduct(curved, curved.x, u, w);
      expect(Math.abs(dot(w, hv) - dot(v, hw))).toBeLessThanOrEqual(200 * EPS * (norm(w) * norm(hv) + norm(v) * norm(hw)));
    });

    test('third order: jvp∘jvp∘vjp is the limit of differences of jvp∘vjp, symmetric, and equal to vjp∘jvp∘vjp', () => {
      const tvw = thirdProduct(curved, curved.x, u, v, w);
      checkDifference('smooth', (h) => hessianProduct(curved, moved(curved.x, w, h), u, v), tvw);
      const tvz = thirdProduct(curved, curved.x, u, v, z);
      const scale = norm(z) * norm(tvw) + norm(w) * norm(tvz);
      expect(Math.abs(dot(z, tvw) - dot(w, tvz))).toBeLessThanOrEqual(400 * EPS * scale);
      const reverse = thirdProductReverse(curved, curved.x, u, v, w);
      expect(norm(moved(tvw, reverse, -1))).toBeLessThanOrEqual(400 * EPS * (norm(tvw) + norm(v) * norm(w)));
    });
  });
}

/** One entry for several consecutive examples: the same as giving every example its own copy. */
describe('entries that serve several examples each', () => {
  for (const row of rows) {
    const batched = row.leaves.map(({ shared }, i) => (shared ? -1 : i)).filter((i) => i >= 0);
    if (batched.length < 2 || row.name === 'sumBatch') continue;
    test.each(batched)(`${row.name}${row.variant ? ` (${row.variant})` : ''}: leaf %i has one entry per block of ${BATCH} examples`, (single) => {
      const { graph, x } = caseOf(row, false);
      const size = x[single].data.length / BATCH;
      const few = { shape: [2, ...x[single].shape.slice(1)], data: x[single].data.slice(0, 2 * size) };
      const copies = {
        shape: [2 * BATCH, ...x[single].shape.slice(1)],
        data: Float64Array.from({ length: 2 * x[single].data.length }, (_, i) => few.data[Math.floor(i / (BATCH * size)) * size + (i % size)]),
      };
      const withLeaf = (leaf: Tensor, each?: Record<string, number>) =>
        evaluate(rt, graph, bindLeaves(x.map((t, i) => (i === single ? leaf : t))), { each });
      const evaluated = () => withLeaf(few, { [`leaf${single}`]: BATCH });
      if (graph.nodes[graph.outputs[0]].batched) expect(evaluated()).toEqual(withLeaf(copies));
      else expect(evaluated).toThrow(/no sum over a batch/);
    });
  }
});

/** Operands with fewer batch entries repeat: the same as giving every entry its own copy. */
describe('smaller batches repeat', () => {
  for (const row of rows) {
    const batched = row.leaves.map(({ shared }, i) => (shared ? -1 : i)).filter((i) => i >= 0);
    if (batched.length < 2 || row.name === 'sumBatch') continue;
    test.each(batched)(`${row.name}${row.variant ? ` (${row.variant})` : ''}: leaf %i with one entry`, (single) => {
      const { graph, x } = caseOf(row, false);
      const first = { shape: [1, ...x[single].shape.slice(1)], data: x[single].data.slice(0, x[single].data.length / BATCH) };
      const copies = {
        shape: x[single].shape,
        data: Float64Array.from({ length: x[single].data.length }, (_, i) => first.data[i % first.data.length]),
      };
      const withLeaf = (leaf: Tensor) => evaluate(rt, graph, bindLeaves(x.map((t, i) => (i === single ? leaf : t))));
      expect(withLeaf(first)).toEqual(withLeaf(copies));
    });
  }
});
