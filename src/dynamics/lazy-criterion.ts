/** @file How lazily a network will train: Chizat's criterion κ before training, and α-scaled training as shifted targets. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sumOfSquares, type Tensor } from '../core/tensor.ts';
import { jvp } from '../graph/differentiate.ts';
import { evaluate } from '../graph/execution.ts';
import { forward } from '../graph/forward.ts';
import type { ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { flatParameters } from './flat-parameters.ts';
import { trainingLoss } from './training-loss.ts';

export interface LazyCriterion {
  /** ≪ 1: the tangents hardly turn on the way to the targets. Scaling the model by α (with f₀ = 0) divides it by α. */
  readonly kappa: number;
  /** ‖f − y‖, ‖Df[g]‖/‖g‖ and ‖D²f[g, g]‖/‖g‖² over all samples and outputs, g the gradient of the loss. */
  readonly residual: number;
  readonly first: number;
  readonly second: number;
}

/**
 * Chizat's lazy criterion along the gradient: κ = ‖f − y‖·‖D²f[g, g]‖ / ‖Df[g]‖², g = ∇L.
 *
 * The published criterion has operator norms; along the direction that training takes first it is a number that costs two
 * sweeps. Dimensionless.
 *
 * Shapes     inputs [n, …], targets [n, c]
 * Cost       one gradient and two forward sweeps with tangents
 *
 * @throws {TangedgeError} ERR_SHAPE, ERR_DOMAIN as `trainingLoss` · ERR_DOMAIN when the gradient is zero
 * @see Chizat, Oyallon, Bach (2019). On lazy training in differentiable programming. arXiv:1812.07956.
 */
export function lazyCriterion(rt: Runtime, model: Model, inputs: Tensor, targets: Tensor): LazyCriterion {
  const trainable = trainableParameters(model);
  const ids = trainable.map(({ id }) => id);
  const { gradient } = trainingLoss(rt, model, { inputs, targets }).gradient(flatParameters(model));
  const norm = euclidean(gradient);
  if (!(norm > 0)) throw new TangedgeError('ERR_DOMAIN', 'lazyCriterion: the gradient is zero: there is no direction to train in.', {});
  const once = jvp(model.graph, ids, 'first');
  const twice = jvp(once.graph, ids, 'second');
  const { nodes, outputs } = twice.graph;
  const nameOf = (id: ValueId) => nodes[id].name as string;
  const bindings: Record<string, Tensor> = { [nameOf(model.input.id)]: inputs };
  for (const { id, value } of model.parameters) bindings[nameOf(id)] = value;
  let at = 0;
  trainable.forEach(({ value: { shape, data } }, k) => {
    const direction: Tensor = { shape, data: gradient.slice(at, at + data.length).map((entry) => entry / norm) };
    at += data.length;
    bindings[nameOf(once.seeds[k])] = direction;
    bindings[nameOf(twice.seeds[k])] = direction;
  });
  const values = evaluate(rt, twice.graph, bindings);
  // Outputs in order: f, Df[g], their tangents Df[g] and D²f[g, g].
  const [f, df, d2f] = [values[0], values[1], values[outputs.length - 1]];
  const residual = euclidean(f.data.map((value, i) => value - targets.data[i]));
  const [first, second] = [euclidean(df.data), euclidean(d2f.data)];
  return { kappa: (residual * second) / (first * first), residual, first, second };
}

/**
 * Targets that make plain training of f the α-scaled training of F = α·(f(θ) − f(θ₀)) on the loss ½|F − y|²/α².
 *
 *   ½|F − y|²/α² = ½|f − (f₀ + y/α)|²
 *
 * Shapes     inputs [n, …], targets [n, c]  →  [n, c]
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_ARGUMENT unless α > 0
 * @see Chizat, Oyallon, Bach (2019). arXiv:1812.07956; Geiger et al. (2020). arXiv:1906.08034.
 */
export function scaledTargets(rt: Runtime, model: Model, inputs: Tensor, targets: Tensor, alpha: number): Tensor {
  if (!(alpha > 0 && alpha < Number.POSITIVE_INFINITY)) {
    throw new TangedgeError('ERR_ARGUMENT', `scaledTargets: alpha is ${alpha}; it must be a positive number.`, { alpha });
  }
  const { shape, data } = forward(rt, model, inputs);
  if (targets.data.length !== data.length) {
    throw new TangedgeError('ERR_SHAPE', `scaledTargets: targets ${formatShape(targets.shape)} do not fit the outputs ${formatShape(shape)}.`, {
      targets: [...targets.shape],
      outputs: [...shape],
    });
  }
  return { shape, data: data.map((value, i) => value + targets.data[i] / alpha) };
}

function euclidean(values: ArrayLike<number>): number {
  return Math.sqrt(sumOfSquares(values));
}
