/** @file Experiment: the edge of stability of a two-layer linear network raises kernel-target alignment, through the quadratic terms. */

import { kernelTargetAlignment } from '../alignment/kernel-target-alignment.ts';
import { gradientFlow } from '../dynamics/gradient-flow.ts';
import { type PhaseSegment, periodTwoOscillation, signFlipRate, smoothSeries, stabilityPhases } from '../dynamics/stability-phases.ts';
import { Trainer } from '../dynamics/train.ts';
import { trainingLoss } from '../dynamics/training-loss.ts';
import {
  type TwoLayerLinearOptions,
  type TwoLayerLinearProblem,
  type TwoLayerLinearState,
  twoLayerLinearDescent,
} from '../dynamics/two-layer-linear.ts';
import { empiricalNtk } from '../ntk/empirical-ntk.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { above, below, near } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import type { Check, DataTable, Figure } from './experiment-report.ts';
import { linearNetRows } from './linear-net-reference.ts';
import { alignmentOf, linearModel, linearTask, rankOneTask } from './linear-network.ts';

const ETA = 0.12;
const STEPS = 1000;

export const linearNet: Experiment = {
  name: 'linear-net',
  title: 'Two-layer linear network at the edge of stability',
  claim:
    'Once the sharpness reaches 2/η, the phases in which it falls (III and IV) raise the alignment of the kernel with the target: the quadratic terms of the step make ‖v‖² grow against c², and without them nothing stabilizes.',
  source: 'Understanding the Evolution of the Neural Tangent Kernel at the Edge of Stability (2025), arXiv:2507.12837',
  run,
};

function run({ rt, size, progress }: ExperimentContext): Findings {
  progress(0, 'gradient descent at η = 0.12');
  const task = linearTask(rt, 10);
  const states = [...twoLayerLinearDescent(rt, task, { learningRate: ETA, steps: STEPS })];
  const alignment = states.map((state) => alignmentOf(rt, task, state));
  const sharpness = states.map((state) => state.sharpness);
  const phases = stabilityPhases(sharpness, { threshold: 2 / ETA, hysteresis: 0, follow: alignment }).slice(0, 4);
  progress(0.3, 'learning rates');
  const sweep = learningRates(rt, size);
  progress(0.7, 'rank-one model');
  const rankOne = rankOneModel(rt);
  progress(0.9, 'without the quadratic terms');
  const ablation = withoutQuadraticTerms(rt);
  const [, , third, fourth] = phases;
  return {
    settings: [
      { name: 'data', value: '20 normal inputs of dimension 30, y = 4·Xw' },
      { name: 'network', value: 'x·W1·w2, 10 hidden units, initial weights 0.05·N(0, 1)' },
      { name: 'loss', value: '1/(2n)·Σ(f − y)²' },
      { name: 'learning rate', value: ETA },
    ],
    checks: [
      ...traceChecks(states, alignment),
      ...ledgerChecks(states),
      ...libraryChecks(rt, task, states, alignment),
      ...phaseChecks(phases),
      near('sign flips of ⟨E, q₁⟩ per step, steps 5–300', signFlipRate(states.slice(5, 301).map(({ ledger }) => ledger.errorAlongTop)), 1, 0),
      above('share of steps in a period-2 oscillation of the sharpness', periodTwoOscillation(sharpness).fraction, 0.3),
      ...sweep.checks,
      ...rankOne.checks,
      ...ablation.checks,
    ],
    conclusion: `Sharpness reaches 2/η at step 13. From there phases III and IV raise the smoothed alignment by ${(third.change + fourth.change).toFixed(4)}, phase II by ${phases[1].change.toFixed(4)}. Final alignment grows from ${sweep.first.toFixed(3)} to ${sweep.last.toFixed(3)} with the learning rate. Without the quadratic terms the run at the same rate never stabilizes: sharpness alternates between ${ablation.low.toFixed(2)} and ${ablation.high.toFixed(2)}.`,
    figures: [...traceFigures(states, alignment, phases), ...sweep.figures],
    tables: [phaseTable(phases), ...sweep.tables, rankOne.table],
  };
}

/** Against numpy: to 1e-8 while rounding has not grown, to 1e-5 after. */
function traceChecks(states: readonly TwoLayerLinearState[], alignment: readonly number[]): Check[] {
  const error = (from: number, to: number) => {
    const rows = linearNetRows.filter(([step]) => step >= from && step <= to);
    return Math.max(
      ...rows.flatMap(([step, loss, sharp, kta, v2, c2]) => {
        const { ledger, ...state } = states[step];
        return [state.loss / loss, state.sharpness / sharp, alignment[step] / kta, ledger.v2 / v2, ledger.c2 / c2].map((ratio) =>
          Math.abs(ratio - 1),
        );
      }),
    );
  };
  return [
    below('loss, sharpness, KTA and norms of steps 0–50, relative error', error(0, 50), 1e-8),
    below('the same of steps 51–1000', error(51, STEPS), 1e-5),
  ];
}

/** ‖W1⁺‖² and ‖w2⁺‖² are the sums of the ledger's terms. */
function ledgerChecks(states: readonly TwoLayerLinearState[]): Check[] {
  let worst = 0;
  for (let t = 0; t + 1 < states.length; t++) {
    const { v2, c2, linearTerm, quadraticTermV, quadraticTermC } = states[t].ledger;
    const next = states[t + 1].ledger;
    worst = Math.max(worst, Math.abs((v2 + linearTerm + quadraticTermV) / next.v2 - 1), Math.abs((c2 + linearTerm + quadraticTermC) / next.c2 - 1));
  }
  return [below('exact norm updates, largest relative error over 1000 steps', worst, 1e-12)];
}

/** The general trainer, kernel and alignment on the same network give the same 50 steps. */
function libraryChecks(rt: Runtime, task: TwoLayerLinearProblem, states: readonly TwoLayerLinearState[], alignment: readonly number[]): Check[] {
  const trainer = new Trainer(rt, linearModel(task), { inputs: task.x, targets: task.y }, { learningRate: ETA, steps: 50 });
  let worst = 0;
  try {
    for (let step = 0; step <= 50; step++) {
      const state = trainer.evaluate();
      const kta = kernelTargetAlignment(rt, empiricalNtk(rt, state.model(), task.x, { outputs: 'trace' }), task.y);
      worst = Math.max(worst, Math.abs(state.loss / states[step].loss - 1), Math.abs(kta / alignment[step] - 1));
      trainer.update();
    }
  } finally {
    trainer.release();
  }
  return [below('train and empiricalNtk against the closed form, steps 0–50, relative error', worst, 1e-9)];
}

const EXPECTED_PHASES = [
  ['I', 0, 12, 0.17, 5e-4],
  ['II', 13, 24, 0.0002, 5e-5],
  ['III', 25, 56, 0.0044, 5e-5],
  ['IV', 57, 355, 0.0126, 5e-5],
] as const;

function phaseChecks(phases: readonly PhaseSegment[]): Check[] {
  return EXPECTED_PHASES.flatMap(([phase, start, end, change, tolerance], k) => {
    const found: PhaseSegment | undefined = phases[k]?.phase === phase ? phases[k] : undefined;
    return [
      near(`phase ${phase}: first index of the smoothed sharpness`, found?.start ?? Number.NaN, start, 0),
      near(`phase ${phase}: last index`, found?.end ?? Number.NaN, end, 0),
      near(`phase ${phase}: change of the smoothed KTA`, found?.change ?? Number.NaN, change, tolerance),
    ];
  });
}

interface SweepPoint {
  readonly rate: number;
  /** Final KTA of the reference. */
  readonly expected: number;
}

/** Final alignment after the loss has converged, per factor of the targets. */
const SWEEPS: readonly { readonly factor: number; readonly points: readonly SweepPoint[] }[] = [
  {
    factor: 4,
    points: [
      { rate: 0.05, expected: 0.524 },
      { rate: 0.1, expected: 0.528 },
      { rate: 0.113, expected: 0.53 },
      { rate: 0.116, expected: 0.535 },
      { rate: 0.12, expected: 0.577 },
      { rate: 0.122, expected: 0.608 },
    ],
  },
  {
    factor: 1,
    points: [
      { rate: 0.4, expected: 0.538 },
      { rate: 0.45, expected: 0.54 },
      { rate: 0.47, expected: 0.549 },
      { rate: 0.48, expected: 0.576 },
      { rate: 0.49, expected: 0.614 },
    ],
  },
];

function learningRates(rt: Runtime, size: 'default' | 'full') {
  const steps = size === 'full' ? 10_000 : 1500;
  const results = SWEEPS.map(({ factor, points }) => {
    const task = linearTask(rt, 10, factor);
    const final = points.map(({ rate }) => lastOf(rt, task, { learningRate: rate, steps }));
    return { factor, points, final, kta: final.map((state) => alignmentOf(rt, task, state)) };
  });
  const cycle = lastOf(rt, linearTask(rt, 10), { learningRate: 0.13, steps });
  const diverged = lastOf(rt, linearTask(rt, 10, 1), { learningRate: 0.8, steps });
  const checks = [
    ...results.flatMap(({ factor, points, kta }) =>
      points.map(({ rate, expected }, k) => near(`y×${factor}, η = ${rate}: final KTA`, kta[k], expected, 6e-4)),
    ),
    ...results.map(({ factor, kta }) => below(`y×${factor}: largest fall of the final KTA from one rate to the next`, largestFall(kta), 1e-4)),
    above('y×4, η = 0.13: a limit cycle, loss at the end', cycle.loss, 1e-2),
    // chaotic before it diverges: the step depends on rounding (numpy: 141 to 143)
    below('y×1, η = 0.8: step at which it diverges', diverged.step + 1, 500),
  ];
  const tables: DataTable[] = results.map(({ factor, points, final, kta }) => ({
    title: `Final alignment against the learning rate, y×${factor}`,
    columns: ['η', '2/η', 'loss', 'λmax(Θ)/n', 'KTA', 'KTA, reference'],
    rows: points.map(({ rate, expected }, k) => [rate, 2 / rate, final[k].loss, final[k].sharpness, kta[k], expected]),
  }));
  const figures: Figure[] = results.map(({ factor, points, kta }) => ({
    title: `Final KTA against the learning rate, y×${factor}`,
    xLabel: 'learning rate',
    yLabel: 'KTA',
    xScale: 'linear',
    yScale: 'linear',
    curves: [{ name: 'KTA', mark: 'line-points', x: points.map(({ rate }) => rate), y: kta }],
    levels: [],
    bands: [],
  }));
  const [first] = results;
  return { checks, tables, figures, first: first.kta[0], last: first.kta[first.kta.length - 1] };
}

const RANK_ONE: readonly (readonly [rate: number, kta: number])[] = [
  [0.02, 0.519787],
  [0.1, 0.524592],
  [0.115, 0.527586],
  [0.118, 0.556386],
  [0.12, 0.577879],
  [0.122, 0.609442],
];

function rankOneModel(rt: Runtime): { checks: Check[]; table: DataTable } {
  const task = rankOneTask(rt);
  const loss = trainingLoss(rt, linearModel(task), { inputs: task.x, targets: task.y });
  let flow = loss.initial;
  // small steps while the weights grow, longer ones to the end
  for (const state of gradientFlow(rt, loss, flow, { steps: 20, maxStep: 0.005 })) flow = state.theta;
  for (const state of gradientFlow(rt, loss, flow, { steps: 100, alpha: 0.5 })) flow = state.theta;
  const d = flow.length - 1;
  const at = flowState(rt, task, flow);
  const runs = RANK_ONE.map(([rate]) => lastOf(rt, task, { learningRate: rate, steps: rate < 0.1 ? 5000 : 3000 }));
  const kta = runs.map((state) => alignmentOf(rt, task, state));
  const [, , , at118, at120, at122] = runs;
  return {
    checks: [
      near('gradient flow: KTA', alignmentOf(rt, task, at), 0.519024, 2e-6),
      near('gradient flow: λmax(Θ)/n', at.sharpness, 17.57683, 2e-5),
      near('gradient flow: ‖v‖²', at.ledger.v2, 3.088614, 2e-6),
      below('gradient flow: drift of ‖v‖² − c²', Math.abs(at.ledger.v2 - flow[d] * flow[d]), 1e-6),
      ...RANK_ONE.map(([rate, expected], k) => near(`gradient descent, η = ${rate}: KTA`, kta[k], expected, 2e-5)),
      near('η = 0.118: λmax(Θ)/n', at118.sharpness, 16.8353, 1e-3),
      near('η = 0.12: λmax(Θ)/n', at120.sharpness, 16.5751, 1e-4),
      near('η = 0.12: ‖v‖²', at120.ledger.v2, 3.67365, 1e-4),
      near('η = 0.12: c²', at120.ledger.c2, 2.5966, 1e-4),
      near('η = 0.122: λmax(Θ)/n', at122.sharpness, 16.3512, 1e-3),
    ],
    table: {
      title: 'Rank-one model, final state',
      columns: ['η', 'KTA', 'λmax(Θ)/n', '‖v‖²', 'c²', 'α'],
      rows: [
        ['gradient flow', alignmentOf(rt, task, at), at.sharpness, at.ledger.v2, at.ledger.c2, at.ledger.alpha],
        ...runs.map(({ sharpness, ledger }, k) => [RANK_ONE[k][0], kta[k], sharpness, ledger.v2, ledger.c2, ledger.alpha]),
      ],
    },
  };
}

/** What the ledger says of the flow's parameters (v, c). */
function flowState(rt: Runtime, task: TwoLayerLinearProblem, theta: Float64Array): TwoLayerLinearState {
  const d = theta.length - 1;
  const moved = { ...task, w1: { shape: [d, 1], data: theta.slice(0, d) }, w2: { shape: [1], data: theta.slice(d) } };
  return lastOf(rt, moved, { learningRate: 1, steps: 0 });
}

function withoutQuadraticTerms(rt: Runtime): { checks: Check[]; low: number; high: number } {
  const task = rankOneTask(rt);
  const edge = [...twoLayerLinearDescent(rt, task, { learningRate: 0.12, steps: 1001, quadraticTerms: 'removed' })];
  const [even, odd] = edge.slice(-2);
  const smooth = smoothSeries(edge.slice(-200).map((state) => state.sharpness));
  const stable = lastOf(rt, task, { learningRate: 0.1, steps: 1000, quadraticTerms: 'removed' });
  return {
    low: even.sharpness,
    high: odd.sharpness,
    checks: [
      near('ablation, η = 0.12: KTA on the odd steps of its 2-cycle', alignmentOf(rt, task, odd), 0.5379, 1e-4),
      near('ablation, η = 0.12: λmax(Θ)/n on the odd steps', odd.sharpness, 19.33, 5e-3),
      near('ablation, η = 0.12: loss on the odd steps', odd.loss, 0.17, 5e-3),
      above('ablation, η = 0.12: smoothed sharpness at the end against 2/η', smooth[smooth.length - 1], 2 / 0.12),
      above('ablation, η = 0.12: loss never converges', Math.min(even.loss, odd.loss), 0.1),
      near('ablation, η = 0.10: KTA is that of gradient flow', alignmentOf(rt, task, stable), 0.519069, 2e-6),
      near('ablation, η = 0.10: λmax(Θ)/n', stable.sharpness, 17.5757, 1e-4),
    ],
  };
}

function phaseTable(phases: readonly PhaseSegment[]): DataTable {
  return {
    title: 'Phases of the smoothed sharpness; index i averages steps i, i + 1 and i + 2',
    columns: ['phase', 'first', 'last', 'ΔKTA'],
    rows: phases.map(({ phase, start, end, change }) => [phase, start, end, change]),
  };
}

function traceFigures(states: readonly TwoLayerLinearState[], alignment: readonly number[], phases: readonly PhaseSegment[]): Figure[] {
  const shown = states.slice(0, 401);
  const x = shown.map(({ step }) => step);
  const bands = phases.map(({ phase, start, end }) => ({ name: phase, from: start + 1, to: Math.min(end + 2, 400) }));
  const figure = (title: string, yLabel: string, y: readonly number[], yScale: 'linear' | 'log', levels: Figure['levels'] = []): Figure => ({
    title,
    xLabel: 'step',
    yLabel,
    xScale: 'linear',
    yScale,
    curves: [{ name: yLabel, mark: 'line', x, y: y.slice(0, x.length) }],
    levels,
    bands,
  });
  return [
    figure(
      'Sharpness against 2/η',
      'λmax(Θ)/n',
      shown.map(({ sharpness }) => sharpness),
      'linear',
      [{ name: '2/η', value: 2 / ETA }],
    ),
    figure('Kernel-target alignment', 'KTA', alignment, 'linear'),
    figure(
      'Ratio of the norms',
      'α = ‖W1‖²/‖w2‖²',
      shown.map(({ ledger }) => ledger.alpha),
      'log',
    ),
    figure(
      'Loss',
      'loss',
      shown.map(({ loss }) => loss),
      'log',
    ),
  ];
}

function lastOf(rt: Runtime, task: TwoLayerLinearProblem, options: TwoLayerLinearOptions): TwoLayerLinearState {
  let last: TwoLayerLinearState | undefined;
  for (const state of twoLayerLinearDescent(rt, task, { ...options, every: Number.POSITIVE_INFINITY })) last = state;
  return last as TwoLayerLinearState;
}

function largestFall(values: readonly number[]): number {
  return Math.max(...values.slice(1).map((value, k) => values[k] - value));
}
