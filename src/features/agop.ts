/** @file The average gradient outer product (AGOP), of the model's input and of the input of each weight; and the covariance behind it. */

import { checkFinite } from '../core/check.ts';
import { sizeOf, type Tensor } from '../core/tensor.ts';
import { batchSize, type Model } from '../graph/model.ts';
import { gram } from '../linalg/gram.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { computeHere, type TiledJob } from '../wasm/tiled.ts';
import { congruence } from './congruence.ts';
import { type Moments, type MomentTilePlan, momentJob, planMoments } from './cotangent-moments.ts';
import { type CotangentSweep, inputSweep, preactivationSweep } from './cotangent-sweep.ts';
import type { FeatureJobOptions, FeatureOptions } from './options.ts';
import { chooseWeights, effectiveWeight, type FeatureWeight, weightOfInput } from './weight.ts';

export interface AgopOptions extends FeatureOptions {
  /** A weight, to take gradients with respect to its input; default: with respect to the model's input. */
  readonly weight?: string;
  /** `'raw'` gradients, or `'centered'`: minus their mean over the data, per output and position. Default `'raw'`. */
  readonly gradients?: 'raw' | 'centered';
}

/**
 * Average gradient outer product: mean over samples, sum over outputs (and over positions, for the input of a weight).
 *
 *   AGOP = (1/n)·Σ_i Σ_o ∇f_o(x_i)·∇f_o(x_i)ᵀ
 *
 * Shapes     x [n, …input]  →  [d, d] f64, d elements of the model's input; with `weight`, [i, i] for its input (a convolution's: one
 *            patch of channels·kh·kw): through this weight alone, Wᵀ·K·W with the covariance K of `ptkCovariance`
 * Units      (output unit / input unit)²
 * Symmetry   exact; positive semidefinite to rounding
 * Cost       one forward and c backward sweeps, and n·c·d²/2 multiply-adds; where a dense layer of h units reads the input, at one
 *            position, n·c·h²/2 + h·d·(h + d), by Wᵀ·K·W, if that is less
 * Numerics   sweeps in `dtype`, sums over outputs and examples in f64, in one binary tree over the examples: tiles change no bit
 *
 * @throws {TangedgeError} ERR_SHAPE when x does not fit the model · ERR_DOMAIN for NaN, Inf or an empty batch · ERR_ARGUMENT when there is no such weight · ERR_MEMORY
 * @see Radhakrishnan, Beaglehole, Pandit, Belkin (2022). arXiv:2212.13881.
 */
export function agop(rt: Runtime, model: Model, x: Tensor, options: AgopOptions = {}): Tensor {
  return computeHere(rt, agopJob(rt, model, x, options), options.onProgress);
}

export function agopJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  options: Omit<AgopOptions, 'onProgress'> & FeatureJobOptions,
): TiledJob<Tensor, MomentTilePlan, Float64Array> {
  const operation = 'agop';
  const { gradients = 'raw' } = options;
  const means = gradients === 'centered';
  const chosen = options.weight === undefined ? cheaperWeight(model, x) : chooseWeights(operation, model, [options.weight])[0];
  if (chosen === undefined) {
    return momentJobOf(rt, operation, model, x, inputSweep(model), { means, options }, ([moments]) =>
      secondMoment(rt, moments, sizeOf(model.input.shape), gradients),
    );
  }
  return momentJobOf(rt, operation, model, x, preactivationSweep(model, [chosen]), { means, options }, ([moments]) =>
    congruence(rt, effectiveWeight(rt, model, chosen), secondMoment(rt, moments, chosen.h, gradients)),
  );
}

/** The weight of the input when Wᵀ·K·W takes fewer multiply-adds than gradients with respect to the input. */
function cheaperWeight(model: Model, { shape: [n] }: Tensor): FeatureWeight | undefined {
  const weight = weightOfInput(model);
  if (weight === undefined) return undefined;
  const { h, i } = weight;
  return (n * model.output.size * (h * h)) / 2 + h * i * (h + i) < n * model.output.size * (h * i + (i * i) / 2) ? weight : undefined;
}

/**
 * Covariance K of the pre-activation tangents of a weight: mean over samples, sum over outputs and positions. Not centered.
 *
 *   K = (1/n)·Σ_i Σ_{o,s} δ·δᵀ,   δ = ∂f_o(x_i)/∂h[s];   AGOP of the weight's input = Wᵀ·K·W
 *
 * n·K and the PTK have the same trace, and for one output and one position the same nonzero spectrum.
 *
 * Shapes     x [n, …input]  →  [h, h] f64
 * Units      (output unit / pre-activation unit)²
 * Symmetry   exact; positive semidefinite to rounding
 * Cost       one forward and c backward sweeps, and n·c·positions·h²/2 multiply-adds
 * Numerics   as `agop`
 *
 * @throws {TangedgeError} as `agop`
 * @see Beaglehole, Mitliagkas, Agarwala (2024). Feature learning as alignment: a structural property of gradient descent in non-linear neural networks. arXiv:2402.05271.
 */
export function ptkCovariance(rt: Runtime, model: Model, x: Tensor, weight: string, options: FeatureOptions = {}): Tensor {
  return computeHere(rt, ptkCovarianceJob(rt, model, x, weight, options), options.onProgress);
}

export function ptkCovarianceJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  weight: string,
  options: FeatureJobOptions,
): TiledJob<Tensor, MomentTilePlan, Float64Array> {
  const operation = 'ptkCovariance';
  const [chosen] = chooseWeights(operation, model, [weight]);
  return momentJobOf(rt, operation, model, x, preactivationSweep(model, [chosen]), { means: false, options }, ([{ second }]) => ({
    shape: [chosen.h, chosen.h],
    data: second,
  }));
}

/** Checks the inputs, then plans the moments of a sweep's cotangents. */
export function momentJobOf<Result>(
  rt: Runtime,
  operation: string,
  model: Model,
  x: Tensor,
  sweep: CotangentSweep,
  { means, options }: { readonly means: boolean; readonly options: FeatureJobOptions },
  finish: (moments: Moments[]) => Result,
): TiledJob<Result, MomentTilePlan, Float64Array> {
  const n = batchSize(operation, model, 'x', x);
  checkFinite(operation, 'x', x);
  return momentJob(planMoments(rt, operation, model, sweep, { n, means, options }), x.data, finish);
}

/** [width, width]: the raw second moment, or minus Σ_{o,s} of the means' outer products. */
function secondMoment(rt: Runtime, { second, mean }: Moments, width: number, gradients: 'raw' | 'centered'): Tensor {
  if (gradients === 'raw') return { shape: [width, width], data: second };
  const ofMeans = gram(rt, { shape: [mean.length / width, width], data: mean }, { of: 'columns' });
  return { shape: [width, width], data: second.map((value, i) => value - ofMeans.data[i]) };
}
