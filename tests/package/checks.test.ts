/** @file What the checkers of npm packages say: publint, Are the types wrong, knip. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from '../structure/source-files.ts';
import { type Tool, toolPath, toolsAre } from '../tools/tools.ts';

/** Status and output of a checker, run on the repository. */
async function run(tool: Tool, ...args: string[]): Promise<{ status: number; said: string }> {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', npm_config_ignore_scripts: 'true' };
  const running = promisify(execFile)(toolPath(tool), args, { cwd: ROOT, env, maxBuffer: 1 << 26 });
  return running.then(
    ({ stdout, stderr }) => ({ status: 0, said: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ status: code, said: stdout + stderr }),
  );
}

test.runIf(toolsAre('publint'))('publint finds nothing to say', async () => {
  const { status, said } = await run('publint', '--strict', '.');
  expect({ status, said }).toEqual({ status: 0, said: expect.stringContaining('All good!') });
});

test.runIf(toolsAre('attw'))('every module system and bundler finds the right types', async () => {
  const { status, said } = await run('attw', '--pack', '.', '--profile', 'esm-only', '--exclude-entrypoints', 'routines.wasm');
  expect(status, said).toBe(0);
});

test.runIf(toolsAre('knip'))('no file, export or dependency is unused', async () => {
  const { status, said } = await run('knip', '--no-progress');
  expect(status, said).toBe(0);
});
