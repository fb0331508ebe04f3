/**
 * @file Ourselves in another mode, asked as a peer: `node mode.js wide`, `fused` or `fused wide`, or in another engine: `bun mode.js`.
 * A process of its own, since the modes need Node 24, and wide sets a flag of V8.
 */

import { createInterface } from 'node:readline';
import { loadRuntime, type Runtime } from '../src/index.ts';
import { prepare } from './ours.ts';
import { type Sample, stopwatch } from './stopwatch.ts';
import type { Task } from './task.ts';

const reply = (answer: object): boolean => process.stdout.write(`${JSON.stringify(answer)}\n`);

const modes = process.argv.slice(2);
const { bun, node } = process.versions;
const runtime = bun === undefined ? `Node ${node.split('.')[0]}` : `Bun ${bun}`;
const name = `tangedge${modes.map((mode) => ` ${mode}`).join(',')}`;

const rt: Runtime | null = await loadRuntime({ wide: modes.includes('wide'), fused: modes.includes('fused') }).catch((error: Error) => {
  reply({ skipped: `${name}: ${error.message}` });
  return null;
});

if (rt !== null) {
  reply({ name: `${name}, ${runtime}` });
  let last: { readonly key: string; readonly sample: Sample; readonly release: () => void } | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const { task } = JSON.parse(line) as { task: Task };
    const key = JSON.stringify(task);
    if (last?.key !== key) {
      last?.release();
      const { run, release } = prepare(rt, task);
      last = { key, sample: stopwatch(run), release };
    }
    reply({ seconds: last.sample() });
  }
}
