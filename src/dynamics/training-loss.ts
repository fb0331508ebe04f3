/** @file The training loss of a model on data as an Objective, with its Gauss–Newton products. */

import { lossTerms } from '../core/loss-scale.ts';
import type { Dtype, FloatArray } from '../core/tensor.ts';
import { vjp } from '../graph/differentiate.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { flatParameters } from './flat-parameters.ts';
import { gaussNewtonGraph, type LossGraph, type LossOptions, lossGraph } from './loss-graph.ts';
import { BlockRunner, type GraphObjectiveParts, graphObjective, type Objective, once, type VectorProduct } from './objective.ts';
import { checkTrainingData, type TrainingData } from './training-data.ts';

export interface TrainingLossOptions extends LossOptions {
  /** Default `'f64'`. */
  readonly dtype?: Dtype;
  /** Examples evaluated at once; part of the order of summation. Default 512. */
  readonly batch?: number;
}

/** A model's training loss as a function of its flat trainable parameters. */
export interface TrainingLoss extends Objective {
  /** The model's own parameters, θ [p]. */
  readonly initial: Float64Array;
  /** n, and what the sum over examples is divided by. */
  readonly examples: number;
  readonly divisor: number;
  /** Products G·v with the Gauss–Newton part G = Σ_n Jᵀ·∇²_f ℓ·J of the Hessian, valid inside `body`. */
  withGaussNewton<T>(theta: Float64Array, body: (product: VectorProduct) => T): T;
}

/**
 * The training loss of a model as a function of its parameters, with gradients, Hessian and Gauss–Newton products and
 * third derivatives.
 *
 *   L(θ) = 1/M·Σ_n ℓ(f(x_n; θ), y_n),   M = n, n·c or 1 (`lossScale`)
 *
 * Shapes     inputs [n, …input], targets [n, c] or [n] for one output; θ, gradients and products [p]: trainable parameters in order
 * Cost       nothing until used; a Hessian product costs about 2 gradients, a third derivative about 5 (see `costs`)
 * Numerics   ReLU and max-pooling have zero second derivatives almost everywhere: their kinks are not seen
 *
 * @throws {TangedgeError} ERR_SHAPE when inputs or targets do not fit the model · ERR_DOMAIN for NaN, Inf or an empty batch ·
 *   ERR_ARGUMENT for an unknown loss · ERR_MEMORY when a block does not fit: lower `batch`
 * @see Pearlmutter (1994). Fast exact multiplication by the Hessian. Neural Computation 6(1).
 * @example
 * const objective = trainingLoss(rt, model, { inputs: x, targets: y });
 * const { loss, gradient } = objective.gradient(objective.initial);
 * const curvature = objective.withHessian(objective.initial, (product) => product(gradient));
 */
export function trainingLoss(rt: Runtime, model: Model, data: TrainingData, options: TrainingLossOptions = {}): TrainingLoss {
  const { loss = 'mse', lossScale = 'mean-batch', dtype = 'f64', batch = 512 } = options;
  const { n, c, d, inputs, targets } = checkTrainingData('trainingLoss', model, data, loss);
  const divisor = lossTerms('trainingLoss', { n, c, lossScale });
  const block = Math.min(n, Math.max(1, batch));
  const examples = Math.ceil(n / block) * block;
  const weights = new Float64Array(examples).fill(1 / divisor, 0, n);
  const parts = (built: LossGraph): GraphObjectiveParts => ({
    graph: built.graph,
    parameters: trainableParameters(model).map(({ id }) => id),
    constants: model.parameters.filter(({ trainable }) => !trainable),
    inputs: [
      { id: model.input.id, data: repeatFirst(inputs, n, examples, d) },
      { id: built.targets, data: repeatFirst(targets, n, examples, c) },
      { id: built.weight, data: weights },
    ],
    examples,
    block,
    dtype,
  });
  const objective = graphObjective(rt, parts(lossGraph(model, loss)));
  const gaussNewton = once(() => {
    const built = gaussNewtonGraph(model, loss);
    const product = vjp(built.graph, built.directions);
    const runner = new BlockRunner(rt, parts(built), new Map([[product.seeds[0], Float64Array.of(1)]]));
    return { runner, planned: runner.plan(product.graph, built.directions, product.graph.outputs.slice(1)) };
  });
  return {
    size: objective.size,
    gradient: objective.gradient,
    withHessian: objective.withHessian,
    withThird: objective.withThird,
    get costs() {
      return objective.costs;
    },
    initial: flatParameters(model),
    examples: n,
    divisor,
    withGaussNewton: (theta, body) => gaussNewton().runner.open(gaussNewton().planned, theta, (run) => body((v) => run([v]))),
  };
}

/** The examples, filled up to a whole number of blocks with copies of the first: they get weight 0. */
function repeatFirst(data: FloatArray, n: number, examples: number, size: number): FloatArray {
  if (examples === n) return data;
  const padded = new Float64Array(examples * size);
  padded.set(data);
  for (let i = n; i < examples; i++) padded.copyWithin(i * size, 0, size);
  return padded;
}
