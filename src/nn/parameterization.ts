/** @file Parameterizations: what multiplies a stored weight before it is used. */

import { choiceOption, type LayerSpec, numberOption } from './layer-context.ts';

export interface Factors {
  readonly weight: number;
  readonly bias: number;
}

/**
 * Factors of a layer's weight and bias, 1 unless the layer says otherwise:
 *
 * - `standard`  h = W·x + b
 * - `ntk`       h = σ_w/√fan_in·W·x + σ_b·b, with W and b drawn from N(0, 1) (Jacot et al. 2018, arXiv:1806.07572)
 * - `mup`       h = multiplier·W·x + b: the output multiplier 1/width_mult of maximal-update parameterization, 1 elsewhere
 *               (Yang et al. 2022, arXiv:2203.03466); initial scales and learning rates carry the rest
 */
export function factors(layer: LayerSpec, fanIn: number): Factors {
  switch (choiceOption(layer, 'parameterization', ['standard', 'ntk', 'mup'], 'standard')) {
    case 'standard':
      return { weight: 1, bias: 1 };
    case 'ntk':
      return { weight: numberOption(layer, 'sigma_w', 1) / Math.sqrt(fanIn), bias: numberOption(layer, 'sigma_b', 1) };
    case 'mup':
      return { weight: numberOption(layer, 'multiplier', 1), bias: 1 };
  }
}
