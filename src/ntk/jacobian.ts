/** @file Jacobians of the outputs: with respect to the parameters, and to the input. */

import { DEFAULT_MEMORY_LIMIT, type OnProgress } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import { type Dtype, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { vjp } from '../graph/differentiate.ts';
import { type Execution, startExecution } from '../graph/execution.ts';
import type { ValueId } from '../graph/graph.ts';
import { type Model, parameterCount, trainableParameters } from '../graph/model.ts';
import { type Program, planProgram, programBytes } from '../graph/program.ts';
import { giveCotangents, unitSeeds } from '../graph/sweep.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { computeHere, type TileComputer, type TiledJob, type TileKind } from '../wasm/tiled.ts';
import { checkInputs } from './inputs.ts';

export interface JacobianOptions {
  readonly dtype?: Dtype;
  readonly memoryLimit?: number;
  /** Called after every tile. */
  readonly onProgress?: OnProgress;
}

export type JacobianJobOptions = Omit<JacobianOptions, 'onProgress'>;

/**
 * Jacobian ∂f/∂θ of the outputs with respect to all trainable parameters.
 *
 * Shapes     x [n, …input]  →  [n, c, p]: parameters in the model's order, row-major each
 * Cost       n·c backward sweeps and n·c·p numbers: ask for it only when you need the numbers themselves
 *
 * @throws {TangedgeError} ERR_SHAPE · ERR_DOMAIN · ERR_MEMORY with the bytes of the result, before allocation
 */
export function jacobian(rt: Runtime, model: Model, x: Tensor, options: JacobianOptions = {}): Tensor {
  return computeHere(rt, jacobianJob(rt, model, x, options), options.onProgress);
}

export function jacobianJob(rt: Runtime, model: Model, x: Tensor, options: JacobianJobOptions): TiledJob<Tensor, JacobianTilePlan, Float64Array> {
  const wrt = trainableParameters(model).map(({ id }) => id);
  return rowsJob(rt, model, x, { ...options, operation: 'jacobian', wrt, width: parameterCount(model) });
}

/**
 * Jacobian ∂f/∂x of the outputs with respect to the input, flattened: [n, c, d].
 *
 * @throws {TangedgeError} ERR_SHAPE · ERR_DOMAIN · ERR_MEMORY
 */
export function inputJacobian(rt: Runtime, model: Model, x: Tensor, options: JacobianOptions = {}): Tensor {
  return computeHere(rt, inputJacobianJob(rt, model, x, options), options.onProgress);
}

export function inputJacobianJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  options: JacobianJobOptions,
): TiledJob<Tensor, JacobianTilePlan, Float64Array> {
  return rowsJob(rt, model, x, { ...options, operation: 'inputJacobian', wrt: [model.input.id], width: sizeOf(model.input.shape) });
}

interface RowsRequest extends JacobianJobOptions {
  readonly operation: string;
  readonly wrt: readonly ValueId[];
  readonly width: number;
}

/** What a tile of the rows depends on. */
export interface JacobianTilePlan {
  readonly model: Model;
  readonly program: Program;
  readonly seed: ValueId;
  readonly x: FloatArray;
  readonly n: number;
  /** Elements of a row. */
  readonly width: number;
  /** Examples per tile. */
  readonly block: number;
}

export const jacobianTiles: TileKind<JacobianTilePlan, Float64Array> = {
  name: 'jacobian',
  start: (rt, plan) => new JacobianTiles(rt, plan),
};

/** Elements of a tile: enough for the time it takes to hide that of sending it. */
const TILE_ELEMENTS = 262144;

function rowsJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  { operation, wrt, width, dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT }: RowsRequest,
): TiledJob<Tensor, JacobianTilePlan, Float64Array> {
  const n = checkInputs(operation, model, 'x', x);
  const c = model.output.size;
  const resultBytes = n * c * width * 8;
  const derived = vjp(model.graph, wrt, { shared: 'per-example' });
  const keep = derived.graph.outputs.slice(1);
  const seed = derived.seeds[0];
  // One example and all its outputs at a time: rows come out in the order of the result.
  const program = planProgram(
    { nodes: derived.graph.nodes, outputs: keep },
    {
      dtype,
      batch: new Map([
        [model.input.id, 1],
        [seed, c],
      ]),
      late: new Set([seed]),
      keep,
    },
  );
  const workerBytes = programBytes(program, routinesOf(rt, dtype));
  const needed = resultBytes + workerBytes;
  if (needed > memoryLimit) {
    throw new TangedgeError(
      'ERR_MEMORY',
      `${operation}: ${needed} bytes are needed (${resultBytes} of them for the result [${n}, ${c}, ${width}]), the memory limit is ${memoryLimit}. Raise the limit or use fewer examples.`,
      { needed, limit: memoryLimit, resultBytes },
    );
  }
  const data = new Float64Array(n * c * width);
  const block = Math.min(n, Math.max(1, Math.floor(TILE_ELEMENTS / (c * width))));
  return {
    kind: jacobianTiles,
    plan: { model, program, seed, x: x.data, n, width, block },
    tiles: Math.ceil(n / block),
    flops: n * (program.flops[1] + program.flops[3]),
    memory: { limit: memoryLimit, workerBytes, resultBytes },
    place: (tile, rows) => data.set(rows, tile * block * c * width),
    finish: () => ({ shape: [n, c, width], data }),
  };
}

/** Rows of the Jacobian, example by example; lives in the arena frame in which it was made. */
class JacobianTiles implements TileComputer<Float64Array> {
  private readonly plan: JacobianTilePlan;
  private readonly execution: Execution;

  constructor(rt: Runtime, plan: JacobianTilePlan) {
    const { model, program, seed } = plan;
    const c = model.output.size;
    this.plan = plan;
    this.execution = startExecution(rt, program, model.parameters);
    giveCotangents(this.execution, seed, unitSeeds(c, 0, c));
  }

  /** [examples, c, width] */
  compute(tile: number): Float64Array {
    const { model, n, width, block } = this.plan;
    const first = tile * block;
    const examples = Math.min(block, n - first);
    const length = model.output.size * width;
    const rows = new Float64Array(examples * length);
    for (let i = 0; i < examples; i++) this.rowsOf(first + i, rows.subarray(i * length, (i + 1) * length));
    return rows;
  }

  /** The rows of one example, one per output. */
  private rowsOf(example: number, rows: Float64Array): void {
    const { execution } = this;
    const { model, program, x, width } = this.plan;
    const size = sizeOf(model.input.shape);
    execution.bind(model.input.id, x.subarray(example * size, (example + 1) * size));
    execution.run(1);
    execution.run(3);
    let column = 0;
    for (const id of program.keep) {
      const view = execution.view(id);
      const count = sizeOf(program.graph.nodes[id].shape);
      const repeated = view.length === count; // a zero derivative is one shared constant
      for (let o = 0; o < model.output.size; o++) {
        const start = repeated ? 0 : o * count;
        rows.set(view.subarray(start, start + count), o * width + column);
      }
      column += count;
    }
  }
}
