/** @file ReLU networks that start from small normal weights: the set-up in which features are learned. */

import type { Model } from '../graph/model.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { mlpSpec } from './networks.ts';

/** Two hidden layers, no biases, weights normal with variance scale²/fan_in, in f32 precision. */
export function smallStart(rt: Runtime, { d, width, scale, seed }: { d: number; width: number; scale: number; seed: number }): Model {
  const spec = mlpSpec([d, width, width, 1], 'ReLU', { bias: false, linear: () => ({ parameterization: 'mup' }) });
  const state = initializeSpec(rt, spec, { seed });
  for (const [name, { shape, data }] of state) state.set(name, { shape, data: data.map((value) => scale * value) });
  return importSpec(spec, state);
}

/** Mean of (a − b)². */
export function meanSquare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / a.length;
}
