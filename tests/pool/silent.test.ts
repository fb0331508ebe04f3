/** @file Web workers that end without an event, in the middle of a tile: noticed by their lock, in Deno and Chromium. */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { launchChromium, serveFiles } from '../runtime/browser.ts';
import { ROOT } from '../structure/source-files.ts';
import { toolPath, toolsAre } from '../tools/tools.ts';
import { temporaryFolder } from './worker-files.ts';

const FATES = ['first', 'every'] as const;
type Fate = (typeof FATES)[number];

/** Closes itself instead of answering its third message, which asks for a tile (the first two start it and open the job). */
const DYING = `let messages = 0;
addEventListener('message', (event) => {
  if (location.search !== '?dies' || ++messages < 3) return;
  event.stopImmediatePropagation();
  close();
});`;

/** Which of the pool's workers die is the fate. Locks that are left when the pool is closed are counted. */
const program = (dist: string) => `import { createPool, tensor } from '${dist}/index.web.js';
let started = 0;
const RealWorker = Worker;
export async function outcome(fate) {
  globalThis.Worker = class extends RealWorker {
    constructor(url, options) {
      super(started++ === 0 || fate === 'every' ? url + '?dies' : url, options);
    }
  };
  const model = { graph: { nodes: [{ op: 'input', name: 'x', shape: [2], batched: true, inputs: [], attributes: {} }], outputs: [0] },
    input: { name: 'x', id: 0, shape: [2] }, output: { name: 'x', id: 0, size: 2 }, parameters: [], layers: [] };
  const pool = await createPool({ workers: 1, workerUrl: new URL('./worker.mjs', import.meta.url).href });
  const locks = async () => { const { held, pending } = await navigator.locks.query(); return [held.length, pending.length]; };
  const open = await locks();
  const result = await pool.forward(model, tensor([2, 2], [1, 2, 3, 4])).then(({ data }) => [...data], ({ code, message }) => ({ code, message }));
  await pool.close();
  let closed = await locks();
  for (let look = 0; look < 100 && closed.join() !== '0,0'; look++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    closed = await locks();
  }
  return { result, started, open, closed };
}`;

function writeProgram(dist: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'dying.mjs'), DYING);
  writeFileSync(join(folder, 'worker.mjs'), `import './dying.mjs';\nimport '${dist}/worker.web.js';`);
  writeFileSync(join(folder, 'program.mjs'), program(dist));
  return folder;
}

async function inDeno(fate: Fate): Promise<unknown> {
  const folder = writeProgram(pathToFileURL(join(ROOT, 'dist')).href);
  writeFileSync(join(folder, 'main.mjs'), `import { outcome } from './program.mjs';\nconsole.log(JSON.stringify(await outcome('${fate}')));`);
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1' };
  const { stdout } = await promisify(execFile)(toolPath('deno'), ['run', '--quiet', '--allow-read', 'main.mjs'], {
    cwd: folder,
    env,
    timeout: 20_000,
  });
  return JSON.parse(stdout);
}

async function inChromium(fate: Fate): Promise<unknown> {
  const folder = writeProgram('/dist');
  const html = '<!doctype html>';
  const server = await serveFiles((path) => (path === '/' ? { html } : { file: join(path.startsWith('/dist/') ? ROOT : folder, path) }));
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(server.url);
    const late = `new Promise((_, reject) => setTimeout(reject, 20_000, new Error('it is pending')))`;
    return await page.evaluate(`Promise.race([import('/program.mjs').then(({ outcome }) => outcome('${fate}')), ${late}])`);
  } finally {
    await browser.close();
    await server.close();
  }
}

describe.each([
  ['Deno', toolsAre('deno'), inDeno],
  ['Chromium', toolsAre('playwright-core', 'chromium'), inChromium],
] as const)('%s', (_, present, outcome) => {
  test.runIf(present)('a worker that closes itself: another computes its tile, the identity; no lock is left', async () => {
    expect(await outcome('first')).toEqual({ result: [1, 2, 3, 4], started: 2, open: [1, 1], closed: [0, 0] });
  });

  test.runIf(present)('every worker closes itself: one error after three tries, as for threads of Node', async () => {
    const message = expect.stringContaining('the thread ended without an error');
    expect(await outcome('every')).toMatchObject({ result: { code: 'ERR_WORKER', message }, closed: [0, 0] });
  });
});
