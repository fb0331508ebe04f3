/** @file A sweep of learning rates: the same network trained once per rate, each run a tile, so that a pool trains them side by side. */

import { checkInteger } from '../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import { bytesOf } from '../core/tensor.ts';
import { estimate } from '../graph/execution.ts';
import { type Model, parameterCount } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { computeHere, type TileComputer, type TiledJob, type TileKind } from '../wasm/tiled.ts';
import { type Sharpness, sharpness } from './sharpness.ts';
import { Trainer, type TrainingOptions } from './train.ts';
import { checkTrainingData, type TrainingData } from './training-data.ts';
import { type TrainingLoss, trainingLoss } from './training-loss.ts';

export interface LearningRateSweepOptions extends Omit<TrainingOptions, 'learningRate' | 'resume' | 'signal'> {
  /** One run per rate. */
  readonly rates: readonly number[];
  /** A run ends at the first step whose loss is no larger. Default: all `steps`. */
  readonly stopLoss?: number;
  /** Steps between recorded losses (and sharpness); the last step is always recorded. Default 1. */
  readonly recordEvery?: number;
  /** Whether λmax of the loss Hessian is recorded too, at about ten gradients a time. Default `'off'`. */
  readonly sharpness?: 'off' | 'recorded';
  /** Most bytes of all threads together. */
  readonly memoryLimit?: number;
}

export interface SweptRun {
  readonly learningRate: number;
  /** `'reached'` the loss wanted, `'finished'` its steps, or `'diverged'`. */
  readonly outcome: 'reached' | 'finished' | 'diverged';
  /** Updates made. */
  readonly steps: number;
  /** At the end; of a run that diverged, the loss that showed it. */
  readonly loss: number;
  /** Recorded steps, the losses at them, and the sharpness (empty when off). */
  readonly recorded: Float64Array;
  readonly losses: Float64Array;
  readonly sharpness: Float64Array;
  /** θ at the end, [p] as `withFlatParameters` takes it; of a run that diverged, at its last good state. */
  readonly theta: Float64Array;
}

/**
 * Trains a model once per learning rate from the same start.
 *
 * Shapes     inputs [n, …input], targets [n, c]  →  one run per rate, in their order
 * Cost       that of the runs; `pool.learningRateSweep` takes the same arguments and trains them in its workers
 * Numerics   a run's bits depend on its rate and the options, not on the other rates or on workers
 *
 * @throws {TangedgeError} as `train`, but a run that diverges is a result · ERR_ARGUMENT for a rate that is not positive
 * @example
 * const runs = learningRateSweep(rt, model, { inputs: x, targets: y }, { rates: [0.01, 0.02], steps: 5 });
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
  const { rates, steps, recordEvery = 1, dtype = 'f64', memoryLimit = DEFAULT_MEMORY_LIMIT } = options;
  checkInteger('learningRateSweep', 'steps', steps, 0);
  checkInteger('learningRateSweep', 'recordEvery', recordEvery, 1);
  const wrong = rates.findIndex((rate) => !(rate > 0 && Number.isFinite(rate)));
  if (rates.length === 0 || wrong >= 0) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `learningRateSweep: ${rates.length === 0 ? 'there are no rates' : `rate ${wrong} is ${rates[wrong]}`}; give positive numbers.`,
      { rates: [...rates] },
    );
  }
  const { n } = checkTrainingData('learningRateSweep', model, data, options.loss ?? 'mse');
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
  const curvature = options.sharpness === 'recorded' ? trainingLoss(rt, model, data, options) : undefined;
  return { compute: (tile) => trainOnce(rt, model, data, { ...options, learningRate: options.rates[tile] }, curvature) };
}

function trainOnce(
  rt: Runtime,
  model: Model,
  data: TrainingData,
  options: LearningRateSweepOptions & { readonly learningRate: number },
  curvature: TrainingLoss | undefined,
): SweptRun {
  const { learningRate, steps, stopLoss = Number.NEGATIVE_INFINITY, recordEvery = 1 } = options;
  const [recorded, losses, sharp]: [number[], number[], number[]] = [[], [], []];
  const trainer = new Trainer(rt, model, data, options);
  let known: Sharpness | undefined;
  const finished = (outcome: SweptRun['outcome'], loss: number, theta: Float64Array): SweptRun => ({
    learningRate,
    outcome,
    steps: trainer.step,
    loss,
    recorded: Float64Array.from(recorded),
    losses: Float64Array.from(losses),
    sharpness: Float64Array.from(sharp),
    theta,
  });
  try {
    for (;;) {
      const { step, loss, parameters } = trainer.evaluate();
      const done = loss <= stopLoss || step === steps;
      if (done || step % recordEvery === 0) {
        recorded.push(step);
        losses.push(loss);
        if (curvature) {
          known = sharpness(rt, curvature, Float64Array.from(parameters()), { previous: known });
          sharp.push(known.value);
        }
      }
      if (done) return finished(loss <= stopLoss ? 'reached' : 'finished', loss, Float64Array.from(parameters()));
      trainer.update();
    }
  } catch (error) {
    if (!(error instanceof TangedgeError && error.code === 'ERR_DIVERGED')) throw error;
    const { loss, lastGood } = error.info as { loss: number; lastGood?: { parameters: ReadonlyMap<string, { data: ArrayLike<number> }> } };
    const theta = Float64Array.from([...(lastGood?.parameters.values() ?? [])].flatMap(({ data: values }) => Array.from(values)));
    return finished('diverged', loss, theta);
  } finally {
    trainer.release();
  }
}
