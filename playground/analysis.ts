/** @file An analysis as the page sees it: a promise, with progress and a signal that ends it. */

import { type AnalysisProgress, TangedgeError } from 'tangedge';
import type { Answer, Finished, Order } from './messages.ts';

export interface AnalysisWatch {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: AnalysisProgress) => void;
}

/**
 * Runs an order in a worker of its own, which ends with it, and takes its pool along: at once when the signal aborts, whatever is
 * being computed.
 *
 * @throws {Error} whose message is the one line to show · the signal's reason
 */
export async function analysisOf(order: Order, { signal, onProgress }: AnalysisWatch): Promise<Finished> {
  signal.throwIfAborted();
  const worker = new Worker(new URL('./analysis-worker.js', import.meta.url), { type: 'module' });
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      worker.addEventListener('error', ({ message }) =>
        reject(new TangedgeError('ERR_WORKER', `the worker that analyzes does not start: ${message || 'its file could not be loaded'}.`)),
      );
      worker.addEventListener('message', ({ data: answer }: MessageEvent<Answer>) => {
        if (answer.kind === 'progress') onProgress(answer.progress);
        else if (answer.kind === 'failed') reject(new Error(answer.line));
        else resolve(answer);
      });
      worker.postMessage(order);
    });
  } finally {
    worker.terminate();
  }
}
