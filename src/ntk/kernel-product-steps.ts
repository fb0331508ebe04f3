/**
 * @file A product Θ(x, x)·u over threads, a block of examples a tile: the pullbacks of all blocks, then, of their sum, the pushforwards.
 * The bits of `KernelProducts`, which computes it in one thread.
 */

import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { type Dtype, emptyArray, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { type Model, parameterCount } from '../graph/model.ts';
import { lateFlops, type Program, programBytes } from '../graph/program.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type Steps, step, type TileComputer, type TiledJob, type TileKind } from '../wasm/tiled.ts';
import { BLOCK, GradientSum, Pullback, Pushforward, preparedProducts, type VectorProductGraphs } from './vector-product.ts';

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
}

interface PullbackPlan extends HalfPlan {
  /** [n, c] */
  readonly u: FloatArray;
}

interface PushforwardPlan extends HalfPlan {
  readonly tangents: readonly Float64Array[];
}

export const pullbackTiles: TileKind<PullbackPlan, FloatArray[]> = { name: 'pullback', start: startPullback };
export const pushforwardTiles: TileKind<PushforwardPlan, FloatArray> = { name: 'pushforward', start: startPushforward };

/** Θ·u, [n, c], for x [n, …input] of more than BLOCK examples and u [n, c]. */
export function* kernelProductSteps(model: Model, x: Tensor, u: FloatArray, options: KernelProductOptions): Steps<FloatArray> {
  const totals = yield* step((rt) => pullbackJob(rt, model, x, u, options), undefined, 'transient');
  return yield* step((rt) => pushforwardJob(rt, model, x, totals, options), undefined, 'transient');
}

/** Flops of a product with n examples. */
export function kernelProductFlops(model: Model, n: number, dtype: Dtype): number {
  const { back, forward } = preparedProducts(model, BLOCK, dtype).programs;
  return (n / BLOCK) * (programFlops(back) + programFlops(forward));
}

function programFlops(program: Program): number {
  return program.flops[0] + program.flops[1] + lateFlops(program);
}

function pullbackJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  u: FloatArray,
  { dtype, memoryLimit = DEFAULT_MEMORY_LIMIT }: KernelProductOptions,
): TiledJob<readonly Float64Array[], PullbackPlan, FloatArray[]> {
  const { graphs, programs } = preparedProducts(model, BLOCK, dtype);
  const sum = new GradientSum(model);
  const inTurn = new Map<number, FloatArray[]>();
  let next = 0;
  return {
    kind: pullbackTiles,
    plan: { ...half(model, x, graphs, programs.back), u },
    ...tilesOf(rt, x.shape[0], programs.back, dtype, memoryLimit, 8 * parameterCount(model)),
    place(tile, gradients) {
      inTurn.set(tile, gradients);
      for (let turn = inTurn.get(next); turn; turn = inTurn.get(++next)) {
        sum.add(turn);
        inTurn.delete(next);
      }
    },
    finish: () => sum.totals,
  };
}

function pushforwardJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  tangents: readonly Float64Array[],
  { dtype, memoryLimit = DEFAULT_MEMORY_LIMIT }: KernelProductOptions,
): TiledJob<FloatArray, PushforwardPlan, FloatArray> {
  const { graphs, programs } = preparedProducts(model, BLOCK, dtype);
  const c = model.output.size;
  const data = emptyArray(dtype, x.shape[0] * c);
  return {
    kind: pushforwardTiles,
    plan: { ...half(model, x, graphs, programs.forward), tangents },
    ...tilesOf(rt, x.shape[0], programs.forward, dtype, memoryLimit, data.byteLength),
    place: (tile, values) => data.set(values, tile * BLOCK * c),
    finish: () => data,
  };
}

function half(model: Model, x: Tensor, graphs: VectorProductGraphs, program: Program): HalfPlan {
  return { graphs, program, x: x.data, size: sizeOf(model.input.shape) };
}

function tilesOf(rt: Runtime, n: number, program: Program, dtype: Dtype, limit: number, resultBytes: number) {
  const tiles = Math.ceil(n / BLOCK);
  return {
    tiles,
    flops: tiles * programFlops(program),
    memory: { limit, workerBytes: programBytes(program, routinesOf(rt, dtype)), resultBytes },
  };
}

function startPullback(rt: Runtime, { graphs, program, x, size, u }: PullbackPlan): TileComputer<FloatArray[]> {
  const pullback = new Pullback(rt, graphs, program);
  return { compute: (tile) => pullback.pullBlock(x, size, tile * BLOCK, u).map((gradient) => gradient.slice()) };
}

function startPushforward(rt: Runtime, { graphs, program, x, size, tangents }: PushforwardPlan): TileComputer<FloatArray> {
  const pushforward = new Pushforward(rt, graphs, program);
  return { compute: (tile) => pushforward.pushBlock(x, size, tile * BLOCK, tangents).slice() };
}
