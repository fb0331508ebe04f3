/** @file Gradient descent beside its central flow on three networks: a smooth one that it follows, and where and why it does not. */

import { centralFlowSignature } from '../analysis/training/failure-signatures.ts';
import type { Tensor } from '../core/tensor.ts';
import { type CentralFlowState, centralFlow } from '../dynamics/central-flow.ts';
import { type CentralFlowGap, centralFlowGaps, rectifierSides } from '../dynamics/central-flow-gap.ts';
import { Trainer } from '../dynamics/train.ts';
import type { TrainingData } from '../dynamics/training-data.ts';
import { trainingLoss } from '../dynamics/training-loss.ts';
import type { Model } from '../graph/model.ts';
import { normalArray } from '../linalg/normal.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { above, below, near } from './check.ts';
import type { Check, DataTable, Figure } from './experiment-report.ts';
import { mlpSpec } from './networks.ts';

export interface FollowedFlow {
  readonly name: string;
  readonly gaps: readonly CentralFlowGap[];
}

/** The iterates of full-batch gradient descent, steps + 1 of them. */
export function* descentIterates(rt: Runtime, model: Model, data: TrainingData, learningRate: number, steps: number): Generator<Float64Array> {
  const trainer = new Trainer(rt, model, data, { learningRate, steps, firstLayer: 'weights' });
  const iterates: Float64Array[] = [];
  try {
    for (;;) {
      iterates.push(Float64Array.from(trainer.evaluate().parameters()));
      if (trainer.step === steps) break;
      trainer.update();
    }
  } finally {
    trainer.release();
  }
  yield* iterates;
}

const D = 10;
const N = 24;
const HIDDEN = 16;
const ETA = 0.4;
const STEPS = 160;
const DATA_STREAM = 5_000_000;

/** A small MLP that meets 2/η, with a smooth activation and with ReLU: the sign of x₀·x₁ of 24 normal inputs. */
export function followMlp(rt: Runtime, activation: 'Tanh' | 'ReLU', seed: number): FollowedFlow {
  const x = normalArray(rt, seed, DATA_STREAM, N * D);
  const y = Float64Array.from({ length: N }, (_, i) => (x[i * D] * x[i * D + 1] > 0 ? 1 : -1));
  const spec = mlpSpec([D, HIDDEN, 1], activation);
  const model = importSpec(spec, initializeSpec(rt, spec, { seed, dtype: 'f64' }));
  const data = { inputs: { shape: [N, D], data: x }, targets: { shape: [N, 1], data: y } };
  const loss = trainingLoss(rt, model, data);
  const flow = centralFlow(rt, loss, loss.initial, { learningRate: ETA, steps: STEPS });
  return followed(rt, `MLP ${D}–${HIDDEN}–1, ${activation}`, model, data, flow, ETA, STEPS);
}

export function followed(
  rt: Runtime,
  name: string,
  model: Model,
  data: { readonly inputs: Tensor; readonly targets: Tensor },
  flow: Iterable<CentralFlowState>,
  learningRate: number,
  steps: number,
): FollowedFlow {
  const iterates = descentIterates(rt, model, data, learningRate, steps);
  const sides = (theta: Float64Array) => rectifierSides(rt, model, data.inputs, theta);
  return { name, gaps: [...centralFlowGaps(iterates, flow, { learningRate, sides })] };
}

interface Summary {
  /** Of the midpoints from the flow: where it first predicts an oscillation, and at the end. */
  readonly start: number;
  readonly end: number;
  readonly oscillation: number;
  readonly overshoot: number;
  readonly kinks: number;
}

function summaryOf({ gaps }: FollowedFlow): Summary {
  const edge = gaps.slice(gaps.findIndex(({ oscillation }) => oscillation > 0));
  return {
    start: edge[0].distance,
    end: edge[edge.length - 1].distance,
    oscillation: Math.max(...edge.map(({ oscillation }) => oscillation)),
    overshoot: Math.max(0, ...edge.map(({ held }) => held - 1)),
    kinks: edge.reduce((sum, { kinks }) => sum + (kinks ?? 0), 0) / edge.length,
  };
}

export function gapChecks([linear, smooth, kinked]: readonly FollowedFlow[]): Check[] {
  const [a, b, c] = [linear, smooth, kinked].map(summaryOf);
  return [
    below(`${linear.name}: distance of the midpoints from the central flow at the end, over the largest √tr Σ`, a.end / a.oscillation, 1),
    near(`${linear.name}: CENTRAL_FLOW_MISMATCH`, Number(centralFlowSignature(linear.gaps) !== null), 0, 0),
    below(`${smooth.name}: most that the flow lets the sharpness exceed 2/η, relative`, b.overshoot, 1e-4),
    above(`${kinked.name}: the same, for the flow does not see kinks`, c.overshoot, 1e-3),
    above(`${kinked.name}: rectifiers that change sides in a step`, c.kinks, 0.5),
    near(`${kinked.name}: CENTRAL_FLOW_MISMATCH`, Number(centralFlowSignature(kinked.gaps) !== null), 1, 0),
  ];
}

export function gapTable(runs: readonly FollowedFlow[]): DataTable {
  return {
    title: 'Gradient descent beside its central flow',
    columns: ['network', 'distance at the edge', 'at the end', 'largest √tr Σ', 'λmax over 2/η', 'kinks a step', 'signature'],
    rows: runs.map((run) => {
      const { start, end, oscillation, overshoot, kinks } = summaryOf(run);
      return [run.name, start, end, oscillation, overshoot, kinks, centralFlowSignature(run.gaps)?.code ?? 'none'];
    }),
  };
}

export function gapFigure({ name, gaps }: FollowedFlow): Figure {
  const x = gaps.map(({ step }) => step);
  return {
    title: `Midpoints of gradient descent from the central flow: ${name}`,
    xLabel: 'step',
    yLabel: 'distance',
    xScale: 'linear',
    yScale: 'linear',
    curves: [
      { name: '‖midpoint − flow‖', mark: 'line', x, y: gaps.map(({ distance }) => distance) },
      { name: '√tr Σ', mark: 'dashed', x, y: gaps.map(({ oscillation }) => oscillation) },
    ],
    levels: [],
    bands: [],
  };
}

/** What the signature says of a run that has it. */
export function gapEvidence(runs: readonly FollowedFlow[]): string {
  return runs
    .flatMap(({ name, gaps }) => {
      const found = centralFlowSignature(gaps);
      return found === null ? [] : [`${name}: ${found.code}. ${found.evidence} ${found.advice}`];
    })
    .join(' ');
}
