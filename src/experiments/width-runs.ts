/** @file One task at many widths, in each parameterization: how far kernel, weights and activations move in training. */

import { relativeKernelDrift } from '../alignment/kernel-distance.ts';
import { TangedgeError } from '../core/errors.ts';
import { rademacherArray } from '../core/random.ts';
import type { Tensor } from '../core/tensor.ts';
import { Trainer } from '../dynamics/train.ts';
import { relativeWeightChange } from '../features/nfa-correlation.ts';
import { forward } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import { nodeValues, preactivationsOf } from '../graph/node-values.ts';
import { normalArray } from '../linalg/normal.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import { empiricalNtk } from '../ntk/empirical-ntk.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { mlpSpec, type NetworkSpec } from './networks.ts';

export type Scaling = 'ntk' | 'standard, rate ∝ 1/width' | 'standard, fixed rate' | 'mean field' | 'maximal update';

export interface WidthRun {
  readonly width: number;
  readonly seed: number;
  readonly diverged: boolean;
  /** ‖Θ_T − Θ_0‖/‖Θ_0‖ */
  readonly drift: number;
  /** RMS over units and examples of the change of the last hidden pre-activation. */
  readonly activationChange: number;
  /** ‖W − W₀‖/‖W₀‖ of the first weight. */
  readonly weightChange: number;
  readonly loss: number;
  readonly initialKernel: Tensor;
}

export interface WidthTask {
  /** [n, d], unit rows. */
  readonly inputs: Tensor;
  /** [n, 1], ±1 at random. */
  readonly targets: Tensor;
}

const INPUTS = 3_000_000;
const LABELS = 3_000_001;

export function widthTask(rt: Runtime, seed: number, n = 16, d = 8): WidthTask {
  const data = normalArray(rt, seed, INPUTS, n * d);
  for (let i = 0; i < n; i++) {
    const row = data.subarray(i * d, (i + 1) * d);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let k = 0; k < d; k++) row[k] /= norm;
  }
  return { inputs: { shape: [n, d], data }, targets: { shape: [n, 1], data: rademacherArray(seed, LABELS, n) } };
}

/** Trains `steps` steps towards targets that count from the initial outputs (so f starts at 0 in effect). */
export function widthRun(
  rt: Runtime,
  { inputs, targets }: WidthTask,
  scaling: Scaling,
  { width, seed, steps }: { width: number; seed: number; steps: number },
): WidthRun {
  const { spec, rate, rateFactors } = scaledNetwork(scaling, inputs.shape[1], width);
  const initial = importSpec(spec, initializeSpec(rt, spec, { seed, dtype: 'f64' }));
  const start = forward(rt, initial, inputs).data;
  const shifted: Tensor = { shape: targets.shape, data: targets.data.map((value, i) => value + start[i]) };
  const initialKernel = empiricalNtk(rt, initial, inputs, { outputs: 'trace' });
  const lost = {
    width,
    seed,
    diverged: true,
    drift: Number.NaN,
    activationChange: Number.NaN,
    weightChange: Number.NaN,
    loss: Number.NaN,
    initialKernel,
  };
  const trainer = new Trainer(rt, initial, { inputs, targets: shifted }, { learningRate: rate, rateFactors, steps });
  let end: { readonly model: Model; readonly loss: number };
  try {
    while (trainer.step < steps) {
      trainer.evaluate();
      trainer.update();
    }
    const last = trainer.evaluate();
    end = { model: last.model(), loss: last.loss };
  } catch (error) {
    if (error instanceof TangedgeError && error.code === 'ERR_DIVERGED') return lost;
    throw error;
  } finally {
    trainer.release();
  }
  const weight = (model: Model) => model.parameters[0].value;
  return {
    width,
    seed,
    diverged: false,
    drift: relativeKernelDrift(initialKernel, empiricalNtk(rt, end.model, inputs, { outputs: 'trace' })),
    activationChange: rootMeanSquareChange(rt, initial, end.model, inputs),
    weightChange: relativeWeightChange(weight(end.model), weight(initial)),
    loss: end.loss,
    initialKernel,
  };
}

function rootMeanSquareChange(rt: Runtime, before: Model, after: Model, inputs: Tensor): number {
  const lastHidden = preactivationsOf(before)
    .slice(-2, -1)
    .map(({ id }) => id);
  const [[a], [b]] = [before, after].map((model) => nodeValues(rt, model, inputs, lastHidden));
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (b[i] - a[i]) * (b[i] - a[i]);
  return Math.sqrt(sum / a.length);
}

interface ScaledNetwork {
  readonly spec: NetworkSpec;
  readonly rate: number;
  readonly rateFactors: Readonly<Record<string, number>>;
}

/** Two hidden layers (one for mean field), tanh, no biases. */
function scaledNetwork(scaling: Scaling, d: number, width: number): ScaledNetwork {
  switch (scaling) {
    case 'ntk':
      return {
        spec: network([d, width, width, 1], (layer) => ({ parameterization: 'ntk', ...(layer === 0 && { sigma_w: Math.sqrt(d) }) })),
        rate: 1,
        rateFactors: {},
      };
    case 'standard, rate ∝ 1/width':
      return { spec: network([d, width, width, 1], standardLayer), rate: 8 / width, rateFactors: {} };
    case 'standard, fixed rate':
      return { spec: network([d, width, width, 1], standardLayer), rate: 0.5, rateFactors: {} };
    case 'mean field': {
      const spec = network([d, width, 1], (layer) =>
        layer === 0 ? { parameterization: 'ntk', sigma_w: Math.sqrt(d) } : { parameterization: 'mup', role: 'output', multiplier: 1 / width },
      );
      return { spec, rate: 1, rateFactors: { 'fc0.weight': width, 'fc1.weight': width } };
    }
    case 'maximal update': {
      const spec = network([d, width, width, 1], (layer) =>
        layer === 2
          ? { parameterization: 'mup', role: 'output', multiplier: 1 / width }
          : { parameterization: 'mup', role: layer === 0 ? 'input' : 'hidden', ...(layer === 0 && { multiplier: Math.sqrt(d) }) },
      );
      return { spec, rate: 1, rateFactors: { 'fc0.weight': width, 'fc2.weight': width } };
    }
    default:
      return scaling satisfies never;
  }
}

function standardLayer(layer: number): Record<string, unknown> {
  return { parameterization: 'mup', ...(layer === 0 && { multiplier: 1 }) };
}

function network(widths: readonly number[], linear: (layer: number) => Readonly<Record<string, unknown>>): NetworkSpec {
  return mlpSpec(widths, 'Tanh', { bias: false, linear });
}
