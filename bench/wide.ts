/** @file Ourselves on 256-bit vectors, asked as a peer: a process of its own, since wide mode needs Node 24 and sets a flag of V8. */

import { createInterface } from 'node:readline';
import { loadRuntime, type Runtime } from '../src/index.ts';
import { prepare } from './ours.ts';
import { type Sample, stopwatch } from './stopwatch.ts';
import type { Task } from './task.ts';

const reply = (answer: object): boolean => process.stdout.write(`${JSON.stringify(answer)}\n`);

const rt: Runtime | null = await loadRuntime({ wide: true }).catch((error: Error) => {
  reply({ skipped: `tangedge wide: ${error.message}` });
  return null;
});

if (rt !== null) {
  const version = process.versions.node.split('.')[0];
  reply({ name: `tangedge wide, Node ${version}` });
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
