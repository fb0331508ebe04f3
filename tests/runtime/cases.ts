/** @file The shared list of cases: every kind of routine, network and result, small enough to run everywhere in every setting. */

import {
  agop,
  analyze,
  cholesky,
  eigh,
  empiricalNtk,
  forward,
  gram,
  inputJacobian,
  jacobian,
  kernelTargetAlignment,
  matmul,
  neuralFeatures,
  type Runtime,
  renderReport,
  solvePositive,
  type Tensor,
  topEigenpairs,
  uniformArray,
} from 'tangedge';
import type { Case, Given, Output } from './case.ts';
import { type Network, networks, onnxNetwork, trained } from './case-files.ts';

export function allCases(): readonly Case[] {
  return [...elementwiseCases(), ...matrixCases(), ...networks().flatMap(networkCases), onnxCase(onnxNetwork()), ...analysisCases()];
}

type Elementwise = 'exp' | 'expm1' | 'log' | 'sqrt' | 'sin' | 'cos' | 'tanh' | 'sigmoid' | 'erf' | 'gelu' | 'silu' | 'relu';

function elementwiseCases(): Case[] {
  const functions: Elementwise[] = ['exp', 'expm1', 'log', 'sqrt', 'sin', 'cos', 'tanh', 'sigmoid', 'erf', 'gelu', 'silu', 'relu'];
  return functions.map((name) => ({
    name,
    tiled: false,
    run: ({ rt, dtype }) => [applied(rt, dtype, name, ARGUMENTS)],
  }));
}

/** Specials, then both signs of every binade from 2⁻⁴⁰ to 2⁴⁰ and a dense range around zero. An odd number, so that vectors have a rest. */
const ARGUMENTS = Float64Array.from([
  ...[0, -0, 1, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 5e-324, -5e-324, 2.2250738585072014e-308, 709.78, -745.2],
  ...Array.from(uniformArray(11, 0, 648), (u, i) => (i % 2 === 0 ? 1 : -1) * (1 + u) * powerOfTwo((i >> 3) - 40)),
  ...Array.from(uniformArray(11, 1, 1000), (u) => 16 * u - 8),
]);

/** Exact, as `**` need not be. */
function powerOfTwo(exponent: number): number {
  return exponent < 0 ? 1 / powerOfTwo(-exponent) : exponent === 0 ? 1 : 2 * powerOfTwo(exponent - 1);
}

function applied(rt: Runtime, dtype: Given['dtype'], name: Elementwise, values: Float64Array): Float64Array | Float32Array {
  return rt.arena.frame(() => {
    const xPtr = rt.arena.load(dtype, values);
    const outPtr = rt.arena.allocateArray(dtype, values.length);
    rt[dtype][name](values.length, xPtr, outPtr);
    return rt.arena.read(dtype, outPtr, values.length);
  });
}

/** [m, k, n] around the blocks of the product, and beyond them. */
const PRODUCTS = [
  [1, 1, 1],
  [3, 5, 2],
  [5, 17, 9],
  [8, 64, 8],
  [33, 65, 31],
  [67, 129, 70],
  [10, 531, 13],
];
const ORDERS = [1, 2, 3, 8, 31, 70];

function matrixCases(): Case[] {
  const perShape = (name: string, outputs: (given: Given) => readonly Output[]): Case => ({ name, tiled: false, run: outputs });
  return [
    perShape('matmul', ({ rt, dtype }) =>
      PRODUCTS.flatMap(([m, k, n], i) => [
        matmul(rt, random(dtype, i, m, k), random(dtype, 10 + i, k, n)).data,
        matmul(rt, random(dtype, i, k, m), random(dtype, 10 + i, n, k), { transposeA: true, transposeB: true }).data,
      ]),
    ),
    perShape('gram', ({ rt, dtype }) =>
      PRODUCTS.flatMap(([m, k], i) => [gram(rt, random(dtype, i, m, k)).data, gram(rt, random(dtype, i, m, k), { of: 'columns' }).data]),
    ),
    perShape('eigh', ({ rt, dtype }) =>
      ORDERS.flatMap((n) => {
        const { values, vectors } = eigh(rt, positive(rt, dtype, n));
        return [values, vectors.data];
      }),
    ),
    perShape('eigh values', ({ rt, dtype }) => ORDERS.map((n) => eigh(rt, positive(rt, dtype, n), { vectors: false }).values)),
    perShape('topEigenpairs', ({ rt, dtype }) => {
      const { values, vectors } = topEigenpairs(rt, positive(rt, dtype, 40), 5);
      return [values, vectors.data];
    }),
    perShape('cholesky', ({ rt, dtype }) => ORDERS.map((n) => cholesky(rt, positive(rt, dtype, n)).factor.data)),
    perShape('solvePositive', ({ rt, dtype }) => ORDERS.map((n) => solvePositive(rt, positive(rt, dtype, n), random(dtype, 7, n, 5)).solution.data)),
  ];
}

/** [rows, columns] in [−1, 1). */
function random(dtype: Given['dtype'], stream: number, rows: number, columns: number): Tensor {
  const values = uniformArray(23, stream, rows * columns).map((u) => 2 * u - 1);
  return { shape: [rows, columns], data: dtype === 'f64' ? values : Float32Array.from(values) };
}

/** [n, n], positive definite. */
function positive(rt: Runtime, dtype: Given['dtype'], n: number): Tensor {
  const square = gram(rt, random(dtype, 100 + n, n, n + 3));
  for (let i = 0; i < n; i++) square.data[i * n + i] += 1;
  return square;
}

function networkCases({ name, model, x }: Network): Case[] {
  const tiled = (quantity: string, run: (given: Given) => readonly Output[]): Case => ({ name: `${name}: ${quantity}`, tiled: true, run });
  return [
    tiled('forward', ({ rt, dtype, tileSize }) => [forward(rt, model, x, { dtype, batch: tileSize }).data]),
    tiled('ntk full', ({ rt, dtype, tileSize }) => [empiricalNtk(rt, model, x, { dtype, tileSize }).data]),
    tiled('ntk trace', ({ rt, dtype, tileSize }) => [empiricalNtk(rt, model, x, { dtype, tileSize, outputs: 'trace' }).data]),
    tiled('ntk of two batches, diagonal', ({ rt, dtype, tileSize }) => {
      const size = x.data.length / x.shape[0];
      const x2: Tensor = { shape: [3, ...x.shape.slice(1)], data: x.data.slice(size, 4 * size) };
      return [empiricalNtk(rt, model, x, { x2, dtype, tileSize, outputs: 'diagonal' }).data];
    }),
    tiled('ntk by jacobian contraction', ({ rt, dtype, tileSize }) => [
      empiricalNtk(rt, model, x, { dtype, tileSize, implementation: 'jacobian-contraction' }).data,
    ]),
    {
      name: `${name}: jacobians`,
      tiled: false,
      run: ({ rt, dtype }) => [jacobian(rt, model, x, { dtype }).data, inputJacobian(rt, model, x, { dtype }).data],
    },
    tiled('agop', ({ rt, dtype, tileSize }) => [agop(rt, model, x, { dtype, tileSize }).data]),
    tiled('nfa', ({ rt, dtype, tileSize }) =>
      neuralFeatures(rt, model, x, { dtype, tileSize }).flatMap((weight) => [
        weight.nfm.data,
        weight.agop.data,
        weight.ptkCovariance.data,
        Float64Array.of(weight.correlation),
      ]),
    ),
  ];
}

function onnxCase({ name, model, x }: Network): Case {
  return {
    name: `${name}: forward, ntk trace`,
    tiled: false,
    run: ({ rt, dtype }) => [forward(rt, model, x, { dtype }).data, empiricalNtk(rt, model, x, { dtype, outputs: 'trace' }).data],
  };
}

function analysisCases(): Case[] {
  const { model, initial, inputs, targets } = trained();
  return [
    {
      name: 'trained: nfa before and after',
      tiled: true,
      run: ({ rt, dtype, tileSize }) =>
        neuralFeatures(rt, model, inputs, { dtype, tileSize, initial }).map(({ motion }) =>
          Float64Array.of(motion!.centeredCorrelation, motion!.dominance, motion!.relativeChange),
        ),
    },
    {
      name: 'trained: kta',
      tiled: true,
      run: ({ rt, dtype, tileSize }) => [
        Float64Array.of(kernelTargetAlignment(rt, empiricalNtk(rt, model, inputs, { outputs: 'trace', dtype, tileSize }), targets)),
      ],
    },
    {
      name: 'trained: report',
      tiled: false,
      run: ({ rt, dtype }) => {
        const report = analyze(rt, { model, initial, inputs, targets }, { dtype });
        return [JSON.stringify(report), renderReport(report)];
      },
    },
  ];
}
