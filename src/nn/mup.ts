/** @file Learning rates of the maximal-update parameterization (muP): what width does to each layer's step. */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { choiceOption, describe, integerOption, type LayerSpec, numberOption } from './layer-context.ts';

export interface MupOptions {
  /** How a step follows from the gradient: `sgd` in proportion to it (with or without momentum), `adam` by its sign. */
  readonly optimizer: 'sgd' | 'adam';
  /** Width at which the factors are those of μ alone: the one at which the learning rate was tuned. Default 1. */
  readonly baseWidth?: number;
}

/**
 * Factors of the learning rate, by parameter name, for the layers of a spec that say `"parameterization": "mup"`.
 *
 *               sgd weight      sgd bias   adam weight   adam bias      n = width / baseWidth, μ = the layer's multiplier
 *   input       n/μ²            n          1/μ           1              width = outputs of the layer
 *   hidden      1/μ²            n          1/(n·μ)       1              width = inputs of the layer (of a bias: outputs)
 *   output      1/(n·μ²)        1          1/(n·μ)       1              width = inputs of the layer
 *
 * With these every layer's activations change by as much in a step at every width. For convolutions width counts channels.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when no layer is in this parameterization, or for a bad base width
 * @see Yang et al. (2022). Tensor Programs V. arXiv:2203.03466, table 3 (there with μ = 1 and μ_output = 1/n).
 * @example
 * const layer = { type: 'Linear', name: 'a', in_features: 4, out_features: 64, parameterization: 'mup', role: 'input' };
 * const factors = mupRateFactors({ layers: [layer] }, { optimizer: 'sgd' }); // { 'a.weight': 64, 'a.bias': 64 }
 */
export function mupRateFactors(spec: { readonly layers: readonly unknown[] }, { optimizer, baseWidth = 1 }: MupOptions): Record<string, number> {
  checkInteger('mupRateFactors', 'baseWidth', baseWidth, 1);
  const factors: Record<string, number> = {};
  for (const layer of mupLayers(spec.layers as readonly LayerSpec[])) {
    const { weight, bias } = factorsOf(layer, optimizer, baseWidth);
    factors[`${layer.name}.weight`] = weight;
    if (layer.bias !== false) factors[`${layer.name}.bias`] = bias;
  }
  if (Object.keys(factors).length === 0) {
    throw new TangedgeError('ERR_ARGUMENT', `mupRateFactors: no layer of the spec has "parameterization": "mup".`, {});
  }
  return factors;
}

function mupLayers(layers: readonly LayerSpec[]): LayerSpec[] {
  return layers.flatMap((layer) => {
    const nested = [layer.layers, layer.shortcut, ...(Array.isArray(layer.branches) ? layer.branches : [])].filter(Array.isArray);
    const own = layer.parameterization === 'mup' ? [layer] : [];
    return [...own, ...nested.flatMap((inner) => mupLayers(inner as LayerSpec[]))];
  });
}

function factorsOf(layer: LayerSpec, optimizer: 'sgd' | 'adam', baseWidth: number): { weight: number; bias: number } {
  const convolution = layer.type === 'Conv2d';
  if (!convolution && layer.type !== 'Linear') {
    throw new TangedgeError('ERR_UNSUPPORTED', `mupRateFactors: layer ${describe(layer)} is neither Linear nor Conv2d.`, { type: layer.type });
  }
  const fanIn = integerOption(layer, convolution ? 'in_channels' : 'in_features', 1) / baseWidth;
  const fanOut = integerOption(layer, convolution ? 'out_channels' : 'out_features', 1) / baseWidth;
  const multiplier = Math.abs(numberOption(layer, 'multiplier', 1));
  const role = choiceOption(layer, 'role', ['input', 'hidden', 'output'], 'hidden');
  if (optimizer === 'adam') return { weight: 1 / (role === 'input' ? multiplier : fanIn * multiplier), bias: 1 };
  const scale = multiplier * multiplier;
  switch (role) {
    case 'input':
      return { weight: fanOut / scale, bias: fanOut };
    case 'hidden':
      return { weight: 1 / scale, bias: fanOut };
    case 'output':
      return { weight: 1 / (fanIn * scale), bias: 1 };
  }
}
