/**
 * @file `npm run bench`: our figure, the peers' and the ratios, all from this run; one thread.
 *
 *   --quick        under two minutes: fewer rows and rounds
 *   --full         also what takes minutes (n = 4096, functorch of 256 examples, whose Jacobian takes 7 GB; of 1024 it would take 27)
 *   --only WORDS   rows whose name contains one of the words, separated by commas
 *
 * Below a row stand its goals, judged on best times; at the end, which of all were not met. Where the roof itself misses a goal, it says by how much.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { loadRuntime } from '../src/index.ts';
import { checks } from './checks.ts';
import { compare, type Result, type Rounds } from './compare.ts';
import { machine } from './machine.ts';
import { resultsPage } from './page.ts';
import { startPeers } from './peers.ts';
import { Roof } from './roof.ts';
import { startup } from './startup.ts';
import { printHeader, printResult, printStartup, verdictText } from './table.ts';
import { ROWS, type Row } from './task.ts';

const [quick, full] = ['--quick', '--full'].map((flag) => process.argv.includes(flag));
const at = process.argv.indexOf('--only');
const words = at < 0 ? [''] : (process.argv[at + 1] ?? '').split(',');
const chosen = <T extends { readonly name: string; readonly when: Row['when'] }>(list: readonly T[]) =>
  list.filter(({ name, when }) => (when === 'quick' || (when === 'usual' && !quick) || full) && words.some((word) => name.includes(word)));
const rounds: Rounds = quick ? { most: 3, seconds: 3, slow: 1 } : { most: 9, seconds: 20, slow: 3 };

const here = machine();
console.log(`tangedge ${here.commit} · ${here.cpu}, ${here.cores} cores · ${here.runtime} · one thread\n`);
const start = await startup();
printStartup(start);
const checked = chosen(checks(start)).map(({ name, run }) => {
  const verdict = run();
  console.log(`${name}: ${verdictText(verdict)}`);
  return { name, ...verdict };
});
const roof = new Roof();
const { peers, skipped, openblas } = await startPeers({ full });
if (openblas !== null) console.log(openblas);
const rt = await loadRuntime();
printHeader();
const results: Result[] = [];
for (const row of chosen(ROWS)) {
  const result = await compare(rt, roof, peers, row, rounds);
  printResult(result);
  results.push(result);
}
for (const peer of peers) peer.stop();
for (const reason of skipped) console.log(`skipped: ${reason}`);

const verdicts = [...checked, ...results.flatMap(({ name, goals }) => goals.map((goal) => ({ name, ...goal })))];
const count = (met: boolean | null) => verdicts.filter((verdict) => verdict.met === met).length;
console.log(`\ngoals: ${count(true)} met, ${count(false)} not, ${count(null)} not measured; ${minutes(performance.now() / 1000)}`);
for (const verdict of verdicts) if (!verdict.met) console.log(`  ${verdict.name}: ${verdictText(verdict)}`);

// A partial run is for looking; only whole ones are kept.
if (at < 0) {
  const record = { machine: here, run: quick ? 'quick' : full ? 'full' : 'usual', startup: start, openblas, verdicts, results, skipped };
  const path = `bench/results/${here.commit}`;
  mkdirSync('bench/results', { recursive: true });
  writeFileSync(`${path}.json`, `${JSON.stringify(record, null, 2)}\n`);
  writeFileSync(`${path}.html`, resultsPage(record));
  console.log(`\n${path}.json, ${path}.html`);
}

function minutes(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
