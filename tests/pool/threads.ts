/** @file The threads that pools start in a test: counted, and ended by force. */

import threads from 'node:worker_threads';

const original = threads.Worker;
const alive = new Set<threads.Worker>();
let started = 0;

class CountedWorker extends original {
  constructor(url: string | URL, options?: threads.WorkerOptions) {
    super(url, options);
    started++;
    alive.add(this);
    this.once('exit', () => alive.delete(this));
  }
}

/** From here on every thread that a pool starts is known. */
export function watchThreads(): void {
  threads.Worker = CountedWorker;
}

export function liveThreads(): number {
  return alive.size;
}

export function startedThreads(): number {
  return started;
}

/** Ends one live thread, chosen by a number in [0, 1), as a crash would. */
export async function killThread(choice: number): Promise<void> {
  await [...alive][Math.floor(choice * alive.size)]?.terminate();
}
