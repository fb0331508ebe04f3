/** @file forward: the outputs of a model for a batch of inputs. */

import { checkFinite } from '../core/check.ts';
import { type Dtype, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { Execution } from './execution.ts';
import { batchSize, type Model } from './model.ts';
import { planProgram } from './program.ts';

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
export function forward(rt: Runtime, model: Model, x: Tensor, { dtype = 'f64', batch = 64 }: ForwardOptions = {}): Tensor {
  const n = batchSize('forward', model, 'x', x);
  checkFinite('forward', 'x', x);
  const size = sizeOf(model.input.shape);
  const c = model.output.size;
  const block = Math.min(n, Math.max(1, batch));
  const program = planProgram(model.graph, { dtype, batch: new Map([[model.input.id, block]]) });
  const data: FloatArray = dtype === 'f64' ? new Float64Array(n * c) : new Float32Array(n * c);
  rt.arena.frame(() => {
    const execution = new Execution(rt, program);
    for (const { id, value } of model.parameters) execution.bind(id, value.data);
    execution.run(0);
    for (let start = 0; start < n; start += block) {
      // The last block starts early enough to be full; examples do not depend on their neighbours.
      const from = Math.min(start, n - block);
      execution.bind(model.input.id, x.data.subarray(from * size, (from + block) * size));
      execution.run(1);
      data.set(execution.view(model.output.id), from * c);
    }
  });
  return { shape: [n, c], data };
}
