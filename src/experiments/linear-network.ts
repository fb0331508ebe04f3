/** @file The task of the two-layer linear experiments: 20 normal inputs of dimension 30, a linear target, small initial weights. */

import { kernelTargetAlignment } from '../alignment/kernel-target-alignment.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TwoLayerLinearProblem, TwoLayerLinearState } from '../dynamics/two-layer-linear.ts';
import type { Model } from '../graph/model.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { mulberryNormals } from './mulberry.ts';
import { mlpSpec } from './networks.ts';

const EXAMPLES = 20;
const INPUTS = 30;
const SCALE = 0.05;

/** X = normals(5), y = factor·Xw with w = normals(6)/‖·‖, W1 = 0.05·normals(11), w2 = 0.05·normals(12). */
export function linearTask(rt: Runtime, hidden: number, factor = 4): TwoLayerLinearProblem {
  const x: Tensor = { shape: [EXAMPLES, INPUTS], data: mulberryNormals(rt, 5, EXAMPLES * INPUTS) };
  const w = unit(mulberryNormals(rt, 6, INPUTS));
  const y = new Float64Array(EXAMPLES);
  for (let i = 0; i < EXAMPLES; i++) for (let a = 0; a < INPUTS; a++) y[i] += factor * x.data[i * INPUTS + a] * w[a];
  return {
    x,
    y: { shape: [EXAMPLES], data: y },
    w1: { shape: [INPUTS, hidden], data: mulberryNormals(rt, 11, INPUTS * hidden).map((value) => SCALE * value) },
    w2: { shape: [hidden], data: mulberryNormals(rt, 12, hidden).map((value) => SCALE * value) },
  };
}

/** The same data with one hidden unit: v = 0.05·normals(99)/‖·‖, c = 0.05. */
export function rankOneTask(rt: Runtime): TwoLayerLinearProblem {
  const v = unit(mulberryNormals(rt, 99, INPUTS)).map((value) => SCALE * value);
  return { ...linearTask(rt, 1), w1: { shape: [INPUTS, 1], data: v }, w2: { shape: [1], data: Float64Array.of(SCALE) } };
}

/** The problem's network as a Model: layers fc0 [m, d] and fc1 [1, m] without biases. */
export function linearModel({ w1, w2 }: TwoLayerLinearProblem): Model {
  const [d, m] = w1.shape;
  const transposed = Float64Array.from({ length: d * m }, (_, at) => w1.data[(at % d) * m + Math.floor(at / d)]);
  const weights = new Map<string, Tensor>([
    ['fc0.weight', { shape: [m, d], data: transposed }],
    ['fc1.weight', { shape: [1, m], data: w2.data }],
  ]);
  const spec = mlpSpec([d, m, 1], 'Identity', { bias: false });
  return importSpec(spec, weights);
}

export function alignmentOf(rt: Runtime, { y }: TwoLayerLinearProblem, state: TwoLayerLinearState): number {
  return kernelTargetAlignment(rt, state.kernel, y);
}

function unit(values: Float64Array): Float64Array {
  let squares = 0;
  for (const value of values) squares += value * value;
  return values.map((value) => value / Math.sqrt(squares));
}
