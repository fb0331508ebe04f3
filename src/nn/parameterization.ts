/** @file Parameterizations: what multiplies a stored weight before it is used, and how it is drawn before training. */

import { type InitialDistribution, STANDARD_NORMAL, uniformByFan, ZEROS } from './initial-distribution.ts';
import { choiceOption, type LayerSpec, numberOption } from './layer-context.ts';

/** A factor and an initial distribution each for a layer's weight and bias. */
export interface Parameterization {
  readonly weight: number;
  readonly bias: number;
  readonly weightInitial: InitialDistribution;
  readonly biasInitial: InitialDistribution;
}

/**
 * How a layer with `fanIn` inputs per unit uses and draws its weight W and bias b:
 *
 * - `standard`  h = W·x + b; both U(±1/√fan_in), torch.nn's default
 * - `ntk`       h = σ_w/√fan_in·W·x + σ_b·b; both N(0, 1) (Jacot et al. 2018, arXiv:1806.07572)
 * - `mup`       h = multiplier·W·x + b, maximal-update parameterization (Yang et al. 2022, arXiv:2203.03466): b = 0; W normal
 *               with variance 1/fan_in for `role` input and hidden (the default); for `role` output multiplier·W has variance
 *               1/fan_in², however the two share it. Learning rates carry the rest.
 */
export function parameterizationOf(layer: LayerSpec, fanIn: number): Parameterization {
  switch (choiceOption(layer, 'parameterization', ['standard', 'ntk', 'mup'], 'standard')) {
    case 'standard':
      return { weight: 1, bias: 1, weightInitial: uniformByFan(fanIn), biasInitial: uniformByFan(fanIn) };
    case 'ntk':
      return {
        weight: numberOption(layer, 'sigma_w', 1) / Math.sqrt(fanIn),
        bias: numberOption(layer, 'sigma_b', 1),
        weightInitial: STANDARD_NORMAL,
        biasInitial: STANDARD_NORMAL,
      };
    case 'mup': {
      const multiplier = numberOption(layer, 'multiplier', 1);
      const output = choiceOption(layer, 'role', ['input', 'hidden', 'output'], 'hidden') === 'output';
      const deviation = output ? 1 / (fanIn * Math.abs(multiplier)) : 1 / Math.sqrt(fanIn);
      return { weight: multiplier, bias: 1, weightInitial: { kind: 'normal', deviation }, biasInitial: ZEROS };
    }
  }
}
