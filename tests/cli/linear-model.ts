/** @file A two-input, three-output linear model, small enough to compute by hand: f(x) = W·x + b. */

import { tensor, writeSafetensors } from 'tangedge';
import type { Scratch } from './run-program.ts';

export const W = [
  [1, 2],
  [-3, 4],
  [5, -6],
] as const;
export const B = [7, -8, 9] as const;

const SPEC = { input_shape: [1, 2], layers: [{ type: 'Linear', name: 'fc', in_features: 2, out_features: 3, bias: true }] };

/** The arguments that name the model, in a folder where its files have just been written. */
export function writeLinearModel(scratch: Scratch): string[] {
  scratch.write('model.json', JSON.stringify(SPEC));
  const state = new Map([
    ['fc.weight', tensor([3, 2], W.flat())],
    ['fc.bias', tensor([3], [...B])],
  ]);
  scratch.write('model.safetensors', writeSafetensors(state));
  return ['model.json', '--weights', 'model.safetensors'];
}

/** f(x) for rows of x. */
export function linearOutputs(rows: readonly (readonly number[])[]): number[] {
  return rows.flatMap((x) => W.map((w, o) => w[0] * x[0] + w[1] * x[1] + B[o]));
}
