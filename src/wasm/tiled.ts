/**
 * @file Tiled computations: plan (data) → compute a tile (pure) → place it, in one loop here or through a pool of workers.
 *
 *   job = { kind, plan, tiles }          made by a quantity from its arguments; the plan is data that structured clone keeps whole
 *   computer = kind.start(rt, plan)      in this thread or in a worker, any number of them
 *   job.place(tile, computer.compute(tile)), in any order;   job.finish() → the result
 *
 * A tile's bits depend on the plan and on nothing else, so threads, their number and their order change no bit.
 */

import { type OnProgress, tileProgress } from '../core/computation.ts';
import type { Runtime } from './runtime.ts';

/** How tiles of one kind are computed: a row of the table in src/pool/kinds.ts, which says how workers find it. */
export interface TileKind<Plan, Part> {
  readonly name: string;
  /** Gets ready in the current arena frame; the computer is used inside it. `blocks` is what other threads have computed. */
  start(rt: Runtime, plan: Plan, blocks?: BlockSource): TileComputer<Part>;
}

export interface TileComputer<Part> {
  /** The values of a tile, owned by the caller: a typed array, or other data that structured clone keeps whole. */
  compute(tile: number): Part;
  /** Lends the values of a tile to `use`, out of the runtime's memory: to copy them out first would cost as much as to place them. */
  lend?<T>(tile: number, use: (part: Part) => T): T;
  /** Bytes of a block, a view that the next call may detach. Only for jobs with `blocks`. */
  computeBlock?(block: number): Uint8Array;
}

/** Blocks that are already computed; undefined for those that are not. */
export interface BlockSource {
  read(block: number): Uint8Array | undefined;
}

/**
 * Intermediate results that several tiles need, each worth computing once: the factors of a block of examples, for instance.
 * A computer computes what it is not given.
 */
export interface JobBlocks {
  readonly count: number;
  /** Of one block. */
  readonly bytes: number;
  /** The blocks a tile reads. */
  of(tile: number): readonly number[];
}

/** One computation, ready to run. Consumed by running it: `place` writes into the result. */
export interface TiledJob<Result, Plan = unknown, Part = unknown> {
  readonly kind: TileKind<Plan, Part>;
  /** Everything a tile depends on, inputs and parameters included. Plain data. */
  readonly plan: Plan;
  readonly tiles: number;
  readonly blocks?: JobBlocks;
  /** About how many flops all tiles take. */
  readonly flops: number;
  readonly memory: JobMemory;
  place(tile: number, part: Part): void;
  /** Called once, after every tile is placed. */
  finish(): Result;
}

export interface JobMemory {
  /** Most bytes the computation may use. */
  readonly limit: number;
  /** Bytes of each thread that computes tiles, and of the result. */
  readonly workerBytes: number;
  readonly resultBytes: number;
}

/** Runs a job in this thread, in the given runtime. */
export function computeHere<Result, Plan, Part>(rt: Runtime, job: TiledJob<Result, Plan, Part>, onProgress?: OnProgress): Result {
  const report = tileProgress(job.tiles, onProgress);
  rt.arena.frame(() => {
    const computer = job.kind.start(rt, job.plan);
    for (let tile = 0; tile < job.tiles; tile++) {
      if (computer.lend) computer.lend(tile, (part) => job.place(tile, part));
      else job.place(tile, computer.compute(tile));
      report(1);
    }
  });
  return job.finish();
}

/** One job of a longer computation, made when it is its turn: for how many threads, in the runtime that plans. */
export interface Step<Result> {
  readonly plan: (rt: Runtime, threads: number) => TiledJob<Result>;
  readonly onProgress?: OnProgress;
  /** `transient` tiles are not kept in a checkpoint: to hash and store them would cost as much as to compute them. */
  readonly keep?: 'transient';
}

/** A computation that yields its jobs one after another and goes on with their results. */
export type Steps<Result> = Generator<Step<unknown>, Result, unknown>;

/** `yield* step(…)` is the result of the job, whoever runs it. */
export function* step<Result, Plan, Part>(
  plan: (rt: Runtime, threads: number) => TiledJob<Result, Plan, Part>,
  onProgress?: OnProgress,
  keep?: 'transient',
): Generator<Step<unknown>, Result, unknown> {
  return (yield { plan: plan as Step<unknown>['plan'], onProgress, keep }) as Result;
}

/** Runs every step in this thread. */
export function stepsHere<Result>(rt: Runtime, steps: Steps<Result>): Result {
  let next = steps.next();
  while (!next.done) {
    const { plan, onProgress } = next.value;
    next = steps.next(computeHere(rt, plan(rt, 1), onProgress));
  }
  return next.value;
}
