/** @file What goes wrong with workers: they die, never start, throw, are aborted or closed. Nothing pends, nothing is lost. */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createPool, type Pool, type PoolOptions, type Progress, TangedgeError } from 'tangedge';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Fault, faultyJob } from './faulty-tiles.ts';
import { liveThreads, startedThreads, watchThreads } from './threads.ts';
import { buildFaultyWorker, temporaryFolder, WORKER_URL } from './worker-files.ts';

watchThreads();
const folder = temporaryFolder();
const faultyUrl = await buildFaultyWorker(folder);
const pools: Pool[] = [];
const pool = async (options: PoolOptions = {}): Promise<Pool> => {
  const made = await createPool({ workers: 2, workerUrl: faultyUrl, ...options });
  pools.push(made);
  return made;
};
let files = 0;
const once = (): string => join(folder, `once-${files++}`);
const run = (p: Pool, tiles: number, faults: readonly Fault[] = [], signal?: AbortSignal) => p.run(() => faultyJob(tiles, faults), { signal });
const sum = (tiles: number): number => (tiles * (tiles + 1)) / 2;

afterEach(async () => {
  await Promise.all(pools.splice(0).map((p) => p.close()));
});
afterAll(() => {
  expect(liveThreads()).toBe(0);
});

describe('a worker that dies', () => {
  test('in the middle of a tile: the tile is computed by another, the result is the same', async () => {
    const p = await pool();
    const before = startedThreads();
    const faults = [1, 4, 7].map((tile): Fault => ({ what: 'exit', tile, once: once() }));
    expect(await run(p, 12, faults)).toBe(sum(12));
    expect(startedThreads() - before).toBeGreaterThanOrEqual(2);
  });

  test('at the same tile every time: one error with the tile, three tries, and the pool works on', async () => {
    const p = await pool();
    const before = startedThreads();
    await expect(run(p, 6, [{ what: 'exit', tile: 3 }])).rejects.toMatchObject({
      name: 'TangedgeError',
      code: 'ERR_WORKER',
      info: { kind: 'faulty', tile: 3, deaths: 3 },
      message: expect.stringContaining('exit code 7'),
    });
    expect(await run(p, 6)).toBe(sum(6));
    expect(startedThreads() - before).toBeLessThanOrEqual(4);
  });
});

describe('a worker that never starts', () => {
  test('no such file: one error that names the URL, no respawn loop', async () => {
    const before = startedThreads();
    const workerUrl = pathToFileURL(join(folder, 'not-there.mjs'));
    const error = await createPool({ workers: 3, workerUrl }).catch((reason) => reason);
    expect(error).toBeInstanceOf(TangedgeError);
    expect(error).toMatchObject({ code: 'ERR_WORKER', info: { workerUrl: workerUrl.href }, message: expect.stringContaining(workerUrl.href) });
    expect(error.message.split('\n')).toHaveLength(1);
    expect(startedThreads() - before).toBe(3);
    expect(liveThreads()).toBe(0);
  });

  test('a file that throws at once, or answers nothing', async () => {
    const throwing = join(folder, 'throwing.mjs');
    writeFileSync(throwing, 'throw new Error("bad start");');
    await expect(createPool({ workers: 1, workerUrl: pathToFileURL(throwing) })).rejects.toMatchObject({
      code: 'ERR_WORKER',
      message: expect.stringContaining('bad start'),
    });
    const silent = join(folder, 'silent.mjs');
    writeFileSync(silent, 'setInterval(() => {}, 1000);');
    await expect(createPool({ workers: 1, workerUrl: pathToFileURL(silent), startTimeout: 200 })).rejects.toMatchObject({
      code: 'ERR_WORKER',
      message: expect.stringContaining('did not answer within 200 ms'),
    });
    expect(liveThreads()).toBe(0);
  });

  test('started for the first large job: the call rejects the same way, and so does the next', async () => {
    const p = await pool({ workerUrl: pathToFileURL(join(folder, 'not-there.mjs')), smallJobs: 'inline' });
    for (let call = 0; call < 2; call++) await expect(run(p, 4)).rejects.toMatchObject({ code: 'ERR_WORKER' });
  });

  test('a worker of another version that does not know the tiles', async () => {
    const p = await pool({ workerUrl: WORKER_URL });
    await expect(run(p, 4)).rejects.toMatchObject({ code: 'ERR_WORKER', message: expect.stringContaining("'faulty'") });
  });
});

describe('an exception in a tile', () => {
  test('a TangedgeError keeps class, code, fields, cause and the stack of where it was thrown', async () => {
    const p = await pool();
    const error = await run(p, 5, [{ what: 'throw', tile: 2 }]).catch((reason) => reason);
    expect(error).toBeInstanceOf(TangedgeError);
    expect(error).toMatchObject({ code: 'ERR_DOMAIN', message: 'tile 2 is bad', info: { tile: 2, index: [1, 2] } });
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause.message).toBe('deep');
    expect(error.stack).toContain('worker.mjs');
    expect(await run(p, 5)).toBe(sum(5));
  });

  test("any other error keeps the language's class", async () => {
    const error = await run(await pool(), 5, [{ what: 'throw-plain', tile: 0 }]).catch((reason) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('a plain one');
  });

  test('an exception in onProgress is the error of the call', async () => {
    const p = await pool();
    const onProgress = () => {
      throw new Error('not shown');
    };
    await expect(p.run(() => faultyJob(4), { onProgress })).rejects.toThrow('not shown');
    expect(await run(p, 4)).toBe(sum(4));
  });
});

describe('abort', () => {
  test('in a tile that takes seconds: rejects with the reason within 50 ms, and the workers are free again', async () => {
    const p = await pool();
    const controller = new AbortController();
    const call = run(
      p,
      4,
      [0, 1, 2, 3].map((tile) => ({ what: 'sleep', tile, ms: 20_000 })),
      controller.signal,
    );
    const outcome = call.catch((reason) => ({ reason, at: performance.now() }));
    await new Promise((resolve) => setTimeout(resolve, 60));
    const reason = new Error('enough');
    const start = performance.now();
    controller.abort(reason);
    const { reason: seen, at } = (await outcome) as { reason: unknown; at: number };
    expect(seen).toBe(reason);
    expect(at - start).toBeLessThan(50);
    expect(await run(p, 8)).toBe(sum(8));
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('before the call, with the default reason; between tiles inline; other calls go on', async () => {
    const p = await pool();
    await expect(run(p, 4, [], AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
    const controller = new AbortController();
    const other = run(p, 40);
    const aborted = run(p, 40, [], controller.signal);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(await other).toBe(sum(40));
  });
});

describe('close', () => {
  test.each(['running', 'waiting'])('a call that is %s rejects with ERR_CLOSED, later ones too', async (state) => {
    const p = await pool();
    const calls = Array.from({ length: state === 'running' ? 1 : 6 }, () => run(p, 3, [{ what: 'sleep', tile: 1, ms: 5000 }]));
    const outcomes = Promise.allSettled(calls);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await p.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_CLOSED' } });
    await expect(run(p, 3)).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await p.close();
    expect(liveThreads()).toBe(0);
  });

  test('await using closes', async () => {
    {
      await using p = await createPool({ workers: 1, workerUrl: faultyUrl });
      expect(await run(p, 3)).toBe(sum(3));
      expect(liveThreads()).toBe(1);
    }
    expect(liveThreads()).toBe(0);
  });
});

test('memory that grows between and within tiles', async () => {
  expect(
    await run(
      await pool(),
      6,
      [1, 3, 5].map((tile) => ({ what: 'grow', tile })),
    ),
  ).toBe(sum(6));
});

test('progress: tiles, rate, time left; it ends at 1', async () => {
  const seen: Progress[] = [];
  await (await pool()).run(() => faultyJob(5), { onProgress: (progress) => seen.push(progress) });
  expect(seen.map(({ tilesDone }) => tilesDone)).toEqual([1, 2, 3, 4, 5]);
  for (const { tiles, fraction, tilesDone, tilesPerSecond, secondsLeft } of seen) {
    expect(tiles).toBe(5);
    expect(fraction).toBe(tilesDone / 5);
    expect(tilesPerSecond).toBeGreaterThan(0);
    expect(secondsLeft).toBeCloseTo((5 - tilesDone) / (tilesPerSecond as number), 10);
  }
});

test('bad options', async () => {
  await expect(createPool({ workers: -1 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  await expect(createPool({ workers: 1.5 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
});

const POOLS = process.env.TANGEDGE_TEST_CASES === 'all' ? 1000 : 60;

test(`${POOLS} pools made and closed: no thread is left`, { timeout: 240_000 }, async () => {
  for (let made = 0; made < POOLS; made++) {
    const p = await createPool({ workers: 1, workerUrl: faultyUrl });
    if (made % 10 === 0) expect(await run(p, 2)).toBe(sum(2));
    await p.close();
  }
  expect(liveThreads()).toBe(0);
});

describe('the process', () => {
  const library = new URL('../../dist/index.node.js', import.meta.url).href;
  const exits = (body: string) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', `import { createPool, tensor } from '${library}';\n${body}`], {
      timeout: 20_000,
    });

  test('ends by itself with idle workers, and not before the work is done', async () => {
    const { stdout } = await exits(`
      const pool = await createPool({ workers: 2 });
      const model = { graph: { nodes: [{ op: 'input', name: 'x', shape: [2], batched: true, inputs: [], attributes: {} }], outputs: [0] },
        input: { name: 'x', id: 0, shape: [2] }, output: { name: 'x', id: 0, size: 2 }, parameters: [], layers: [] };
      pool.forward(model, tensor([2, 2], [1, 2, 3, 4])).then(({ data }) => console.log(data.join()));
    `);
    expect(stdout.trim()).toBe('1,2,3,4');
  });
});
