/**
 * @file Notices a web worker that ends without an event: it called close(), or the browser ended it. A worker holds a lock of
 * the Web Locks API for as long as it lives, so whoever asks for the same lock gets it when the worker has ended, however busy
 * it was. Where there are no locks (pages that are not secure contexts, older runtimes), such an end goes unnoticed.
 */

import type { Endpoint } from 'comlink';

/** The message that names the lock; comlink passes over it. */
interface Lifeline {
  readonly lifeline: string;
}

/** Absent outside secure contexts, whatever the type says. */
const locks = (): LockManager | undefined => globalThis.navigator?.locks;

/** The worker's side: takes a lock for life and says its name. Resolves when that is done, or cannot be. */
export function holdLifeline(endpoint: Endpoint): Promise<void> {
  return new Promise((resolve) => {
    const lifeline = `tangedge-worker-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
    const held = locks()?.request(lifeline, () => {
      endpoint.postMessage({ lifeline } satisfies Lifeline);
      resolve();
      return new Promise<never>(() => {});
    });
    // Refused: documents of an opaque origin may not use locks.
    Promise.resolve(held).then(
      () => resolve(),
      () => resolve(),
    );
  });
}

/** The other side: calls `onEnd` when the worker has let go of its lock, unless the signal came first. */
export function watchLifeline(worker: Worker, onEnd: () => void, signal: AbortSignal): void {
  const hear = ({ data }: MessageEvent<Partial<Lifeline> | null>) => {
    if (typeof data?.lifeline !== 'string') return;
    worker.removeEventListener('message', hear);
    locks()
      ?.request(data.lifeline, { signal }, onEnd)
      .catch(() => {}); // of the signal
  };
  worker.addEventListener('message', hear);
}
