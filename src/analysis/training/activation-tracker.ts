/** @file Tracker of pre-activations and outputs: the coordinate check of a parameterization. */

import type { FloatArray } from '../../core/tensor.ts';
import type { Model } from '../../graph/model.ts';
import { nodeValues, preactivationsOf } from '../../graph/node-values.ts';
import { orNull, perWeight } from './feature-trackers.ts';
import type { RunContext } from './tracked-state.ts';
import type { Tracker } from './tracker.ts';

export function activationTracker({ rt, initial, kernelInputs, dtype }: RunContext): Tracker {
  const watched = preactivationsOf(initial);
  const ids = [...watched.map(({ id }) => id), initial.output.id];
  const valuesIn = (model: Model) => nodeValues(rt, model, kernelInputs, ids, dtype);
  const before = valuesIn(initial);
  return {
    name: 'activations',
    measure: (state) => {
      const now = valuesIn(state.model);
      return {
        ...perWeight(watched, (_, index) => ({
          activation: meanMagnitude(now[index]),
          activationChange: relativeChange(now[index], before[index]),
        })),
        outputChange: relativeChange(now[watched.length], before[watched.length]),
      };
    },
  };
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
