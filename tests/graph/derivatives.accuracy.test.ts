/** @file First derivatives of the graph, to the last place: f64 against multiprecision series, where they vanish too. */

import { evaluate, GraphBuilder, jvp, loadRuntime, primitives, type Tensor, type ValueId } from 'tangedge';
import { describe, expect, test } from 'vitest';
import * as oracle from '../oracle/multiprecision.ts';
import { generator } from '../oracle/numbers.ts';

const { exactly, ulpError } = oracle;

interface Row {
  readonly name: string;
  readonly f: (g: GraphBuilder, x: ValueId) => ValueId;
  readonly exact: (x: oracle.Real) => oracle.Real;
  readonly from: number;
  readonly to: number;
  /** The double next to a zero of the derivative. */
  readonly zero?: number;
}

const { unary, elu, softplus } = primitives;
const below = (derivative: Row['exact']) => (x: oracle.Real) => (x.n > 0n ? exactly(1) : derivative(x));

// biome-ignore format: a table
const ROWS: readonly Row[] = [
  { name: 'tanh', f: (g, x) => unary(g, 'tanh', x), exact: oracle.sechSquared, from: -380, to: 380 },
  { name: 'sigmoid', f: (g, x) => unary(g, 'sigmoid', x), exact: oracle.sigmoidDerivative, from: -750, to: 750 },
  { name: 'softplus', f: softplus, exact: oracle.sigmoid, from: -750, to: 40 },
  { name: 'expm1', f: (g, x) => unary(g, 'expm1', x), exact: oracle.exp, from: -746, to: 88 },
  { name: 'elu', f: (g, x) => elu(g, x, 1), exact: below(oracle.exp), from: -746, to: 800 },
  { name: 'erf', f: (g, x) => unary(g, 'erf', x), exact: oracle.erfDerivative, from: -28, to: 28 },
  { name: 'silu', f: (g, x) => unary(g, 'silu', x), exact: oracle.siluDerivative, from: -755, to: 40, zero: -1.2784645427610737 },
  { name: 'gelu', f: (g, x) => unary(g, 'gelu', x), exact: oracle.geluDerivative, from: -39, to: 12, zero: -0.7517915246935645 },
];

const rt = await loadRuntime();

/** Uniform ones over all of it and where it changes, both signs of every binade to 2⁻⁶⁰, and, closer and closer, next to the zero. */
function samples({ from, to, zero = 0 }: Row, dtype: 'f64' | 'f32'): number[] {
  const next = generator(7);
  const fraction = () => next() / 2 ** 32 + next() / 2 ** 64;
  const x = [0, from, to];
  for (let i = 0; i < 600; i++) x.push(from + (to - from) * fraction(), 8 * fraction() - 4, (1 + fraction()) * 2 ** (-i % 60) * (i % 2 ? 1 : -1));
  if (zero !== 0) for (let i = 0; i < 600; i++) x.push(zero * (1 + (fraction() - 0.5) / 2 ** (i % 53)));
  return dtype === 'f64' ? x : x.map(Math.fround);
}

/** f, f′, f″, … at x: a forward sweep of a forward sweep and so on, each in the direction 1. */
function derivatives({ f }: Row, order: number, dtype: 'f64' | 'f32', x: readonly number[]): ArrayLike<number>[] {
  const g = new GraphBuilder();
  const input = g.input('x', []);
  let graph = g.build([f(g, input)]);
  const ArrayType = dtype === 'f64' ? Float64Array : Float32Array;
  const shape = [x.length];
  const bindings: Record<string, Tensor> = { x: { shape, data: ArrayType.from(x) } };
  for (let k = 1; k <= order; k++) {
    const derived = jvp(graph, [input], `direction${k}`).graph;
    graph = { nodes: derived.nodes, outputs: [...graph.outputs, derived.outputs[derived.outputs.length - 1]] };
    bindings[`direction${k}:0`] = { shape, data: new ArrayType(x.length).fill(1) };
  }
  return evaluate(rt, graph, bindings, { dtype }).map(({ data }) => data);
}

describe.each(['f64', 'f32'] as const)('%s', (dtype) => {
  test.each(ROWS.map((row) => [row.name, row] as const))('%s′ is right to 2 ulp, subnormal results among them', (name, row) => {
    const x = samples(row, dtype);
    const [, y] = derivatives(row, 1, dtype, x);
    let worst = { error: 0, x: 0, y: 0 };
    for (let i = 0; i < x.length; i++) {
      const error = ulpError(y[i], row.exact(exactly(x[i])), dtype);
      if (!(error <= worst.error)) worst = { error, x: x[i], y: y[i] };
    }
    expect(worst.error, `${name}′(${worst.x}) = ${worst.y} is ${worst.error.toFixed(3)} ulp off`).toBeLessThanOrEqual(2);
  });
});

test('derivatives to third order have their limits far out: no 0·∞', () => {
  const far = [-3e38, -1e25, -1000, 1000, 1e25, 3e38];
  for (const dtype of ['f64', 'f32'] as const) {
    for (const row of ROWS.filter(({ name }) => name !== 'expm1')) {
      const steps = ['tanh', 'sigmoid', 'erf'].includes(row.name);
      const [, first, second, third] = derivatives(row, 3, dtype, far);
      for (let i = 0; i < far.length; i++) {
        expect(first[i] + 0, `${row.name}′(${far[i]})`).toBe(far[i] > 0 && !steps ? 1 : 0);
        expect([second[i] + 0, third[i] + 0], `${row.name}″ and ‴(${far[i]})`).toEqual([0, 0]);
      }
    }
  }
});
