/** @file Trackers of the fit: loss, accuracy, gradient, distance from the initial parameters, test data. */

import type { FloatArray, Tensor } from '../../core/tensor.ts';
import { checkTrainingData, type TrainingData, type TrainingRows } from '../../dynamics/training-data.ts';
import { forward } from '../../graph/forward.ts';
import { meanLoss } from './mean-loss.ts';
import type { RunContext, TrackedState } from './tracked-state.ts';
import type { Tracker } from './tracker.ts';

export const lossTracker: Tracker = {
  name: 'loss',
  measure: ({ step: { loss, learningRate, prediction } }) => ({
    loss,
    learningRate,
    ...(prediction && { predictedLoss: prediction.loss, oscillation: prediction.oscillation }),
  }),
};

export const accuracyTracker: Tracker = {
  name: 'accuracy',
  measure: (state) => ({ accuracy: accuracyOf(state.outputs(), state.run.rows) }),
};

export const gradientTracker: Tracker = {
  name: 'gradient',
  measure: ({ step }) => ({ gradientNorm: step.gradientNorm() }),
};

export const distanceTracker: Tracker = {
  name: 'distance',
  measure: (state: TrackedState) => {
    const theta = state.parameters();
    const { theta0 } = state.run;
    let moved = 0;
    let before = 0;
    for (let i = 0; i < theta.length; i++) {
      moved += (theta[i] - theta0[i]) * (theta[i] - theta0[i]);
      before += theta0[i] * theta0[i];
    }
    return { distance: Math.sqrt(moved), relativeDistance: before > 0 ? Math.sqrt(moved / before) : null };
  },
};

/** Loss and accuracy on data that is not trained on. */
export function testTracker(context: RunContext, data: TrainingData): Tracker {
  const rows = checkTrainingData('train: test data', context.initial, data, context.loss.loss ?? 'mse');
  return {
    name: 'test',
    measure: (state) => {
      const outputs = forward(context.rt, state.model, data.inputs, { dtype: context.dtype });
      return { testLoss: meanLoss(context.rt, outputs, rows, context.loss), testAccuracy: accuracyOf(outputs, rows) };
    },
  };
}

/** Share of rows whose largest output is their target's largest; with one output, whose signs agree. null unless targets are classes. */
export function accuracyOf(outputs: Tensor, { targets }: TrainingRows): number | null {
  const [n, c] = outputs.shape;
  if (!areClasses(targets, c)) return null;
  let right = 0;
  for (let i = 0; i < n; i++) {
    const f = outputs.data.subarray(i * c, (i + 1) * c);
    const y = targets.subarray(i * c, (i + 1) * c);
    if (c === 1 ? f[0] > 0 === y[0] > 0 : largest(f) === largest(y)) right++;
  }
  return right / n;
}

/** Signs ±1 of one output, or rows with one value that is larger than the others, which are equal. */
function areClasses(targets: FloatArray, c: number): boolean {
  if (c === 1) return targets.every((y: number) => Math.abs(y) === 1);
  for (let start = 0; start < targets.length; start += c) {
    const row = targets.subarray(start, start + c);
    const top = largest(row);
    const other = row[top === 0 ? 1 : 0];
    if (!(row[top] > other && row.every((y: number, k: number) => k === top || y === other))) return false;
  }
  return true;
}

function largest(row: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < row.length; k++) if (row[k] > row[best]) best = k;
  return best;
}
