/** @file The pre-activation tangent kernel (PTK) of weights, as plan → compute → assemble over pairs of blocks of examples. */

import { checkFinite, checkInteger } from '../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type FloatArray, type Tensor } from '../core/tensor.ts';
import { batchSize, type Model } from '../graph/model.ts';
import { programBytes } from '../graph/program.ts';
import { BlockSlots } from '../wasm/block-slots.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type BlockSource, computeHere, type JobMemory, type TileComputer, type TiledJob, type TileKind } from '../wasm/tiled.ts';
import { type CotangentPlan, CotangentSweeps, planCotangents, sweepFlops } from './cotangent-runs.ts';
import { type CotangentSweep, preactivationSweep } from './cotangent-sweep.ts';
import type { FeatureJobOptions, FeatureOptions } from './options.ts';
import { chooseWeights } from './weight.ts';

/**
 * Pre-activation tangent kernel of a weight: sum over outputs and positions, no mean.
 *
 *   PTK[i, j] = Σ_{o,s} ⟨δ[i, o, s], δ[j, o, s]⟩,   δ[i, o, s] = ∂f_o(x_i)/∂h[s]
 *
 * For a dense layer used once, the weight's share of the trace NTK is the Hadamard product of this and the Gram of its inputs.
 *
 * Shapes     x [n, …input]  →  [n, n] f64
 * Units      (output unit / pre-activation unit)²
 * Symmetry   exact; positive semidefinite to rounding
 * Cost       one forward and c backward sweeps per block of examples, and n²/2·c·positions·h multiply-adds
 * Numerics   sweeps and products in `dtype`, the sum over outputs in f64; tiles change no bit
 *
 * @throws {TangedgeError} ERR_SHAPE when x does not fit the model · ERR_DOMAIN for NaN, Inf or an empty batch · ERR_ARGUMENT when there is no such weight · ERR_MEMORY
 * @see Beaglehole, Mitliagkas, Agarwala (2024). arXiv:2402.05271 (later versions say “pre-activation tangent features”).
 */
export function preactivationTangentKernel(rt: Runtime, model: Model, x: Tensor, weight: string, options: FeatureOptions = {}): Tensor {
  return computeHere(rt, ptkJob(rt, model, x, weight, options), options.onProgress);
}

/** What a tile of the PTK depends on. */
export interface PtkTilePlan {
  readonly plan: PtkPlan;
  readonly x: FloatArray;
}

export const ptkTiles: TileKind<PtkTilePlan, Float64Array> = {
  name: 'preactivation-tangent-kernel',
  start: (rt, { plan, x }, blocks) => new PtkTiles(rt, plan, x, blocks),
};

export function ptkJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  weight: string,
  options: FeatureJobOptions,
): TiledJob<Tensor, PtkTilePlan, Float64Array> {
  const operation = 'preactivationTangentKernel';
  const n = batchSize(operation, model, 'x', x);
  checkFinite(operation, 'x', x);
  const plan = planPtk(rt, operation, model, preactivationSweep(model, chooseWeights(operation, model, [weight])), n, options);
  const { sweeps, tiles, tileSize } = plan;
  const [{ positions, width }] = sweeps.cotangents;
  const data = new Float64Array(n * n);
  return {
    kind: ptkTiles,
    plan: { plan, x: x.data },
    tiles: tiles.length,
    blocks: { count: Math.ceil(n / tileSize), bytes: plan.blockBytes, of: (tile) => [tiles[tile].row, tiles[tile].column] },
    flops: Math.ceil(n / tileSize) * sweepFlops(sweeps, tileSize) + n * n * sweeps.c * positions * width,
    memory: plan.memory,
    place: (tile, values) => placePtkTile(plan, tiles[tile], values, data),
    finish: () => ({ shape: [n, n], data }),
  };
}

/** A pair of blocks of examples, column ≤ row. */
export interface PtkTile {
  readonly row: number;
  readonly column: number;
}

export interface PtkPlan {
  readonly sweeps: CotangentPlan;
  readonly n: number;
  /** Examples per block. */
  readonly tileSize: number;
  /** Blocks whose cotangents stay in memory. */
  readonly slots: number;
  /** Bytes of a block's cotangents, [outputs, examples, positions·width]. */
  readonly blockBytes: number;
  readonly tiles: readonly PtkTile[];
  readonly memory: JobMemory;
}

const MAX_TILE = 256;
/** Examples per block that threads share, at least. */
const LEAST_SHARED_TILE = 64;

/** The largest blocks that fit: all resident when memory allows, else two at a time. */
function planPtk(rt: Runtime, operation: string, model: Model, sweep: CotangentSweep, n: number, options: FeatureJobOptions): PtkPlan {
  const { dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT } = options;
  const largest = options.tileSize ?? Math.min(MAX_TILE, Math.max(LEAST_SHARED_TILE, Math.ceil(n / (4 * (options.threads ?? 1)))));
  checkInteger(operation, 'tileSize', largest, 1);
  checkInteger(operation, 'memoryLimit', memoryLimit, 1);
  const [cotangent] = sweep.cotangents;
  const c = model.output.size;
  const routines = routinesOf(rt, dtype);
  const resultBytes = 2 * n * n * 8; // the kernel, and its tiles before assembly
  const budget = Math.min(memoryLimit - resultBytes, rt.arena.limit - rt.arena.used);
  const length = cotangent.positions * cotangent.width;
  let needed = 0;
  for (let tileSize = Math.min(largest, n); tileSize >= 1; tileSize = Math.floor(tileSize / 2)) {
    const sweeps = planCotangents(model, sweep, tileSize, dtype);
    const blockBytes = Math.ceil((c * tileSize * length * bytesOf(dtype)) / 64) * 64;
    const scratch = Math.max(routines.gemmScratchBytes(tileSize, tileSize, length) >>> 0, routines.gramScratchBytes(tileSize, length) >>> 0);
    const fixed = programBytes(sweeps.program, routines) + tileSize * tileSize * (8 + bytesOf(dtype)) + scratch + 65536;
    const blocks = Math.ceil(n / tileSize);
    for (const slots of [blocks, Math.min(blocks, 2)]) {
      needed = fixed + slots * blockBytes;
      if (needed > budget) continue;
      const tiles: PtkTile[] = [];
      for (let row = 0; row < blocks; row++) for (let column = 0; column <= row; column++) tiles.push({ row, column });
      const memory = { limit: memoryLimit, workerBytes: needed, resultBytes };
      return { sweeps, n, tileSize, slots, blockBytes, tiles, memory };
    }
    if (options.tileSize !== undefined) break;
  }
  throw new TangedgeError(
    'ERR_MEMORY',
    `${operation}: ${needed + resultBytes} bytes are needed (${resultBytes} of them for the kernel of ${n} examples), the limit is ${Math.min(memoryLimit, rt.arena.limit)}. Raise the memory limit or use fewer examples.`,
    { needed: needed + resultBytes, limit: Math.min(memoryLimit, rt.arena.limit) },
  );
}

/** Computes tiles of a plan; keeps cotangents of recent blocks in the arena frame it was made in. A tile depends on plan and inputs alone. */
class PtkTiles implements TileComputer<Float64Array> {
  private readonly rt: Runtime;
  private readonly plan: PtkPlan;
  private readonly x: FloatArray;
  private running: CotangentSweeps | undefined;
  private readonly blocks: BlockSlots;

  constructor(rt: Runtime, plan: PtkPlan, x: FloatArray, shared?: BlockSource) {
    this.rt = rt;
    this.plan = plan;
    this.x = x;
    this.blocks = new BlockSlots(rt, { count: plan.slots, bytes: plan.blockBytes }, (block, ptr) => this.sweep(block, ptr), shared);
  }

  /** [rows, columns] of a tile, its lower triangle alone on the diagonal. */
  compute(tile: number): Float64Array {
    const { rt, plan } = this;
    const { row, column } = plan.tiles[tile];
    const { arena } = rt;
    const { tileSize } = plan;
    const { dtype, c, cotangents } = plan.sweeps;
    const routines = routinesOf(rt, dtype);
    const length = cotangents[0].positions * cotangents[0].width;
    const rowPtr = this.blocks.at(row);
    const columnPtr = this.blocks.at(column, rowPtr);
    const [rows, columns] = [this.examples(row), this.examples(column)];
    const diagonal = row === column;
    return arena.frame(() => {
      const sumPtr = arena.allocateArray('f64', rows * columns);
      rt.f64.fill(rows * columns, 0, sumPtr);
      const productPtr = arena.allocateArray(dtype, rows * columns);
      const scratch = arena.allocate((diagonal ? routines.gramScratchBytes(rows, length) : routines.gemmScratchBytes(rows, columns, length)) >>> 0);
      for (let output = 0; output < c; output++) {
        const at = output * tileSize * length * bytesOf(dtype);
        if (diagonal) routines.gram(rows, length, 1, rowPtr + at, length, 1, 0, productPtr, columns, scratch);
        else routines.gemm(rows, columns, length, 1, rowPtr + at, length, 1, columnPtr + at, 1, length, 0, productPtr, columns, 1, scratch);
        routines.gramHadamard(rows, columns, 1, 1, 1, 1, diagonal ? 1 : 0, 0, 0, productPtr, sumPtr, columns);
      }
      return arena.f64(sumPtr, rows * columns).slice();
    });
  }

  /** The cotangents of a block of examples. */
  computeBlock(block: number): Uint8Array {
    return this.blocks.read(block);
  }

  private examples(block: number): number {
    return Math.min(this.plan.tileSize, this.plan.n - block * this.plan.tileSize);
  }

  private sweep(block: number, ptr: number): void {
    const { plan, rt, x } = this;
    const { tileSize, sweeps } = plan;
    this.running ??= new CotangentSweeps(rt, sweeps, x);
    const [{ positions, width }] = sweeps.cotangents;
    const bytes = positions * width * bytesOf(sweeps.dtype);
    const start = block * tileSize;
    this.running.run(start, start + this.examples(block), ({ output, example, count, ptr: from, isShared }) => {
      const memory = new Uint8Array(rt.arena.memory.buffer);
      const to = ptr + (output * tileSize + example - start) * bytes;
      if (!isShared) memory.copyWithin(to, from, from + count * bytes);
      else for (let i = 0; i < count; i++) memory.copyWithin(to + i * bytes, from, from + bytes);
    });
  }
}

/** Writes one tile of the lower triangle, and its mirror image, into the symmetric kernel [n, n]. */
function placePtkTile({ n, tileSize }: PtkPlan, { row, column }: PtkTile, values: Float64Array, kernel: Float64Array): void {
  const columns = Math.min(tileSize, n - column * tileSize);
  values.forEach((value, at) => {
    const i = row * tileSize + Math.floor(at / columns);
    const j = column * tileSize + (at % columns);
    if (j > i) return; // the upper triangle of a diagonal tile is empty
    kernel[i * n + j] = value;
    kernel[j * n + i] = value;
  });
}
