/** @file Tracker of the loss Hessian's largest eigenvalue and of its Gauss–Newton part's, each warm-started from the last. */

import type { Tensor } from '../../core/tensor.ts';
import { gaussNewtonEigenpairs, sharpness } from '../../dynamics/sharpness.ts';
import { trainingLoss } from '../../dynamics/training-loss.ts';
import type { RunContext } from './tracked-state.ts';
import type { Tracker } from './tracker.ts';

export function sharpnessTracker({ rt, initial, inputs, targets, dtype, loss }: RunContext, tolerance = 1e-3): Tracker {
  const objective = trainingLoss(rt, initial, { inputs, targets }, { ...loss, dtype });
  let subspace: readonly Float64Array[] = [];
  let gaussNewtonStart: readonly Float64Array[] = [];
  return {
    name: 'sharpness',
    measure: (state) => {
      const theta = Float64Array.from(state.parameters());
      const found = sharpness(rt, objective, theta, { previous: { subspace }, tolerance });
      subspace = found.subspace;
      const part = gaussNewtonEigenpairs(rt, objective, theta, { count: 1, tolerance, start: gaussNewtonStart });
      gaussNewtonStart = part.vectors;
      return { sharpness: found.value, gaussNewton: part.values[0], sharpnessGradients: found.gradientEvaluations };
    },
    memory: () => new Map([...named('hessian', subspace), ...named('gauss-newton', gaussNewtonStart)]),
    remember: (memory) => {
      subspace = vectorsOf('hessian', memory);
      gaussNewtonStart = vectorsOf('gauss-newton', memory);
    },
  };
}

function named(part: string, vectors: readonly Float64Array[]): [string, Tensor][] {
  return vectors.map((data, k) => [`${part}/${k}`, { shape: [data.length], data }]);
}

function vectorsOf(part: string, memory: ReadonlyMap<string, Tensor>): Float64Array[] {
  const vectors: Float64Array[] = [];
  for (let k = 0; memory.has(`${part}/${k}`); k++) vectors.push(Float64Array.from((memory.get(`${part}/${k}`) as Tensor).data));
  return vectors;
}
