/** @file `tangedge eigh` and `tangedge kta` against the golden kernels, and their refusals. */

import { tensor } from 'tangedge';
import { expect, test } from 'vitest';
import { goldenArray, goldenExpected, readGoldenCase } from '../golden/read-case.ts';
import { expectFailure, useScratch } from './run-program.ts';

const scratch = useScratch();
const golden = readGoldenCase('s01_mlp_relu');
const file = (name: string) => `${golden.directory}/${name}`;
const expected = (key: string) => Array.from(goldenExpected(golden, key).data);
const n = goldenArray(golden, 'y').shape[0];
const EPSILON = Number.EPSILON;

test.each([
  ['the trace kernel [n, n]', 'ntk_trace', 'trace'],
  ['the full kernel [n, n, c, c], sample-major', 'ntk', 'full'],
])('eigh of %s: the golden eigenvalues, and vectors that diagonalize it', async (_, key, prefix) => {
  const all = await scratch.run('eigh', file(`expected.npz:${key}`), '--values', 'w.npy', '--vectors', 'v.npy', '--json');
  expect(all.status).toBe(0);
  const reference = expected(`${prefix}/eigvals`).reverse();
  const tolerance = 60 * reference.length * EPSILON * reference[reference.length - 1];
  const values = Array.from(scratch.readArray('w.npy').data);
  expect(values).toHaveLength(reference.length);
  for (const [k, value] of values.entries()) expect(Math.abs(value - reference[k])).toBeLessThanOrEqual(tolerance);
  expect(scratch.readArray('v.npy').shape).toEqual([reference.length, reference.length]);

  const top = await scratch.run('eigh', file(`expected.npz:${key}`), '--values', 'top.npy', '--top', '3');
  expect(top.status).toBe(0);
  expect(Array.from(scratch.readArray('top.npy').data)).toEqual(values.slice(-3).reverse());
});

test('eigh in f32 is the f64 spectrum to single precision', async () => {
  const { status } = await scratch.run('eigh', file('expected.npz:ntk_trace'), '--values', 'w.npy', '--dtype', 'f32');
  expect(status).toBe(0);
  const reference = expected('trace/eigvals').reverse();
  const tolerance = 60 * reference.length * 2 ** -23 * reference[reference.length - 1];
  for (const [k, value] of scratch.readArray('w.npy').data.entries()) expect(Math.abs(value - reference[k])).toBeLessThanOrEqual(tolerance);
});

test.each([
  ['trace', 'ntk_trace', []],
  ['trace', 'ntk_trace', ['--centered']],
  ['full', 'ntk', []],
  ['full', 'ntk', ['--centered']],
] as const)('kta of the %s kernel %s %j: the golden alignment', async (prefix, key, flags) => {
  const { status, stdout, stderr } = await scratch.run('kta', file(`expected.npz:${key}`), '--targets', file('y.npy'), '--json', ...flags);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const result = JSON.parse(stdout);
  const centered = flags.length > 0;
  const [reference] = expected(`kta_${prefix}${centered ? '_centered' : ''}`);
  expect(Math.abs(result.alignment - reference)).toBeLessThanOrEqual(1e-10);
  // Fractions of the targets' squared norm, whatever the kernel.
  expect(result.cumulativeAlignment.at(-1)).toBeCloseTo(1, 10);
  if (centered) return;
  const gaps = expected(`${prefix}/eig_relgap`);
  for (const [k, share] of expected(`${prefix}/eig_align`).entries()) {
    if (gaps[k] > 1e-6) expect(Math.abs(result.eigenvectorAlignment[k] - share)).toBeLessThanOrEqual(1e-8);
  }
  const ranks = { participationRatio: 'participation_ratio', effectiveRank: 'entropy_rank', intrinsicDimension: 'stable_rank' } as const;
  for (const [name, goldenName] of Object.entries(ranks)) {
    const [rank] = expected(`${prefix}/${goldenName}`);
    expect(Math.abs(result.effectiveRanks[name] - rank) / rank).toBeLessThanOrEqual(1e-10);
  }
});

test('kta prints indented JSON without --json', async () => {
  const { stdout } = await scratch.run('kta', file('expected.npz:ntk_trace'), '--targets', file('y.npy'));
  expect(stdout).toMatch(/^\{\n {2}"command": "kta",\n/);
  expect(JSON.parse(stdout).eigenvalues).toHaveLength(n);
});

test('class numbers beside a full kernel are made one-hot, and that is said', async () => {
  const labels = Array.from({ length: n }, (_, i) => i % 3);
  scratch.writeArray('labels.npy', tensor([n], labels));
  scratch.writeArray(
    'onehot.npy',
    tensor(
      [n, 3],
      labels.flatMap((label) => [0, 1, 2].map((o) => Number(o === label))),
    ),
  );
  const [a, b] = await Promise.all(
    ['labels.npy', 'onehot.npy'].map((targets) => scratch.run('kta', file('expected.npz:ntk'), '--targets', targets, '--json')),
  );
  const [fromLabels, fromOneHot] = [JSON.parse(a.stdout), JSON.parse(b.stdout)];
  expect([fromLabels.targets, fromOneHot.targets]).toEqual(['labels', 'values']);
  expect(fromLabels.alignment).toBe(fromOneHot.alignment);
});

test('targets of another length: both lengths', async () => {
  scratch.writeArray('short.npy', tensor([n - 1, 3], new Float64Array((n - 1) * 3).fill(1)));
  for (const key of ['ntk', 'ntk_trace']) {
    expectFailure(
      await scratch.run('kta', file(`expected.npz:${key}`), '--targets', 'short.npy'),
      2,
      new RegExp(`${n - 1}.*\\b${n}\\b|\\[${n}, .*${n - 1}`),
    );
  }
});

test('a class that does not exist', async () => {
  scratch.writeArray('labels.npy', tensor([n], new Float64Array(n).fill(3)));
  expectFailure(await scratch.run('kta', file('expected.npz:ntk'), '--targets', 'labels.npy'), 2, /3 at index \[0\].*from 0 to 2/);
});

test('a kernel that is not symmetric, not square, or holds NaN', async () => {
  scratch.writeArray('k.npy', tensor([2, 2], [1, 2, 3, 4]));
  expectFailure(await scratch.run('eigh', 'k.npy', '--values', 'none.npy'), 2, /k\.npy: .*not symmetric.*\[1, 0\] is 3.*\[0, 1\] is 2/);
  scratch.writeArray('k.npy', tensor([2, 3], [1, 2, 3, 4, 5, 6]));
  expectFailure(await scratch.run('eigh', 'k.npy', '--values', 'none.npy'), 2, /k\.npy: .*\[2, 3\].*square/);
  scratch.writeArray('k.npy', tensor([2, 2], [1, Number.NaN, 2, 4]));
  expectFailure(await scratch.run('eigh', 'k.npy', '--values', 'none.npy'), 2, /k\.npy: .*NaN at index \[0, 1\]/);
  expect(scratch.list()).not.toContain('none.npy');
});

test('two outputs of one name, and more eigenvalues than there are', async () => {
  scratch.writeArray('k.npy', tensor([2, 2], [2, 0, 0, 1]));
  expectFailure(await scratch.run('eigh', 'k.npy', '--values', 'o.npy', '--vectors', './o.npy'), 2, /o\.npy: .*two outputs/);
  expectFailure(await scratch.run('eigh', 'k.npy', '--values', 'o.npy', '--top', '3'), 2, /k\.npy: .*3.*from 1 to 2/);
  expect(scratch.list()).not.toContain('o.npy');
});
