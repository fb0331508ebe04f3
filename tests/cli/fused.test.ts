/** @file `--fused`: it says so wherever results go, gives other bits within rounding, and checkpoints of one mode are not the other's. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { goldenExpected, readGoldenCase, relativeError } from '../golden/read-case.ts';
import { expectFailure, type Outcome, useScratch } from './run-program.ts';

const scratch = useScratch();
const golden = readGoldenCase('s01_mlp_relu');
const file = (name: string) => `${golden.directory}/${name}`;
const model = [file('spec.json'), '--weights', file('weights.safetensors')];
const NOTE = /^fused mode: products multiply and add with one rounding; results differ from the default mode by rounding errors\./;

/** Where multiply-add is not fused, the one line of the refusal. */
function ran(outcome: Outcome): boolean {
  if (outcome.status === 0) return true;
  expectFailure(outcome, 2, /fused mode needs relaxed SIMD .*rounds twice/);
  return false;
}

test('tangedge ntk: the golden kernel, other bits than the default’s, and a note in the JSON and on stderr', async () => {
  const trace = ['--inputs', file('x.npy'), '--outputs', 'trace'];
  expect((await scratch.run('ntk', ...model, ...trace, '--out', 'usual.npy')).status).toBe(0);
  const fused = await scratch.run('ntk', ...model, ...trace, '--out', 'fused.npy', '--fused', '--json');
  if (!ran(fused)) return;
  expect(JSON.parse(fused.stdout).notes).toEqual([expect.stringMatching(NOTE)]);
  expect(fused.stderr).toMatch(/note: fused mode: .* Products are \d+\.\d times as fast here\.\n$/);
  const kernel = scratch.readArray('fused.npy');
  expect(relativeError(kernel, goldenExpected(golden, 'ntk_trace'))).toBeLessThan(1e-10);
  expect(kernel.data).not.toEqual(scratch.readArray('usual.npy').data);
});

test('tangedge analyze: report.json and the page say it', async () => {
  const outcome = await scratch.run('analyze', ...model, '--inputs', file('x.npy'), '--out', 'report', '--fused', '--workers', '2');
  if (!ran(outcome)) return;
  const { provenance } = JSON.parse(readFileSync(scratch.path('report/report.json'), 'utf8'));
  expect(provenance.notes[0]).toMatch(NOTE);
  expect(readFileSync(scratch.path('report/index.html'), 'utf8')).toContain('fused mode: products multiply and add with one rounding');
});

describe('a checkpoint', () => {
  test('of tiles: those of the other mode are not taken', async () => {
    const run = (...flags: string[]) =>
      scratch.run('ntk', ...model, '--inputs', file('x.npy'), '--out', 'k.npy', '--checkpoint', 'tiles', '--json', ...flags);
    expect(JSON.parse((await run()).stdout).notes).toEqual([]);
    const fused = await run('--fused');
    if (!ran(fused)) return;
    expect(JSON.parse(fused.stdout).notes).toEqual([expect.stringMatching(NOTE)]);
    expect(JSON.parse((await run('--fused')).stdout).notes.join()).toMatch(/tiles came from the checkpoint/);
  });

  test('of a training run: refused in the other mode', async () => {
    const train = (...flags: string[]) =>
      scratch.run('train', ...model, '--inputs', file('x.npy'), '--targets', file('y.npy'), '--lr', '0.01', '--optimizer', 'gd', ...flags);
    const first = await train('--steps', '2', '--out', 'run', '--fused');
    if (!ran(first)) return;
    expectFailure(await train('--steps', '4', '--resume', 'run'), 2, /it was made with fused true, not null/);
    expect((await train('--steps', '4', '--resume', 'run', '--fused')).status).toBe(0);
  });
});
