/** @file One job in the pool: which blocks and tiles are left, which are ready, how often each was tried, and its end. */

import { type OnProgress, tileProgress } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import type { AbortSignalLike } from '../core/host-objects.ts';
import type { TileStore } from '../core/tile-store.ts';
import type { JobBlocks, TiledJob } from '../wasm/tiled.ts';
import type { Checkpoint } from './checkpoint.ts';
import { withSharedArrays } from './shared-arrays.ts';
import type { SharedMemory } from './shared-memory.ts';
import type { KnownBlock, OpenRequest } from './tile-service.ts';
import type { WorkerDeath, WorkerLink } from './worker-link.ts';

export interface CallOptions {
  /** Rejects the call with the signal's reason, within 50 ms whatever is being computed. */
  readonly signal?: AbortSignalLike;
  /** Called after every tile. */
  readonly onProgress?: OnProgress;
  /** Where finished tiles are kept: a later call with the same model, inputs and options computes only what is missing. */
  readonly checkpoint?: TileStore;
}

/** One call to one worker. */
export interface Task {
  readonly run: JobRun;
  readonly kind: 'block' | 'tile';
  readonly index: number;
}

export interface RunSettings {
  readonly id: number;
  readonly workers: number;
  /** Whether plans and blocks go through shared memory. */
  readonly share: boolean;
  readonly memory: SharedMemory;
  /** Computed in this thread: nothing need be handed over. */
  readonly inline: boolean;
  readonly checkpoint?: Checkpoint;
  /** Tiles that the checkpoint had, placed already. */
  readonly placed?: ReadonlySet<number>;
}

/** Times that one tile may lose its worker. */
const MAX_DEATHS = 3;

// biome-ignore lint/suspicious/noExplicitAny: a run does not look into plans and parts
type AnyJob = TiledJob<any, any, any>;

export class JobRun {
  readonly id: number;
  readonly job: AnyJob;
  readonly inline: boolean;
  /** Most workers at once: as many as the memory limit has room for. */
  readonly maxWorkers: number;
  readonly result: Promise<unknown>;
  /** Workers that compute for it now. */
  working = 0;
  private settled = false;
  private resolve!: (value: unknown) => void;
  private reject!: (reason: unknown) => void;
  private readonly blocks: JobBlocks | undefined;
  private readonly blockMemory: SharedArrayBuffer | undefined;
  private readonly blockBytes = new Map<number, Uint8Array>();
  private readonly readyBlocks = new Set<number>();
  private readonly blocksLeft: number[];
  private readonly tilesLeft: number[];
  private readonly deaths = new Map<string, number>();
  private unplaced: number;
  private unwritten = 0;
  private readonly checkpoint: Checkpoint | undefined;
  private readonly report: (done: number) => void;
  private readonly share: boolean;
  private readonly memory: SharedMemory;
  private readonly buffers: SharedArrayBuffer[] = [];
  private plan: unknown;

  constructor(job: AnyJob, settings: RunSettings, onProgress: OnProgress | undefined) {
    const { id, workers, share, inline, placed = new Set<number>() } = settings;
    this.checkpoint = settings.checkpoint;
    this.id = id;
    this.job = job;
    this.inline = inline;
    this.share = share && !inline;
    this.memory = settings.memory;
    this.tilesLeft = Array.from({ length: job.tiles }, (_, tile) => tile).filter((tile) => !placed.has(tile));
    this.unplaced = this.tilesLeft.length;
    this.report = tileProgress(job.tiles, onProgress, placed.size);
    if (placed.size > 0 && this.unplaced > 0) this.report(0);
    const { limit, resultBytes, workerBytes } = job.memory;
    const room = limit - resultBytes - workerBytes;
    const wanted = !inline && job.blocks !== undefined && this.tilesLeft.length > 1 && workers > 1;
    this.blocks = wanted && job.blocks && job.blocks.count * job.blocks.bytes <= room / 2 ? job.blocks : undefined;
    const blockBytes = this.blocks ? this.blocks.count * this.blocks.bytes : 0;
    this.maxWorkers = Math.max(1, Math.min(workers, Math.floor((limit - resultBytes - blockBytes) / Math.max(1, workerBytes))));
    this.blocksLeft = this.blocks ? [...new Set(this.tilesLeft.flatMap(this.blocks.of))].sort((a, b) => a - b) : [];
    if (this.blocks && this.share) this.blockMemory = this.borrow(blockBytes);
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.result.catch(() => {}); // whoever awaits it sees the error; nobody else need
  }

  get over(): boolean {
    return this.settled;
  }

  get description(): string {
    return this.job.kind.name;
  }

  /** The next thing that a worker can compute now, taken from the list; blocks first, in order. */
  take(link: WorkerLink | undefined): Task | undefined {
    if (this.settled || this.working >= this.maxWorkers) return undefined;
    const block = this.blocksLeft.shift();
    if (block !== undefined) return { run: this, kind: 'block', index: block };
    const position = this.blocks ? this.bestReady(link) : 0;
    const [tile] = this.tilesLeft.splice(position, 1);
    return tile === undefined ? undefined : { run: this, kind: 'tile', index: tile };
  }

  /**
   * Of the tiles whose blocks are ready: those of two blocks before those of one, which are smaller and fill the end; first
   * those of which the worker has most in its memory. Infinity when none is ready.
   */
  private bestReady(link: WorkerLink | undefined): number {
    const has = link?.job === this.id ? link.held : undefined;
    let [best, least] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    this.tilesLeft.forEach((tile, position) => {
      const needed = new Set(this.blocksOf(tile));
      let cost = needed.size > 1 ? 0 : 3;
      for (const block of needed) {
        if (!this.readyBlocks.has(block)) return;
        if (!has?.has(block)) cost++;
      }
      if (cost < least) [best, least] = [position, cost];
    });
    return best;
  }

  private blocksOf(tile: number): readonly number[] {
    return this.blocks?.of(tile) ?? [];
  }

  /** Computes one task with a worker that has this job open, or opens it. Errors are the worker's. */
  async compute({ kind, index }: Task, link: WorkerLink): Promise<unknown> {
    // The first task is sent along with the job: the worker need not wait for the answer between them.
    const opening = link.job === this.id ? undefined : link.open(this.openRequest());
    link.job = this.id;
    const computing = kind === 'block' ? this.computeBlock(index, link) : this.computeTile(index, link);
    computing.catch(() => {}); // when opening fails, that is the error
    try {
      await opening;
    } catch (error) {
      link.job = undefined;
      throw error;
    }
    return computing;
  }

  private async computeBlock(index: number, link: WorkerLink): Promise<undefined> {
    const bytes = await link.block(index);
    if (bytes !== null) this.blockBytes.set(index, bytes);
    link.held.add(index);
  }

  private async computeTile(index: number, link: WorkerLink): Promise<unknown> {
    const blocks = this.blocksOf(index);
    const known = blocks.filter((block) => !link.sent.has(block)).map((block): KnownBlock => ({ block, bytes: this.blockBytes.get(block) }));
    const part = await link.tile(index, known);
    for (const { block } of known) link.sent.add(block);
    for (const block of blocks) link.held.add(block);
    return part;
  }

  private borrow(bytes: number): SharedArrayBuffer {
    const buffer = this.memory.take(bytes);
    this.buffers.push(buffer);
    return buffer;
  }

  private openRequest(): OpenRequest {
    this.plan ??= this.share ? withSharedArrays(this.job.plan, (bytes) => this.borrow(bytes)) : this.job.plan;
    const blocks = this.blocks && this.blockMemory && { bytes: this.blocks.bytes, memory: this.blockMemory };
    return { kind: this.job.kind.name, plan: this.plan, blocks };
  }

  /** Takes the result of a task in, and returns what is left to do about it, when workers have been given the next ones. */
  complete({ kind, index }: Task, part: unknown): () => void {
    if (kind === 'tile') return () => this.place(index, part);
    this.readyBlocks.add(index);
    return () => {};
  }

  /** Puts a tile into the result; the last one settles the job. */
  private place(tile: number, part: unknown): void {
    if (this.settled) return;
    try {
      this.keep(tile, part); // first: placing may use the arrays of a part up
      this.job.place(tile, part);
      this.unplaced--;
      this.report(1);
      this.finishWhenPlaced();
    } catch (error) {
      this.fail(error);
    }
  }

  private keep(tile: number, part: unknown): void {
    if (this.checkpoint === undefined) return;
    this.unwritten++;
    this.checkpoint.write(tile, part).then(
      () => {
        this.unwritten--;
        this.finishWhenPlaced();
      },
      (error) => this.fail(error),
    );
  }

  /** Settles a job that has nothing left to compute or to write. */
  finishWhenPlaced(): void {
    if (this.unplaced > 0 || this.unwritten > 0 || this.settled) return;
    try {
      const result = this.job.finish();
      this.settled = true;
      this.memory.give(this.buffers); // every task has come back: no worker writes to them
      this.resolve(result);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Puts a task back whose worker died, unless that has happened too often. */
  retry({ kind, index }: Task, death: WorkerDeath): void {
    const key = `${kind} ${index}`;
    const deaths = (this.deaths.get(key) ?? 0) + 1;
    this.deaths.set(key, deaths);
    if (deaths < MAX_DEATHS) {
      (kind === 'block' ? this.blocksLeft : this.tilesLeft).unshift(index);
      return;
    }
    this.fail(
      new TangedgeError(
        'ERR_WORKER',
        `pool: ${key} of ${this.description} lost its worker ${deaths} times; the last time: ${death.message}.`,
        { kind: this.description, tile: index, deaths },
        { cause: death },
      ),
    );
  }

  fail(reason: unknown): void {
    if (this.settled) return;
    this.settled = true;
    this.reject(reason);
  }
}
