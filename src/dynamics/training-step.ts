/** @file What train takes, and the states of a run that it yields. */

import type { AbortSignalLike } from '../core/host-objects.ts';
import type { FloatArray, Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import type { FirstLayer, LossGradientOptions } from './loss-gradient.ts';
import type { OptimizerOptions } from './optimizer.ts';
import type { TrainingState } from './training-state.ts';

export interface TrainingOptions extends Omit<LossGradientOptions, 'firstLayer'>, OptimizerOptions {
  /** As `LossGradientOptions`, but `auto` unless told otherwise; `weights` with Adam. */
  readonly firstLayer?: FirstLayer;
  /** η, or η as a function of the step. */
  readonly learningRate: number | ((step: number) => number);
  /** Updates to make; the run yields steps + 1 states. */
  readonly steps: number;
  /** Examples of one step; default all. */
  readonly batchSize?: number;
  /** Of the order of mini-batches; default 0. */
  readonly seed?: number;
  /** Where an earlier run left off: continues with its bits. */
  readonly resume?: TrainingState;
  readonly signal?: AbortSignalLike;
}

/**
 * A state of the run: the parameters after `step` updates, before the next. Nothing beyond the loss is computed until it
 * is asked for; what is asked for must be asked before the iteration goes on.
 */
export interface TrainingStep {
  readonly step: number;
  /** Passes over the data that are finished. */
  readonly epoch: number;
  /** Mean loss of this step's batch (all examples without mini-batches) at these parameters. */
  readonly loss: number;
  readonly learningRate: number;
  /** Norm of the batch's gradient, or of one parameter's. */
  gradientNorm(parameter?: string): number;
  /** The batch's outputs [rows, c] (a copy). */
  outputs(): Tensor;
  /** Of the central flow: what it predicts of gradient descent. */
  readonly prediction?: CentralFlowPrediction;
  /** Rows of the data in the batch; undefined for all in their order. */
  readonly rows: Uint32Array | undefined;
  /** Copies, flat [p]. */
  parameters(): FloatArray;
  gradient(): FloatArray;
  /** The model with these parameters (a copy). */
  model(): Model;
  /** What `resume` takes. */
  state(): TrainingState;
}

/** What is predicted of gradient descent, which oscillates about the central flow. */
export interface CentralFlowPrediction {
  /** Mean loss over the oscillation: L + tr Σ/η. */
  readonly loss: number;
  /** √tr Σ */
  readonly oscillation: number;
}
