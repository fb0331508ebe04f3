/** @file Training with trackers: as an async iterable of states with their measurements, or as a whole TrainingRun. */

import { checkInteger } from '../../core/check.ts';
import { TangedgeError } from '../../core/errors.ts';
import { VERSION } from '../../core/version.ts';
import { flatParameters } from '../../dynamics/flat-parameters.ts';
import { train } from '../../dynamics/train.ts';
import { checkTrainingData, type TrainingData } from '../../dynamics/training-data.ts';
import type { TrainingState } from '../../dynamics/training-state.ts';
import type { TrainingOptions, TrainingStep } from '../../dynamics/training-step.ts';
import { type Model, parameterCount, trainableParameters } from '../../graph/model.ts';
import { arithmeticNotes, type Runtime } from '../../wasm/runtime.ts';
import type { Source } from '../report.ts';
import { type Outcome, type Series, TRAINING_RUN_FORMAT, type TrainingConfig, type TrainingRun } from './run.ts';
import { type DivergenceInfo, divergenceOf } from './stable-rate.ts';
import { firstRows, type RunContext, type TrackerThreads } from './tracked-state.ts';
import type { Measurement, Measurements, TrackerSpec } from './tracker.ts';
import { TrackerSet } from './trackers.ts';

export interface TrackingOptions extends TrainingOptions {
  /** Default: `loss` alone. */
  readonly trackers?: readonly TrackerSpec[];
  /** For the tracker `test`. */
  readonly testData?: TrainingData;
  /** Kernels, features and activations are computed on the first so many training samples; default all. */
  readonly samples?: number;
  /** Of the trackers' kernels and features; bytes. */
  readonly memoryLimit?: number;
  /** Worker threads for the trackers' kernels and features: the same bits. */
  readonly pool?: TrackerThreads;
}

/** A state of the run and what was due there; no keys when nothing was. */
export interface TrackedStep {
  readonly step: TrainingStep;
  readonly measurements: Measurements;
  /** What `resume` takes: that of the step, and what the trackers knew before they measured it. */
  state(): TrainingState;
}

/**
 * `train` with trackers: every state, with the measurements that are due at it.
 *
 * The model is the one before step 0, also when a run is resumed: distances are from its parameters. A run that is resumed
 * with the same trackers measures the bits of the one that was never stopped, velocities and warm starts included.
 *
 * Cost   that of `train`, and of each tracker when it is due; a tracker that is not asked for costs nothing
 *
 * @throws {TangedgeError} as `train` · ERR_ARGUMENT for unknown trackers and cadences
 * @example
 * const alignment: unknown[] = [];
 * const options = { learningRate: 0.02, steps: 4, trackers: [{ tracker: 'kta', every: 2 }] };
 * for await (const { measurements } of trackTraining(rt, model, { inputs: x, targets: y }, options)) alignment.push(measurements.kta);
 * const measured = alignment.filter((value) => value !== undefined).length; // 3
 */
export async function* trackTraining(
  rt: Runtime,
  model: Model,
  data: TrainingData,
  options: TrackingOptions,
): AsyncGenerator<TrackedStep, void, void> {
  const context = contextOf(rt, model, data, options);
  const trackers = new TrackerSet(context, options.trackers ?? [{ tracker: 'loss' }], options.steps, options.testData);
  if (options.resume?.trackers) trackers.remember(options.resume.trackers);
  for await (const step of train(rt, model, data, options)) {
    const memory = trackers.memory();
    const measurements = options.pool ? await trackers.measureInPool(step) : trackers.measure(step);
    yield { step, measurements, state: () => ({ ...step.state(), trackers: memory }) };
  }
}

export interface TrainingRunOptions extends TrackingOptions {
  /** What the run is called; default `training run`. */
  readonly title?: string;
  readonly sources?: readonly Source[];
  /** What a reader of the report should know beside the options. */
  readonly notes?: readonly string[];
  /** What was measured before the state that the run resumes from. */
  readonly earlier?: readonly { readonly step: number; readonly measurements: Measurements }[];
  /** Called with every state: to write files, show progress, or look inside. A promise is waited for. */
  readonly onStep?: (step: TrackedStep) => void | Promise<void>;
}

/** A run, and the state it ended in: the last one, or after divergence the last good one (undefined when there was none). */
export interface FinishedRun {
  readonly run: TrainingRun;
  readonly state: TrainingState | undefined;
}

/**
 * Trains a model and gathers what its trackers measured. A run that diverges is a result too: `outcome` says when, from
 * where, and which learning rate would have been stable.
 *
 * @throws {TangedgeError} as `trackTraining`, but for ERR_DIVERGED
 */
export async function runTraining(rt: Runtime, model: Model, data: TrainingData, options: TrainingRunOptions): Promise<FinishedRun> {
  const gathered = new SeriesBuilder();
  for (const { step, measurements } of options.earlier ?? []) gathered.add(step, measurements);
  let last: { readonly step: number; readonly loss: number } | undefined;
  let state: TrainingState | undefined;
  let outcome: Outcome | undefined;
  try {
    for await (const tracked of trackTraining(rt, model, data, options)) {
      const { step, measurements } = tracked;
      gathered.add(step.step, measurements);
      last = { step: step.step, loss: step.loss };
      await options.onStep?.(tracked);
      if (step.step === options.steps) state = tracked.state();
    }
  } catch (error) {
    if (!(error instanceof TangedgeError && error.code === 'ERR_DIVERGED')) throw error;
    const info = error.info as unknown as DivergenceInfo;
    const { step, loss } = info;
    state = info.lastGood;
    outcome = {
      status: 'diverged',
      step,
      loss: Number.isFinite(loss) ? loss : null,
      divergence: divergenceOf(rt, model, data, options, info),
    };
  }
  outcome ??= { status: 'finished', step: last?.step ?? 0, loss: last?.loss ?? null, divergence: null };
  return {
    run: describeRun(model, data, { ...options, notes: [...arithmeticNotes(rt), ...(options.notes ?? [])] }, outcome, gathered.series()),
    state,
  };
}

function describeRun(model: Model, data: TrainingData, options: TrainingRunOptions, outcome: Outcome, series: readonly Series[]): TrainingRun {
  const n = data.inputs.shape[0];
  return {
    format: TRAINING_RUN_FORMAT,
    title: options.title ?? 'training run',
    provenance: { version: VERSION, dtype: options.dtype ?? 'f64', sources: options.sources ?? [], notes: options.notes ?? [] },
    config: configOf(options),
    data: {
      samples: n,
      inputShape: [...model.input.shape],
      outputs: model.output.size,
      kernelSamples: options.samples ?? n,
      testSamples: options.testData?.inputs.shape[0] ?? null,
    },
    model: {
      parameterCount: parameterCount(model),
      parameters: trainableParameters(model).map(({ name, value }) => ({ name, shape: [...value.shape] })),
      layers: model.layers.map(({ name, type }) => ({ name, type })),
    },
    outcome,
    series,
  };
}

function configOf(options: TrainingRunOptions): TrainingConfig {
  const { optimizer = { name: 'gd' }, learningRate, rateFactors = {}, steps, batchSize, seed = 0, loss = 'mse', lossScale = 'mean-batch' } = options;
  return {
    optimizer,
    learningRate: typeof learningRate === 'number' ? learningRate : null,
    rateFactors,
    steps,
    batchSize: batchSize ?? null,
    seed,
    loss,
    lossScale,
  };
}

/** What stays the same during a run. @throws {TangedgeError} ERR_SHAPE, ERR_DOMAIN, ERR_ARGUMENT when data or options do not fit */
export function contextOf(rt: Runtime, model: Model, data: TrainingData, options: Omit<TrackingOptions, 'learningRate'>): RunContext {
  const rows = checkTrainingData('train', model, data, options.loss ?? 'mse');
  const { samples = rows.n } = options;
  checkInteger('train', 'samples', samples, 1, rows.n);
  const targets = { shape: [rows.n, rows.c], data: rows.targets };
  return {
    rt,
    initial: model,
    theta0: flatParameters(model),
    rows,
    inputs: data.inputs,
    targets,
    kernelInputs: firstRows(data.inputs, samples),
    kernelTargets: firstRows(targets, samples),
    dtype: options.dtype ?? 'f64',
    loss: { loss: options.loss, lossScale: options.lossScale },
    memoryLimit: options.memoryLimit,
    pool: options.pool,
  };
}

/** Gathers measurements by key. */
export class SeriesBuilder {
  private readonly known = new Map<string, { steps: number[]; values: Measurement[] }>();

  add(step: number, measurements: Measurements): void {
    for (const [key, value] of Object.entries(measurements)) {
      const entry = this.known.get(key) ?? { steps: [], values: [] };
      entry.steps.push(step);
      entry.values.push(value);
      this.known.set(key, entry);
    }
  }

  series(): Series[] {
    return [...this.known].map(([key, { steps, values }]) => {
      const [quantity, ...of] = key.split('/');
      return { key, quantity, of: of.length === 0 ? null : of.join('/'), steps, values };
    });
  }
}
