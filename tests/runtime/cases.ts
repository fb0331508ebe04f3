/** @file The shared list of cases: every kind of routine, network and result, small enough to run everywhere in every setting. */

import {
  analyze,
  cholesky,
  eigh,
  gradientFlow,
  gram,
  kernelTargetAlignment,
  learningRateSweep,
  matmul,
  type Runtime,
  renderReport,
  runTraining,
  solvePositive,
  type Tensor,
  TRACKERS,
  type TrackerSpec,
  topEigenpairs,
  trainingLoss,
  uniformArray,
} from 'tangedge';
import type { Case, Given, Output } from './case.ts';
import { type Network, networks, onnxNetwork, trained } from './case-files.ts';

export function allCases(): readonly Case[] {
  return [
    ...elementwiseCases(),
    ...matrixCases(),
    ...networks().flatMap(networkCases),
    onnxCase(onnxNetwork()),
    ...analysisCases(),
    ...trainingCases(),
  ];
}

// biome-ignore format: a list
const ELEMENTWISE = [
  'exp', 'expm1', 'log', 'sqrt', 'sin', 'cos', 'tanh', 'sigmoid', 'erf', 'gelu', 'silu', 'softplus', 'relu',
  'erfDerivative', 'sechSquared', 'sigmoidDerivative', 'siluDerivative', 'geluDerivative',
] as const;

function elementwiseCases(): Case[] {
  return ELEMENTWISE.map((name) => ({
    name,
    parts: 'whole',
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

function applied(rt: Runtime, dtype: Given['dtype'], name: (typeof ELEMENTWISE)[number], values: Float64Array): Float64Array | Float32Array {
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
/** The last merge of divide and conquer multiplies by blocks of low rank. */
const LOW_RANK = 230;

function matrixCases(): Case[] {
  const perShape = (name: string, outputs: (given: Given) => readonly Output[]): Case => ({ name, parts: 'whole', run: outputs });
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
      [...ORDERS, LOW_RANK].flatMap((n) => {
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
  // Two kinds of network are enough to see what threads do.
  const parts = name === 'cnn' || name === 'attention' ? 'pooled' : 'tiles';
  const one = (quantity: string, run: (given: Given) => Promise<{ readonly data: Output }>): Case => ({
    name: `${name}: ${quantity}`,
    parts,
    run: async (given) => [(await run(given)).data],
  });
  return [
    one('forward', ({ tiled, dtype, tileSize }) => tiled.forward(model, x, { dtype, batch: tileSize })),
    one('ntk full', ({ tiled, dtype, tileSize }) => tiled.empiricalNtk(model, x, { dtype, tileSize })),
    one('ntk trace', ({ tiled, dtype, tileSize }) => tiled.empiricalNtk(model, x, { dtype, tileSize, outputs: 'trace' })),
    one('ntk of two batches, diagonal', ({ tiled, dtype, tileSize }) => {
      const size = x.data.length / x.shape[0];
      const x2: Tensor = { shape: [3, ...x.shape.slice(1)], data: x.data.slice(size, 4 * size) };
      return tiled.empiricalNtk(model, x, { x2, dtype, tileSize, outputs: 'diagonal' });
    }),
    one('ntk by jacobian contraction', ({ tiled, dtype, tileSize }) =>
      tiled.empiricalNtk(model, x, { dtype, tileSize, implementation: 'jacobian-contraction' }),
    ),
    one('jacobian', ({ tiled, dtype }) => tiled.jacobian(model, x, { dtype })),
    one('input jacobian', ({ tiled, dtype }) => tiled.inputJacobian(model, x, { dtype })),
    one('agop', ({ tiled, dtype, tileSize }) => tiled.agop(model, x, { dtype, tileSize })),
    {
      name: `${name}: nfa`,
      parts,
      run: async ({ tiled, dtype, tileSize }) =>
        (await tiled.neuralFeatures(model, x, { dtype, tileSize })).flatMap((weight) => [
          weight.nfm.data,
          weight.agop.data,
          weight.ptkCovariance.data,
          Float64Array.of(weight.correlation),
        ]),
    },
  ];
}

function onnxCase({ name, model, x }: Network): Case {
  return {
    name: `${name}: forward, ntk trace`,
    parts: 'whole',
    run: async ({ tiled, dtype }) => [
      (await tiled.forward(model, x, { dtype })).data,
      (await tiled.empiricalNtk(model, x, { dtype, outputs: 'trace' })).data,
    ],
  };
}

function analysisCases(): Case[] {
  const { model, initial, inputs, targets } = trained();
  return [
    {
      name: 'trained: nfa before and after',
      parts: 'pooled',
      run: async ({ tiled, dtype, tileSize }) =>
        (await tiled.neuralFeatures(model, inputs, { dtype, tileSize, initial })).map(({ motion }) =>
          Float64Array.of(motion!.centeredCorrelation, motion!.dominance, motion!.relativeChange),
        ),
    },
    {
      name: 'trained: kta',
      parts: 'pooled',
      run: async ({ rt, tiled, dtype, tileSize }) => [
        Float64Array.of(kernelTargetAlignment(rt, await tiled.empiricalNtk(model, inputs, { outputs: 'trace', dtype, tileSize }), targets)),
      ],
    },
    {
      name: 'trained: report',
      parts: 'whole',
      run: ({ rt, dtype }) => {
        const report = analyze(rt, { model, initial, inputs, targets }, { dtype });
        return [JSON.stringify(report), renderReport(report)];
      },
    },
  ];
}

/** Every tracker that takes no options of its own. */
const ALL_TRACKERS = TRACKERS.filter((tracker) => tracker !== 'egop' && tracker !== 'test' && tracker !== 'accuracy');

function trainingCases(): Case[] {
  const { initial: model, inputs, targets } = trained();
  const data = { inputs, targets };
  return [
    {
      name: 'training with trackers',
      parts: 'threads',
      run: async ({ rt, dtype, pool }) => {
        const trackers = ALL_TRACKERS.map((tracker) => ({ tracker, every: 2 }) as TrackerSpec);
        const { run, state } = await runTraining(rt, model, data, { dtype, learningRate: 0.05, steps: 4, trackers, pool });
        return [JSON.stringify(run.series), ...[...(state?.parameters.values() ?? [])].map(({ data: values }) => values)];
      },
    },
    {
      name: 'training with Adam in mini-batches',
      parts: 'whole',
      run: async ({ rt, dtype }) => {
        const options = { dtype, optimizer: { name: 'adam' }, learningRate: 0.01, steps: 5, batchSize: 16, seed: 3 } as const;
        return [JSON.stringify((await runTraining(rt, model, data, options)).run)];
      },
    },
    {
      name: 'sweep of learning rates',
      parts: 'threads',
      run: async ({ rt, dtype, pool }) => {
        const options = { dtype, rates: [0.02, 0.05], steps: 3 };
        const runs = await (pool ? pool.learningRateSweep(model, data, options) : learningRateSweep(rt, model, data, options));
        return runs.map(({ theta }) => theta);
      },
    },
    {
      name: 'gradient flow',
      parts: 'whole',
      run: ({ rt, dtype }) => {
        const objective = trainingLoss(rt, model, data, { dtype });
        return [...gradientFlow(rt, objective, objective.initial, { learningRate: 0.05, steps: 3 })].flatMap(({ theta, loss, sharpness }) => [
          theta,
          Float64Array.of(loss, sharpness),
        ]);
      },
    },
  ];
}
