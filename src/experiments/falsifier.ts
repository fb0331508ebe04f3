/** @file Experiment: the same task for a network, its linearization and its frozen kernel; which claims survive frozen features. */

import { type FalsifierVerdict, falsifierVerdict } from '../analysis/falsifier.ts';
import type { Tensor } from '../core/tensor.ts';
import { frozenKernelTraining } from '../dynamics/frozen-kernel.ts';
import { linearize } from '../dynamics/taylor-model.ts';
import { Trainer } from '../dynamics/train.ts';
import { egop } from '../features/egop.ts';
import { featureQuality } from '../features/feature-quality.ts';
import { neuralFeatures } from '../features/neural-features.ts';
import { forward } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type ChainTask, chainTask } from './chain-monomial.ts';
import { below, near } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import { type KernelLimit, kernelLimit } from './kernel-limit.ts';
import { kernelState } from './kernel-state.ts';
import { meanSquare, smallStart } from './small-start.ts';

export const falsifier: Experiment = {
  name: 'falsifier',
  title: 'Would it hold with frozen features?',
  claim:
    'The kernel limit is a control: a claim that the linearized network or the frozen kernel meets as well says nothing about feature learning. Fitting the training set is such a claim; predicting new data of this task, aligning the kernel and finding the relevant inputs are not.',
  source: 'the NTK as a falsifier; Chizat et al. 2019, Fort et al. 2020',
  run,
};

interface Trial {
  readonly trainError: number;
  readonly testError: number;
  readonly kta: number;
  readonly quality: number;
}

interface Comparison {
  readonly network: Trial;
  readonly frozen: Trial;
  /** Largest difference of the linearization's outputs and the frozen kernel's, relative to the largest output. */
  readonly disagreement: number;
  readonly curves: { readonly steps: readonly number[]; readonly network: readonly number[]; readonly frozen: readonly number[] };
}

const SCALE = 0.5;
const RATE = 0.2;
const STEPS = 1000;

function run(context: ExperimentContext): Findings {
  const { rt, seed, size, progress } = context;
  const [n, d, width, repeats] = size === 'full' ? [1024, 32, 128, 5] : [256, 12, 48, 3];
  const comparisons = Array.from({ length: repeats }, (_, repeat) => {
    progress(repeat / repeats, `seed ${repeats * seed + repeat}`);
    return compare(rt, { seed: repeats * seed + repeat, n, d, width });
  });
  const verdicts = verdictsOn(comparisons);
  const disagreement = Math.max(...comparisons.map((comparison) => comparison.disagreement));
  const [fit, ...rest] = verdicts;
  const { steps, network, frozen } = comparisons[0].curves;
  return {
    settings: [
      { name: 'task', value: `chain monomial of order 5, ${d} normal inputs, ${n} examples, 500 to test on` },
      { name: 'network', value: `${d}–${width}–${width}–1, ReLU, weights normal with variance ${SCALE}²/fan_in` },
      { name: 'training', value: `full batch, η = ${RATE}, ${STEPS} steps; the frozen kernel also to convergence` },
      { name: 'seeds', value: repeats },
    ],
    checks: [
      below('linearization and frozen kernel: largest difference of outputs, relative', disagreement, 1e-8),
      near(`“${fit.claim}” needs feature learning`, Number(fit.verdict === 'needs feature learning'), 0, 0),
      ...rest.map(({ claim, verdict }) => near(`“${claim}” needs feature learning`, Number(verdict === 'needs feature learning'), 1, 0)),
    ],
    conclusion: `${verdicts.map(({ claim, verdict, networkMean, frozenMean }) => `${claim}: ${verdict} (${networkMean.toPrecision(2)} against ${frozenMean.toPrecision(2)})`).join('; ')}.`,
    figures: [
      {
        title: 'Error on new data',
        xLabel: 'step',
        yLabel: 'mean squared error',
        xScale: 'linear',
        yScale: 'linear',
        curves: [
          { name: 'network', mark: 'line', x: steps, y: network },
          { name: 'frozen kernel = linearization', mark: 'dashed', x: steps, y: frozen },
        ],
        levels: [],
        bands: [],
      },
    ],
    tables: [
      {
        title: 'Verdicts',
        columns: ['claim', 'network', 'frozen', 'effect size', 'verdict'],
        rows: verdicts.map(({ claim, networkMean, frozenMean, effectSize, verdict }) => [
          claim,
          networkMean,
          frozenMean,
          Number.isFinite(effectSize) ? effectSize : null,
          verdict,
        ]),
      },
    ],
  };
}

function verdictsOn(comparisons: readonly Comparison[]): FalsifierVerdict[] {
  const trial = (claim: string, quantity: keyof Trial, better: 'lower' | 'higher') =>
    falsifierVerdict({
      claim,
      network: comparisons.map(({ network }) => network[quantity]),
      frozen: comparisons.map(({ frozen }) => frozen[quantity]),
      better,
    });
  return [
    fitsTraining(comparisons),
    trial('it predicts new data', 'testError', 'lower'),
    trial('its kernel aligns with the targets', 'kta', 'higher'),
    trial('its first layer finds the relevant inputs', 'quality', 'higher'),
  ];
}

/** Whether the error falls below a tenth of the targets’ variance: as a share of the runs, which both reach or do not. */
function fitsTraining(comparisons: readonly Comparison[]): FalsifierVerdict {
  const reached = (which: 'network' | 'frozen') => comparisons.map((comparison) => Number(comparison[which].trainError < 0.1));
  return falsifierVerdict({ claim: 'it fits the training set', network: reached('network'), frozen: reached('frozen'), better: 'higher' });
}

function compare(rt: Runtime, { seed, n, d, width }: { seed: number; n: number; d: number; width: number }): Comparison {
  const task = chainTask(rt, { seed, n, m: 500, d, order: 5 });
  const model = smallStart(rt, { d, width, scale: SCALE, seed });
  const network = descend(rt, model, task);
  const linear = descend(rt, linearize(model), task);
  const limit = kernelLimit(rt, model, task);
  const frozen = frozenDescent(rt, model, task, limit);
  const largest = frozen.test.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const disagreement = frozen.test.reduce((most, value, i) => Math.max(most, Math.abs(value - linear.test[i])), 0) / largest;
  const expected = egop(task.target, d);
  const measured = (at: Model) => {
    const [{ nfm }] = neuralFeatures(rt, at, task.x, { weights: ['fc0.weight'] });
    return { kta: kernelState(rt, at, task.x, task.y).kta, quality: featureQuality(rt, nfm, expected).correlation };
  };
  return {
    network: { trainError: network.trainError, testError: meanSquare(network.test, task.testY.data), ...measured(network.model) },
    // The control has its best case: trained as long as the network, or to convergence, whichever predicts better.
    frozen: { trainError: limit.trainError, testError: Math.min(limit.testError, ...frozen.testErrors), ...measured(model) },
    disagreement,
    curves: { steps: network.steps, network: network.testErrors, frozen: frozen.testErrors },
  };
}

/** Steps between looks at the test error. */
const EVERY = 50;

interface Descent {
  readonly steps: readonly number[];
  readonly testErrors: readonly number[];
  /** Outputs on the test inputs at the end. */
  readonly test: Float64Array;
}

function descend(rt: Runtime, model: Model, { x, y, testX, testY }: ChainTask): Descent & { readonly model: Model; readonly trainError: number } {
  const trainer = new Trainer(rt, model, { inputs: x, targets: y }, { learningRate: RATE, steps: STEPS });
  const steps: number[] = [];
  const testErrors: number[] = [];
  try {
    for (;;) {
      const { step, loss, model: current } = trainer.evaluate();
      if (step % EVERY === 0) {
        const at = current();
        const test = Float64Array.from(forward(rt, at, testX).data);
        steps.push(step);
        testErrors.push(meanSquare(test, testY.data));
        if (step === STEPS) return { steps, testErrors, trainError: 2 * loss, test, model: at };
      }
      trainer.update();
    }
  } finally {
    trainer.release();
  }
}

/** The same with the kernel of the initial parameters, in closed form. */
function frozenDescent(rt: Runtime, model: Model, { x, y, testX, testY }: ChainTask, { kernel, cross }: KernelLimit): Descent {
  const steps = Array.from({ length: STEPS / EVERY + 1 }, (_, k) => k * EVERY);
  const { test } = frozenKernelTraining(rt, kernel, {
    initial: forward(rt, model, x),
    targets: y,
    learningRate: RATE,
    times: steps,
    test: { kernel: cross, initial: forward(rt, model, testX) },
  });
  const m = testX.shape[0];
  const outputs = steps.map((_, k) => (test as Tensor).data.subarray(k * m, (k + 1) * m));
  return { steps, testErrors: outputs.map((one) => meanSquare(one, testY.data)), test: Float64Array.from(outputs[outputs.length - 1]) };
}
