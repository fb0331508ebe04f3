/** @file Goals that are no row of times: the module, starting it, the demo, the share of a kernel's time inside routines. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Verdict } from './goal.ts';
import type { Startup } from './startup.ts';
import { share, time } from './table.ts';
import type { Row } from './task.ts';

export interface Check {
  readonly name: string;
  readonly when: Row['when'];
  readonly run: () => Verdict;
}

export const checks = ({ gzippedBytes, compileMilliseconds, warmupMilliseconds, warmShare }: Startup): readonly Check[] => [
  { name: 'module, gzipped', when: 'quick', run: () => atMost(gzippedBytes / 1000, 60, (kilobytes) => `${kilobytes.toFixed(1)} kB`) },
  { name: 'compile and instantiate', when: 'quick', run: () => atMost(compileMilliseconds / 1000, 0.005, time) },
  { name: 'speed after warmup', when: 'quick', run: () => afterWarmup(warmShare, warmupMilliseconds / 1000) },
  { name: 'tangedge demo', when: 'usual', run: () => atMost(demoSeconds(), 15, time) },
  { name: 'ntk mlp full 1024 inside routines', when: 'usual', run: () => insideRoutines({}) },
  { name: 'ntk mlp full 1024 inside routines, 2 MB pages', when: 'usual', run: insideRoutinesOnLargePages },
];

function atMost(value: number, limit: number, show: (value: number) => string): Verdict {
  return { goal: `≤ ${show(limit)}`, measured: show(value), met: value <= limit };
}

function afterWarmup(ofLater: number, seconds: number): Verdict {
  const goal = `≥ ${share(0.9)} of later speed in ${time(0.03)}`;
  return { goal, measured: `${share(ofLater)} in ${time(seconds)}`, met: ofLater >= 0.9 && seconds <= 0.03 };
}

function demoSeconds(): number {
  const folder = mkdtempSync(join(tmpdir(), 'demo-'));
  const start = performance.now();
  execFileSync(process.execPath, ['dist/cli.js', 'demo', '--quiet', '--out', folder]);
  const seconds = (performance.now() - start) / 1000;
  rmSync(folder, { recursive: true });
  return seconds;
}

const INSIDE = 0.85;

function insideRoutines(environment: Record<string, string>): Verdict {
  const env = { ...process.env, ...environment };
  const profile = execFileSync(process.execPath, ['scripts/profile.mjs', 'mlp', 'full', '1024', 'f32'], { encoding: 'utf8', env });
  const inside = Number(/^inside routines .* ms +([\d.]+) %/m.exec(profile)?.[1]) / 100;
  return { goal: `≥ ${share(INSIDE)}`, measured: share(inside, 1), met: inside >= INSIDE };
}

/** Where glibc may ask for them: most of what is outside routines is the first touch of the result's pages. */
function insideRoutinesOnLargePages(): Verdict {
  const pages = '/sys/kernel/mm/transparent_hugepage/enabled';
  if (!existsSync(pages) || readFileSync(pages, 'utf8').includes('[never]')) {
    return { goal: `≥ ${share(INSIDE)}`, measured: 'not here: the system gives no large pages', met: null };
  }
  return insideRoutines({ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' });
}
