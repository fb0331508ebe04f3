/** @file forward: the outputs of a model for a batch of inputs. */

import { checkFinite } from '../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { type Dtype, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { computeHere, type TileComputer, type TiledJob, type TileKind } from '../wasm/tiled.ts';
import { startExecution } from './execution.ts';
import { batchSize, type Model } from './model.ts';
import { type Program, planProgram, programBytes } from './program.ts';

export interface ForwardOptions {
  readonly dtype?: Dtype;
  /** Examples evaluated at once; default 64. Changes no bit of the result. */
  readonly batch?: number;
}

/**
 * Outputs f(x) of a model.
 *
 * Shapes     x [n, …input]  →  [n, c], in the dtype computed in
 * Cost       one pass over the graph per batch
 *
 * @throws {TangedgeError} ERR_SHAPE when x does not fit the model · ERR_DOMAIN for NaN, Inf or an empty batch · ERR_MEMORY
 */
export function forward(rt: Runtime, model: Model, x: Tensor, options: ForwardOptions = {}): Tensor {
  return computeHere(rt, forwardJob(rt, model, x, options));
}

/** What a tile of the outputs depends on. */
export interface ForwardTilePlan {
  readonly model: Model;
  readonly program: Program;
  readonly x: FloatArray;
  readonly n: number;
  /** Examples per tile. */
  readonly block: number;
}

export const forwardTiles: TileKind<ForwardTilePlan, FloatArray> = { name: 'forward', start: startForward };

export function forwardJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  { dtype = 'f64', batch = 64, memoryLimit = DEFAULT_MEMORY_LIMIT }: ForwardOptions & { readonly memoryLimit?: number },
): TiledJob<Tensor, ForwardTilePlan, FloatArray> {
  const n = batchSize('forward', model, 'x', x);
  checkFinite('forward', 'x', x);
  const c = model.output.size;
  const block = Math.min(n, Math.max(1, batch));
  const program = planProgram(model.graph, { dtype, batch: new Map([[model.input.id, block]]) });
  const data: FloatArray = dtype === 'f64' ? new Float64Array(n * c) : new Float32Array(n * c);
  const tiles = Math.ceil(n / block);
  return {
    kind: forwardTiles,
    plan: { model, program, x: x.data, n, block },
    tiles,
    flops: tiles * (program.flops[0] + program.flops[1]),
    memory: { limit: memoryLimit, workerBytes: programBytes(program, routinesOf(rt, dtype)), resultBytes: data.byteLength },
    place: (tile, values) => data.set(values, firstOfTile(n, block, tile) * c),
    finish: () => ({ shape: [n, c], data }),
  };
}

function startForward(rt: Runtime, { model, program, x, n, block }: ForwardTilePlan): TileComputer<FloatArray> {
  const size = sizeOf(model.input.shape);
  const execution = startExecution(rt, program, model.parameters);
  return {
    compute(tile) {
      const first = firstOfTile(n, block, tile);
      execution.bind(model.input.id, x.subarray(first * size, (first + block) * size));
      execution.run(1);
      return execution.view(model.output.id).slice();
    },
  };
}

/** The last block starts early enough to be full; examples do not depend on their neighbours. */
function firstOfTile(n: number, block: number, tile: number): number {
  return Math.min(tile * block, n - block);
}
