/** @file Experiment: a network whose output is multiplied by α trains lazily for large α: everything that moves falls as a power of α. */

import { kernelDistance, relativeKernelDrift } from '../alignment/kernel-distance.ts';
import { lazyRichVerdict } from '../analysis/lazy-rich.ts';
import type { Tensor } from '../core/tensor.ts';
import { withFlatParameters } from '../dynamics/flat-parameters.ts';
import { lazyCriterion, scaledTargets } from '../dynamics/lazy-criterion.ts';
import { linearize } from '../dynamics/taylor-model.ts';
import { Trainer } from '../dynamics/train.ts';
import { relativeWeightChange } from '../features/nfa-correlation.ts';
import { forward } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import { type FittedSlope, fitSlope } from '../linalg/fit-slope.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import { empiricalNtk } from '../ntk/empirical-ntk.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { above, below, near } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import type { Curve } from './experiment-report.ts';
import { mlpSpec } from './networks.ts';
import { type WidthTask, widthTask } from './width-runs.ts';

export const lazyScale: Experiment = {
  name: 'lazy-scale',
  title: 'Large outputs train lazily',
  claim:
    'Training α·(f(θ) − f(θ₀)) on the loss |·|²/α² moves the parameters by 1/α: for large α the kernel’s drift, the change of the weights and the distance from the linearized network fall as 1/α, the kernel’s turn as 1/α². For small α the network learns features, whatever its width.',
  source: 'Chizat, Oyallon, Bach 2019, arXiv:1812.07956; Geiger et al. 2020, arXiv:1906.08034',
  run,
};

const WIDTH = 32;
const RATE = 0.5;
/** Of the first loss, where every run ends. */
const SHARE = 0.01;
/** From here on the powers of α are fitted: below, the network is not lazy. */
const LAZY_FROM = 16;

interface ScaledRun {
  readonly alpha: number;
  readonly seed: number;
  readonly steps: number;
  readonly kappa: number;
  readonly drift: number;
  readonly turn: number;
  readonly weightChange: number;
  readonly linearizationGap: number;
}

type Quantity = 'kappa' | 'drift' | 'turn' | 'weightChange' | 'linearizationGap';

const LAWS: readonly { readonly quantity: Quantity; readonly name: string; readonly power: number; readonly tolerance: number }[] = [
  { quantity: 'kappa', name: 'κ before training', power: -1, tolerance: 1e-9 },
  { quantity: 'drift', name: 'the kernel’s drift', power: -1, tolerance: 0.05 },
  { quantity: 'turn', name: 'the kernel’s turn', power: -2, tolerance: 0.1 },
  { quantity: 'weightChange', name: 'the change of the first weight', power: -1, tolerance: 0.05 },
  { quantity: 'linearizationGap', name: 'the distance from the linearized network', power: -1, tolerance: 0.1 },
];

function run({ rt, seed, size, progress }: ExperimentContext): Findings {
  const [alphas, repeats] =
    size === 'full' ? [[0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024], 10] : [[0.25, 1, 4, 16, 32, 64, 128, 256], 3];
  const task = widthTask(rt, seed);
  const runs = alphas.flatMap((alpha, index) => {
    progress(index / alphas.length, `α = ${alpha}`);
    return Array.from({ length: repeats }, (_, repeat) => scaledRun(rt, task, alpha, repeats * seed + repeat));
  });
  const lazy = runs.filter(({ alpha }) => alpha >= LAZY_FROM);
  const fits = LAWS.map((law) => ({ law, fit: powerOf(rt, lazy, law.quantity) }));
  const [smallest, largest] = [alphas[0], alphas[alphas.length - 1]];
  const [rich, late] = [smallest, largest].map((alpha) => verdictOf(runs.filter((one) => one.alpha === alpha)));
  const mean = (alpha: number, quantity: Quantity) => meanOf(runs.filter((one) => one.alpha === alpha).map((one) => one[quantity]));
  return {
    settings: [
      { name: 'task', value: `${task.inputs.shape[0]} unit vectors in ${task.inputs.shape[1]} dimensions, labels ±1 at random` },
      { name: 'network', value: `two hidden layers of ${WIDTH}, tanh, NTK parameterization, no biases` },
      { name: 'training', value: `full batch, η = ${RATE}, to ${100 * SHARE} % of the first loss` },
      { name: 'α', value: alphas.join(', ') },
      { name: 'initializations of each', value: repeats },
    ],
    checks: [
      ...fits.map(({ law, fit }) =>
        near(`power of α in ${law.name}, α ≥ ${LAZY_FROM} (± ${fit.standardError.toExponential(1)})`, fit.slope, law.power, law.tolerance),
      ),
      above(`drift at α = ${smallest}: rich`, mean(smallest, 'drift'), 0.5),
      below(`drift at α = ${largest}: lazy`, mean(largest, 'drift'), 0.1),
      near(`verdict at α = ${smallest}: rich`, Number(rich === 'rich'), 1, 0),
      near(`verdict at α = ${largest}: lazy`, Number(late === 'lazy'), 1, 0),
    ],
    conclusion: `For α from ${LAZY_FROM} on, the kernel’s drift goes as α^${fits[1].fit.slope.toFixed(3)} (± ${fits[1].fit.standardError.toFixed(3)}), its turn as α^${fits[2].fit.slope.toFixed(3)} (± ${fits[2].fit.standardError.toFixed(3)}). At α = ${smallest} the drift is ${mean(smallest, 'drift').toPrecision(2)} (${rich}), at α = ${largest} ${mean(largest, 'drift').toPrecision(2)} (${late}).`,
    figures: [
      {
        title: 'What moves in training',
        xLabel: 'α',
        yLabel: 'relative change',
        xScale: 'log',
        yScale: 'log',
        curves: LAWS.map(({ quantity, name }): Curve => ({ name, mark: 'line-points', x: alphas, y: alphas.map((alpha) => mean(alpha, quantity)) })),
        levels: [],
        bands: [],
      },
    ],
    tables: [
      {
        title: 'Every run',
        columns: ['α', 'seed', 'steps', 'κ', 'drift', 'turn', '‖ΔW‖/‖W‖', '‖f − f_lin‖/‖f − f₀‖'],
        rows: runs.map((one) => [
          one.alpha,
          one.seed,
          one.steps,
          ...([one.kappa, one.drift, one.turn, one.weightChange, one.linearizationGap] as const).map((value) => value.toPrecision(3)),
        ]),
      },
    ],
  };
}

function scaledRun(rt: Runtime, { inputs, targets }: WidthTask, alpha: number, seed: number): ScaledRun {
  const spec = mlpSpec([inputs.shape[1], WIDTH, WIDTH, 1], 'Tanh', {
    bias: false,
    linear: (layer) => ({ parameterization: 'ntk', ...(layer === 0 && { sigma_w: Math.sqrt(inputs.shape[1]) }) }),
  });
  const initial = importSpec(spec, initializeSpec(rt, spec, { seed, dtype: 'f64' }));
  const shifted = scaledTargets(rt, initial, inputs, targets, alpha);
  const network = descend(rt, initial, inputs, shifted);
  const linear = descend(rt, linearize(initial), inputs, shifted, network.steps);
  const [before, after] = [initial, network.model].map((model) => empiricalNtk(rt, model, inputs, { outputs: 'trace' }));
  const [f0, f, fLinear] = [forward(rt, initial, inputs), forward(rt, network.model, inputs), forward(rt, linear.model, inputs)];
  return {
    alpha,
    seed,
    steps: network.steps,
    kappa: lazyCriterion(rt, initial, inputs, shifted).kappa,
    drift: relativeKernelDrift(before, after),
    turn: kernelDistance(before, after),
    weightChange: relativeWeightChange(network.model.parameters[0].value, initial.parameters[0].value),
    linearizationGap: distance(f, fLinear) / distance(f, f0),
  };
}

/** Trains until the loss is a share of the first, or for so many steps. */
function descend(rt: Runtime, model: Model, inputs: Tensor, targets: Tensor, steps?: number): { readonly model: Model; readonly steps: number } {
  const trainer = new Trainer(rt, model, { inputs, targets }, { learningRate: RATE, steps: steps ?? MOST_STEPS });
  try {
    for (let first: number | undefined; ; ) {
      const { step, loss, parameters } = trainer.evaluate();
      first ??= loss;
      const done = steps === undefined ? loss <= SHARE * first || step === MOST_STEPS : step === steps;
      if (done) return { model: withFlatParameters(model, parameters()), steps: step };
      trainer.update();
    }
  } finally {
    trainer.release();
  }
}

const MOST_STEPS = 20_000;

/** The mean of the slopes of the initializations, with its standard error: their levels differ more than their slopes. */
function powerOf(rt: Runtime, runs: readonly ScaledRun[], quantity: Quantity): Pick<FittedSlope, 'slope' | 'standardError'> {
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const slopes = seeds.map((seed) => {
    const own = runs.filter((one) => one.seed === seed);
    return fitSlope(
      rt,
      own.map(({ alpha }) => alpha),
      own.map((one) => one[quantity]),
    ).slope;
  });
  const slope = meanOf(slopes);
  const squares = slopes.reduce((sum, value) => sum + (value - slope) * (value - slope), 0);
  return { slope, standardError: Math.sqrt(squares / (slopes.length - 1) / slopes.length) };
}

function verdictOf(runs: readonly ScaledRun[]): string {
  const mean = (quantity: Quantity) => meanOf(runs.map((one) => one[quantity]));
  return lazyRichVerdict({
    kernelDrift: mean('drift'),
    kernelTurn: mean('turn'),
    weightChange: mean('weightChange'),
    linearizationGap: mean('linearizationGap'),
  }).regime;
}

function distance(a: Tensor, b: Tensor): number {
  let squares = 0;
  for (let i = 0; i < a.data.length; i++) squares += (a.data[i] - b.data[i]) * (a.data[i] - b.data[i]);
  return Math.sqrt(squares);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
