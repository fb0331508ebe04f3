/**
 * @file 300 (by default 100) pooled jobs with random worker kills, aborts and exceptions: each ends right or rejects with its own reason, no
 * thread is left, and memory is back within 10 % of where it was after the first jobs.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPool, empiricalNtk, loadRuntime, type Pool, uniform } from 'tangedge';
import { expect, test } from 'vitest';
import { linear, network, randomInputs } from '../features/networks.ts';
import { faultyJob } from './faulty-tiles.ts';
import { killThread, liveThreads, watchThreads } from './threads.ts';
import { buildFaultyWorker, temporaryFolder } from './worker-files.ts';

watchThreads();
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const workerUrl = await buildFaultyWorker(temporaryFolder());
const rt = await loadRuntime();
const model = network([6], [linear('0', 6, 9), { type: 'Tanh' }, linear('2', 9, 5)], 3);
const x = randomInputs(1, 60, [6]);
const kernel = empiricalNtk(rt, model, x, { outputs: 'trace' });

const SEED = 20250;
let draws = 0;
const draw = (): number => uniform(SEED, 0, draws++);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

type Outcome = 'right' | 'aborted' | 'threw' | 'lost its worker';

/** One job with at most one thing that goes wrong by its own doing; kills come from outside. Throws when the outcome is none of these. */
async function job(pool: Pool, number: number): Promise<Outcome> {
  const kind = draw();
  const controller = new AbortController();
  const reason = new Error(`abort of job ${number}`);
  const aborts = kind < 0.25;
  const throws = kind >= 0.25 && kind < 0.5;
  if (aborts) void pause(20 * draw()).then(() => controller.abort(reason));
  try {
    if (kind >= 0.75) {
      const result = await pool.empiricalNtk(model, x, { outputs: 'trace', tileSize: 8 });
      expect(result).toEqual(kernel);
    } else {
      const faults = [{ what: 'sleep', tile: 2, ms: 8 * draw() } as const, ...(throws ? [{ what: 'throw', tile: 5 } as const] : [])];
      expect(await pool.run(() => faultyJob(8, faults), { signal: controller.signal })).toBe(36);
    }
    return 'right';
  } catch (error) {
    if (aborts && error === reason) return 'aborted';
    if (throws && (error as { code?: string }).code === 'ERR_DOMAIN') return 'threw';
    if ((error as { code?: string }).code === 'ERR_WORKER') return 'lost its worker';
    throw error;
  }
}

async function soak(jobs: number): Promise<Record<Outcome, number>> {
  const counts: Record<Outcome, number> = { right: 0, aborted: 0, threw: 0, 'lost its worker': 0 };
  const pool = await createPool({ workers: 3, workerUrl });
  let started = 0;
  const stream = async () => {
    while (started < jobs) counts[await job(pool, started++)]++;
  };
  let over = false;
  const killer = (async () => {
    for (; !over; await pause(30 + 60 * draw())) await killThread(draw());
  })();
  await Promise.all([stream(), stream(), stream(), stream()]);
  over = true;
  await killer;
  await pool.close();
  return counts;
}

/** Bytes in use after a collection: JavaScript's heap and the arrays outside it. */
async function bytesInUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect();
    await pause(20);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const JOBS = process.env.TANGEDGE_TEST_CASES === 'all' ? 300 : 100;

test(`${JOBS} jobs`, { timeout: 120_000 }, async () => {
  await soak(40);
  const before = await bytesInUse();
  const counts = await soak(JOBS);
  expect(Object.values(counts).reduce((total, count) => total + count)).toBe(JOBS);
  expect(counts.right).toBeGreaterThan(JOBS / 4);
  expect(counts.aborted).toBeGreaterThan(JOBS / 20);
  expect(counts.threw).toBeGreaterThan(JOBS / 20);
  // a tile that is killed three times running is rare
  expect(counts['lost its worker']).toBeLessThan(JOBS / 15);
  expect(liveThreads()).toBe(0);
  const after = await bytesInUse();
  expect(after).toBeLessThan(1.1 * before);
});
