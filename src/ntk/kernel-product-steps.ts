/**
 * @file A product Θ(x, x)·u over threads, a block of examples a tile: the pullbacks of all blocks, then, of their sum, the pushforwards.
 * The bits of `KernelProducts`, which computes it in one thread.
 */

import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { canShareMemory } from '../core/host-objects.ts';
import { type Dtype, emptyArray, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { type Model, parameterCount } from '../graph/model.ts';
import { lateFlops, type Program, programBytes } from '../graph/program.ts';
import { sweptBytes } from '../graph/swept-values.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type Steps, step, type TileComputer, type TiledJob, type TileKind } from '../wasm/tiled.ts';
import { Blocks, GradientSum, preparedProducts, pullBlock, pushBlock } from './kernel-products.ts';
import { Pullback, Pushforward, type VectorProductGraphs } from './vector-product.ts';

export interface KernelProductOptions {
  readonly dtype: Dtype;
  /** Of the computation, in bytes; default 4 GiB. */
  readonly memoryLimit?: number;
}

/** What a tile of either half depends on. */
interface HalfPlan {
  readonly graphs: VectorProductGraphs;
  readonly program: Program;
  readonly x: FloatArray;
  /** Numbers of an example. */
  readonly size: number;
  /** What the forward sweeps of the first blocks have left, once a product has been computed. */
  readonly swept: readonly Uint8Array[];
  /** Blocks, from the first on, whose tiles hand over what their sweeps leave. */
  readonly toKeep: number;
}

interface PullbackPlan extends HalfPlan {
  /** [n, c] */
  readonly u: FloatArray;
}

interface PushforwardPlan extends HalfPlan {
  readonly tangents: readonly Float64Array[];
}

interface HalfPart<Values> {
  readonly values: Values;
  readonly swept?: Uint8Array;
}

export const pullbackTiles: TileKind<PullbackPlan, HalfPart<FloatArray[]>> = { name: 'pullback', start: startPullback };
export const pushforwardTiles: TileKind<PushforwardPlan, HalfPart<FloatArray>> = { name: 'pushforward', start: startPushforward };

/** Most bytes of what sweeps leave that are kept from one product to the next; at most a quarter of the memory limit. */
const MOST_KEPT = 512 * 1024 * 1024;

/** Products Θ·u, one after the other, for x [n, …input] of more than one block: from the second on no block is swept forward that has been kept. */
export class KernelProductSteps {
  private readonly model: Model;
  private readonly x: Tensor;
  private readonly options: Required<KernelProductOptions>;
  private readonly graphs: VectorProductGraphs;
  /** Examples of a block, and how many blocks there are. */
  private readonly block: number;
  private readonly blocks: number;
  /** Of both halves. */
  private readonly keptBytes: number;
  private readonly back: Half;
  private readonly forward: Half;

  constructor(model: Model, x: Tensor, { dtype, memoryLimit = DEFAULT_MEMORY_LIMIT }: KernelProductOptions) {
    const { graphs, programs, block } = preparedProducts(model, x.shape[0], dtype);
    this.block = block;
    this.blocks = Math.ceil(x.shape[0] / block);
    const bytes = sweptBytes(programs.back) + sweptBytes(programs.forward);
    const kept = Math.min(this.blocks, Math.floor(Math.min(MOST_KEPT, memoryLimit / 4) / bytes));
    this.model = model;
    this.x = x;
    this.options = { dtype, memoryLimit };
    this.graphs = graphs;
    this.keptBytes = kept * bytes;
    this.back = { program: programs.back, swept: new Array(kept) };
    this.forward = { program: programs.forward, swept: new Array(kept) };
  }

  /** Θ·u, [n, c], for u [n, c]. */
  *times(u: FloatArray): Steps<FloatArray> {
    const totals = yield* step((rt, threads) => this.pullbackJob(rt, threads, u), undefined, 'transient');
    return yield* step((rt, threads) => this.pushforwardJob(rt, threads, totals), undefined, 'transient');
  }

  private pullbackJob(rt: Runtime, threads: number, u: FloatArray): TiledJob<readonly Float64Array[], PullbackPlan, HalfPart<FloatArray[]>> {
    const sum = new GradientSum(this.model);
    const inTurn = new Map<number, FloatArray[]>();
    let next = 0;
    return {
      kind: pullbackTiles,
      plan: { ...this.halfPlan(this.back, threads), u },
      ...this.tilesOf(rt, this.back, 8 * parameterCount(this.model)),
      place: (tile, { values, swept }) => {
        if (swept) this.back.swept[tile] = swept;
        inTurn.set(tile, values);
        for (let turn = inTurn.get(next); turn; turn = inTurn.get(++next)) {
          sum.add(turn);
          inTurn.delete(next);
        }
      },
      finish: () => sum.totals,
    };
  }

  private pushforwardJob(
    rt: Runtime,
    threads: number,
    tangents: readonly Float64Array[],
  ): TiledJob<FloatArray, PushforwardPlan, HalfPart<FloatArray>> {
    const c = this.model.output.size;
    const data = emptyArray(this.options.dtype, this.x.shape[0] * c);
    return {
      kind: pushforwardTiles,
      plan: { ...this.halfPlan(this.forward, threads), tangents },
      ...this.tilesOf(rt, this.forward, data.byteLength),
      place: (tile, { values, swept }) => {
        if (swept) this.forward.swept[tile] = swept;
        data.set(values, tile * this.block * c);
      },
      finish: () => data,
    };
  }

  private halfPlan({ program, swept }: Half, threads: number): HalfPlan {
    const isKnown = !swept.includes(undefined);
    return {
      graphs: this.graphs,
      program,
      x: this.x.data,
      size: sizeOf(this.model.input.shape),
      swept: isKnown ? (swept as Uint8Array[]) : [],
      // What would have to be copied for every thread and product is swept again.
      toKeep: !isKnown && (threads === 1 || canShareMemory()) ? swept.length : 0,
    };
  }

  private tilesOf(rt: Runtime, { program }: Half, resultBytes: number) {
    const { dtype, memoryLimit: limit } = this.options;
    return {
      tiles: this.blocks,
      flops: this.blocks * programFlops(program),
      memory: { limit, workerBytes: programBytes(program, routinesOf(rt, dtype)), resultBytes: resultBytes + this.keptBytes },
    };
  }
}

/** Pullbacks or pushforwards of all blocks. */
interface Half {
  readonly program: Program;
  /** What sweeps leave, of the blocks that are kept, when it is known. */
  readonly swept: (Uint8Array | undefined)[];
}

/** Flops of a product with n examples. */
export function kernelProductFlops(model: Model, n: number, dtype: Dtype): number {
  const { programs, block } = preparedProducts(model, n, dtype);
  return (n / block) * (programFlops(programs.back) + programFlops(programs.forward));
}

function programFlops(program: Program): number {
  return program.flops[0] + program.flops[1] + lateFlops(program);
}

function startPullback(rt: Runtime, { graphs, program, x, size, u, swept, toKeep }: PullbackPlan): TileComputer<HalfPart<FloatArray[]>> {
  const blocks = new Blocks(new Pullback(rt, graphs, program), x, size);
  return {
    compute(tile) {
      const values = pullBlock(blocks, tile, u, swept[tile]).map((gradient) => gradient.slice());
      return { values, swept: tile < toKeep ? blocks.swept() : undefined };
    },
  };
}

function startPushforward(rt: Runtime, { graphs, program, x, size, tangents, swept, toKeep }: PushforwardPlan): TileComputer<HalfPart<FloatArray>> {
  const blocks = new Blocks(new Pushforward(rt, graphs, program), x, size);
  blocks.products.setTangents(tangents);
  return {
    compute(tile) {
      const values = pushBlock(blocks, tile, swept[tile]).slice();
      return { values, swept: tile < toKeep ? blocks.swept() : undefined };
    },
  };
}
