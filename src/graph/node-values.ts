/** @file Values inside a model's graph: of chosen nodes, and of the pre-activations of its weights. */

import type { Dtype, FloatArray, Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { startExecution } from './execution.ts';
import type { ValueId } from './graph.ts';
import { type Model, trainableParameters } from './model.ts';
import { planProgram } from './program.ts';
import { sitesOf } from './sites.ts';

/** Values of nodes of a model's graph on inputs [n, …], each [n, …] row-major, in the order of `ids`. */
export function nodeValues(rt: Runtime, model: Model, inputs: Tensor, ids: readonly ValueId[], dtype: Dtype = 'f64'): FloatArray[] {
  const program = planProgram(model.graph, { dtype, batch: new Map([[model.input.id, inputs.shape[0]]]), keep: ids });
  return rt.arena.frame(() => {
    const execution = startExecution(rt, program, model.parameters);
    execution.bind(model.input.id, inputs.data);
    execution.run(1);
    return ids.map((id) => execution.view(id).slice());
  });
}

export interface Preactivation {
  /** Name of the weight. */
  readonly name: string;
  readonly id: ValueId;
}

/** The pre-activation of every factored weight, in the model's order; of a weight used several times, the first. */
export function preactivationsOf(model: Model): Preactivation[] {
  const trainable = trainableParameters(model);
  return sitesOf(
    model.graph,
    trainable.map(({ id }) => id),
  ).flatMap((site, index) => (site.uses.length === 0 ? [] : [{ name: trainable[index].name, id: site.uses[0].preactivation }]));
}
