/** @file Tracker of the loss Hessian's largest eigenvalue and of its Gauss–Newton part's, each warm-started from the last. */

import { gaussNewtonEigenpairs, type Sharpness, sharpness } from '../../dynamics/sharpness.ts';
import { trainingLoss } from '../../dynamics/training-loss.ts';
import type { RunContext } from './tracked-state.ts';
import type { Tracker } from './tracker.ts';

export function sharpnessTracker({ rt, initial, inputs, targets, dtype, loss }: RunContext, tolerance = 1e-3): Tracker {
  const objective = trainingLoss(rt, initial, { inputs, targets }, { ...loss, dtype });
  let previous: Sharpness | undefined;
  let gaussNewtonStart: readonly Float64Array[] = [];
  return {
    name: 'sharpness',
    measure: (state) => {
      const theta = Float64Array.from(state.parameters());
      previous = sharpness(rt, objective, theta, { previous, tolerance });
      const part = gaussNewtonEigenpairs(rt, objective, theta, { count: 1, tolerance, start: gaussNewtonStart });
      gaussNewtonStart = part.vectors;
      return { sharpness: previous.value, gaussNewton: part.values[0], sharpnessGradients: previous.gradientEvaluations };
    },
  };
}
