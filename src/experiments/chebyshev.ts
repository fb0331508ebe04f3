/** @file Experiment: sharpness settles at 2/η on a one-dimensional polynomial, with hardly any kernel-target alignment. */

import { kernelTargetAlignment } from '../alignment/kernel-target-alignment.ts';
import type { Tensor } from '../core/tensor.ts';
import { type Sharpness, sharpness } from '../dynamics/sharpness.ts';
import { Trainer } from '../dynamics/train.ts';
import { trainingLoss } from '../dynamics/training-loss.ts';
import type { Model } from '../graph/model.ts';
import { topEigenpairs } from '../linalg/top-eigenpairs.ts';
import { importSpec } from '../nn/spec.ts';
import { empiricalNtk } from '../ntk/empirical-ntk.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { below, near } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import type { Check } from './experiment-report.ts';
import { mulberryNormals } from './mulberry.ts';

const POINTS = 20;
const WIDTH = 100;
/** √(2/(1 + 100)): the standard deviation of Xavier's normal initialization of both layers. */
const XAVIER = Math.sqrt(2 / (1 + WIDTH));
const GAIN = 1.9;

export const chebyshev: Experiment = {
  name: 'chebyshev',
  title: 'Edge of stability on a Chebyshev polynomial',
  claim:
    'Full-batch gradient descent trains until the sharpness hovers at 2/η, also on a target of high frequency, where the kernel hardly aligns: the edge of stability does not by itself bring alignment.',
  source: 'Cohen et al. 2021, arXiv:2103.00065, task chebyshev-4-20',
  run,
};

interface RateRun {
  readonly rate: number;
  readonly steps: number;
  /** Final sharpness of the reference. */
  readonly expected: number;
  /** Relative to the expected value: the sharpness moves by this much around 2/η. */
  readonly tolerance: number;
}

const RATES: readonly RateRun[] = [
  { rate: 0.4, steps: 20_000, expected: 4.972, tolerance: 0.02 },
  { rate: 0.3, steps: 20_000, expected: 6.62, tolerance: 0.02 },
  { rate: 0.2, steps: 20_000, expected: 10.004, tolerance: 0.02 },
];
const SLOW_RATES: readonly RateRun[] = [
  { rate: 0.1, steps: 30_000, expected: 20.05, tolerance: 0.02 },
  { rate: 0.05, steps: 60_000, expected: 37.47, tolerance: 0.005 },
];

function run({ rt, size, progress }: ExperimentContext): Findings {
  const { model, x, y } = task(rt);
  const rates = size === 'full' ? [...RATES, ...SLOW_RATES] : RATES;
  const loss = trainingLoss(rt, model, { inputs: x, targets: y });
  const initial = sharpness(rt, loss, loss.initial, { tolerance: 1e-8 });
  const start = kernelAt(rt, model, x, y);
  const runs = rates.map((entry, k) => {
    progress(k / rates.length, `η = ${entry.rate}`);
    return train(rt, model, x, y, entry);
  });
  return {
    settings: [
      { name: 'target', value: `T₄(x) at ${POINTS} points, evenly spaced in [−1, 1]` },
      { name: 'network', value: `1–${WIDTH}–1, tanh, hidden biases, Xavier initialization with gain ${GAIN} in the first layer` },
      { name: 'loss', value: '1/(2n)·Σ(f − y)²' },
    ],
    checks: [
      near('initial loss', loss.gradient(loss.initial).loss, 0.376499, 1e-6),
      near('initial sharpness', initial.value, 2.786967, 1e-6),
      near('initial λmax(Θ)/n', start.lambda, 2.725247, 1e-6),
      near('initial KTA', start.kta, 4.98e-5, 1e-7),
      ...runs.flatMap(runChecks),
    ],
    conclusion: `Sharpness ends at ${runs.map(({ rate, final }) => `${final.value.toFixed(3)} for 2/η = ${(2 / rate).toFixed(2)}`).join(', ')}; KTA stays at ${runs.map(({ kta }) => kta.toFixed(3)).join(', ')}.`,
    figures: [
      {
        title: 'Sharpness over 2/η',
        xLabel: 'step',
        yLabel: 'η·λmax(H)/2',
        xScale: 'linear',
        yScale: 'linear',
        curves: runs.map(({ rate, steps, trace }) => ({ name: `η = ${rate}`, mark: 'line', x: steps, y: trace.map((value) => (value * rate) / 2) })),
        levels: [{ name: 'edge of stability', value: 1 }],
        bands: [],
      },
    ],
    tables: [
      {
        title: 'At the end of training',
        columns: ['η', 'steps', '2/η', 'sharpness', 'sharpness, reference', 'λmax(Θ)/n', 'loss', 'KTA'],
        rows: runs.map((entry) => [entry.rate, entry.total, 2 / entry.rate, entry.final.value, entry.expected, entry.lambda, entry.loss, entry.kta]),
      },
    ],
  };
}

function task(rt: Runtime): { model: Model; x: Tensor; y: Tensor } {
  const x = Float64Array.from({ length: POINTS }, (_, i) => -1 + (2 * i) / (POINTS - 1));
  const y = x.map((value) => 8 * value * value * value * value - 8 * value * value + 1);
  const z = mulberryNormals(rt, 3, 2 * WIDTH);
  const weights = new Map<string, Tensor>([
    ['fc0.weight', { shape: [WIDTH, 1], data: z.slice(0, WIDTH).map((value) => GAIN * XAVIER * value) }],
    ['fc0.bias', { shape: [WIDTH], data: new Float64Array(WIDTH) }],
    ['fc1.weight', { shape: [1, WIDTH], data: z.slice(WIDTH).map((value) => XAVIER * value) }],
  ]);
  const layers = [
    { type: 'Linear', name: 'fc0', in_features: 1, out_features: WIDTH },
    { type: 'Tanh' },
    { type: 'Linear', name: 'fc1', in_features: WIDTH, out_features: 1, bias: false },
  ];
  const model = importSpec({ input_shape: [1, 1], layers }, weights);
  return { model, x: { shape: [POINTS, 1], data: x }, y: { shape: [POINTS, 1], data: y } };
}

function train(rt: Runtime, model: Model, x: Tensor, y: Tensor, { rate, steps: total, expected, tolerance }: RateRun) {
  const objective = trainingLoss(rt, model, { inputs: x, targets: y });
  const trainer = new Trainer(rt, model, { inputs: x, targets: y }, { learningRate: rate, steps: total });
  const every = total / 100;
  const steps: number[] = [];
  const trace: number[] = [];
  let known: Sharpness | undefined;
  let most = 0;
  try {
    for (;;) {
      const state = trainer.evaluate();
      if (state.step % every === 0) {
        known = sharpness(rt, objective, Float64Array.from(state.parameters()), { previous: known, tolerance: 1e-5 });
        most = Math.max(most, known.gradientEvaluations * Number(state.step > 0));
        steps.push(state.step);
        trace.push(known.value);
      }
      if (state.step === total) {
        return {
          rate,
          total,
          expected,
          tolerance,
          steps,
          trace,
          most,
          loss: state.loss,
          final: known as Sharpness,
          ...kernelAt(rt, state.model(), x, y),
        };
      }
      trainer.update();
    }
  } finally {
    trainer.release();
  }
}

function runChecks({ rate, expected, tolerance, final, most, kta, lambda, loss }: ReturnType<typeof train>): Check[] {
  const own = `η = ${rate}`;
  return [
    near(`${own}: final sharpness`, final.value, expected, tolerance * expected),
    near(`${own}: λmax(Θ)/n beside the sharpness, relative to the residual's part`, lambda / final.value, 1, 0.01),
    below(`${own}: final KTA`, kta, 0.05),
    below(`${own}: final loss`, loss, 0.1),
    below(`${own}: gradient evaluations of a warm sharpness, at most`, most, 30),
  ];
}

function kernelAt(rt: Runtime, model: Model, x: Tensor, y: Tensor): { lambda: number; kta: number } {
  const kernel = empiricalNtk(rt, model, x, { outputs: 'trace' });
  return { lambda: topEigenpairs(rt, kernel, 1).values[0] / POINTS, kta: kernelTargetAlignment(rt, kernel, y) };
}
