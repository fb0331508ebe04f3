/** @file Builds what is stale before any test runs: tests/cli drive the built program. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export function setup(): void {
  const script = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, '--javascript'], { encoding: 'utf8' });
  // Tests that need no build still run; those that do will not find dist/cli.js.
  if (status !== 0) process.stderr.write(`The build failed; tests of the command line will too.\n${stderr}\n`);
}
