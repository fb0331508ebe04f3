/** @file A sweep of learning rates: the same network trained once per rate, each run a tile, so that a pool trains them side by side. */

import { checkInteger } from '../../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../../core/computation.ts';
import { TangedgeError } from '../../core/errors.ts';
import { bytesOf, sizeOf } from '../../core/tensor.ts';
import { Trainer } from '../../dynamics/train.ts';
import { checkTrainingData, type TrainingData } from '../../dynamics/training-data.ts';
import type { TrainingState } from '../../dynamics/training-state.ts';
import { estimate } from '../../graph/execution.ts';
import { type Model, parameterCount } from '../../graph/model.ts';
import type { Runtime } from '../../wasm/runtime.ts';
import { computeHere, type TileComputer, type TiledJob, type TileKind } from '../../wasm/tiled.ts';
import type { Series } from './run.ts';
import { contextOf, SeriesBuilder, type TrackingOptions } from './track.ts';
import type { RunContext } from './tracked-state.ts';
import { TrackerSet } from './trackers.ts';

export interface LearningRateSweepOptions extends Omit<TrackingOptions, 'learningRate' | 'resume' | 'signal' | 'pool'> {
  /** One run per rate. */
  readonly rates: readonly number[];
  /** A run ends at the first step whose loss is no larger. Default: all `steps`. */
  readonly stopLoss?: number;
}

export interface SweptRun {
  readonly learningRate: number;
  /** `'reached'` the loss wanted, `'finished'` its steps, or `'diverged'`. */
  readonly outcome: 'reached' | 'finished' | 'diverged';
  /** Updates made. */
  readonly steps: number;
  /** At the end; of a run that diverged, the loss that showed it. */
  readonly loss: number;
  /** What the trackers measured; the last state is always measured, but that of a run that diverged. */
  readonly series: readonly Series[];
  /** θ at the end, [p] as `withFlatParameters` takes it; of a run that diverged, at its last good state. */
  readonly theta: Float64Array;
}

/**
 * Trains a model once per learning rate from the same start, with trackers.
 *
 * Shapes     inputs [n, …input], targets [n, c]  →  one run per rate, in their order
 * Cost       that of the runs and their trackers; `pool.learningRateSweep` takes the same arguments and trains them in its workers
 * Numerics   a run's bits depend on its rate and the options, not on the other rates or on workers
 *
 * @throws {TangedgeError} as `trackTraining`, but a run that diverges is a result · ERR_ARGUMENT for a rate that is not positive
 * @example
 * const options = { rates: [0.01, 0.02], steps: 5, trackers: [{ tracker: 'kta', every: 5 }] };
 * const runs = learningRateSweep(rt, model, { inputs: x, targets: y }, options);
 * const count = runs.length; // 2
 */
export function learningRateSweep(rt: Runtime, model: Model, data: TrainingData, options: LearningRateSweepOptions): SweptRun[] {
  return computeHere(rt, learningRateSweepJob(rt, model, data, options));
}

interface SweepPlan {
  readonly model: Model;
  readonly data: TrainingData;
  readonly options: LearningRateSweepOptions;
}

export const learningRateTiles: TileKind<SweepPlan, SweptRun> = { name: 'train', start: startSweep };

export function learningRateSweepJob(
  rt: Runtime,
  model: Model,
  data: TrainingData,
  options: LearningRateSweepOptions,
): TiledJob<SweptRun[], SweepPlan, SweptRun> {
  const { rates, steps, dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT } = options;
  checkInteger('learningRateSweep', 'steps', steps, 0);
  const wrong = rates.findIndex((rate) => !(rate > 0 && Number.isFinite(rate)));
  if (rates.length === 0 || wrong >= 0) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `learningRateSweep: ${rates.length === 0 ? 'there are no rates' : `rate ${wrong} is ${rates[wrong]}`}; give positive numbers.`,
      { rates: [...rates] },
    );
  }
  const { n } = checkTrainingData('learningRateSweep', model, data, options.loss ?? 'mse');
  trackersOf(contextOf(rt, model, data, options), options); // refuses what is wrong before any run begins
  const pass = estimate(rt, model.graph, Math.min(n, options.batchSize ?? n), { dtype });
  const p = parameterCount(model);
  const runs = new Array<SweptRun>(rates.length);
  return {
    kind: learningRateTiles,
    plan: { model, data, options },
    tiles: rates.length,
    flops: 3 * pass.flops * steps * rates.length,
    // values of the forward pass and their cotangents; parameters, gradient and at most two moments
    memory: { limit: memoryLimit, workerBytes: 3 * pass.bytes + 4 * p * bytesOf(dtype), resultBytes: 8 * p * rates.length },
    place: (tile, run) => {
      runs[tile] = run;
    },
    finish: () => runs,
  };
}

function startSweep(rt: Runtime, { model, data, options }: SweepPlan): TileComputer<SweptRun> {
  const context = contextOf(rt, model, data, options);
  return { compute: (tile) => trainOnce(context, data, { ...options, learningRate: options.rates[tile] }) };
}

function trackersOf(context: RunContext, { trackers = [{ tracker: 'loss' }], steps, testData }: LearningRateSweepOptions): TrackerSet {
  return new TrackerSet(context, trackers, steps, testData);
}

function trainOnce(context: RunContext, data: TrainingData, options: LearningRateSweepOptions & { readonly learningRate: number }): SweptRun {
  const { learningRate, steps, stopLoss = Number.NEGATIVE_INFINITY } = options;
  const trackers = trackersOf(context, options);
  const gathered = new SeriesBuilder();
  const trainer = new Trainer(context.rt, context.initial, data, options);
  const finished = (outcome: SweptRun['outcome'], loss: number, theta: Float64Array): SweptRun => ({
    learningRate,
    outcome,
    steps: trainer.step,
    loss,
    series: gathered.series(),
    theta,
  });
  try {
    for (;;) {
      const step = trainer.evaluate();
      const { loss } = step;
      const done = loss <= stopLoss || step.step === steps;
      gathered.add(step.step, trackers.measure(step, done ? 'all' : 'due'));
      if (done) return finished(loss <= stopLoss ? 'reached' : 'finished', loss, Float64Array.from(step.parameters()));
      trainer.update();
    }
  } catch (error) {
    if (!(error instanceof TangedgeError && error.code === 'ERR_DIVERGED')) throw error;
    const { loss, lastGood } = error.info as { loss: number; lastGood?: TrainingState };
    return finished('diverged', loss, flatOf(lastGood));
  } finally {
    trainer.release();
  }
}

/** θ of a state, whose parameters are in the model's order; empty without one. */
function flatOf(state: TrainingState | undefined): Float64Array {
  const parts = [...(state?.parameters.values() ?? [])];
  const theta = new Float64Array(parts.reduce((total, { shape }) => total + sizeOf(shape), 0));
  let at = 0;
  for (const { data } of parts) {
    theta.set(data, at);
    at += data.length;
  }
  return theta;
}
