/** @file TrainingRun: what happened in a training run, as one JSON value. */

import type { LossScale } from '../../core/loss-scale.ts';
import type { Dtype } from '../../core/tensor.ts';
import type { LossName } from '../../dynamics/loss-graph.ts';
import type { Optimizer } from '../../dynamics/optimizer.ts';
import type { Source } from '../report.ts';
import type { Measurement } from './tracker.ts';

export const TRAINING_RUN_FORMAT = 'tangedge-training/1';

export interface TrainingRun {
  readonly format: typeof TRAINING_RUN_FORMAT;
  readonly title: string;
  readonly provenance: {
    readonly version: string;
    readonly dtype: Dtype;
    readonly sources: readonly Source[];
    readonly notes: readonly string[];
  };
  readonly config: TrainingConfig;
  readonly data: {
    readonly samples: number;
    readonly inputShape: readonly number[];
    readonly outputs: number;
    /** How many of the samples kernels and features are computed on. */
    readonly kernelSamples: number;
    readonly testSamples: number | null;
  };
  readonly model: {
    /** Trainable scalars. */
    readonly parameterCount: number;
    readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
    readonly layers: readonly { readonly name: string; readonly type: string }[];
  };
  readonly outcome: Outcome;
  /** One per key, in the order in which trackers were asked for. */
  readonly series: readonly Series[];
}

export interface TrainingConfig {
  readonly optimizer: Optimizer;
  /** null when it is a function of the step: then the series `learningRate` has it. */
  readonly learningRate: number | null;
  readonly rateFactors: Readonly<Record<string, number>>;
  readonly steps: number;
  /** null: every step sees all samples. */
  readonly batchSize: number | null;
  readonly seed: number;
  readonly loss: LossName;
  readonly lossScale: LossScale;
}

export interface Outcome {
  /** `stopped`: the iteration ended before `steps`, without divergence. */
  readonly status: 'finished' | 'diverged' | 'stopped';
  /** The last step whose loss was computed, and that loss; null when it is not a number. */
  readonly step: number;
  readonly loss: number | null;
  readonly divergence: Divergence | null;
}

export interface Divergence {
  /** ‖θ‖ where the run was given up, beside that of step 0; null when it is not a number. */
  readonly parameterNorm: number | null;
  readonly initialParameterNorm: number;
  /** The last step with a loss no higher than the first, and the sharpness there. */
  readonly lastGoodStep: number;
  readonly sharpness: number | null;
  /** Largest learning rate that is stable at that sharpness; null for optimizers without such a bound (Adam, SLO). */
  readonly stableRate: number | null;
}

/** What a tracker measured: `values[i]` at `steps[i]`. */
export interface Series {
  /** As `TrackerChoice` lists them: `kta`, `nfa/0.weight`, …. */
  readonly key: string;
  /** The part of the key before the first `/`, and what it is of: a weight's name, a step, or null. */
  readonly quantity: string;
  readonly of: string | null;
  readonly steps: readonly number[];
  readonly values: readonly Measurement[];
}
