/** @file All features of a model's weights from one pair of sweeps: NFM, AGOP, covariance, and how well the neural feature ansatz holds. */

import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { computeHere, type TiledJob } from '../wasm/tiled.ts';
import { momentJobOf } from './agop.ts';
import { congruence } from './congruence.ts';
import type { MomentTilePlan } from './cotangent-moments.ts';
import { preactivationSweep } from './cotangent-sweep.ts';
import { centeredNfaCorrelation, type NfaCorrelationOptions, nfaCorrelation, nfaDominance, relativeWeightChange } from './nfa-correlation.ts';
import { nfmOf } from './nfm.ts';
import type { FeatureJobOptions, FeatureOptions } from './options.ts';
import { chooseWeights, effectiveWeight, type FeatureWeight } from './weight.ts';

export interface NeuralFeaturesOptions extends FeatureOptions, NfaCorrelationOptions {
  /** Names of weights; default: every weight that has features (`featureWeights`). */
  readonly weights?: readonly string[];
  /** The model before training: another checkpoint of the same network. Needed for the centered correlation. */
  readonly initial?: Model;
}

/** What one weight has learned. */
export interface WeightFeatures {
  readonly name: string;
  /** W as used, [h, i]. */
  readonly weight: Tensor;
  /** WᵀW, [i, i]. */
  readonly nfm: Tensor;
  /** Of the weight's input: mean over samples, sum over outputs and positions, [i, i]. */
  readonly agop: Tensor;
  /** [h, h]. */
  readonly ptkCovariance: Tensor;
  /** UC-NFA: `nfaCorrelation` of the two. */
  readonly correlation: number;
  /** Present with `initial`. */
  readonly motion?: {
    /** W₀ as used, [h, i]. */
    readonly initial: Tensor;
    /** C-NFA; NaN when the weight has not moved. */
    readonly centeredCorrelation: number;
    /** `nfaDominance`. */
    readonly dominance: number;
    /** ‖W − W₀‖_F / ‖W₀‖_F. */
    readonly relativeChange: number;
  };
}

/**
 * NFM, AGOP (mean over samples, sum over outputs), PTK covariance and NFA correlations of every weight, in the model's order.
 *
 * Shapes     x [n, …input]; per weight W [h, i]: nfm and agop [i, i], ptkCovariance [h, h], all f64
 * Units      as `nfm`, `agop`, `ptkCovariance`, `nfaCorrelation`
 * Cost       one forward and c backward sweeps for all weights together, and per weight n·c·positions·h²/2 + h·i·(h + 2i) multiply-adds
 * Numerics   as `agop`
 *
 * @throws {TangedgeError} ERR_SHAPE when x or the initial model does not fit · ERR_DOMAIN for NaN, Inf or an empty batch · ERR_ARGUMENT when there is no such weight · ERR_MEMORY
 * @see Radhakrishnan et al. (2022). arXiv:2212.13881; Beaglehole, Mitliagkas, Agarwala (2024). arXiv:2402.05271.
 */
export function neuralFeatures(rt: Runtime, model: Model, x: Tensor, options: NeuralFeaturesOptions = {}): WeightFeatures[] {
  return computeHere(rt, neuralFeaturesJob(rt, model, x, options), options.onProgress);
}

export function neuralFeaturesJob(
  rt: Runtime,
  model: Model,
  x: Tensor,
  options: Omit<NeuralFeaturesOptions, 'onProgress'> & FeatureJobOptions,
): TiledJob<WeightFeatures[], MomentTilePlan, Float64Array> {
  const operation = 'neuralFeatures';
  const weights = chooseWeights(operation, model, options.weights);
  if (weights.length === 0) {
    throw new TangedgeError('ERR_UNSUPPORTED', `${operation}: the model has no trainable weight of a dense layer or an ungrouped convolution.`, {});
  }
  const before = options.initial === undefined ? undefined : initialWeights(operation, options.initial, weights);
  checkResultMemory(operation, weights, options.memoryLimit ?? DEFAULT_MEMORY_LIMIT);
  return momentJobOf(rt, operation, model, x, preactivationSweep(model, weights), { means: false, options }, (moments) =>
    weights.map((chosen, index): WeightFeatures => {
      const weight = effectiveWeight(rt, model, chosen);
      const ptkCovariance: Tensor = { shape: [chosen.h, chosen.h], data: moments[index].second };
      const nfm = nfmOf(rt, weight);
      const agop = congruence(rt, weight, ptkCovariance);
      const features = { name: chosen.name, weight, nfm, agop, ptkCovariance, correlation: nfaCorrelation(rt, nfm, agop, options) };
      if (options.initial === undefined || before === undefined) return features;
      const initial = effectiveWeight(rt, options.initial, before[index]);
      const motion = { weight, initial, ptkCovariance };
      return {
        ...features,
        motion: {
          initial,
          centeredCorrelation: centeredNfaCorrelation(rt, motion, options),
          dominance: nfaDominance(rt, motion),
          relativeChange: relativeWeightChange(weight, initial),
        },
      };
    }),
  );
}

/** The same weights of the initial model. */
function initialWeights(operation: string, initial: Model, weights: readonly FeatureWeight[]): FeatureWeight[] {
  const found = chooseWeights(
    `${operation}: initial model`,
    initial,
    weights.map(({ name }) => name),
  );
  found.forEach(({ name, h, i }, index) => {
    const { h: nowH, i: nowI } = weights[index];
    if (h !== nowH || i !== nowI) {
      throw new TangedgeError(
        'ERR_SHAPE',
        `${operation}: weight '${name}' is [${nowH}, ${nowI}] in the model and [${h}, ${i}] in the initial model. Use two checkpoints of one model.`,
        { name },
      );
    }
  });
  return found;
}

/** NFM and AGOP of every weight are returned, and three more of the widest are alive on the way. */
function checkResultMemory(operation: string, weights: readonly FeatureWeight[], limit: number): void {
  const widest = weights.reduce((most, weight) => (weight.i > most.i ? weight : most));
  const needed = weights.reduce((bytes, { h, i }) => bytes + (2 * i * i + h * h + h * i) * 8, 3 * widest.i * widest.i * 8);
  if (needed > limit) {
    throw new TangedgeError(
      'ERR_MEMORY',
      `${operation}: ${needed} bytes are needed for the features (the widest input, of '${widest.name}', has ${widest.i} elements), the memory limit is ${limit}. Ask for fewer weights or raise the limit.`,
      { needed, limit, name: widest.name },
    );
  }
}
