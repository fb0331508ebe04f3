/** @file Step sizes and times of gradient descent under a constant kernel: the largest stable rate, and how fast each mode is learned. */

import { TangedgeError } from '../core/errors.ts';
import { type LossScaleOptions, lossTerms } from '../core/loss-scale.ts';

export interface MaxStableLearningRateOptions extends LossScaleOptions {
  /** Heavy-ball (Polyak) momentum in [0, 1). Default 0. */
  readonly momentum?: number;
}

/**
 * Largest learning rate at which gradient descent is stable for the loss 1/(2n)·Σ|f − y|²: 2n/λmax(Θ).
 *
 *   η_max = 2·(1 + μ)·M / λmax(Θ),   M = n (`'mean-batch'`) or n·c (`'mean-all'`, as neural-tangents)
 *
 * Shapes     λmax of the full kernel [n·c, n·c], un-normalized (no 1/n). The trace kernel of c outputs has another λmax
 * Units      the learning rate of one full-batch step on the mean loss; Infinity when λmax is 0
 * Numerics   exact arithmetic but for the last rounding; for the linearized model, and the true one near a minimum
 *
 * @throws {TangedgeError} ERR_DOMAIN when λmax is negative or not finite · ERR_ARGUMENT for n, c, momentum outside their range
 * @see neural-tangents, `predict.max_learning_rate`; Cohen et al. (2021). Gradient descent on neural networks typically occurs at the edge of stability. arXiv:2103.00065.
 * @example
 * const rate = maxStableLearningRate(50, { n: 100 }); // 4
 */
export function maxStableLearningRate(lambdaMax: number, options: MaxStableLearningRateOptions): number {
  const operation = 'maxStableLearningRate';
  const { momentum = 0 } = options;
  const terms = lossTerms(operation, options);
  if (!(lambdaMax >= 0 && lambdaMax < Number.POSITIVE_INFINITY)) {
    throw new TangedgeError(
      'ERR_DOMAIN',
      `${operation}: λmax is ${lambdaMax}; it must be a finite number, at least 0. Check that the kernel is positive semidefinite.`,
      {
        lambdaMax,
      },
    );
  }
  if (!(momentum >= 0 && momentum < 1)) {
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: momentum is ${momentum}; it must be in [0, 1).`, { momentum });
  }
  return (2 * (1 + momentum) * terms) / lambdaMax;
}

export interface ModeHalfLifeOptions extends LossScaleOptions {
  /** Step size; 1 gives times in units of η·steps. Default 1. */
  readonly learningRate?: number;
}

/**
 * Steps until gradient flow on 1/(2n)·Σ|f − y|² halves the residual along each eigenvector: n·ln 2/(η·λ_k).
 *
 *   ⟨u_k, f_t − y⟩ = exp(−η·λ_k·t/M)·⟨u_k, f_0 − y⟩   ⇒   t_k = M·ln 2 / (η·λ_k),   M = n or n·c as in `LossScale`
 *
 * Shapes     eigenvalues [m] of the full kernel in any order  →  [m] in the same order
 * Units      steps of learning rate η; Infinity where λ_k ≤ 0: that mode is never learned
 *
 * @throws {TangedgeError} ERR_DOMAIN for NaN or Inf · ERR_ARGUMENT for n, c or a learning rate outside their range
 * @see Lee et al. (2019). Wide neural networks of any depth evolve as linear models under gradient descent. arXiv:1902.06720.
 * @example
 * const steps = modeHalfLives(Float64Array.of(1, 2), { n: 10, learningRate: 0.5 }); // [13.86…, 6.93…]
 */
export function modeHalfLives(eigenvalues: Float64Array, options: ModeHalfLifeOptions): Float64Array {
  const operation = 'modeHalfLives';
  const { learningRate = 1 } = options;
  const terms = lossTerms(operation, options);
  if (!(learningRate > 0 && learningRate < Number.POSITIVE_INFINITY)) {
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: learningRate is ${learningRate}; it must be a positive number.`, { learningRate });
  }
  return eigenvalues.map((lambda, k) => {
    if (!Number.isFinite(lambda)) {
      throw new TangedgeError('ERR_DOMAIN', `${operation}: eigenvalue ${k} is ${lambda}. Remove or replace it.`, { index: k, value: lambda });
    }
    return lambda > 0 ? (terms * Math.LN2) / (learningRate * lambda) : Number.POSITIVE_INFINITY;
  });
}
