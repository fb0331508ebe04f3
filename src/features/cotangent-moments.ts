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
import { bytesOf, type Dtype, type FloatArray, sizeOf } from '../core/tensor.ts';
import type { Execution } from '../graph/execution.ts';
import type { Model } from '../graph/model.ts';
import { lateFlops, type Program, programBytes } from '../graph/program.ts';
import { planSweep, startSweep, sweepForward } from '../graph/sweep.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import type { JobMemory, TileComputer, TiledJob, TileKind } from '../wasm/tiled.ts';
import { type Cotangent, type CotangentSweep, elementsPerExample } from './cotangent-sweep.ts';
import type { FeatureJobOptions } from './options.ts';
import { nodesOfRun, PairwiseSum } from './pairwise-sum.ts';

/** Where a cotangent's sums are in a partial sum: the second moment [width, width], then the means [outputs, positions, width]. */
interface MomentLayout extends Cotangent {
  readonly second: number;
  readonly first: number;
  /** Outputs whose cotangents enter one product. */
  readonly outputsPerProduct: number;
}

/** A run of leaves, `first` ≤ leaf < `last`. */
export interface MomentTile {
  readonly first: number;
  readonly last: number;
}

export interface MomentPlan {
  readonly sweep: CotangentSweep['sweep'];
  readonly program: Program;
  readonly dtype: Dtype;
  readonly n: number;
  readonly c: number;
  /** Elements of one example of the input. */
  readonly inputSize: number;
  /** Examples per leaf. */
  readonly leafSize: number;
  /** Cotangents per backward sweep. */
  readonly seedBlock: number;
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

const MAX_LEAF = 64;
/** Elements of forward values that a leaf may occupy. */
const LEAF_ELEMENTS = 1048576;
/** Examples × cotangents of one backward sweep: enough rows for the products to run at full speed. */
const SWEEP_ROWS = 512;
/** Elements of cotangents that one backward sweep may occupy. */
const SWEEP_ELEMENTS = 4194304;
/** Rows of δ in one product: longer sums are continued in f64. */
const PRODUCT_ROWS = 1024;
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
  { sweep, cotangents }: CotangentSweep,
  { n, means, options }: { readonly n: number; readonly means: boolean; readonly options: FeatureJobOptions },
): MomentPlan {
  const { dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT, tileSize = DEFAULT_TILE } = options;
  checkInteger(operation, 'tileSize', tileSize, 1);
  checkInteger(operation, 'memoryLimit', memoryLimit, 1);
  const c = model.output.size;
  const elements = elementsPerExample(model);
  const leafSize = Math.min(n, clamp(Math.floor(LEAF_ELEMENTS / elements), 1, MAX_LEAF));
  const leaves = Math.ceil(n / leafSize);
  const seedBlock = clamp(Math.floor(Math.min(SWEEP_ROWS, SWEEP_ELEMENTS / elements) / leafSize), 1, c);
  let size = 0;
  const layouts = cotangents.map((cotangent) => {
    const { positions, width } = cotangent;
    const second = size;
    const first = second + width * width;
    size = first + (means ? c * positions * width : 0);
    return { ...cotangent, second, first, outputsPerProduct: clamp(Math.floor(PRODUCT_ROWS / (leafSize * positions)), 1, seedBlock) };
  });
  const program = planSweep(sweep, leafSize, seedBlock, dtype, { keep: layouts.map(({ id }) => id) });
  const routines = routinesOf(rt, dtype);
  const productBytes = layouts.map(({ positions, width, outputsPerProduct }) => {
    const rows = leafSize * positions * outputsPerProduct;
    return (routines.gramScratchBytes(width, rows) >>> 0) + width * width * bytesOf(dtype);
  });
  const wasmBytes = programBytes(program, routines) + Math.max(...productBytes) + 65536;
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
  const flops = leaves * (program.flops[1] + Math.ceil(c / seedBlock) * lateFlops(program)) + n * products;
  const memory = { limit: memoryLimit, workerBytes: wasmBytes, resultBytes: sumBytes };
  const inputSize = sizeOf(model.input.shape);
  return { sweep, program, dtype, n, c, inputSize, leafSize, seedBlock, layouts, means, size, tiles, flops, memory };
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
  private readonly x: FloatArray;
  private readonly execution: Execution;

  constructor(rt: Runtime, plan: MomentPlan, x: FloatArray) {
    this.rt = rt;
    this.plan = plan;
    this.x = x;
    this.execution = startSweep(rt, plan.sweep, plan.program);
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

  private leafSum(leaf: number): Float64Array {
    const { rt, plan, x, execution } = this;
    const { n, c, inputSize, leafSize, seedBlock } = plan;
    const start = leaf * leafSize;
    const examples = Math.min(leafSize, n - start);
    const padded = new Float64Array(leafSize * inputSize);
    padded.set(x.subarray(start * inputSize, (start + examples) * inputSize));
    // A short last leaf is filled up with its first example, whose cotangents are zero there.
    for (let i = examples; i < leafSize; i++) padded.copyWithin(i * inputSize, 0, inputSize);
    sweepForward(execution, plan.sweep, padded);
    const sum = new Float64Array(plan.size);
    for (let output = 0; output < c; output += seedBlock) {
      execution.bind(plan.sweep.seed, unitCotangents(plan, output, examples));
      execution.runLate();
      for (const layout of plan.layouts) addMoments(rt, plan, layout, execution.ptr(layout.id), { examples, output }, sum);
    }
    return sum;
  }
}

/** Unit cotangents of a block of outputs; zero for outputs beyond c and for examples that only fill up: they add zero to every sum. */
function unitCotangents({ c, leafSize, seedBlock }: MomentPlan, output: number, examples: number): Float64Array {
  const cotangents = new Float64Array(seedBlock * leafSize * c);
  for (let k = 0; k < seedBlock && output + k < c; k++) {
    for (let i = 0; i < examples; i++) cotangents[(k * leafSize + i) * c + output + k] = 1;
  }
  return cotangents;
}

/** Adds the moments of a block's cotangents [seedBlock, leafSize, positions, width] to a partial sum. */
function addMoments(
  rt: Runtime,
  { dtype, means, c, leafSize, seedBlock }: MomentPlan,
  { positions, width, second, first, outputsPerProduct }: MomentLayout,
  cotangentPtr: number,
  { examples, output }: { readonly examples: number; readonly output: number },
  sum: Float64Array,
): void {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  const stride = leafSize * positions * width;
  arena.frame(() => {
    const productPtr = arena.allocateArray(dtype, width * width);
    const scratchPtr = arena.allocate(routines.gramScratchBytes(width, outputsPerProduct * leafSize * positions) >>> 0);
    for (let k = 0; k < seedBlock; k += outputsPerProduct) {
      const rows = Math.min(outputsPerProduct, seedBlock - k) * leafSize * positions;
      routines.gram(width, rows, 1, cotangentPtr + k * stride * bytesOf(dtype), 1, width, 0, productPtr, width, scratchPtr);
      const product = arena.view(dtype, productPtr, width * width);
      for (let i = 0; i < product.length; i++) sum[second + i] += product[i];
    }
  });
  if (!means) return;
  const length = positions * width;
  const cotangents = arena.view(dtype, cotangentPtr, seedBlock * stride);
  for (let k = 0; k < seedBlock && output + k < c; k++) {
    const at = first + (output + k) * length;
    for (let example = 0; example < examples; example++) {
      const from = k * stride + example * length;
      for (let i = 0; i < length; i++) sum[at + i] += cotangents[from + i];
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
        sums.add(node, nodes.length === 1 ? values : values.slice(index * plan.size, (index + 1) * plan.size));
      });
    },
    finish: () => finish(momentsOfSum(plan, sums.total(plan.tiles[plan.tiles.length - 1].last))),
  };
}

/** Divides the sum over all examples by n. */
function momentsOfSum(plan: MomentPlan, total: Float64Array): Moments[] {
  for (let i = 0; i < total.length; i++) total[i] /= plan.n;
  return plan.layouts.map(({ second, first, positions, width }) => ({
    second: total.slice(second, first),
    mean: total.slice(first, plan.means ? first + plan.c * positions * width : first),
  }));
}
