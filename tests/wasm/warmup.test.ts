/** @file warmup in a process of its own, whose code is still the engine's first: rates before, after, and after half a second of work. */

import { execFileSync } from 'node:child_process';
import { loadRuntime, warmup } from 'tangedge';
import { expect, test } from 'vitest';

const PROGRAM = `
const { loadRuntime, warmup } = await import(process.argv[1]);
const rt = await loadRuntime();
const { milliseconds } = await warmup(rt, { milliseconds: 500 });
const n = 256;
const [a, b, c] = [0, 1, 2].map(() => rt.arena.load('f32', new Float32Array(n * n)));
const scratch = rt.arena.allocate(rt.f32.gemmScratchBytes(n, n, n));
const times = (milliseconds) => {
  const all = [];
  for (const start = performance.now(); performance.now() - start < milliseconds; ) {
    const call = performance.now();
    rt.f32.gemm(n, n, n, 1, a, n, 1, b, n, 1, 0, c, n, 1, scratch);
    all.push(performance.now() - call);
  }
  return all.sort((first, second) => first - second);
};
const [after, settled] = [times(5)[0], times(500)];
process.stdout.write(JSON.stringify({ milliseconds, share: settled[settled.length >> 1] / after }));
`;

/** One fresh process's rate after warmup, at best, over its rate in half a second of work, in the median, whoever else uses the machine. */
function share(): number {
  const entry = new URL('../../dist/index.node.js', import.meta.url).href;
  const text = execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM, entry], { encoding: 'utf8' });
  const { milliseconds, share } = JSON.parse(text) as { milliseconds: number; share: number };
  expect(milliseconds).toBeLessThan(2000);
  return share;
}

test('products run at speed after it: at least 0.7 of the rate in half a second of work (0.15 to 0.6 without)', () => {
  // Where other programs hold every core, the engine's compiler may come too late in one process of three, hardly in eight. Other tests are done.
  expect([1, 2, 3, 4, 5, 6, 7, 8].some(() => share() > 0.7)).toBe(true);
});

test('gives its memory back', async () => {
  const rt = await loadRuntime();
  const used = rt.arena.used;
  await warmup(rt);
  expect(rt.arena.used).toBe(used);
});

test('refuses a time that is not positive', async () => {
  await expect(warmup(await loadRuntime(), { milliseconds: 0 })).rejects.toThrow(/milliseconds is 0/);
});
