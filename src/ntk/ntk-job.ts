/** @file The NTK as a tiled job: options → plan, tiles of pairs of blocks of examples, the kernel. */

import { checkInteger } from '../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { sizeOf, type Tensor } from '../core/tensor.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { TiledJob, TileKind } from '../wasm/tiled.ts';
import { finishAssembly, placeTile, startAssembly } from './assemble.ts';
import { planFlops } from './explain.ts';
import { blockCount, blocksOfTile, FactoredTiles } from './factored-tile.ts';
import { checkInputs, type NtkInputs } from './inputs.ts';
import { planOf } from './last-plan.ts';
import { checkChoice, NTK_IMPLEMENTATIONS, NTK_OUTPUTS, type NtkOptions } from './options.ts';
import type { NtkPlan, NtkRequest } from './plan.ts';
import { type VectorProductPlan, VectorProductTiles } from './vector-product-tile.ts';

/** What a tile of the kernel depends on. */
export interface NtkTilePlan {
  readonly plan: NtkPlan | VectorProductPlan;
  readonly inputs: NtkInputs;
}

export const ntkTiles: TileKind<NtkTilePlan, Float64Array> = {
  name: 'ntk',
  start: (rt, { plan, inputs }, blocks) =>
    plan.implementation === 'ntk-vector-products' ? new VectorProductTiles(rt, plan, inputs) : new FactoredTiles(rt, plan, inputs, blocks),
};

/** NtkOptions with the pseudo-NTK's form among the outputs, and for how many threads to cut. */
export interface NtkJobOptions extends Omit<NtkOptions, 'outputs' | 'onProgress'> {
  readonly outputs: NtkRequest['outputs'];
  readonly threads?: number;
}

/** One kernel per trainable parameter, in the model's order; they add up to the whole. */
export interface ParameterKernel {
  readonly parameter: string;
  readonly kernel: Tensor;
}

/** The kernel of all trainable parameters. */
export function ntkJob(rt: Runtime, model: Model, x: Tensor, options: NtkJobOptions): TiledJob<Tensor, NtkTilePlan, Float64Array> {
  return jobOf(rt, model, x, options, false, ([kernel]) => kernel);
}

/** The kernel of each trainable parameter alone. */
export function parameterNtkJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  options: NtkJobOptions,
): TiledJob<ParameterKernel[], NtkTilePlan, Float64Array> {
  const names = trainableParameters(model).map(({ name }) => name);
  return jobOf(rt, model, x, options, true, (kernels) => kernels.map((kernel, index) => ({ parameter: names[index], kernel })));
}

function jobOf<Result>(
  rt: Runtime,
  model: Model,
  x: Tensor,
  options: NtkJobOptions,
  perParameter: boolean,
  result: (kernels: Tensor[]) => Result,
): TiledJob<Result, NtkTilePlan, Float64Array> {
  const request = requestOf(model, x, options, perParameter);
  const automatic = (options.implementation ?? 'auto') === 'auto';
  const plan = planOf(rt, model, request, automatic);
  const assembly = startAssembly(
    {
      rt,
      n1: request.n1,
      n2: request.n2,
      outputs: plan.seeds.length,
      layout: plan.layout,
      symmetric: request.symmetric,
      tileSize: plan.tileSize,
      factor: plan.factor,
    },
    perParameter ? plan.parameters.length : 1,
  );
  return {
    kind: ntkTiles,
    plan: { plan, inputs: { x1: x.data, x2: (options.x2 ?? x).data, size: sizeOf(model.input.shape) } },
    tiles: plan.tiles.length,
    blocks:
      plan.implementation === 'ntk-vector-products'
        ? undefined
        : { count: blockCount(plan), bytes: plan.blocks.bytes, of: (tile) => blocksOfTile(plan, tile) },
    flops: planFlops(plan),
    memory: { limit: request.memoryLimit, workerBytes: plan.wasmBytes, resultBytes: plan.resultBytes },
    place: (tile, values) => placeTile(assembly, plan.tiles[tile], values),
    finish: () => result(finishAssembly(assembly)),
  };
}

/** Options → a request with every default filled in. */
function requestOf(model: Model, x: Tensor, options: NtkJobOptions, perParameter: boolean): NtkRequest {
  const { outputs } = options;
  if (outputs !== 'pseudo') checkChoice('ntk', 'outputs', outputs, NTK_OUTPUTS);
  const implementation = options.implementation ?? 'auto';
  checkChoice('ntk', 'implementation', implementation, NTK_IMPLEMENTATIONS);
  checkChoice('ntk', 'dtype', options.dtype ?? 'f64', ['f64', 'f32']);
  if (options.tileSize !== undefined) checkInteger('ntk', 'tileSize', options.tileSize, 1);
  const n1 = checkInputs('ntk', model, 'x', x);
  const n2 = options.x2 === undefined ? n1 : checkInputs('ntk', model, 'x2', options.x2);
  return {
    n1,
    n2,
    symmetric: options.x2 === undefined,
    outputs,
    implementation: implementation === 'auto' ? 'structured-derivatives' : implementation,
    dtype: options.dtype ?? 'f64',
    perParameter,
    memoryLimit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
    tileSize: options.tileSize,
    threads: options.threads,
  };
}
