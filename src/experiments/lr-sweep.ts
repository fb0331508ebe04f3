/** @file Experiment: larger learning rates end with a better aligned kernel, once 2/η is below the sharpness, at equal loss. */

import type { Dtype, Tensor } from '../core/tensor.ts';
import type { TrainingData } from '../dynamics/training-data.ts';
import type { Model } from '../graph/model.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { above, below, near } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import type { Check, Curve, DataTable, Figure } from './experiment-report.ts';
import { fashionPair } from './fashion.ts';
import { kernelState } from './kernel-state.ts';
import { mulberryNormals } from './mulberry.ts';
import { imageMlpSpec, mlpSpec, type NetworkSpec, vggSpec, vitSpec } from './networks.ts';
import { concordance, type Sweep, type SweptRate, sweepTrackers, sweptRates } from './swept-rates.ts';

export const lrSweep: Experiment = {
  name: 'lr-sweep',
  title: 'Large learning rates align the kernel',
  claim:
    'Trained to the same loss by full-batch gradient descent, a network ends with a tangent kernel that is better aligned with its targets the larger the learning rate, once 2/η is below the sharpness; the leading eigenvectors take over the targets. On fully connected networks, vision transformers and VGG alike.',
  source: 'Understanding the Evolution of the Neural Tangent Kernel at the Edge of Stability, 2025, arXiv:2507.12837',
  sweeps: true,
  run,
};

/** Leading eigenvectors that are plotted, as in the source. */
const LEADING = 20;

interface Case {
  readonly name: string;
  readonly spec: NetworkSpec;
  /** Factor of torch.nn's initial weights; ReLU networks of some depth start better from larger ones. Biases then start at 0. */
  readonly gain: number;
  /** Ascending; at the first the run stays below 2/η, at the others it does not. */
  readonly rates: readonly number[];
  readonly stopLoss: number;
  readonly maxSteps: number;
  readonly dtype: Dtype;
}

function cases(size: ExperimentContext['size']): Case[] {
  const [side, width] = size === 'full' ? [28, 4] : [14, 1];
  return [
    {
      name: 'MLP',
      spec: imageMlpSpec(side, 64 * width),
      gain: 1,
      rates: [0.01, 0.03, 0.07, 0.12, 0.2],
      stopLoss: 0.02,
      maxSteps: 6000,
      dtype: 'f64',
    },
    { name: 'ViT', spec: vitSpec(side, 16 * width), gain: 1, rates: [0.005, 0.02, 0.05, 0.08, 0.12], stopLoss: 0.05, maxSteps: 3000, dtype: 'f64' },
    { name: 'VGG', spec: vggSpec(side, 8 * width), gain: 2, rates: [0.002, 0.01, 0.02, 0.04, 0.08], stopLoss: 0.05, maxSteps: 4000, dtype: 'f32' },
  ];
}

async function run(context: ExperimentContext): Promise<Findings> {
  const { rt, seed, size, progress, sweep } = context;
  progress(0, 'the reference sweep');
  const reference = await referenceSweep(rt, sweep);
  const n = size === 'full' ? 256 : 64;
  const data = await fashionPair(context, n, size === 'full' ? 1 : 2);
  const swept: { readonly entry: Case; readonly runs: readonly SweptRate[] }[] = [];
  for (const entry of cases(size)) {
    progress(0.1 + 0.3 * swept.length, `${entry.name}, ${entry.rates.length} learning rates`);
    const { rates, stopLoss, maxSteps: steps, dtype } = entry;
    const options = { rates, stopLoss, steps, dtype, trackers: sweepTrackers(LEADING) };
    swept.push({ entry, runs: sweptRates(await sweep(initialModel(rt, entry, seed), data, options), n) });
  }
  return {
    settings: [
      { name: 'data', value: `Fashion-MNIST, ${n / 2} pullovers and ${n / 2} coats, ${size === 'full' ? '28 × 28' : 'averaged to 14 × 14'}` },
      { name: 'loss', value: '1/(2n)·Σ(f − y)², full batch' },
      ...swept.map(({ entry }) => ({ name: entry.name, value: `stopped at loss ${entry.stopLoss}, ${entry.dtype}` })),
      { name: 'the reference sweep', value: 'MLP 20–48–48–1, tanh, 64 examples, stopped at loss 0.005' },
    ],
    checks: [...swept.flatMap(({ entry, runs }) => shiftChecks(entry.name, runs)), ...reference.checks],
    conclusion: conclusion(swept),
    figures: [
      alignmentFigure(swept),
      ...swept.map(({ entry, runs }) => eigenvectorFigure(`${entry.name}: the targets along the ${LEADING} leading eigenvectors`, runs)),
    ],
    tables: [...swept.map(({ entry, runs }) => runTable(`${entry.name} on Fashion-MNIST`, runs)), reference.table],
  };
}

function initialModel(rt: Runtime, { spec, gain }: Case, seed: number): Model {
  const state = initializeSpec(rt, spec, { seed, dtype: 'f64' });
  if (gain === 1) return importSpec(spec, state);
  const scaled = [...state].map(([name, { shape, data }]): [string, Tensor] => [
    name,
    { shape, data: data.map((value) => (name.endsWith('bias') ? 0 : gain * value)) },
  ]);
  return importSpec(spec, new Map(scaled));
}

function shiftChecks(name: string, runs: readonly SweptRate[]): Check[] {
  const [first, last] = [runs[0], runs[runs.length - 1]];
  const reached = runs.filter((run) => run.reached).length;
  return [
    near(`${name}: runs that reach the loss`, reached, runs.length, 0),
    below(`${name}: sharpness over 2/η at the smallest rate, at its largest`, first.largestSharpness / (2 / first.rate), 1),
    above(`${name}: the same at the largest rate`, last.largestSharpness / (2 / last.rate), 1),
    above(`${name}: final KTA, largest rate over smallest`, (last.end?.kta ?? Number.NaN) / (first.end?.kta ?? Number.NaN), 1.5),
    above(`${name}: pairs of rates in which the larger has the larger KTA`, concordance(runs), 0.8),
    above(
      `${name}: share of the targets along 5 eigenvectors, largest rate minus smallest`,
      (last.end?.cumulative[4] ?? Number.NaN) - (first.end?.cumulative[4] ?? Number.NaN),
      0,
    ),
  ];
}

function conclusion(swept: readonly { entry: Case; runs: readonly SweptRate[] }[]): string {
  const parts = swept.map(({ entry, runs }) => {
    const [first, last] = [runs[0].end, runs[runs.length - 1].end];
    return `${entry.name} ${first?.kta.toFixed(3) ?? '–'} → ${last?.kta.toFixed(3) ?? '–'}`;
  });
  return `From the smallest learning rate, which stays below the edge of stability, to the largest, the final kernel-target alignment goes ${parts.join(', ')}, at the same loss.`;
}

function alignmentFigure(swept: readonly { entry: Case; runs: readonly SweptRate[] }[]): Figure {
  const curves = swept.map(
    ({ entry, runs }): Curve => ({
      name: entry.name,
      mark: 'line-points',
      x: runs.map(({ rate }) => rate),
      y: runs.map(({ end }) => end?.kta ?? null),
    }),
  );
  return {
    title: 'Kernel-target alignment at the end',
    xLabel: 'learning rate η',
    yLabel: 'KTA',
    xScale: 'log',
    yScale: 'linear',
    curves,
    levels: [],
    bands: [],
  };
}

function eigenvectorFigure(title: string, runs: readonly SweptRate[]): Figure {
  const curves = runs.map(
    ({ rate, end }): Curve => ({
      name: `η = ${rate}`,
      mark: 'line',
      x: Array.from({ length: LEADING }, (_, k) => k + 1),
      y: Array.from({ length: LEADING }, (_, k) => end?.cumulative[k] ?? null),
    }),
  );
  return {
    title,
    xLabel: 'eigenvectors k',
    yLabel: 'share of |y|² along the first k',
    xScale: 'linear',
    yScale: 'linear',
    curves,
    levels: [],
    bands: [],
  };
}

function runTable(title: string, runs: readonly SweptRate[]): DataTable {
  return {
    title,
    columns: ['η', '2/η', 'steps', 'loss', 'max λ', 'final λ', 'KTA', 'along 1', 'along 5'],
    rows: runs.map(({ rate, steps, loss, largestSharpness, end, diverged }) => [
      rate,
      2 / rate,
      diverged ? `diverged at ${steps}` : steps,
      Number.isFinite(loss) ? loss : null,
      largestSharpness,
      end?.sharpness ?? null,
      end?.kta ?? null,
      end?.cumulative[0] ?? null,
      end?.cumulative[4] ?? null,
    ]),
  };
}

/** η, steps, final λmax(Θ)/n, KTA, share along the first and the first five eigenvectors; to the digits that were reference. */
const REFERENCE = [
  [0.02, 837, 6.21, 0.2777, 0.3779, 0.5075],
  [0.2, 85, 6.12, 0.2771, 0.377, 0.506],
  [0.4, 44, 5.89, 0.2755, 0.3773, 0.5058],
  [0.5, 44, 4.2, 0.2697, 0.0053, 0.5789],
  [0.6, 50, 2.97, 0.2935, 0.1856, 0.7132],
  [0.8, 52, 2.27, 0.3239, 0.5488, 0.8709],
] as const;

/** A set-up fixed in every number: independent implementations agree on the rows below the edge, and on these at it. */
export async function referenceSweep(rt: Runtime, sweep: Sweep): Promise<{ checks: Check[]; table: DataTable }> {
  const { model, data } = referenceTask(rt);
  const start = kernelState(rt, model, data.inputs, data.targets).kta;
  const rates = REFERENCE.map(([rate]) => rate);
  const runs = sweptRates(await sweep(model, data, { rates, stopLoss: 5e-3, steps: 2000, trackers: sweepTrackers(5) }), N);
  const checks = runs.flatMap(({ rate, steps, end }, row) => {
    const [, wantedSteps, sharpness, kta, first, five] = REFERENCE[row];
    return [
      near(`reference sweep, η = ${rate}: steps`, steps, wantedSteps, 0),
      near(`reference sweep, η = ${rate}: λ`, end?.sharpness ?? Number.NaN, sharpness, 0.006),
      near(`reference sweep, η = ${rate}: KTA`, end?.kta ?? Number.NaN, kta, 6e-5),
      near(`reference sweep, η = ${rate}: along 1`, end?.cumulative[0] ?? Number.NaN, first, 6e-5),
      near(`reference sweep, η = ${rate}: along 5`, end?.cumulative[4] ?? Number.NaN, five, 6e-5),
    ];
  });
  return { checks: [near('reference sweep: KTA before training', start, 0.19916, 6e-6), ...checks], table: runTable('The reference sweep', runs) };
}

const D = 20;
const N = 64;

function referenceTask(rt: Runtime): { model: Model; data: TrainingData } {
  const [x, w, v] = [mulberryNormals(rt, 21, N * D), mulberryNormals(rt, 22, D), mulberryNormals(rt, 23, D)];
  const targets = new Float64Array(N);
  const inputs = new Float64Array(N * D);
  for (let i = 0; i < N; i++) {
    const row = x.subarray(i * D, (i + 1) * D);
    const project = (direction: Float64Array) => row.reduce((sum, value, k) => sum + value * direction[k], 0) / Math.sqrt(D);
    targets[i] = Math.sign(project(w) + 0.8 * project(v) * project(v) - 0.6);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let k = 0; k < D; k++) inputs[i * D + k] = (row[k] * Math.sqrt(D)) / norm;
  }
  const widths = [D, 48, 48, 1];
  const state = new Map<string, Tensor>();
  for (let l = 0; l < 3; l++) {
    const [fanIn, fanOut] = [widths[l], widths[l + 1]];
    state.set(`fc${l}.weight`, {
      shape: [fanOut, fanIn],
      data: mulberryNormals(rt, 31 + l, fanIn * fanOut).map((value) => value / Math.sqrt(fanIn)),
    });
    state.set(`fc${l}.bias`, { shape: [fanOut], data: new Float64Array(fanOut) });
  }
  return {
    model: importSpec(mlpSpec(widths, 'Tanh'), state),
    data: { inputs: { shape: [N, D], data: inputs }, targets: { shape: [N, 1], data: targets } },
  };
}
