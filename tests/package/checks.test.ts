/** @file What the checkers of npm packages say: publint and Are the types wrong of the packed package, knip of the repository. */

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ROOT } from '../structure/source-files.ts';
import { type Tool, toolPath, toolsAre } from '../tools/tools.ts';
import { pack } from './consumer.ts';

const folder = mkdtempSync(join(tmpdir(), 'tangedge-pack-'));
let tarball = '';
beforeAll(() => {
  tarball = pack(folder);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Status and output of a checker, run in the repository. */
async function run(tool: Tool, ...args: string[]): Promise<{ status: number; said: string }> {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' };
  const running = promisify(execFile)(toolPath(tool), args, { cwd: ROOT, env, maxBuffer: 1 << 26 });
  return running.then(
    ({ stdout, stderr }) => ({ status: 0, said: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ status: code, said: stdout + stderr }),
  );
}

test.runIf(toolsAre('publint'))('publint finds nothing to say', async () => {
  const { status, said } = await run('publint', '--strict', tarball);
  expect({ status, said }).toEqual({ status: 0, said: expect.stringContaining('All good!') });
});

test.runIf(toolsAre('attw'))('every module system and bundler finds the right types', async () => {
  const { status, said } = await run('attw', tarball, '--profile', 'esm-only', '--exclude-entrypoints', 'routines.wasm');
  expect(status, said).toBe(0);
});

test.runIf(toolsAre('knip'))('no file, export or dependency is unused', async () => {
  const { status, said } = await run('knip', '--no-progress');
  expect(status, said).toBe(0);
});
