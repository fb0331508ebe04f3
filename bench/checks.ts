/** @file Goals that are no row of times: the module, starting it, the demo, the share of a kernel's time inside routines. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
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
  { name: 'ntk mlp full 1024 inside routines', when: 'usual', run: insideRoutines },
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

function insideRoutines(): Verdict {
  const profile = execFileSync(process.execPath, ['scripts/profile.mjs', 'mlp', 'full', '1024', 'f32'], { encoding: 'utf8' });
  const inside = Number(/^inside routines .* ms +([\d.]+) %/m.exec(profile)?.[1]) / 100;
  return { goal: `≥ ${share(0.85)}`, measured: share(inside, 1), met: inside >= 0.85 };
}
