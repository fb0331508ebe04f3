/** @file Sharpness: extreme eigenpairs of the loss Hessian, and the thresholds at which an optimizer goes unstable. */

import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { type ExtremalEigenpairs, type ExtremalOptions, extremalEigenpairs } from '../linalg/extremal-eigenpairs.ts';
import { type LinearOperator, linearOperator } from '../linalg/linear-operator.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { Objective, VectorProduct } from './objective.ts';
import type { TrainingLoss } from './training-loss.ts';

export interface HessianOptions extends ExtremalOptions {
  /** Diagonal P > 0 of a preconditioned method, [p]: the eigenvalues are those of P⁻¹·H, the vectors those of P^(−½)·H·P^(−½). */
  readonly preconditioner?: Float64Array;
}

export interface HessianEigenpairs extends ExtremalEigenpairs {
  /** What the products cost, in gradients of the whole loss (by flops). */
  readonly gradientEvaluations: number;
}

/**
 * The largest or smallest (most negative) eigenvalues of the Hessian of a loss at θ, and their eigenvectors.
 *
 * Shapes     θ [p]  →  values [count], vectors count × [p]
 * Units      those of the loss per squared parameter; the factor 1/M of the loss is in them
 * Cost       `products` Hessian products, about 2 gradients each (`gradientEvaluations`); warm starts take few
 *
 * @throws {TangedgeError} as `extremalEigenpairs` · ERR_DOMAIN for a preconditioner that is not positive
 * @see Cohen et al. (2021). Gradient descent on neural networks typically occurs at the edge of stability. arXiv:2103.00065.
 * @example
 * const objective = trainingLoss(rt, model, { inputs: x, targets: y });
 * const { values, residuals } = hessianEigenpairs(rt, objective, objective.initial, { count: 3 });
 */
export function hessianEigenpairs(rt: Runtime, objective: Objective, theta: Float64Array, options: HessianOptions = {}): HessianEigenpairs {
  const scale = options.preconditioner === undefined ? undefined : inverseRoot(options.preconditioner, objective.size);
  const pairs = objective.withHessian(theta, (product) => extremalEigenpairs(rt, objective.size, scaledProduct(product, scale), options));
  return { ...pairs, gradientEvaluations: pairs.products * objective.costs.hessian };
}

/** The same of the Gauss–Newton part Σ_n Jᵀ·∇²_f ℓ·J of the Hessian; for the squared loss its top is λmax(Θ)/M. */
export function gaussNewtonEigenpairs(rt: Runtime, loss: TrainingLoss, theta: Float64Array, options: HessianOptions = {}): ExtremalEigenpairs {
  const scale = options.preconditioner === undefined ? undefined : inverseRoot(options.preconditioner, loss.size);
  return loss.withGaussNewton(theta, (product) => extremalEigenpairs(rt, loss.size, scaledProduct(product, scale), options));
}

export interface Sharpness {
  /** λmax of the Hessian. */
  readonly value: number;
  /** Its eigenvector [p]. */
  readonly vector: Float64Array;
  /** Where the next step begins: this eigenvector and two guards. */
  readonly subspace: readonly Float64Array[];
  /** ‖H·u − λ·u‖. */
  readonly residual: number;
  readonly products: number;
  readonly gradientEvaluations: number;
  readonly converged: boolean;
}

export interface SharpnessOptions extends Omit<HessianOptions, 'count' | 'which' | 'start' | 'guards'> {
  /** The result for parameters nearby: its vectors are where the iteration begins. */
  readonly previous?: Pick<Sharpness, 'subspace'>;
}

/**
 * Sharpness λmax(∇²L) at θ. Gradient descent with learning rate η is unstable where it exceeds 2/η (`stabilityThreshold`).
 *
 * Tolerance 1e-4 of the residual by default: the eigenvalue's relative error is at most that, and about its square when
 * the eigenvalue is separated. Two guard vectors go along, so that an eigenvalue that overtakes the largest is seen: a warm
 * start costs at least five Hessian products, about ten gradients.
 *
 * @throws {TangedgeError} as `hessianEigenpairs`
 * @example
 * const objective = trainingLoss(rt, model, { inputs: x, targets: y });
 * const first = sharpness(rt, objective, objective.initial);
 * const next = sharpness(rt, objective, objective.initial, { previous: first });
 */
export function sharpness(rt: Runtime, objective: Objective, theta: Float64Array, options: SharpnessOptions = {}): Sharpness {
  const { previous, tolerance = 1e-4, ...rest } = options;
  const pairs = hessianEigenpairs(rt, objective, theta, { ...rest, tolerance, guards: GUARDS, start: previous?.subspace ?? [] });
  return {
    value: pairs.values[0],
    vector: pairs.vectors[0],
    subspace: pairs.subspace,
    residual: pairs.residuals[0],
    products: pairs.products,
    gradientEvaluations: pairs.gradientEvaluations,
    converged: pairs.converged,
  };
}

const GUARDS = 2;

/** The Hessian of a loss at θ as an operator on blocks of vectors [p, m]. */
export function hessianOperator(objective: Objective, theta: Float64Array): LinearOperator {
  const apply = (x: Tensor) => objective.withHessian(theta, (product) => applyColumns(x, product));
  return linearOperator({ rows: objective.size, cols: objective.size, apply });
}

/** The Gauss–Newton part of the Hessian at θ as an operator on blocks of vectors [p, m]. */
export function gaussNewtonOperator(loss: TrainingLoss, theta: Float64Array): LinearOperator {
  const apply = (x: Tensor) => loss.withGaussNewton(theta, (product) => applyColumns(x, product));
  return linearOperator({ rows: loss.size, cols: loss.size, apply });
}

export interface StabilityOptions {
  readonly learningRate: number;
  /** β in [0, 1); default 0. */
  readonly momentum?: number;
  /** Default `'polyak'` (heavy ball). */
  readonly kind?: 'polyak' | 'nesterov';
}

/**
 * The curvature above which a step is unstable along its eigenvector: 2/η for gradient descent.
 *
 *   heavy ball  (2 + 2β)/η        Nesterov  (2 + 2β)/(η·(1 + 2β))
 *
 * Units      of λmax(H), or of λmax(P⁻¹H) for a method preconditioned by P
 *
 * @throws {TangedgeError} ERR_ARGUMENT unless the learning rate is positive and β is in [0, 1)
 * @see Cohen et al. (2021), arXiv:2103.00065, appendix on momentum.
 * @example
 * const threshold = stabilityThreshold({ learningRate: 0.1 });                    // 20
 */
export function stabilityThreshold({ learningRate, momentum = 0, kind = 'polyak' }: StabilityOptions): number {
  if (!(learningRate > 0 && Number.isFinite(learningRate)) || !(momentum >= 0 && momentum < 1)) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `stabilityThreshold: learningRate ${learningRate} must be positive and momentum ${momentum} must be in [0, 1).`,
      { learningRate, momentum },
    );
  }
  const polyak = (2 + 2 * momentum) / learningRate;
  return kind === 'nesterov' ? polyak / (1 + 2 * momentum) : polyak;
}

function scaledProduct(product: VectorProduct, scale: Float64Array | undefined): VectorProduct {
  if (scale === undefined) return product;
  const times = (v: Float64Array) => v.map((value, i) => value * scale[i]);
  return (v) => times(product(times(v)));
}

function inverseRoot(preconditioner: Float64Array, p: number): Float64Array {
  const wrong = preconditioner.findIndex((value) => !(value > 0 && value < Number.POSITIVE_INFINITY));
  if (preconditioner.length !== p || wrong >= 0) {
    throw new TangedgeError(
      'ERR_DOMAIN',
      `hessianEigenpairs: the preconditioner must be ${p} positive numbers; it has ${preconditioner.length}${
        wrong >= 0 ? ` and element ${wrong} is ${preconditioner[wrong]}` : ''
      }.`,
      { length: preconditioner.length, needed: p, index: wrong },
    );
  }
  return preconditioner.map((value) => 1 / Math.sqrt(value));
}

/** A·X, column by column. */
function applyColumns(x: Tensor, product: VectorProduct): Tensor {
  const [p, m] = x.shape;
  const data = new Float64Array(p * m);
  for (let k = 0; k < m; k++) {
    const column = Float64Array.from({ length: p }, (_, i) => x.data[i * m + k]);
    product(column).forEach((value, i) => {
      data[i * m + k] = value;
    });
  }
  return { shape: [p, m], data };
}
