/** @file `tangedge forward` against a linear model computed by hand, and its refusals. */

import { lstatSync, symlinkSync } from 'node:fs';
import { tensor } from 'tangedge';
import { beforeAll, expect, test } from 'vitest';
import { linearOutputs, writeLinearModel } from './linear-model.ts';
import { useScratch } from './run-program.ts';

const scratch = useScratch();
const ROWS = [
  [1, 0],
  [0, 1],
  [-2, 3],
  [10, 20],
  [0, 0],
];
let model: string[];

beforeAll(() => {
  model = writeLinearModel(scratch);
  scratch.writeArray('x.npy', tensor([5, 2], ROWS.flat()));
});

test('the outputs, exactly, in both dtypes and for batches that do not divide the examples', async () => {
  for (const [dtype, batch] of [
    ['f64', '5'],
    ['f64', '2'],
    ['f32', '3'],
  ] as const) {
    const { status, stdout, stderr } = await scratch.run(
      'forward',
      ...model,
      '--inputs',
      'x.npy',
      '--out',
      'f.npy',
      '--dtype',
      dtype,
      '--batch',
      batch,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(`f.npy: outputs [5, 3] ${dtype}\n`);
    const outputs = scratch.readArray('f.npy');
    expect(outputs.shape).toEqual([5, 3]);
    expect(outputs.data.constructor.name).toBe(dtype === 'f64' ? 'Float64Array' : 'Float32Array');
    expect(Array.from(outputs.data)).toEqual(linearOutputs(ROWS));
  }
});

test('--json prints one object with the shape, and says which options had no effect', async () => {
  const { status, stdout, stderr } = await scratch.run(
    'forward',
    ...model,
    '--inputs',
    'x.npy',
    '--out',
    'f.npy',
    '--json',
    '--seed',
    '7',
    '--workers',
    '4',
  );
  expect(status).toBe(0);
  expect(stdout).toMatch(/^[^\n]+\n$/);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ command: 'forward', out: 'f.npy', shape: [5, 3], dtype: 'f64' });
  expect(result.notes).toHaveLength(1);
  expect(stderr).toMatch(/--seed has no effect in forward\./);
});

test('--quiet prints nothing', async () => {
  const outcome = await scratch.run('forward', ...model, '--inputs', 'x.npy', '--out', 'f.npy', '--quiet', '--seed', '7');
  expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('the output replaces the file a link points to, not the link, and leaves nothing else behind', async () => {
  scratch.write('f.npy', 'old');
  symlinkSync(scratch.path('f.npy'), scratch.path('link.npy'));
  await scratch.run('forward', ...model, '--inputs', 'x.npy', '--out', 'link.npy');
  expect(lstatSync(scratch.path('link.npy')).isSymbolicLink()).toBe(true);
  expect(Array.from(scratch.readArray('f.npy').data)).toEqual(linearOutputs(ROWS));
  expect(scratch.list()).toEqual(['f.npy', 'link.npy', 'model.json', 'model.safetensors', 'x.npy']);
});
