/** @file What the first instant of training does to a weight's features: second derivatives of W̄ᵀW̄ and W̄ᵀKW̄, and C-NFA(0⁺). */

import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import { vjp } from '../graph/differentiate.ts';
import { evaluate } from '../graph/execution.ts';
import { forward } from '../graph/forward.ts';
import type { ValueId } from '../graph/graph.ts';
import { batchSize, type Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { computeHere } from '../wasm/tiled.ts';
import { momentJobOf } from './agop.ts';
import { congruence } from './congruence.ts';
import { preactivationSweep } from './cotangent-sweep.ts';
import { type NfaCorrelationOptions, nfaCorrelation } from './nfa-correlation.ts';
import { nfmOf } from './nfm.ts';
import { chooseWeights, type FeatureWeight } from './weight.ts';

export interface EarlyFeaturesOptions extends NfaCorrelationOptions {
  /** Names of weights; default: every weight that has features (`featureWeights`). */
  readonly weights?: readonly string[];
}

/** How one weight's features begin. */
export interface EarlyFeatures {
  readonly name: string;
  /** d²(W̄ᵀW̄)/dt² at t = 0, [i, i]. */
  readonly nfmAcceleration: Tensor;
  /** d²(W̄ᵀKW̄)/dt² at t = 0, [i, i]. */
  readonly agopAcceleration: Tensor;
  /** C-NFA(0⁺): `nfaCorrelation` of the two, the limit of `centeredNfaCorrelation` for t → 0. */
  readonly correlation: number;
}

/**
 * Features at the first instant of gradient flow on L = 1/(2n)·Σ|f − y|² (mean over samples, sum over outputs), per weight.
 *
 *   d²(W̄ᵀW̄)/dt² = 2·GᵀG,   d²(W̄ᵀKW̄)/dt² = 2·Gᵀ·K·G,   G = dW/dt = (1/n)·Σ_{i,o,s} (y − f)[i, o]·δ[i, o, s]·a[i, s]ᵀ
 *
 * W̄ = W − W₀, W as the network uses it. For one output and a weight used once these are the published
 * (2/n²)·XᵀR𝒦RX and (2/n³)·XᵀR𝒦²RX, R = diag(y − f) and 𝒦 the pre-activation tangent kernel.
 *
 * Shapes     x [n, …input], targets [n, c]  →  per weight W [h, i]: two matrices [i, i], f64
 * Cost       two forward and c + 1 backward sweeps, h·i·(h + 2i) multiply-adds per weight
 * Numerics   f64; correlation is NaN where the gradient is zero
 *
 * @throws {TangedgeError} ERR_SHAPE when x or targets do not fit the model · ERR_DOMAIN for NaN, Inf or an empty batch · ERR_ARGUMENT when there is no such weight · ERR_MEMORY
 * @see Beaglehole, Mitliagkas, Agarwala (2024). Feature learning as alignment. arXiv:2402.05271.
 */
export function earlyFeatures(rt: Runtime, model: Model, x: Tensor, targets: Tensor, options: EarlyFeaturesOptions = {}): EarlyFeatures[] {
  const operation = 'earlyFeatures';
  const weights = chooseWeights(operation, model, options.weights);
  if (weights.length === 0) {
    throw new TangedgeError('ERR_UNSUPPORTED', `${operation}: the model has no trainable weight of a dense layer or an ungrouped convolution.`, {});
  }
  const rates = weightRates(rt, operation, model, x, targets, weights);
  const job = momentJobOf(rt, operation, model, x, preactivationSweep(model, weights), { means: false, options: {} }, (moments) =>
    weights.map(({ name, h }, index): EarlyFeatures => {
      const rate = rates[index];
      const nfmAcceleration = doubled(nfmOf(rt, rate));
      const agopAcceleration = doubled(congruence(rt, rate, { shape: [h, h], data: moments[index].second }));
      return { name, nfmAcceleration, agopAcceleration, correlation: nfaCorrelation(rt, nfmAcceleration, agopAcceleration, options) };
    }),
  );
  return computeHere(rt, job);
}

/** dW/dt of each weight as used, [h, i]: W is `scale` times the parameter, so its rate is −scale²·∂L/∂W, all uses together. */
function weightRates(rt: Runtime, operation: string, model: Model, x: Tensor, targets: Tensor, weights: readonly FeatureWeight[]): Tensor[] {
  const n = batchSize(operation, model, 'x', x);
  const c = model.output.size;
  if (targets.data.length !== n * c || targets.shape[0] !== n) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: targets ${formatShape(targets.shape)} do not fit ${n} examples of ${c} outputs: they must be [${n}, ${c}].`,
      { targets: [...targets.shape], n, c },
    );
  }
  checkFinite(operation, 'targets', targets);
  const { graph } = model;
  const nameOf = (id: ValueId) => derived.graph.nodes[id].name as string;
  const usedValues = weights.map(({ site }) => [...new Set(site.uses.map(({ preactivation }) => graph.nodes[preactivation].inputs[1]))]);
  const derived = vjp(graph, usedValues.flat());
  const outputs = forward(rt, model, x);
  const residual = outputs.data.map((value, index) => (targets.data[index] - value) / n);
  const bindings: Record<string, Tensor> = { [nameOf(model.input.id)]: x, [nameOf(derived.seeds[0])]: { shape: [n, c], data: residual } };
  for (const { id, value } of model.parameters) bindings[nameOf(id)] = value;
  const descents = evaluate(rt, derived.graph, bindings).slice(graph.outputs.length);
  let next = 0;
  return weights.map(({ site, h, i }, index) => {
    const rate = new Float64Array(h * i);
    for (let use = 0; use < usedValues[index].length; use++) {
      const { data } = descents[next++];
      for (let k = 0; k < rate.length; k++) rate[k] += site.scale * site.scale * data[k];
    }
    return { shape: [h, i], data: rate };
  });
}

function doubled({ shape, data }: Tensor): Tensor {
  return { shape, data: data.map((value) => 2 * value) };
}
