/** @file The chain-monomial task of the feature-learning experiments: normal inputs, y = Σ x_k·x_{k+1} over a cycle, unit variance. */

import type { Tensor } from '../core/tensor.ts';
import { type Target, targetValues } from '../features/egop.ts';
import { normalArray } from '../linalg/normal.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface ChainTask {
  readonly target: Target;
  /** [n, d] */
  readonly x: Tensor;
  /** [n, 1], scaled to unit variance over the training inputs. */
  readonly y: Tensor;
  readonly testX: Tensor;
  /** [m, 1], scaled by the same factor. */
  readonly testY: Tensor;
}

/** Streams of a seed, one per purpose. */
const INPUTS = 1_000_000;
const TEST_INPUTS = 1_000_001;

/** `n` training and `m` test examples of d inputs, the first `order` of which matter. */
export function chainTask(rt: Runtime, { seed, n, m, d, order }: { seed: number; n: number; m: number; d: number; order: number }): ChainTask {
  const target: Target = { kind: 'chain-monomial', order };
  const inputs = (stream: number, count: number): Tensor => ({ shape: [count, d], data: normalArray(rt, seed, stream, count * d) });
  const [x, testX] = [inputs(INPUTS, n), inputs(TEST_INPUTS, m)];
  const values = Array.from(targetValues(target, x).data);
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / n);
  const scaled = (inputs_: Tensor): Tensor => ({
    shape: [inputs_.shape[0], 1],
    data: targetValues(target, inputs_).data.map((value) => value / deviation),
  });
  return { target, x, y: scaled(x), testX, testY: scaled(testX) };
}
