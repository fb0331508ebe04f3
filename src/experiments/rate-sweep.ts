/** @file A sweep of learning rates: full-batch gradient descent from one start, every rate until the loss is the same. */

import { TangedgeError } from '../core/errors.ts';
import type { Dtype } from '../core/tensor.ts';
import { Trainer } from '../dynamics/train.ts';
import type { TrainingData } from '../dynamics/training-data.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type KernelState, kernelState } from './kernel-state.ts';

export interface RateSweep {
  readonly rates: readonly number[];
  /** Every run ends at the first step whose loss is no larger. */
  readonly stopLoss: number;
  readonly maxSteps: number;
  /** Steps between looks at the sharpness on the way; default 20. */
  readonly every?: number;
  readonly dtype?: Dtype;
  readonly progress?: (rate: number, share: number) => void;
}

export interface SweptRate {
  readonly rate: number;
  readonly steps: number;
  readonly loss: number;
  /** Whether the loss got there; false when the steps ran out or the run diverged. */
  readonly reached: boolean;
  readonly diverged: boolean;
  /** Largest λmax(Θ)/n seen on the way. */
  readonly largestSharpness: number;
  /** At the end; null for a run that diverged. */
  readonly end: KernelState | null;
}

export function sweepRates(rt: Runtime, model: Model, data: TrainingData, sweep: RateSweep): SweptRate[] {
  return sweep.rates.map((rate, index) => {
    sweep.progress?.(rate, index / sweep.rates.length);
    return runOne(rt, model, data, rate, sweep);
  });
}

function runOne(
  rt: Runtime,
  model: Model,
  data: TrainingData,
  rate: number,
  { stopLoss, maxSteps, every = 20, dtype = 'f64' }: RateSweep,
): SweptRate {
  const trainer = new Trainer(rt, model, data, { learningRate: rate, steps: maxSteps, dtype });
  let largestSharpness = 0;
  try {
    for (;;) {
      const { step, loss, model: current } = trainer.evaluate();
      const done = loss <= stopLoss || step === maxSteps;
      if (done || step % every === 0) {
        const state = kernelState(rt, current(), data.inputs, data.targets);
        largestSharpness = Math.max(largestSharpness, state.sharpness);
        if (done) return { rate, steps: step, loss, reached: loss <= stopLoss, diverged: false, largestSharpness, end: state };
      }
      trainer.update();
    }
  } catch (error) {
    if (!(error instanceof TangedgeError && error.code === 'ERR_DIVERGED')) throw error;
    return { rate, steps: trainer.step, loss: Number.POSITIVE_INFINITY, reached: false, diverged: true, largestSharpness, end: null };
  } finally {
    trainer.release();
  }
}

/** Share of pairs of runs in which the larger rate ended with the larger alignment. */
export function concordance(runs: readonly SweptRate[]): number {
  let [agreeing, pairs] = [0, 0];
  for (const a of runs) {
    for (const b of runs) {
      if (!(a.rate < b.rate) || a.end === null || b.end === null) continue;
      pairs++;
      if (b.end.kta > a.end.kta) agreeing++;
    }
  }
  return agreeing / pairs;
}
