/**
 * @file Ourselves in another mode, asked as a peer: `node mode.js wide`, `fused` or `fused wide`. A process of its own, since the
 * modes need Node 24, and wide sets a flag of V8.
 */

import { createInterface } from 'node:readline';
import { loadRuntime, type Runtime } from '../src/index.ts';
import { prepare } from './ours.ts';
import { type Sample, stopwatch } from './stopwatch.ts';
import type { Task } from './task.ts';

const reply = (answer: object): boolean => process.stdout.write(`${JSON.stringify(answer)}\n`);

const modes = process.argv.slice(2);
const name = `tangedge ${modes.join(', ')}`;

const rt: Runtime | null = await loadRuntime({ wide: modes.includes('wide'), fused: modes.includes('fused') }).catch((error: Error) => {
  reply({ skipped: `${name}: ${error.message}` });
  return null;
});

if (rt !== null) {
  const version = process.versions.node.split('.')[0];
  reply({ name: `${name}, Node ${version}` });
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
