/** @file The same bits inline and with any number of workers, for every tiled quantity. */

import { createHash } from 'node:crypto';
import {
  agop,
  analyze,
  createPool,
  eigh,
  empiricalNtk,
  empiricalNtkByParameter,
  forward,
  inputJacobian,
  jacobian,
  loadRuntime,
  type Model,
  neuralFeatures,
  type Pool,
  preactivationTangentKernel,
  pseudoNtk,
  ptkCovariance,
  type Tensor,
} from 'tangedge';
import { afterAll, describe, expect, test } from 'vitest';
import { conv, linear, network, randomInputs } from '../features/networks.ts';
import { WORKER_URL } from './worker-files.ts';

const rt = await loadRuntime();
const mlp = network([6], [linear('0', 6, 9), { type: 'Tanh' }, linear('2', 9, 5)], 3);
const cnn = network([2, 5, 5], [conv('0', 2, 3), { type: 'ReLU' }, { type: 'Flatten' }, linear('3', 27, 3)], 4);

/** SHA-256 of every Tensor in a result, in order: equal when no bit differs. */
function digest(result: unknown): string {
  const hash = createHash('sha256');
  const visit = (value: unknown): void => {
    if (ArrayBuffer.isView(value)) hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    else if (typeof value === 'object' && value !== null) for (const [key, child] of Object.entries(value)) visit(hash.update(key) && child);
    else hash.update(Float64Array.of(Number(value)));
  };
  visit(result);
  return hash.digest('hex');
}

const pools: Promise<Pool>[] = [
  createPool({ workers: 0 }),
  createPool({ workers: 1, workerUrl: WORKER_URL }),
  createPool({ workers: 2, workerUrl: WORKER_URL }),
  createPool({ workers: 3, workerUrl: WORKER_URL }),
  createPool({ workers: 2, workerUrl: WORKER_URL, sharedMemory: false }),
];
afterAll(async () => {
  for (const pool of pools) await (await pool).close();
});

interface Case {
  readonly name: string;
  readonly here: (options: { dtype: 'f32' | 'f64'; tileSize?: number }) => unknown;
  readonly pooled: (pool: Pool, options: { dtype: 'f32' | 'f64'; tileSize?: number }) => Promise<unknown>;
}

function casesOf(model: Model, x: Tensor, x2: Tensor): Case[] {
  const weight = model.parameters[0].name;
  const ntk = (['full', 'trace', 'mean', 'diagonal'] as const).flatMap((outputs) =>
    (['auto', 'structured-derivatives', 'jacobian-contraction', 'ntk-vector-products'] as const).map(
      (implementation): Case => ({
        name: `ntk ${outputs} ${implementation}`,
        here: (options) => empiricalNtk(rt, model, x, { ...options, outputs, implementation }),
        pooled: (pool, options) => pool.empiricalNtk(model, x, { ...options, outputs, implementation }),
      }),
    ),
  );
  return [
    ...ntk,
    {
      name: 'ntk between two batches',
      here: (options) => empiricalNtk(rt, model, x, { ...options, x2 }),
      pooled: (pool, options) => pool.empiricalNtk(model, x, { ...options, x2 }),
    },
    {
      name: 'ntk per parameter',
      here: (options) => empiricalNtkByParameter(rt, model, x, options),
      pooled: (pool, options) => pool.empiricalNtkByParameter(model, x, options),
    },
    { name: 'pseudo-ntk', here: (options) => pseudoNtk(rt, model, x, options), pooled: (pool, options) => pool.pseudoNtk(model, x, options) },
    { name: 'jacobian', here: (options) => jacobian(rt, model, x, options), pooled: (pool, options) => pool.jacobian(model, x, options) },
    {
      name: 'input jacobian',
      here: (options) => inputJacobian(rt, model, x, options),
      pooled: (pool, options) => pool.inputJacobian(model, x, options),
    },
    {
      name: 'forward',
      here: ({ dtype, tileSize }) => forward(rt, model, x, { dtype, batch: tileSize }),
      pooled: (pool, { dtype, tileSize }) => pool.forward(model, x, { dtype, batch: tileSize }),
    },
    { name: 'agop', here: (options) => agop(rt, model, x, options), pooled: (pool, options) => pool.agop(model, x, options) },
    {
      name: 'centered agop of a weight',
      here: (options) => agop(rt, model, x, { ...options, weight, gradients: 'centered' }),
      pooled: (pool, options) => pool.agop(model, x, { ...options, weight, gradients: 'centered' }),
    },
    {
      name: 'ptk covariance',
      here: (options) => ptkCovariance(rt, model, x, weight, options),
      pooled: (pool, options) => pool.ptkCovariance(model, x, weight, options),
    },
    {
      name: 'neural features',
      here: (options) => neuralFeatures(rt, model, x, options),
      pooled: (pool, options) => pool.neuralFeatures(model, x, options),
    },
    {
      name: 'ptk',
      here: (options) => preactivationTangentKernel(rt, model, x, weight, options),
      pooled: (pool, options) => pool.preactivationTangentKernel(model, x, weight, options),
    },
  ];
}

describe.each([
  ['mlp', mlp, randomInputs(1, 75, [6]), randomInputs(3, 30, [6])],
  ['cnn', cnn, randomInputs(2, 37, [2, 5, 5]), randomInputs(4, 20, [2, 5, 5])],
] as const)('%s', (_, model, x, x2) => {
  test.each(casesOf(model, x, x2))('$name: the bits of one thread', async ({ here, pooled }) => {
    for (const dtype of ['f32', 'f64'] as const) {
      const expected = digest(here({ dtype }));
      for (const pool of await Promise.all(pools)) expect(digest(await pooled(pool, { dtype }))).toBe(expected);
      const two = await pools[2];
      for (const tileSize of [7, 32]) expect(digest(await pooled(two, { dtype, tileSize }))).toBe(expected);
    }
  });
});

test.each([
  [40, 'the full kernel formed for its largest eigenvalue'],
  [150, 'products with three blocks, the last of them padded, in workers'],
])('analyze: the report of one thread, whole; %i examples: %s', async (n) => {
  const inputs = randomInputs(1, n, [6]);
  const targets = randomInputs(5, n, [5]);
  const initial = network([6], [linear('0', 6, 9), { type: 'Tanh' }, linear('2', 9, 5)], 8);
  for (const dtype of ['f32', 'f64'] as const) {
    const expected = JSON.stringify(analyze(rt, { model: mlp, inputs, targets, initial }, { dtype }));
    for (const pool of await Promise.all(pools)) {
      expect(JSON.stringify(await pool.analyze({ model: mlp, inputs, targets, initial }, { dtype }))).toBe(expected);
    }
  }
});

test('eigh: the bits of one thread, below and above the size from which it is divided', async () => {
  for (const [n, dtype] of [
    [70, 'f64'],
    [520, 'f64'],
    [520, 'f32'],
  ] as const) {
    const { data } = randomInputs(n, n, [n]);
    const a: Tensor = { shape: [n, n], data: data.map((_, p) => data[Math.max(p, (p % n) * n + Math.floor(p / n))]) };
    const whole = digest(eigh(rt, a, { dtype }));
    for (const pool of await Promise.all(pools)) expect(digest(await pool.eigh(a, { dtype }))).toBe(whole);
    const two = await pools[2];
    expect(digest(await two.eigh(a, { dtype, vectors: false }))).toBe(digest(eigh(rt, a, { dtype, vectors: false })));
    expect(digest(await two.eigh(a, { dtype, indices: [3, n - 3] }))).toBe(digest(eigh(rt, a, { dtype, indices: [3, n - 3] })));
  }
});

test('eigh: bad matrices are the errors of one thread', async () => {
  const a: Tensor = { shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) };
  for (const pool of await Promise.all(pools)) await expect(pool.eigh(a)).rejects.toThrowError(/eigh: .*symmetric/);
});

test('the digest sees one bit', () => {
  const kernel = empiricalNtk(rt, mlp, randomInputs(1, 3, [6]), { outputs: 'trace' });
  const before = digest(kernel);
  new Uint8Array(kernel.data.buffer)[5] ^= 1;
  expect(digest(kernel)).not.toBe(before);
});

test('many calls at once, in two pools: every one gets its own result', async () => {
  const inputs = Array.from({ length: 12 }, (_, seed) => randomInputs(seed, 20 + seed, [6]));
  const expected = inputs.map((x) => digest(empiricalNtk(rt, mlp, x, { outputs: 'trace' })));
  for (const pool of [await pools[0], await pools[2]]) {
    const results = await Promise.all(inputs.map((x) => pool.empiricalNtk(mlp, x, { outputs: 'trace', tileSize: 8 })));
    expect(results.map(digest)).toEqual(expected);
  }
});
