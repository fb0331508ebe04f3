/** @file The worker files that tests use: the built one, and one that knows faulty tiles too. */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const WORKER_URL = new URL('../../dist/worker.node.js', import.meta.url);

/** A folder for one test file. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tangedge-pool-'));
}

export async function buildFaultyWorker(folder: string): Promise<URL> {
  const outfile = join(folder, 'worker.mjs');
  const entryPoints = [new URL('./faulty-worker.ts', import.meta.url).pathname];
  await build({ entryPoints, outfile, bundle: true, format: 'esm', platform: 'node', mainFields: ['module', 'main'], logLevel: 'warning' });
  return pathToFileURL(outfile);
}
