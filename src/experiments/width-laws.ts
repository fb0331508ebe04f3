/** @file Experiment: how kernel, weights and activations move with width, and in which parameterization they keep moving. */

import { relativeKernelDrift } from '../alignment/kernel-distance.ts';
import { type FittedSlope, fitSlope } from '../linalg/fit-slope.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { above, near } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import type { Curve, Figure } from './experiment-report.ts';
import { type Scaling, type WidthRun, widthRun, widthTask } from './width-runs.ts';

export const widthLaws: Experiment = {
  name: 'width-laws',
  title: 'What survives infinite width',
  claim:
    'In the NTK parameterization the kernel’s fluctuation at initialization falls as width^(−½), its drift in training as 1/width, weights and activations move as width^(−½): everything freezes. In the standard parameterization a rate ∝ 1/width freezes too and a fixed rate diverges. In mean-field and maximal-update scaling, features keep moving at every width.',
  source: 'Jacot et al. 2018; Lee et al. 2019; Chizat et al. 2019; Yang and Hu 2021 (arXiv:2011.14522)',
  run,
};

const SCALINGS: readonly { readonly scaling: Scaling; readonly steps: number }[] = [
  { scaling: 'ntk', steps: 100 },
  { scaling: 'standard, rate ∝ 1/width', steps: 200 },
  { scaling: 'standard, fixed rate', steps: 50 },
  { scaling: 'mean field', steps: 100 },
  { scaling: 'maximal update', steps: 100 },
];

type Quantity = 'drift' | 'activationChange' | 'weightChange';

interface Law {
  readonly scaling: Scaling;
  readonly quantity: Quantity | 'fluctuation';
  readonly expected: number;
  readonly tolerance: number;
}

/** Slopes in log–log against width. Finite widths bend them, hence the tolerances. */
const LAWS: readonly Law[] = [
  { scaling: 'ntk', quantity: 'fluctuation', expected: -0.5, tolerance: 0.2 },
  { scaling: 'ntk', quantity: 'drift', expected: -1, tolerance: 0.3 },
  { scaling: 'ntk', quantity: 'activationChange', expected: -0.5, tolerance: 0.1 },
  { scaling: 'ntk', quantity: 'weightChange', expected: -0.5, tolerance: 0.1 },
  { scaling: 'standard, rate ∝ 1/width', quantity: 'drift', expected: -0.9, tolerance: 0.25 },
  { scaling: 'mean field', quantity: 'drift', expected: 0, tolerance: 0.2 },
  { scaling: 'mean field', quantity: 'activationChange', expected: 0, tolerance: 0.1 },
  { scaling: 'maximal update', quantity: 'drift', expected: 0, tolerance: 0.25 },
  { scaling: 'maximal update', quantity: 'activationChange', expected: 0, tolerance: 0.1 },
];

function run(context: ExperimentContext): Findings {
  const { rt, seed, size, progress } = context;
  const [widths, repeats] = size === 'full' ? [[64, 128, 256, 512, 1024, 2048], 5] : [[64, 128, 256, 512], 2];
  const task = widthTask(rt, seed);
  const runs = new Map(
    SCALINGS.map(({ scaling, steps }, index): [Scaling, WidthRun[]] => [
      scaling,
      widths.flatMap((width) => {
        progress((index + width / widths[widths.length - 1] / 2) / SCALINGS.length, `${scaling}, width ${width}`);
        return Array.from({ length: repeats }, (_, repeat) => widthRun(rt, task, scaling, { width, seed: repeats * seed + repeat, steps }));
      }),
    ]),
  );
  const of = (scaling: Scaling) => (runs.get(scaling) as WidthRun[]).filter(({ diverged }) => !diverged);
  const fits = LAWS.map((law) => ({ law, fit: slopeOf(rt, law, of(law.scaling)) }));
  const widest = (runs.get('standard, fixed rate') as WidthRun[]).filter(({ width }) => width === widths[widths.length - 1]);
  const slope = (scaling: Scaling, quantity: Law['quantity']) =>
    fits.find(({ law }) => law.scaling === scaling && law.quantity === quantity)?.fit.slope.toFixed(2);
  return {
    settings: [
      {
        name: 'task',
        value: `${task.inputs.shape[0]} unit vectors in ${task.inputs.shape[1]} dimensions, labels ±1 at random, outputs counted from the initial ones`,
      },
      { name: 'network', value: 'two hidden layers (mean field: one), tanh, no biases' },
      { name: 'widths', value: widths.join(', ') },
      { name: 'initializations of each', value: repeats },
    ],
    checks: [
      ...fits.map(({ law, fit }) =>
        near(`${law.scaling}: slope of ${NAMES[law.quantity]} (± ${fit.standardError.toFixed(3)})`, fit.slope, law.expected, law.tolerance),
      ),
      near(
        `standard, fixed rate: runs that diverge at width ${widths[widths.length - 1]}`,
        widest.filter(({ diverged }) => diverged).length,
        repeats,
        0,
      ),
      above(
        'maximal update: mean drift at the largest width',
        mean(of('maximal update').filter(({ width }) => width === widths[widths.length - 1])),
        0.5,
      ),
    ],
    conclusion: `Against width, the kernel’s drift has slope ${slope('ntk', 'drift')} in the NTK parameterization, ${slope('standard, rate ∝ 1/width', 'drift')} in the standard one with a rate ∝ 1/width, ${slope('mean field', 'drift')} in mean field and ${slope('maximal update', 'drift')} in maximal update: only the last two learn features at any width. A fixed rate in the standard parameterization diverges.`,
    figures: [
      figure('Drift of the kernel', '‖Θ − Θ₀‖/‖Θ₀‖', 'drift', of),
      figure('Change of the last hidden pre-activation', 'RMS of h − h₀', 'activationChange', of),
      figure('Change of the first weight', '‖W − W₀‖/‖W₀‖', 'weightChange', of),
    ],
    tables: [
      {
        title: 'Every run',
        columns: ['parameterization', 'width', 'seed', 'drift', 'Δh', '‖ΔW‖/‖W‖', 'final loss'],
        rows: SCALINGS.flatMap(({ scaling }) =>
          (runs.get(scaling) as WidthRun[]).map((entry) => [
            scaling,
            entry.width,
            entry.seed,
            entry.diverged ? 'diverged' : entry.drift.toPrecision(3),
            finite(entry.activationChange),
            finite(entry.weightChange),
            finite(entry.loss),
          ]),
        ),
      },
    ],
  };
}

const NAMES: Readonly<Record<Law['quantity'], string>> = {
  fluctuation: 'the kernel’s fluctuation at initialization',
  drift: 'the kernel’s drift',
  activationChange: 'Δh',
  weightChange: 'relative ΔW of the first weight',
};

function slopeOf(rt: Runtime, { quantity }: Law, runs: readonly WidthRun[]): FittedSlope {
  if (quantity !== 'fluctuation')
    return fitSlope(
      rt,
      runs.map(({ width }) => width),
      runs.map((entry) => entry[quantity]),
    );
  // Distance of the kernels of two initializations of one width.
  const pairs = runs.flatMap((a) => runs.filter((b) => a.width === b.width && a.seed < b.seed).map((b) => ({ a, b })));
  return fitSlope(
    rt,
    pairs.map(({ a }) => a.width),
    pairs.map(({ a, b }) => relativeKernelDrift(a.initialKernel, b.initialKernel)),
  );
}

function figure(title: string, yLabel: string, quantity: Quantity, of: (scaling: Scaling) => readonly WidthRun[]): Figure {
  const curves = SCALINGS.map(({ scaling }): Curve => {
    const widths = [...new Set(of(scaling).map(({ width }) => width))];
    const y = widths.map((width) =>
      meanOf(
        of(scaling)
          .filter((entry) => entry.width === width)
          .map((entry) => entry[quantity]),
      ),
    );
    return { name: scaling, mark: 'line-points', x: widths, y };
  }).filter(({ x }) => x.length > 0);
  return { title, xLabel: 'width', yLabel, xScale: 'log', yScale: 'log', curves, levels: [], bands: [] };
}

function mean(runs: readonly WidthRun[]): number {
  return meanOf(runs.map(({ drift }) => drift));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
