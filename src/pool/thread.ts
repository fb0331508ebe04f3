/** @file A worker thread, whatever the runtime: node:worker_threads in Node and Bun, Web Workers in Deno and browsers. */

import type { Endpoint } from 'comlink';
import { watchLifeline } from './lifeline.ts';
import { type NodePort, nodeEndpoint } from './node-endpoint.ts';

export interface Thread {
  readonly endpoint: Endpoint;
  /** Called once, when the thread has ended or failed, with what is known about it. Web workers that end silently: lifeline.ts. */
  onDeath(listener: (reason: Error) => void): void;
  /** Ends the thread; resolves when it has stopped, where the runtime tells. */
  terminate(): Promise<void>;
  /** Whether the thread keeps the process alive. Web Workers always do in Deno. */
  keepAlive(alive: boolean): void;
}

interface NodeWorker extends NodePort {
  on(event: string, listener: (value: never) => void): unknown;
  terminate(): Promise<unknown>;
  ref(): void;
  unref(): void;
}

interface NodeThreads {
  readonly Worker: new (url: URL | string, options: { readonly execArgv?: readonly string[]; readonly name?: string }) => NodeWorker;
}

interface Host {
  readonly Deno?: unknown;
  readonly process?: { getBuiltinModule?(name: string): unknown };
  readonly navigator?: { readonly hardwareConcurrency?: number; readonly userAgent?: string };
}

const host = globalThis as Host;

/** node:worker_threads where workers are its; a bundler for browsers sees no import. */
function nodeThreads(): NodeThreads | undefined {
  if (host.Deno !== undefined) return undefined;
  return host.process?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
}

/** Whether this runtime can start threads: workerd, which runs Cloudflare Workers, cannot, although it has the module. */
export function hasThreads(): boolean {
  if (host.navigator?.userAgent === 'Cloudflare-Workers') return false;
  return nodeThreads() !== undefined || typeof Worker === 'function';
}

/** Number of cores, as far as the runtime tells: 1 when it does not. */
export function coreCount(): number {
  const os = host.process?.getBuiltinModule?.('node:os') as { availableParallelism?(): number } | undefined;
  return os?.availableParallelism?.() ?? host.navigator?.hardwareConcurrency ?? 1;
}

/** Where the worker's file is when the caller does not say. */
export function defaultWorkerUrl(): URL {
  return nodeThreads() ? new URL('./worker.node.js', import.meta.url) : new URL('./worker.web.js', import.meta.url);
}

/** Starts a thread. A file that cannot be loaded is reported as its death. */
export function startThread(workerUrl: URL | string | undefined): Thread {
  const threads = nodeThreads();
  return threads ? startNodeThread(threads, workerUrl) : startWebThread(workerUrl);
}

function startNodeThread({ Worker: NodeWorkerClass }: NodeThreads, workerUrl: URL | string | undefined): Thread {
  // Flags of the process, such as --input-type, may not fit a file of ours.
  const options = workerUrl === undefined ? { execArgv: [], name: 'tangedge' } : { name: 'tangedge' };
  const worker = new NodeWorkerClass(urlOf(workerUrl) ?? new URL('./worker.node.js', import.meta.url), options);
  let failure: Error | undefined;
  let ended = false;
  const listeners: ((reason: Error) => void)[] = [];
  worker.on('error', (error: Error) => {
    failure = error;
  });
  worker.on('messageerror', (error: Error) => {
    failure = error;
    void worker.terminate();
  });
  worker.on('exit', (code: number) => {
    ended = true;
    const reason = failure ?? new Error(`the thread ended with exit code ${code}`);
    for (const listener of listeners) listener(reason);
  });
  const endpoint = nodeEndpoint(worker);
  return {
    endpoint,
    onDeath: (listener) => listeners.push(listener),
    async terminate() {
      if (!ended) await worker.terminate();
    },
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
  };
}

function startWebThread(workerUrl: URL | string | undefined): Thread {
  // Bundlers find the worker's file by exactly this expression.
  const worker =
    workerUrl === undefined ? new Worker(new URL('./worker.web.js', import.meta.url), { type: 'module' }) : new Worker(workerUrl, { type: 'module' });
  const listeners: ((reason: Error) => void)[] = [];
  const watching = new AbortController();
  const die = (reason: Error) => {
    watching.abort();
    worker.terminate();
    for (const listener of listeners.splice(0)) listener(reason);
  };
  worker.addEventListener('error', (event: ErrorEvent) => {
    event.preventDefault(); // or Deno ends the whole process
    die(new Error(event.message || 'the file could not be loaded'));
  });
  worker.addEventListener('messageerror', () => die(new Error('a message could not be read')));
  watchLifeline(worker, () => die(new Error('the thread ended without an error')), watching.signal);
  return {
    endpoint: worker,
    onDeath: (listener) => listeners.push(listener),
    async terminate() {
      die(new Error('the thread was terminated'));
    },
    keepAlive: () => {},
  };
}

/** A string that is a URL, parsed: node:worker_threads takes paths and URL objects. */
function urlOf(workerUrl: URL | string | undefined): URL | string | undefined {
  return typeof workerUrl === 'string' && /^[a-z]+:/i.test(workerUrl) ? new URL(workerUrl) : workerUrl;
}
