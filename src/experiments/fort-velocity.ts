/** @file Experiment: the kernel moves fast at first and slowly after, and the kernel of a later time learns better. */

import { kernelDistance, kernelVelocity } from '../alignment/kernel-distance.ts';
import type { Tensor } from '../core/tensor.ts';
import { Trainer } from '../dynamics/train.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type ChainTask, chainTask } from './chain-monomial.ts';
import { above, below } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import type { Curve, Figure } from './experiment-report.ts';
import { kernelLimit, RIDGE } from './kernel-limit.ts';
import { smallStart } from './small-start.ts';

export const fortVelocity: Experiment = {
  name: 'fort-velocity',
  title: 'The kernel sets early, then drifts',
  claim:
    'In training, the tangent kernel turns fast at first and then slows down by orders of magnitude without coming to rest; learning with the kernel of a later time is better than with that of the initialization, and approaches the network itself.',
  source: 'Fort et al. 2020, Deep learning versus kernel learning, arXiv:2010.15110',
  run,
};

const TIMES = [0, 5, 10, 20, 40, 80, 160, 320, 640];
const RATE = 0.3;

interface Moment {
  readonly step: number;
  readonly kernel: Tensor;
  /** Test error of the network linearized here and trained to convergence, and of the network here. */
  readonly kernelError: number;
  readonly networkError: number;
}

function run({ rt, seed, size, progress }: ExperimentContext): Findings {
  const [n, d, width] = size === 'full' ? [1024, 32, 128] : [384, 16, 64];
  const task = chainTask(rt, { seed, n, m: 500, d, order: 5 });
  const model = smallStart(rt, { d, width, scale: 0.3, seed });
  const moments: Moment[] = [];
  const trainer = new Trainer(rt, model, { inputs: task.x, targets: task.y }, { learningRate: RATE, steps: TIMES[TIMES.length - 1], dtype: 'f32' });
  try {
    while (moments.length < TIMES.length) {
      const { step, model: current } = trainer.evaluate();
      if (step === TIMES[moments.length]) {
        progress(moments.length / TIMES.length, `step ${step}`);
        moments.push(momentOf(rt, current(), task, step));
      }
      trainer.update();
    }
  } finally {
    trainer.release();
  }
  const between = moments.slice(1);
  const velocities = between.map(({ step, kernel }, k) => kernelVelocity(moments[k].kernel, kernel, step - moments[k].step));
  const fastest = Math.max(...velocities);
  const last = velocities[velocities.length - 1];
  const [first, final] = [moments[0], moments[moments.length - 1]];
  return {
    settings: [
      { name: 'task', value: `chain monomial of order 5, ${d} normal inputs, ${n} examples, 500 to test on` },
      { name: 'network', value: `${d}–${width}–${width}–1, ReLU, weights normal with variance 0.3²/fan_in, η = ${RATE}` },
      { name: 'kernel learning', value: `from the outputs at time t, with Θ_t, ridge ${RIDGE} of the mean eigenvalue` },
    ],
    checks: [
      above('velocity: fastest over last', fastest / last, 10),
      above('velocity at the end: it does not come to rest', last, 1e-6),
      above('distance of the final kernel from the initial one', kernelDistance(first.kernel, final.kernel), 0.2),
      below('test error of learning with Θ_t, last over first', final.kernelError / first.kernelError, 0.5),
      below('the same, at step 160', (moments.find(({ step }) => step === 160)?.kernelError ?? Number.NaN) / first.kernelError, 0.7),
      below(
        '|kernel − network| test error at the end, over the initial kernel’s',
        Math.abs(final.kernelError - final.networkError) / first.kernelError,
        0.2,
      ),
    ],
    conclusion: `The kernel’s velocity falls from ${fastest.toExponential(1)} to ${last.toExponential(1)} per step. Learning with the initial kernel leaves a test error of ${first.kernelError.toFixed(2)}, with that of step ${final.step} ${final.kernelError.toFixed(3)}; the network itself has ${final.networkError.toFixed(3)} there.`,
    figures: [velocityFigure(between, velocities), errorFigure(moments)],
    tables: [
      {
        title: 'Kernels over training',
        columns: ['step', 'velocity', 'distance from initial', 'test error with Θ_t', 'test error of the network'],
        rows: moments.map(({ step, kernel, kernelError, networkError }, k) => [
          step,
          k === 0 ? null : velocities[k - 1],
          kernelDistance(first.kernel, kernel),
          kernelError,
          networkError,
        ]),
      },
    ],
  };
}

function momentOf(rt: Runtime, model: Model, task: ChainTask, step: number): Moment {
  const { kernel, testError, networkError } = kernelLimit(rt, model, task);
  return { step, kernel, kernelError: testError, networkError };
}

function velocityFigure(between: readonly Moment[], velocities: readonly number[]): Figure {
  const curve: Curve = { name: 'kernel velocity', mark: 'line-points', x: between.map(({ step }) => step), y: velocities };
  return {
    title: 'How fast the kernel turns',
    xLabel: 'step',
    yLabel: 'kernel distance per step',
    xScale: 'log',
    yScale: 'log',
    curves: [curve],
    levels: [],
    bands: [],
  };
}

function errorFigure(moments: readonly Moment[]): Figure {
  const x = moments.map(({ step }) => Math.max(2, step));
  return {
    title: 'Learning with the kernel of time t',
    xLabel: 'time t (step)',
    yLabel: 'test error',
    xScale: 'log',
    yScale: 'linear',
    curves: [
      { name: 'kernel of time t', mark: 'line-points', x, y: moments.map(({ kernelError }) => kernelError) },
      { name: 'network at time t', mark: 'dashed', x, y: moments.map(({ networkError }) => networkError) },
    ],
    levels: [],
    bands: [],
  };
}
