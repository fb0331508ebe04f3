/**
 * @file Second (and first) moments of cotangents over the data, as plan → compute → assemble:
 * (1/n)·Σ_{i,o,s} δ·δᵀ, and the mean of δ over examples per output and position.
 *
 * Examples are cut into leaves, whose size depends on the model alone; a leaf's sums are the leaves of one binary tree, so
 * tiles (runs of leaves) and workers change no bit.
 */

import { checkInteger } from '../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import type { FloatArray } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { programBytes } from '../graph/program.ts';
import { mirrorLower } from '../linalg/mirror.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import type { JobMemory, TileComputer, TiledJob, TileKind } from '../wasm/tiled.ts';
import { type CotangentPlan, type CotangentRun, CotangentSweeps, planCotangents, sweepFlops } from './cotangent-runs.ts';
import type { Cotangent, CotangentSweep } from './cotangent-sweep.ts';
import type { FeatureJobOptions } from './options.ts';
import { nodesOfRun, PairwiseSum } from './pairwise-sum.ts';
import { SecondMoment } from './second-moment.ts';

/** Where a cotangent's sums are in a partial sum: the second moment [width, width], then the means [outputs, positions, width]. */
interface MomentLayout extends Cotangent {
  readonly second: number;
  readonly first: number;
}

/** A run of leaves, `first` ≤ leaf < `last`. */
export interface MomentTile {
  readonly first: number;
  readonly last: number;
}

export interface MomentPlan {
  readonly sweeps: CotangentPlan;
  readonly n: number;
  /** Examples per leaf. */
  readonly leafSize: number;
  readonly layouts: readonly MomentLayout[];
  readonly means: boolean;
  /** Elements of a partial sum. */
  readonly size: number;
  readonly tiles: readonly MomentTile[];
  /** Flops of all sweeps and products. */
  readonly flops: number;
  readonly memory: JobMemory;
}

/** What the data's cotangents come to, per cotangent of the sweep. */
export interface Moments {
  /** (1/n)·Σ_{i,o,s} δ·δᵀ, [width, width], symmetric. */
  readonly second: Float64Array;
  /** (1/n)·Σ_i δ, [outputs·positions, width]; empty unless the plan asked for means. */
  readonly mean: Float64Array;
}

/** Examples of a leaf, about: its sums are much less work than its sweeps, and threads have leaves enough. */
const LEAF = 32;
const DEFAULT_TILE = 256;
/** Enough for threads to finish at about the same time. */
const TILES_PER_THREAD = 4;

/**
 * Plans leaves, tiles and memory.
 *
 * @throws {TangedgeError} ERR_MEMORY with info.needed and info.limit, before anything is allocated.
 */
export function planMoments(
  rt: Runtime,
  operation: string,
  model: Model,
  sweep: CotangentSweep,
  { n, means, options }: { readonly n: number; readonly means: boolean; readonly options: FeatureJobOptions },
): MomentPlan {
  const { dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT, tileSize = DEFAULT_TILE } = options;
  checkInteger(operation, 'tileSize', tileSize, 1);
  checkInteger(operation, 'memoryLimit', memoryLimit, 1);
  const sweeps = planCotangents(model, sweep, n, dtype);
  const { c, sweepSize, cotangents, program } = sweeps;
  const leafSize = Math.min(n, sweepSize * Math.max(1, Math.floor(LEAF / sweepSize)));
  const leaves = Math.ceil(n / leafSize);
  let size = 0;
  const layouts = cotangents.map((cotangent) => {
    const { positions, width } = cotangent;
    const second = size;
    const first = second + width * width;
    size = first + (means ? c * positions * width : 0);
    return { ...cotangent, second, first };
  });
  const routines = routinesOf(rt, dtype);
  const seconds = layouts.map(({ positions, width }) => SecondMoment.bytes(routines, dtype, width, leafSize * c * positions));
  const held = seconds.reduce((sum, bytes) => sum + bytes.held, size * 8);
  const wasmBytes = programBytes(program, routines) + held + Math.max(...seconds.map(({ scratch }) => scratch)) + 65536;
  // alive at once: one array per level of the tree and one being filled; assembly copies them
  let levels = 0;
  for (let spanned = 1; spanned < leaves; spanned *= 2) levels++;
  const sumBytes = size * 8 * 2 * (levels + 1);
  if (!(wasmBytes + sumBytes <= memoryLimit && wasmBytes <= rt.arena.limit - rt.arena.used)) {
    const limit = Math.min(memoryLimit, rt.arena.limit);
    throw new TangedgeError(
      'ERR_MEMORY',
      `${operation}: ${wasmBytes + sumBytes} bytes are needed (${sumBytes} of them for sums), the limit is ${limit}. Raise the memory limit or ask for fewer weights.`,
      { needed: wasmBytes + sumBytes, limit },
    );
  }
  const shared = options.tileSize === undefined ? Math.ceil(leaves / (TILES_PER_THREAD * (options.threads ?? 1))) : leaves;
  const tiles = planTiles(leaves, clamp(Math.floor(tileSize / leafSize), 1, shared));
  const products = layouts.reduce((total, { positions, width }) => total + c * positions * width * width, 0);
  const memory = { limit: memoryLimit, workerBytes: wasmBytes, resultBytes: sumBytes };
  return { sweeps, n, leafSize, layouts, means, size, tiles, flops: sweepFlops(sweeps, n) + n * products, memory };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

/** Runs of `leavesPerTile` leaves. */
function planTiles(leaves: number, leavesPerTile: number): MomentTile[] {
  return Array.from({ length: Math.ceil(leaves / leavesPerTile) }, (_, tile) => ({
    first: tile * leavesPerTile,
    last: Math.min(leaves, (tile + 1) * leavesPerTile),
  }));
}

/** What a tile of the moments depends on. */
export interface MomentTilePlan {
  readonly plan: MomentPlan;
  readonly x: FloatArray;
}

export const momentTiles: TileKind<MomentTilePlan, Float64Array> = {
  name: 'cotangent-moments',
  start: (rt, { plan, x }) => new MomentTiles(rt, plan, x),
};

/** Computes tiles of a plan; lives in the arena frame in which it was made. */
class MomentTiles implements TileComputer<Float64Array> {
  private readonly rt: Runtime;
  private readonly plan: MomentPlan;
  private readonly sweeps: CotangentSweeps;
  /** A leaf's sums, and their second moments. */
  private readonly sumPtr: number;
  private readonly seconds: readonly SecondMoment[];

  constructor(rt: Runtime, plan: MomentPlan, x: FloatArray) {
    const { sweeps, leafSize, size, layouts } = plan;
    this.rt = rt;
    this.plan = plan;
    this.sweeps = new CotangentSweeps(rt, sweeps, x);
    this.sumPtr = rt.arena.allocateArray('f64', size);
    this.seconds = layouts.map(({ positions, width, second }) => {
      const mostRows = leafSize * sweeps.c * positions;
      return new SecondMoment(rt, sweeps.dtype, { width, mostRows, sumPtr: this.sumPtr + second * 8 });
    });
  }

  /** Sums over the examples of one tile: [nodes, size], the nodes of the tree that its leaves make up, in leaf order. */
  compute(tile: number): Float64Array {
    const { size, tiles } = this.plan;
    const { first, last } = tiles[tile];
    const sums = new PairwiseSum();
    for (let leaf = first; leaf < last; leaf++) sums.add({ level: 0, index: leaf }, this.leafSum(leaf));
    const nodes = nodesOfRun(first, last);
    if (nodes.length === 1) return sums.of(nodes[0]);
    const values = new Float64Array(nodes.length * size);
    nodes.forEach((node, index) => {
      values.set(sums.of(node), index * size);
    });
    return values;
  }

  /** In the arena, until the next. */
  private leafSum(leaf: number): Float64Array {
    const { rt, plan, seconds, sumPtr } = this;
    const { n, leafSize, size, layouts, means } = plan;
    rt.f64.fill(size, 0, sumPtr);
    this.sweeps.run(leaf * leafSize, Math.min(n, (leaf + 1) * leafSize), (run) => {
      const { index, count, ptr, isShared } = run;
      const { positions } = layouts[index];
      if (isShared) for (let i = 0; i < count; i++) seconds[index].add(ptr, positions);
      else seconds[index].add(ptr, count * positions);
      if (means) this.addToMean(run);
    });
    for (const second of seconds) second.finish();
    return rt.arena.f64(sumPtr, size);
  }

  private addToMean({ index, output, count, ptr, isShared }: CotangentRun): void {
    const { rt, plan, sumPtr } = this;
    const { positions, width, first } = plan.layouts[index];
    const length = positions * width;
    const cotangents = rt.arena.view(plan.sweeps.dtype, ptr, (isShared ? 1 : count) * length);
    const mean = rt.arena.f64(sumPtr + (first + output * length) * 8, length);
    for (let example = 0; example < count; example++) {
      const from = isShared ? 0 : example * length;
      for (let i = 0; i < length; i++) mean[i] += cotangents[from + i];
    }
  }
}

/** The moments as a tiled job; `finish` makes its result of them. */
export function momentJob<Result>(
  plan: MomentPlan,
  x: FloatArray,
  finish: (moments: Moments[]) => Result,
): TiledJob<Result, MomentTilePlan, Float64Array> {
  // Joined as they come: only the nodes of the tree are held.
  const sums = new PairwiseSum();
  return {
    kind: momentTiles,
    plan: { plan, x },
    tiles: plan.tiles.length,
    flops: plan.flops,
    memory: plan.memory,
    place(tile, values) {
      const { first, last } = plan.tiles[tile];
      const nodes = nodesOfRun(first, last);
      nodes.forEach((node, index) => {
        sums.give(node, nodes.length === 1 ? values : values.slice(index * plan.size, (index + 1) * plan.size));
      });
    },
    finish: () => finish(momentsOfSum(plan, sums.total(plan.tiles[plan.tiles.length - 1].last))),
  };
}

/** Divides the sum over all examples by n, and mirrors the second moments. */
function momentsOfSum({ sweeps: { c }, n, layouts, means }: MomentPlan, total: Float64Array): Moments[] {
  return layouts.map(({ second, first, positions, width }) => {
    const moment = total.subarray(second, first);
    for (let i = 0; i < width; i++) for (let at = i * width; at <= i * width + i; at++) moment[at] /= n;
    mirrorLower(width, moment);
    const mean = total.slice(first, means ? first + c * positions * width : first);
    for (let i = 0; i < mean.length; i++) mean[i] /= n;
    return { second: moment.length === total.length ? moment : moment.slice(), mean };
  });
}
