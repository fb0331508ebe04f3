/** @file One worker as the pool sees it: calls that end when the worker does, and which job it has open. */

import { type Remote, wrap } from 'comlink';
import { TangedgeError } from '../core/errors.ts';
import type { UrlLike } from '../core/host-objects.ts';
import type { RuntimeOptions } from '../wasm/runtime.ts';
import { TILE_KINDS } from './kinds.ts';
import { startThread, type Thread } from './thread.ts';
import { type KnownBlock, type OpenRequest, type Reply, TileServer, type TileService } from './tile-service.ts';
import { fromWireError } from './wire-error.ts';

/** The worker has ended: whatever was asked of it can be asked of another. */
export class WorkerDeath extends Error {
  override readonly name = 'WorkerDeath';
}

/** A service in this thread or another. Calls reject with the error of the service, or with WorkerDeath. */
export interface WorkerLink {
  /** Number of the job that is open there. */
  job: number | undefined;
  /** Blocks of it that were sent there. */
  readonly sent: Set<number>;
  /** Blocks of it that the worker has computed or read. */
  readonly held: Set<number>;
  readonly alive: boolean;
  open(request: OpenRequest): Promise<void>;
  block(block: number): Promise<Uint8Array | null>;
  tile(tile: number, known: readonly KnownBlock[]): Promise<unknown>;
  close(): Promise<void>;
  /** Ends the worker now; calls under way reject with WorkerDeath. */
  terminate(): Promise<void>;
  /** Whether it keeps the process alive. */
  keepAlive(alive: boolean): void;
}

export interface ThreadOptions {
  readonly workerUrl?: UrlLike | string;
  /** Milliseconds until a worker that has not answered counts as not started. */
  readonly startTimeout: number;
  readonly runtime: RuntimeOptions;
}

/**
 * Starts a worker thread and waits until it answers.
 *
 * @throws {WorkerDeath} when it does not start: the message says why.
 */
export async function startThreadLink({ workerUrl, startTimeout, runtime }: ThreadOptions): Promise<WorkerLink> {
  const link = new ThreadLink(startThread(workerUrl));
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new WorkerDeath(`it did not answer within ${startTimeout} ms`)), startTimeout);
    });
    await Promise.race([link.start(runtime), late]);
    return link;
  } catch (error) {
    await link.terminate();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The same service in this thread. Its tiles cannot be interrupted, so it lets other work in between them. */
export async function startInlineLink(runtime: RuntimeOptions): Promise<WorkerLink> {
  const link = new InlineLink(new TileServer(TILE_KINDS));
  await link.start(runtime);
  return link;
}

abstract class Link implements WorkerLink {
  job: number | undefined;
  readonly sent = new Set<number>();
  readonly held = new Set<number>();
  abstract readonly alive: boolean;
  protected abstract call<T>(ask: (service: TileService) => Reply<T> | Promise<Reply<T>>): Promise<T>;
  abstract terminate(): Promise<void>;
  abstract keepAlive(alive: boolean): void;

  start(options: RuntimeOptions): Promise<void> {
    return this.call((service) => service.start(options));
  }

  open(request: OpenRequest): Promise<void> {
    this.sent.clear();
    this.held.clear();
    return this.call((service) => service.open(request));
  }

  block(block: number): Promise<Uint8Array | null> {
    return this.call((service) => service.block(block));
  }

  tile(tile: number, known: readonly KnownBlock[]): Promise<unknown> {
    return this.call((service) => service.tile(tile, known));
  }

  close(): Promise<void> {
    this.job = undefined;
    return this.call((service) => service.close());
  }
}

class ThreadLink extends Link {
  private readonly thread: Thread;
  private readonly service: Remote<TileService>;
  /** Settles the calls under way when the thread ends: comlink would leave them pending. */
  private readonly rejectPending = new Set<(reason: WorkerDeath) => void>();
  private death: WorkerDeath | undefined;

  constructor(thread: Thread) {
    super();
    this.thread = thread;
    this.service = wrap<TileService>(thread.endpoint);
    thread.onDeath((cause) => this.die(cause));
  }

  get alive(): boolean {
    return this.death === undefined;
  }

  terminate(): Promise<void> {
    this.die(new Error('it was terminated'));
    return this.thread.terminate();
  }

  keepAlive(alive: boolean): void {
    if (this.alive) this.thread.keepAlive(alive);
  }

  protected async call<T>(ask: (service: TileService) => Reply<T> | Promise<Reply<T>>): Promise<T> {
    if (this.death) throw this.death;
    let reject: (reason: WorkerDeath) => void = () => {};
    const death = new Promise<never>((_, rejectDeath) => {
      reject = rejectDeath;
    });
    this.rejectPending.add(reject);
    try {
      return unwrap(await Promise.race([ask(this.service as unknown as TileService), death]));
    } finally {
      this.rejectPending.delete(reject);
    }
  }

  private die(cause: Error): void {
    if (this.death) return;
    this.death = new WorkerDeath(cause.message, { cause });
    for (const reject of this.rejectPending) reject(this.death);
    this.rejectPending.clear();
  }
}

/** Longest time in milliseconds that tiles in this thread keep other work waiting, beside one tile itself. */
const INLINE_SLICE = 8;

class InlineLink extends Link {
  readonly alive = true;
  private readonly service: TileService;
  private sliceStart = performance.now();
  /** Calls wait for each other, as they do in a thread. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(service: TileService) {
    super();
    this.service = service;
  }

  async terminate(): Promise<void> {
    await this.close();
  }

  keepAlive(): void {}

  protected call<T>(ask: (service: TileService) => Reply<T> | Promise<Reply<T>>): Promise<T> {
    const result = this.last.then(async () => {
      await this.letOthersWork();
      return unwrap(await ask(this.service));
    });
    this.last = result.catch(() => {});
    return result;
  }

  private async letOthersWork(): Promise<void> {
    const elapsed = performance.now() - this.sliceStart;
    // A clock that stands still says nothing: Cloudflare Workers have one.
    if (elapsed > 0 && elapsed < INLINE_SLICE) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.sliceStart = performance.now();
  }
}

function unwrap<T>(reply: Reply<T>): T {
  if ('error' in reply) throw fromWireError(reply.error);
  return reply.value;
}

/** What a user reads when workers do not start. */
export function workerError(workerUrl: UrlLike | string, death: Error): TangedgeError {
  const url = String(workerUrl);
  return new TangedgeError(
    'ERR_WORKER',
    `pool: the worker ${url} does not start: ${death.message}. Name its file with createPool({ workerUrl }), or compute in this thread with { workers: 0 }.`,
    { workerUrl: url },
    { cause: death },
  );
}
