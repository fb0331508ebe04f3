/** @file Timing: warmed, seeded, median of several runs, and what machine they ran on. */

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/**
 * Median seconds of `run` over at least `repeats` runs and half a second, after a third of a second of warm-up: the
 * engine replaces its first, slower code while a routine runs.
 */
export function medianSeconds(run: () => unknown, repeats: number): number {
  const once = (): number => {
    const start = performance.now();
    run();
    return (performance.now() - start) / 1000;
  };
  for (let spent = 0; spent < 0.3; ) spent += once();
  const times: number[] = [];
  for (let spent = 0; times.length < repeats || spent < 0.5; ) {
    const seconds = once();
    times.push(seconds);
    spent += seconds;
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)];
}

export interface Machine {
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly runtime: string;
}

export function machine(): Machine {
  const [cpu] = cpus();
  return {
    commit: commitOf(),
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    runtime: `Node ${process.versions.node} (V8 ${process.versions.v8})`,
  };
}

function commitOf(): string {
  try {
    const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    const dirty = execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], { encoding: 'utf8' }).trim() !== '';
    return dirty ? `${commit}+changes` : commit;
  } catch {
    return 'unknown';
  }
}

/** What a peer script printed, or why there is none. */
export interface Peer {
  readonly name: string;
  readonly seconds: Readonly<Record<string, number>>;
  readonly skipped?: string;
}

/** Runs a Python peer on one thread; a machine without it is told so, not failed. */
export function runPeer(script: string, args: readonly string[]): Peer {
  const environment = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  // A forced BLAS kernel would make the peer slower than it is.
  delete (environment as Record<string, string | undefined>).OPENBLAS_CORETYPE;
  for (const python of ['/usr/bin/python3', 'python3']) {
    try {
      const output = execFileSync(python, [script, ...args], { encoding: 'utf8', env: environment, stdio: ['ignore', 'pipe', 'ignore'] });
      return JSON.parse(output) as Peer;
    } catch {
      // Not there, or without the package: try the next interpreter.
    }
  }
  return { name: script, seconds: {}, skipped: `${script}: no python3 with the packages it needs (Debian: python3-numpy, python3-torch)` };
}
