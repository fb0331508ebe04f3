/** @file The pre-activations of a model's weights on given inputs: what a coordinate check looks at. */

import type { FloatArray, Tensor } from '../core/tensor.ts';
import { Execution } from '../graph/execution.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { planProgram } from '../graph/program.ts';
import { sitesOf } from '../graph/sites.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface Preactivations {
  readonly weight: string;
  /** [n, …], row-major. */
  readonly values: FloatArray;
}

/** Of every weight with factored sites, in the model's order, on inputs [n, …]. */
export function preactivations(rt: Runtime, model: Model, inputs: Tensor): Preactivations[] {
  const trainable = trainableParameters(model);
  const sites = sitesOf(
    model.graph,
    trainable.map(({ id }) => id),
  );
  const watched = sites.flatMap((site, index) => (site.uses.length > 0 ? [{ weight: trainable[index].name, id: site.uses[0].preactivation }] : []));
  const program = planProgram(model.graph, { dtype: 'f64', batch: new Map([[model.input.id, inputs.shape[0]]]), keep: watched.map(({ id }) => id) });
  return rt.arena.frame(() => {
    const execution = new Execution(rt, program);
    for (const { id, value } of model.parameters) execution.bind(id, value.data);
    execution.bind(model.input.id, inputs.data);
    execution.run(0);
    execution.run(1);
    return watched.map(({ weight, id }) => ({ weight, values: execution.view(id).slice() }));
  });
}
