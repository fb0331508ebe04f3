/** @file `--checkpoint`: after kill -9 at any moment the same bytes; damaged, torn and foreign tiles are computed again. */

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Tensor, tensor, uniform, uniformArray, writeSafetensors } from 'tangedge';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useScratch } from './run-program.ts';

const scratch = useScratch();
const WIDTHS = [24, 64, 64, 6];
const MODEL = ['model.json', '--weights', 'model.safetensors'];
const NTK = ['ntk', ...MODEL, '--inputs', 'x.npy', '--outputs', 'full', '--batch', '16', '--out', 'k.npy', '--quiet'];
const CHECKPOINT = ['--checkpoint', 'tiles'];

const random = (seed: number, shape: readonly number[]): Tensor =>
  tensor(
    shape,
    uniformArray(
      seed,
      0,
      shape.reduce((a, b) => a * b, 1),
    ).map((u) => u - 0.5),
  );

function writeModel(seed: number): void {
  const state = new Map<string, Tensor>();
  const layers = WIDTHS.slice(1).flatMap((outputs, l) => {
    state.set(`${l}.weight`, random(seed + l, [outputs, WIDTHS[l]]));
    state.set(`${l}.bias`, random(seed + 10 + l, [outputs]));
    const linear = { type: 'Linear', name: String(l), in_features: WIDTHS[l], out_features: outputs };
    return l < WIDTHS.length - 2 ? [linear, { type: 'Tanh' }] : [linear];
  });
  scratch.write('model.json', JSON.stringify({ input_shape: [1, WIDTHS[0]], layers }));
  scratch.write('model.safetensors', writeSafetensors(state));
}

const digest = (file: string): string =>
  createHash('sha256')
    .update(readFileSync(scratch.path(file)))
    .digest('hex');
const tileFiles = (): string[] =>
  (existsSync(scratch.path('tiles')) ? readdirSync(scratch.path('tiles'), { recursive: true, encoding: 'utf8' }) : [])
    .filter((name) => /[/\\]\d+$/.test(name))
    .map((name) => join(scratch.path('tiles'), name))
    .sort();

let whole = '';
beforeAll(async () => {
  writeModel(1);
  scratch.writeArray('x.npy', random(50, [160, WIDTHS[0]]));
  expect((await scratch.run(...NTK)).status).toBe(0);
  whole = digest('k.npy');
});
beforeEach(() => {
  rmSync(scratch.path('k.npy'), { force: true });
  rmSync(scratch.path('tiles'), { recursive: true, force: true });
});

/** Runs with --checkpoint to the end; how many tiles came from it. */
async function resume(...args: string[]): Promise<number> {
  const outcome = await scratch.run(...NTK.slice(0, -1), '--json', ...CHECKPOINT, ...args);
  expect(outcome).toMatchObject({ status: 0 });
  const notes: string[] = JSON.parse(outcome.stdout).notes;
  return Number(/(\d+) of 55 tiles came from the checkpoint/.exec(notes.join())?.[1] ?? 0);
}

const KILLS = process.env.TANGEDGE_TEST_CASES === 'all' ? 20 : 4;

test(`kill -9 at ${KILLS} random moments: each resumes to the same bytes`, { timeout: 240_000 }, async () => {
  let killed = 0;
  let found = 0;
  for (let trial = 0; trial < KILLS; trial++) {
    rmSync(scratch.path('tiles'), { recursive: true, force: true });
    rmSync(scratch.path('k.npy'), { force: true });
    // moments spread over the whole run: between the tiles that are there, and in the middle of one
    const after = Math.floor(55 * uniform(77, 0, trial));
    const { status } = await scratch.runAndKill(() => tileFiles().length >= after, ...NTK, ...CHECKPOINT, '--workers', String(trial % 3));
    if (status === null) killed++;
    found += await resume('--workers', String((trial + 1) % 3));
    expect(digest('k.npy')).toBe(whole);
  }
  expect(killed).toBeGreaterThan(KILLS / 2);
  expect(found).toBeGreaterThan(0);
});

test('a second run takes every tile from the checkpoint; other options, inputs or weights take none', async () => {
  expect(await resume()).toBe(0);
  expect(tileFiles()).toHaveLength(55);
  expect(await resume('--workers', '2')).toBe(55);
  expect(digest('k.npy')).toBe(whole);
  expect(await resume('--dtype', 'f32')).toBe(0);
  scratch.writeArray('x2.npy', random(51, [160, WIDTHS[0]]));
  const other = NTK.map((word) => (word === 'x.npy' ? 'x2.npy' : word));
  expect((await scratch.run(...other, ...CHECKPOINT)).status).toBe(0);
  writeModel(2);
  expect(await resume()).toBe(0);
  writeModel(1);
  expect(await resume()).toBe(55);
  expect(digest('k.npy')).toBe(whole);
});

describe('tiles that are not as they were put', () => {
  const damages: Record<string, (path: string, other: string) => void> = {
    truncated: (path) => truncateSync(path, 500),
    empty: (path) => truncateSync(path, 0),
    longer: (path) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from([0])])),
    'one bit flipped in the values': (path) => flip(path, 700),
    'one bit flipped in the header': (path) => flip(path, 45),
    'one bit flipped in the checksum': (path) => flip(path, 3),
    'another tile under its name': (path, other) => copyFileSync(other, path),
    'something else': (path) => writeFileSync(path, 'not a tile'),
  };
  const flip = (path: string, at: number) => {
    const bytes = readFileSync(path);
    bytes[at] ^= 4;
    writeFileSync(path, bytes);
  };

  test('each is computed again, the others are taken', async () => {
    await resume();
    const kinds = Object.values(damages);
    const files = tileFiles();
    for (const [index, damage] of kinds.entries()) damage(files[3 * index], files[3 * index + 1]);
    expect(await resume()).toBe(55 - kinds.length);
    expect(digest('k.npy')).toBe(whole);
    expect(await resume()).toBe(55);
  });

  test('tiles of another computation under these names', async () => {
    await resume('--dtype', 'f32');
    const [theirs] = readdirSync(scratch.path('tiles'));
    await resume();
    const ours = readdirSync(scratch.path('tiles')).find((name) => name !== theirs) as string;
    rmSync(scratch.path(join('tiles', ours)), { recursive: true });
    renameSync(scratch.path(join('tiles', theirs)), scratch.path(join('tiles', ours)));
    expect(await resume()).toBe(0);
    expect(digest('k.npy')).toBe(whole);
  });
});

test('two processes in one folder at the same time: both right, every tile whole', async () => {
  const second = NTK.map((word) => (word === 'k.npy' ? 'k2.npy' : word));
  const outcomes = await Promise.all([scratch.run(...NTK, ...CHECKPOINT), scratch.run(...second, ...CHECKPOINT)]);
  expect(outcomes.map(({ status }) => status)).toEqual([0, 0]);
  expect([digest('k.npy'), digest('k2.npy')]).toEqual([whole, whole]);
  expect(await resume()).toBe(55);
  expect(scratch.list().filter((name) => name.endsWith('.partial'))).toEqual([]);
});

test('agop and nfa: the same result from their tiles', async () => {
  const agop = ['agop', ...MODEL, '--inputs', 'x.npy', '--out', 'k.npy', '--batch', '64', '--json'];
  const notes = async (...args: string[]) => JSON.parse((await scratch.run(...args)).stdout).notes.join() as string;
  expect(await notes(...agop)).toBe('');
  const expected = digest('k.npy');
  expect(await notes(...agop, ...CHECKPOINT)).toBe('');
  expect(await notes(...agop, ...CHECKPOINT, '--workers', '2')).toContain('3 of 3 tiles');
  expect(digest('k.npy')).toBe(expected);
  const nfa = ['nfa', ...MODEL, '--inputs', 'x.npy', '--batch', '64', '--json'];
  const weights = async (...args: string[]) => JSON.parse((await scratch.run(...nfa, ...args)).stdout).weights;
  expect(await weights(...CHECKPOINT)).toEqual(await weights());
  expect(await notes(...nfa, ...CHECKPOINT)).toContain('3 of 3 tiles');
  expect(await weights(...CHECKPOINT)).toEqual(await weights());
});

test('a checkpoint that cannot be written is one clear line', async () => {
  scratch.write('tiles', 'a file');
  const { status, stderr } = await scratch.run(...NTK, ...CHECKPOINT);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^tangedge: .*tiles.*checkpoint cannot be.*\n$/);
});
