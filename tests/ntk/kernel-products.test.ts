/** @file Products Θ·u as jobs: the bits of one call after the other, whether what the forward sweeps leave is kept or not. */

import { empiricalNtk, importSpec, initializeSpec, loadRuntime, type Model, ntkVectorProduct, type Tensor } from 'tangedge';
import { expect, test } from 'vitest';
import { sweptBytes } from '../../src/graph/swept-values.ts';
import { KernelProductSteps } from '../../src/ntk/kernel-product-steps.ts';
import { preparedProducts } from '../../src/ntk/kernel-products.ts';
import { type Steps, stepsHere, type TiledJob } from '../../src/wasm/tiled.ts';
import { relativeError } from '../golden/read-case.ts';
import { networkOf, randomTensor, networks as smallNetworks } from './networks.ts';

const rt = await loadRuntime();

const reluSpec = {
  input_shape: [1, 3, 9, 8],
  layers: [
    { type: 'Conv2d', name: 'first', in_channels: 3, out_channels: 32, kernel_size: 3 },
    { type: 'ReLU' },
    { type: 'Conv2d', name: 'second', in_channels: 32, out_channels: 8, kernel_size: 3, padding: 1 },
    { type: 'ReLU' },
    { type: 'MaxPool2d', kernel_size: 2 },
    { type: 'Flatten' },
    { type: 'Linear', name: 'head', in_features: 72, out_features: 3 },
  ],
};
const networks: Record<string, Model> = { ...smallNetworks, relu: importSpec(reluSpec, initializeSpec(rt, reluSpec, { seed: 1 })) };

/** Of a block, in both halves. */
function sweptBytesOf(model: Model, n: number): number {
  const { back, forward } = preparedProducts(model, n, 'f32').programs;
  return sweptBytes(back) + sweptBytes(forward);
}

const examples = (model: Model, n: number) => randomTensor(7, [n, ...model.input.shape]);
const vectors = (model: Model, n: number) => [1, 2, 3].map((seed) => randomTensor(seed, [n, model.output.size]));

/** The products with each u, and of how many blocks each of their jobs is given what the sweeps have left, or asks for it. */
function products(model: Model, x: Tensor, us: readonly Tensor[], memoryLimit?: number) {
  const kernel = new KernelProductSteps(model, x, { dtype: 'f32', memoryLimit });
  const swept: string[] = [];
  const results = us.map((u) => stepsHere(rt, watched(kernel.times(u.data), swept)));
  return { results, swept };
}

function* watched<T>(steps: Steps<T>, swept: string[]): Steps<T> {
  let next = steps.next();
  while (!next.done) {
    const { plan, ...rest } = next.value;
    const watch = (job: TiledJob<unknown>) => {
      const { swept: given, toKeep } = job.plan as { swept: readonly Uint8Array[]; toKeep: number };
      swept.push(`${given.length} given, ${toKeep} to keep`);
      return job;
    };
    next = steps.next(yield { ...rest, plan: (planner, threads) => watch(plan(planner, threads)) });
  }
  return next.value;
}

test.each(Object.keys(networks))('%s: with all, some or no sweeps kept, the bits of ntkVectorProduct', (name) => {
  const model = networks[name];
  const n = 150; // three blocks, the last of them padded
  const x = examples(model, n);
  const us = vectors(model, n);
  const expected = us.map((u) => ntkVectorProduct(rt, model, x, u, { dtype: 'f32' }).data);
  for (const [memoryLimit, kept] of [
    [undefined, 3],
    [4 * 1.5 * sweptBytesOf(model, n), 1],
    [2 ** 10, 0],
  ] as const) {
    const { results, swept } = products(model, x, us, memoryLimit);
    expect(results).toEqual(expected);
    const [first, later] = [`0 given, ${kept} to keep`, `${kept} given, 0 to keep`];
    expect(swept).toEqual([first, first, later, later, later, later]);
  }
});

test('blocks of 128 from 512 examples on: Θ·u of the formed kernel', () => {
  const model = networkOf(
    [3],
    [
      { type: 'Linear', name: 'a', in_features: 3, out_features: 4 },
      { type: 'Tanh' },
      { type: 'Linear', name: 'b', in_features: 4, out_features: 1 },
    ],
    {
      'a.weight': [4, 3],
      'a.bias': [4],
      'b.weight': [1, 4],
      'b.bias': [1],
    },
  );
  for (const n of [511, 512, 600]) {
    const x = examples(model, n);
    const [u] = vectors(model, n);
    const kernel = empiricalNtk(rt, model, x, { outputs: 'trace' });
    const expected = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) expected[i] += kernel.data[i * n + j] * u.data[j];
    expect(relativeError(ntkVectorProduct(rt, model, x, u), { shape: [n, 1], data: expected })).toBeLessThan(1e-13);
  }
});
