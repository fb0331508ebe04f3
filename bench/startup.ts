/** @file From nothing to full speed: compile, instantiate, and the rate of the first products. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { median } from './stopwatch.ts';

export interface Startup {
  /** Milliseconds of new WebAssembly.Module and Instance in a fresh process, median of five. */
  readonly compileMilliseconds: number;
  readonly moduleBytes: number;
  readonly gzippedBytes: number;
}

const MODULE = 'build/routines.wasm';

export async function startup(): Promise<Startup> {
  const bytes = readFileSync(MODULE);
  const times = Array.from({ length: 5 }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '--eval', PROGRAM, MODULE], { encoding: 'utf8' })),
  );
  return { compileMilliseconds: median(times), moduleBytes: bytes.length, gzippedBytes: gzipSync(bytes, { level: 9 }).length };
}

const PROGRAM = `
import { readFileSync } from 'node:fs';
const bytes = readFileSync(process.argv[1]);
const start = performance.now();
new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: new WebAssembly.Memory({ initial: 1 }) } });
const milliseconds = performance.now() - start; // before the first use of process.stdout, which takes 2 ms itself
process.stdout.write(String(milliseconds));
`;
