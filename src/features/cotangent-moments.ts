/**
 * @file Second (and first) moments of cotangents over the data, as plan → compute → assemble:
 * (1/n)·Σ_{i,o,s} δ·δᵀ, and the mean of δ over examples per output and position.
 *
 * Examples are cut into leaves, whose size depends on the model alone; a leaf's sums are the leaves of one binary tree, so
 * tiles (runs of leaves) and workers change no bit.
 */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, type FloatArray, sizeOf } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { type Program, programBytes } from '../graph/program.ts';
import { planSweep, startSweep, sweepBackward, sweepForward, unitSeeds } from '../graph/sweep.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type Cotangent, type CotangentSweep, elementsPerExample } from './cotangent-sweep.ts';
import { DEFAULT_MEMORY_LIMIT, type FeatureOptions } from './options.ts';
import { appendPartialSum, type PartialSum, totalSum } from './pairwise-sum.ts';

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
const DEFAULT_TILE = 256;

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
  { n, means, options }: { readonly n: number; readonly means: boolean; readonly options: FeatureOptions },
): MomentPlan {
  const { dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT, tileSize = DEFAULT_TILE } = options;
  checkInteger(operation, 'tileSize', tileSize, 1);
  checkInteger(operation, 'memoryLimit', memoryLimit, 1);
  const c = model.output.size;
  const leafSize = Math.min(n, Math.max(1, Math.min(MAX_LEAF, Math.floor(LEAF_ELEMENTS / elementsPerExample(model)))));
  const leaves = Math.ceil(n / leafSize);
  let size = 0;
  const layouts = cotangents.map((cotangent) => {
    const second = size;
    const first = second + cotangent.width * cotangent.width;
    size = first + (means ? c * cotangent.positions * cotangent.width : 0);
    return { ...cotangent, second, first };
  });
  // alive at once: one array per level and one being filled; assembly copies them
  let levels = 0;
  for (let spanned = 1; spanned < leaves; spanned *= 2) levels++;
  const resultBytes = size * 8 * 2 * (levels + 1);
  const widest = Math.max(...layouts.map(({ width }) => width), 0);
  const routines = routinesOf(rt, dtype);
  const productBytes = (routines.gramScratchBytes(widest, leafSize) >>> 0) + widest * widest * bytesOf(dtype);
  let seedBlock = Math.min(c, Math.max(1, Math.floor(SWEEP_ROWS / leafSize)));
  for (;;) {
    const program = planSweep(
      sweep,
      leafSize,
      seedBlock,
      dtype,
      layouts.map(({ id }) => id),
    );
    const wasmBytes = programBytes(program, routines) + productBytes + 65536;
    if (wasmBytes + resultBytes <= memoryLimit && wasmBytes <= rt.arena.limit - rt.arena.used) {
      const tiles = planTiles(leaves, Math.max(1, Math.floor(tileSize / leafSize)));
      return { sweep, program, dtype, n, c, inputSize: sizeOf(model.input.shape), leafSize, seedBlock, layouts, means, size, tiles };
    }
    if (seedBlock === 1) {
      const limit = Math.min(memoryLimit, rt.arena.limit);
      throw new TangedgeError(
        'ERR_MEMORY',
        `${operation}: ${wasmBytes + resultBytes} bytes are needed (${resultBytes} of them for sums of widths up to ${widest}), the limit is ${limit}. Raise the memory limit or ask for fewer weights.`,
        { needed: wasmBytes + resultBytes, limit },
      );
    }
    seedBlock = Math.floor(seedBlock / 2);
  }
}

/** Runs of `leavesPerTile` leaves. */
function planTiles(leaves: number, leavesPerTile: number): MomentTile[] {
  return Array.from({ length: Math.ceil(leaves / leavesPerTile) }, (_, tile) => ({
    first: tile * leavesPerTile,
    last: Math.min(leaves, (tile + 1) * leavesPerTile),
  }));
}

/** Sums over the examples of one tile: the nodes of the tree that its leaves make up. */
export function computeMomentTile(rt: Runtime, plan: MomentPlan, x: FloatArray, tile: MomentTile): PartialSum[] {
  const { n, c, inputSize, leafSize, seedBlock } = plan;
  return rt.arena.frame(() => {
    const execution = startSweep(rt, plan.sweep, plan.program);
    const nodes: PartialSum[] = [];
    for (let leaf = tile.first; leaf < tile.last; leaf++) {
      const start = leaf * leafSize;
      const examples = Math.min(leafSize, n - start);
      const padded = new Float64Array(leafSize * inputSize);
      padded.set(x.subarray(start * inputSize, (start + examples) * inputSize));
      // A short last leaf is filled up with its first example: computed, never read.
      for (let i = examples; i < leafSize; i++) padded.copyWithin(i * inputSize, 0, inputSize);
      sweepForward(execution, plan.sweep, padded);
      const sum = new Float64Array(plan.size);
      for (let output = 0; output < c; output += seedBlock) {
        const seeds = unitSeeds(c, output, Math.min(c, output + seedBlock));
        // The last block of cotangents is filled up likewise.
        const block = Array.from({ length: seedBlock }, (_, k) => seeds[Math.min(k, seeds.length - 1)]);
        sweepBackward(execution, plan.sweep, leafSize, block);
        seeds.forEach((_, k) => {
          for (const layout of plan.layouts) {
            const stride = leafSize * layout.positions * layout.width;
            addMoments(rt, plan, layout, execution.ptr(layout.id) + k * stride * bytesOf(plan.dtype), { examples, output: output + k }, sum);
          }
        });
      }
      appendPartialSum(nodes, { level: 0, index: leaf, sum });
    }
    return nodes;
  });
}

/** Adds the moments of one output's cotangents [examples, positions, width] to a partial sum. */
function addMoments(
  rt: Runtime,
  { dtype, means }: MomentPlan,
  { positions, width, second, first }: MomentLayout,
  cotangentPtr: number,
  { examples, output }: { readonly examples: number; readonly output: number },
  sum: Float64Array,
): void {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  const rows = examples * positions;
  arena.frame(() => {
    const productPtr = arena.allocateArray(dtype, width * width);
    routines.gram(width, rows, 1, cotangentPtr, 1, width, 0, productPtr, width, arena.allocate(routines.gramScratchBytes(width, rows) >>> 0));
    const product = arena.view(dtype, productPtr, width * width);
    for (let i = 0; i < product.length; i++) sum[second + i] += product[i];
  });
  if (!means) return;
  const length = positions * width;
  const at = first + output * length;
  const cotangents = arena.view(dtype, cotangentPtr, examples * length);
  for (let example = 0; example < examples; example++) {
    for (let i = 0; i < length; i++) sum[at + i] += cotangents[example * length + i];
  }
}

/** Joins the partial sums of all tiles, in any order, and divides by n. */
export function assembleMomentTiles(plan: MomentPlan, parts: readonly (readonly PartialSum[])[]): Moments[] {
  const total = totalSum(parts.flat());
  for (let i = 0; i < total.length; i++) total[i] /= plan.n;
  return plan.layouts.map(({ second, first, positions, width }) => ({
    second: total.slice(second, first),
    mean: total.slice(first, plan.means ? first + plan.c * positions * width : first),
  }));
}

/** Plan, compute every tile here, assemble. */
export function cotangentMoments(rt: Runtime, plan: MomentPlan, x: FloatArray, onProgress: FeatureOptions['onProgress']): Moments[] {
  // Joined as they come: only the nodes of the tree are held.
  const nodes: PartialSum[] = [];
  plan.tiles.forEach((tile, done) => {
    for (const node of computeMomentTile(rt, plan, x, tile)) appendPartialSum(nodes, node);
    onProgress?.({ fraction: (done + 1) / plan.tiles.length, tilesDone: done + 1, tiles: plan.tiles.length });
  });
  return assembleMomentTiles(plan, [nodes]);
}
