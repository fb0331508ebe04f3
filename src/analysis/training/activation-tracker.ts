/** @file Tracker of pre-activations and outputs: the coordinate check of a parameterization. */

import type { FloatArray } from '../../core/tensor.ts';
import { Execution } from '../../graph/execution.ts';
import type { ValueId } from '../../graph/graph.ts';
import { type Model, trainableParameters } from '../../graph/model.ts';
import { planProgram } from '../../graph/program.ts';
import { sitesOf } from '../../graph/sites.ts';
import { orNull, perWeight } from './feature-trackers.ts';
import type { RunContext } from './tracked-state.ts';
import type { Tracker } from './tracker.ts';

interface Watched {
  readonly name: string;
  readonly id: ValueId;
}

export function activationTracker(context: RunContext): Tracker {
  const watched = preactivationsOf(context.initial);
  const before = preactivations(context, context.initial, watched);
  return {
    name: 'activations',
    measure: (state) => {
      const now = preactivations(context, state.model, watched);
      const [outputs, initial] = [now[now.length - 1], before[before.length - 1]];
      return {
        ...perWeight(watched, (_, index) => ({
          activation: meanMagnitude(now[index]),
          activationChange: relativeChange(now[index], before[index]),
        })),
        outputChange: relativeChange(outputs, initial),
      };
    },
  };
}

/** The pre-activation of every factored weight; of a weight used several times, the first. */
function preactivationsOf(model: Model): Watched[] {
  const trainable = trainableParameters(model);
  return sitesOf(
    model.graph,
    trainable.map(({ id }) => id),
  ).flatMap((site, index) => (site.uses.length === 0 ? [] : [{ name: trainable[index].name, id: site.uses[0].preactivation }]));
}

/** Values of the watched and of the output, on the kernel samples. */
function preactivations({ rt, kernelInputs, dtype }: RunContext, model: Model, watched: readonly Watched[]): FloatArray[] {
  const kept = [...watched.map(({ id }) => id), model.output.id];
  const program = planProgram(model.graph, { dtype, batch: new Map([[model.input.id, kernelInputs.shape[0]]]), keep: kept });
  return rt.arena.frame(() => {
    const execution = new Execution(rt, program);
    for (const { id, value } of model.parameters) execution.bind(id, value.data);
    execution.bind(model.input.id, kernelInputs.data);
    execution.run(0);
    execution.run(1);
    return kept.map((id) => execution.view(id).slice());
  });
}

function meanMagnitude(values: FloatArray): number {
  let total = 0;
  for (const value of values) total += Math.abs(value);
  return total / values.length;
}

function relativeChange(now: FloatArray, before: FloatArray): number | null {
  let moved = 0;
  let norm = 0;
  for (let i = 0; i < now.length; i++) {
    moved += (now[i] - before[i]) * (now[i] - before[i]);
    norm += before[i] * before[i];
  }
  return orNull(Math.sqrt(moved / norm));
}
