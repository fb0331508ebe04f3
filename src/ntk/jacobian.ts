/** @file Jacobians of the outputs: with respect to the parameters, and to the input. */

import { checkFinite } from '../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import { type Dtype, sizeOf, type Tensor } from '../core/tensor.ts';
import { vjp } from '../graph/differentiate.ts';
import { Execution } from '../graph/execution.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { batchSize, type Model, parameterCount, trainableParameters } from '../graph/model.ts';
import { planProgram, programBytes } from '../graph/program.ts';
import { unitSeeds } from '../graph/sweep.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';

export interface JacobianOptions {
  readonly dtype?: Dtype;
  readonly memoryLimit?: number;
}

/**
 * Jacobian ∂f/∂θ of the outputs with respect to all trainable parameters.
 *
 * Shapes     x [n, …input]  →  [n, c, p]: parameters in the model's order, row-major each
 * Cost       n·c backward sweeps and n·c·p numbers: ask for it only when you need the numbers themselves
 *
 * @throws {TangedgeError} ERR_SHAPE · ERR_DOMAIN · ERR_MEMORY with the bytes of the result, before allocation
 */
export function jacobian(rt: Runtime, model: Model, x: Tensor, options: JacobianOptions = {}): Tensor {
  const wrt = trainableParameters(model).map(({ id }) => id);
  return rowsOfJacobian(rt, model, x, { ...options, operation: 'jacobian', wrt, width: parameterCount(model) });
}

/**
 * Jacobian ∂f/∂x of the outputs with respect to the input, flattened: [n, c, d].
 *
 * @throws {TangedgeError} ERR_SHAPE · ERR_DOMAIN · ERR_MEMORY
 */
export function inputJacobian(rt: Runtime, model: Model, x: Tensor, options: JacobianOptions = {}): Tensor {
  return rowsOfJacobian(rt, model, x, { ...options, operation: 'inputJacobian', wrt: [model.input.id], width: sizeOf(model.input.shape) });
}

interface RowsRequest extends JacobianOptions {
  readonly operation: string;
  readonly wrt: readonly ValueId[];
  readonly width: number;
}

function rowsOfJacobian(
  rt: Runtime,
  model: Model,
  x: Tensor,
  { operation, wrt, width, dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT }: RowsRequest,
): Tensor {
  const n = batchSize(operation, model, 'x', x);
  checkFinite(operation, 'x', x);
  const c = model.output.size;
  const resultBytes = n * c * width * 8;
  const derived = vjp(model.graph, wrt, { shared: 'per-example' });
  const keep = derived.graph.outputs.slice(1);
  const graph: Graph = { nodes: derived.graph.nodes, outputs: keep };
  const seed = derived.seeds[0];
  // One example and all its outputs at a time: rows come out in the order of the result.
  const program = planProgram(graph, {
    dtype,
    batch: new Map([
      [model.input.id, 1],
      [seed, c],
    ]),
    late: new Set([seed]),
    keep,
  });
  const needed = resultBytes + programBytes(program, routinesOf(rt, dtype));
  if (needed > memoryLimit) {
    throw new TangedgeError(
      'ERR_MEMORY',
      `${operation}: ${needed} bytes are needed (${resultBytes} of them for the result [${n}, ${c}, ${width}]), the memory limit is ${memoryLimit}. Raise the limit or use fewer examples.`,
      { needed, limit: memoryLimit, resultBytes },
    );
  }
  const data = new Float64Array(n * c * width);
  const size = sizeOf(model.input.shape);
  const seeds = new Float64Array(c * c);
  unitSeeds(c, 0, c).forEach((unit, o) => {
    seeds.set(unit, o * c);
  });
  rt.arena.frame(() => {
    const execution = new Execution(rt, program);
    for (const { id, value } of model.parameters) execution.bind(id, value.data);
    execution.run(0);
    for (let i = 0; i < n; i++) {
      execution.bind(model.input.id, x.data.subarray(i * size, (i + 1) * size));
      execution.run(1);
      execution.bind(seed, seeds);
      execution.run(2);
      let column = 0;
      for (const id of keep) {
        const view = execution.view(id);
        const count = sizeOf(graph.nodes[id].shape);
        const repeated = view.length === count; // a zero derivative is one shared constant
        for (let o = 0; o < c; o++) {
          const start = repeated ? 0 : o * count;
          data.set(view.subarray(start, start + count), (i * c + o) * width + column);
        }
        column += count;
      }
    }
  });
  return { shape: [n, c, width], data };
}
