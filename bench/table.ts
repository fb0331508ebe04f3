/** @file The table on the terminal: a line for ours and every peer, printed as soon as it is measured. */

import type { Result } from './compare.ts';
import type { Verdict } from './goal.ts';
import type { Startup } from './startup.ts';

const WIDTHS = [22, 11, 11, 9, 8, 26, 11, 9, 8];

export function printStartup({ compileMilliseconds, moduleBytes, gzippedBytes, warmupMilliseconds, warmShare, leastWarmShare }: Startup): void {
  console.log(
    `module: ${(moduleBytes / 1000).toFixed(1)} kB, gzipped ${(gzippedBytes / 1000).toFixed(1)} kB; compiled and instantiated in ${compileMilliseconds.toFixed(1)} ms`,
  );
  console.log(
    `warmup: ${warmupMilliseconds.toFixed(0)} ms, then products run at ${(100 * warmShare).toFixed(0)} % of their later speed (median of nine fresh processes; the least ${(100 * leastWarmShare).toFixed(0)} %)\n`,
  );
}

export function printHeader(): void {
  printLine(['', 'best', 'median', 'GFLOP/s', 'of roof', 'peer', 'its median', 'ratio', 'of roof']);
}

export function printResult({ name, flops, ours, roofShare, peers, goals }: Result): void {
  const own = [name, time(ours.best), time(ours.median), flops ? (flops / ours.best / 1e9).toFixed(1) : '', share(roofShare)];
  const lines = peers.map((peer) => [peer.name, time(peer.median), `${peer.ratio.toPrecision(3)}×`, share(peer.roofShare)]);
  printLine([...own, ...(lines[0] ?? [])]);
  for (const line of lines.slice(1)) printLine(['', '', '', '', '', ...line]);
  for (const verdict of goals) console.log(`  ${verdictText(verdict)}`);
}

export function verdictText({ goal, measured, met, atRoof }: Verdict): string {
  return `goal ${goal}: ${measured}${met === null ? '' : met ? ', met' : ', NOT MET'}${atRoof === undefined ? '' : ` (the roof itself: ${atRoof})`}`;
}

function printLine(cells: readonly string[]): void {
  console.log(
    cells
      .map((cell, i) => (i === 0 || i === 5 ? cell.padEnd(WIDTHS[i]) : cell.padStart(WIDTHS[i])))
      .join(' ')
      .trimEnd(),
  );
}

export function share(ofRoof: number | undefined, decimals = 0): string {
  return ofRoof === undefined ? '' : `${(100 * ofRoof).toFixed(decimals)} %`;
}

export function time(seconds: number): string {
  if (seconds < 1e-3) return `${(seconds * 1e6).toPrecision(3)} µs`;
  return seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}
