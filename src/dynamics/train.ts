/** @file train: gradient descent on a model as an async iterable of its steps. */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type Batches, batchesOf } from './batches.ts';
import { DivergenceWatch } from './divergence.ts';
import { flowSteps, takesFlow } from './flow-training.ts';
import { type FirstLayer, LossGradient } from './loss-gradient.ts';
import { type BoundOptimizer, bindOptimizer } from './optimizer.ts';
import type { TrainingData } from './training-data.ts';
import type { TrainingState } from './training-state.ts';
import type { TrainingOptions, TrainingStep } from './training-step.ts';

/** Time between turns of the event loop, so that timers, signals and messages get through. */
const TURN_MILLISECONDS = 50;

/**
 * Trains a model; yields each state, from the initial one to that after `steps` updates.
 *
 * Shapes     inputs [n, …input], targets [n, c]
 * Units      the loss is a mean (`lossScale`); η multiplies its gradient
 * Cost       a forward and a backward sweep per step; parameters, gradients and the optimizer's state stay in
 *            WebAssembly memory for the whole run, which holds a frame of the Runtime until the iteration ends
 * Numerics   the bits depend on the options alone, not on memory limit, runtime or where a run was resumed
 *
 * @throws {TangedgeError} ERR_SHAPE, ERR_DOMAIN when the data does not fit · ERR_ARGUMENT for options outside their
 *         range · ERR_MEMORY · ERR_DIVERGED with info.step, info.loss and info.lastGood (a TrainingState)
 * @example
 * const losses: number[] = [];
 * for await (const { loss } of train(rt, model, { inputs: x, targets: y }, { learningRate: 0.02, steps: 20 })) losses.push(loss);
 * const states = losses.length; // 21
 */
export async function* train(rt: Runtime, model: Model, data: TrainingData, options: TrainingOptions): AsyncGenerator<TrainingStep, void, void> {
  let turn = Date.now();
  for (const step of takesFlow(options) ? flowSteps(rt, model, data, options) : descentSteps(rt, model, data, options)) {
    options.signal?.throwIfAborted();
    yield step;
    if (Date.now() - turn >= TURN_MILLISECONDS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      turn = Date.now();
    }
  }
}

function* descentSteps(rt: Runtime, model: Model, data: TrainingData, options: TrainingOptions): Generator<TrainingStep> {
  const trainer = new Trainer(rt, model, data, options);
  try {
    for (;;) {
      yield trainer.evaluate();
      if (trainer.step >= options.steps) return;
      trainer.update();
    }
  } finally {
    trainer.release();
  }
}

/** The same run step by step, without the iteration: `evaluate`, then `update`, until you `release` it. */
export class Trainer {
  private readonly gradient: LossGradient;
  private readonly optimizer: BoundOptimizer;
  private readonly batches: Batches;
  private readonly watch: DivergenceWatch;
  private readonly options: TrainingOptions;
  private updates: number;

  constructor(rt: Runtime, model: Model, data: TrainingData, options: TrainingOptions) {
    checkInteger('train', 'steps', options.steps, 0);
    this.options = options;
    this.updates = options.resume?.step ?? 0;
    this.gradient = new LossGradient(rt, model, data, { ...options, firstLayer: firstLayerOf(options) });
    try {
      this.batches = batchesOf(this.gradient.rows.n, options.batchSize, options.seed ?? 0);
      this.optimizer = bindOptimizer(rt, this.gradient, options);
      this.watch = new DivergenceWatch(this.gradient, options.loss ?? 'mse', options.resume?.initialLoss);
      if (options.resume) this.restore(options.resume);
    } catch (error) {
      this.gradient.release();
      throw error;
    }
  }

  /** Updates made. */
  get step(): number {
    return this.updates;
  }

  /** Loss and gradient of the next batch at the parameters in place. @throws {TangedgeError} ERR_DIVERGED */
  evaluate(): TrainingStep {
    const { gradient, updates: step } = this;
    const rows = this.batches.rows(step);
    const loss = gradient.evaluate(rows);
    this.watch.check(step, loss, () => this.snapshot());
    const count = rows?.length ?? gradient.rows.n;
    return {
      step,
      epoch: Math.floor(step / this.batches.perEpoch),
      loss,
      rows,
      learningRate: this.learningRate(step),
      gradientNorm: (parameter) => gradient.gradientNorm(parameter === undefined ? undefined : this.indexOf(parameter)),
      outputs: () => ({ shape: [count, gradient.rows.c], data: gradient.outputs.slice() }),
      parameters: () => gradient.readParameters(),
      gradient: () => gradient.readGradient(),
      model: () => gradient.currentModel(),
      state: () => this.snapshot()(),
    };
  }

  /** Moves the parameters along the gradient of the last evaluation. */
  update(): void {
    this.optimizer.update(this.learningRate(this.updates), this.updates);
    this.updates++;
  }

  release(): void {
    this.gradient.release();
  }

  /** The state as it is now; what is costly of it is computed when it is asked for. */
  private snapshot(): () => TrainingState {
    const { slots } = this.gradient;
    const { parameters, own } = this.gradient.snapshot();
    const [step, initialLoss, optimizer] = [this.updates, this.watch.initialLoss, this.optimizer.state()];
    return () => {
      const theta = parameters();
      return {
        step,
        initialLoss,
        parameters: new Map(slots.map(({ name, shape, offset, size }) => [name, { shape, data: theta.subarray(offset, offset + size) }])),
        optimizer: new Map([...optimizer, ...own()]),
      };
    };
  }

  private restore({ parameters, optimizer }: TrainingState): void {
    const theta = this.gradient.readParameters();
    for (const { name, size, offset } of this.gradient.slots) {
      const stored = parameters.get(name);
      if (stored?.data.length !== size) {
        throw new TangedgeError('ERR_FORMAT', `checkpoint: parameter '${name}' with ${size} elements is not there; it is from another model.`, {
          name,
        });
      }
      theta.set(stored.data, offset);
    }
    this.gradient.writeParameters(theta, optimizer);
    this.optimizer.restore(optimizer);
  }

  private learningRate(step: number): number {
    const { learningRate } = this.options;
    const rate = typeof learningRate === 'number' ? learningRate : learningRate(step);
    if (!Number.isFinite(rate))
      throw new TangedgeError('ERR_ARGUMENT', `train: the learning rate of step ${step} is ${rate}; it must be finite.`, { step, rate });
    return rate;
  }

  private indexOf(parameter: string): number {
    const k = this.gradient.slots.findIndex(({ name }) => name === parameter);
    if (k < 0) throw new TangedgeError('ERR_ARGUMENT', `train: '${parameter}' is not a trained parameter.`, { parameter });
    return k;
  }
}

/** Adam is not linear in the gradients: it needs those of the weights themselves. */
function firstLayerOf({ firstLayer = 'auto', optimizer }: TrainingOptions): FirstLayer {
  if (optimizer?.name !== 'adam') return firstLayer;
  if (firstLayer !== 'gram') return 'weights';
  throw new TangedgeError('ERR_ARGUMENT', "train: firstLayer 'gram' keeps sums of gradients, which Adam does not move along. Use 'weights'.", {});
}
