/** @file The trainings that the experiments on the neural feature ansatz compare, and what is measured of the first layer. */

import { Trainer } from '../dynamics/train.ts';
import type { TrainingOptions } from '../dynamics/training-step.ts';
import { egop } from '../features/egop.ts';
import { featureQuality } from '../features/feature-quality.ts';
import { neuralFeatures } from '../features/neural-features.ts';
import { nfaRandomControl } from '../features/nfa-random-control.ts';
import { forward } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type ChainTask, chainTask } from './chain-monomial.ts';
import type { ExperimentContext } from './experiment.ts';
import type { Curve, DataTable, Figure, Setting } from './experiment-report.ts';
import { mlpSpec } from './networks.ts';

/** Random matrices that the control averages over. */
const CONTROLS = 5;
const CONTROL_STREAM = 2_000_000;
const ORDER = 5;

/** The first layer's features, and the fit, at one state of a run. */
export interface FeatureState {
  readonly step: number;
  /** Mean squared errors. */
  readonly trainError: number;
  readonly testError: number;
  readonly ucNfa: number;
  readonly cNfa: number;
  /** ρ(WᵀW, EGOP) and ρ(WᵀKW, EGOP). */
  readonly nfmQuality: number;
  readonly agopQuality: number;
  /** ‖W − W₀‖/‖W‖ */
  readonly change: number;
  readonly dominance: number;
  /** UC-NFA with K replaced by random matrices of its spectrum: mean over them. */
  readonly randomControl: number;
}

export interface FeatureRun {
  readonly name: string;
  readonly states: readonly FeatureState[];
  /** The last of them. */
  readonly end: FeatureState;
}

/** One training: how large it starts and how it moves. */
export interface RunPlan extends Pick<TrainingOptions, 'learningRate' | 'steps' | 'optimizer'> {
  readonly name: string;
  /** Factor of the initial weights, of variance 1/fan_in. */
  readonly scale: number;
}

export interface NfaTask {
  readonly task: ChainTask;
  readonly width: number;
  readonly settings: readonly Setting[];
}

export const STANDARD_RUN: RunPlan = { name: '×1', scale: 1, learningRate: 0.1, steps: 2000 };
export const MIDDLE_RUN: RunPlan = { name: '×0.6', scale: 0.6, learningRate: 0.2, steps: 2000 };
export const SMALL_RUN: RunPlan = { name: '×0.3', scale: 0.3, learningRate: 0.3, steps: 2000 };
/** Speeds of the source: the first layer fast, the others nearly at rest. */
export const SLO_RUN: RunPlan = {
  name: 'speed limited',
  scale: 1,
  learningRate: 1e-3,
  steps: 300,
  optimizer: { name: 'slo', speeds: { 'fc0.weight': 500, 'fc1.weight': 0.002, 'fc2.weight': 0.002 } },
};

export function nfaTask({ rt, seed, size }: ExperimentContext): NfaTask {
  const [n, d, width] = size === 'full' ? [1024, 32, 128] : [1024, 32, 64];
  return {
    task: chainTask(rt, { seed, n, m: 1000, d, order: ORDER }),
    width,
    settings: [
      { name: 'task', value: `chain monomial of order ${ORDER}, ${d} normal inputs, ${n} examples, 1000 to test on` },
      { name: 'network', value: `${d}–${width}–${width}–1, ReLU, no biases, full batch, f32` },
    ],
  };
}

/** Trains and measures at about `points` logarithmically spaced steps, the first and the last among them. */
export function featureRun(context: ExperimentContext, { task, width }: NfaTask, plan: RunPlan, points = 12): FeatureRun {
  const { rt, seed } = context;
  const { x, y } = task;
  const spec = mlpSpec([x.shape[1], width, width, 1], 'ReLU', { bias: false, linear: () => ({ parameterization: 'mup' }) });
  const state = initializeSpec(rt, spec, { seed });
  for (const [name, { shape, data }] of state) state.set(name, { shape, data: data.map((value) => plan.scale * value) });
  const initial = importSpec(spec, state);
  const trainer = new Trainer(rt, initial, { inputs: x, targets: y }, { ...plan, dtype: 'f32' });
  const due = logarithmicSteps(plan.steps, points);
  const states: FeatureState[] = [];
  try {
    for (let step = 0; ; step++) {
      const current = trainer.evaluate();
      if (due.has(step)) {
        context.progress(step / plan.steps, plan.name);
        states.push(featureState(context, task, initial, current.model(), { step, trainError: 2 * current.loss }));
      }
      if (step === plan.steps) break;
      trainer.update();
    }
  } finally {
    trainer.release();
  }
  return { name: plan.name, states, end: states[states.length - 1] };
}

function featureState(
  { rt, seed }: ExperimentContext,
  { target, x, testX, testY }: ChainTask,
  initial: Model,
  model: Model,
  { step, trainError }: Pick<FeatureState, 'step' | 'trainError'>,
): FeatureState {
  const [{ weight, nfm, agop, ptkCovariance, correlation, motion }] = neuralFeatures(rt, model, x, {
    initial,
    weights: ['fc0.weight'],
    dtype: 'f32',
  });
  const expected = egop(target, x.shape[1]);
  const control = nfaRandomControl(rt, { weight, nfm, ptkCovariance }, { draws: CONTROLS, seed, stream: CONTROL_STREAM });
  const norm = (values: Iterable<number>) => Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));
  return {
    step,
    trainError,
    testError: meanSquaredError(rt, model, testX, testY.data),
    ucNfa: correlation,
    cNfa: motion?.centeredCorrelation ?? Number.NaN,
    nfmQuality: featureQuality(rt, nfm, expected).correlation,
    agopQuality: featureQuality(rt, agop, expected).correlation,
    change: motion === undefined ? 0 : norm(weight.data.map((value, i) => value - motion.initial.data[i])) / norm(weight.data),
    dominance: motion?.dominance ?? 0,
    randomControl: control.mean,
  };
}

function meanSquaredError(rt: Runtime, model: Model, inputs: ChainTask['x'], targets: ArrayLike<number>): number {
  const { data } = forward(rt, model, inputs, { dtype: 'f32' });
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] - targets[i]) * (data[i] - targets[i]);
  return sum / data.length;
}

/** 0, 1, and steps a constant factor apart, up to `last`. */
function logarithmicSteps(last: number, points: number): Set<number> {
  const steps = new Set([0, last]);
  // last^(1/points) by bisection: no power function is needed for a schedule
  let [low, high] = [1, last];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    let power = 1;
    for (let j = 0; j < points - 2; j++) power *= middle;
    if (power < last) low = middle;
    else high = middle;
  }
  for (let step = 1; step < last; step *= high) steps.add(Math.round(step));
  return steps;
}

export function featureTable(runs: readonly FeatureRun[]): DataTable {
  return {
    title: 'The first layer at the end of each run',
    columns: ['run', 'steps', 'train', 'test', 'UC-NFA', 'C-NFA', 'ρ(NFM, EGOP)', 'ρ(AGOP, EGOP)', '‖W̄‖/‖W‖', 'dominance', 'UC, random K'],
    rows: runs.map(({ name, end }) => [
      name,
      end.step,
      end.trainError,
      end.testError,
      end.ucNfa,
      end.cNfa,
      end.nfmQuality,
      end.agopQuality,
      end.change,
      end.dominance,
      end.randomControl,
    ]),
  };
}

/** A quantity of every run over its steps; step 0 is drawn at 1/2 of a logarithmic axis. */
function featureCurves(runs: readonly FeatureRun[], quantity: keyof Omit<FeatureState, 'step'>): Curve[] {
  return runs.map(({ name, states }) => ({
    name,
    mark: 'line-points',
    x: states.map(({ step }) => Math.max(0.5, step)),
    y: states.map((state) => (Number.isFinite(state[quantity]) ? state[quantity] : null)),
  }));
}

/** The same quantity of every run as a figure. */
export function featureFigure(title: string, yLabel: string, runs: readonly FeatureRun[], quantity: keyof Omit<FeatureState, 'step'>): Figure {
  const curves = featureCurves(runs, quantity);
  return { title, xLabel: 'step', yLabel, xScale: 'log', yScale: 'linear', curves, levels: [], bands: [] };
}
