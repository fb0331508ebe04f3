/** @file abc-parameterizations: from the exponents of width in a network's scaling to its regime in the infinite-width limit. */

import { TangedgeError } from '../core/errors.ts';

/** W_l = m^(−a_l)·w_l, w_l ~ N(0, m^(−2b_l)), learning rate η·m^(−c), m the width; L hidden layers and the output layer. */
export interface AbcParameterization {
  /** [L + 1] */
  readonly a: readonly number[];
  /** [L + 1] */
  readonly b: readonly number[];
  readonly c: number;
}

export interface AbcRegime {
  /** The exponent r: features move by Θ(m^(−r)). */
  readonly r: number;
  readonly regime: 'kernel' | 'feature learning' | 'unstable';
}

/**
 * The regime of an abc-parameterization under SGD: `kernel` for r > 0, `feature learning` for r = 0, `unstable` for r < 0.
 *
 *   r = min(a_{L+1} + b_{L+1}, 2a_{L+1} + c) + c − 1 + min_{l ≤ L} [2a_l + 1(l = 1)]
 *
 * @throws {TangedgeError} ERR_SHAPE when a and b differ in length, or have fewer than two entries
 * @see Yang, Hu (2021). Tensor Programs IV: feature learning in infinite-width neural networks. arXiv:2011.14522.
 * @example
 * const { r } = abcRegime({ a: [0, 0.5, 0.5], b: [0, 0, 0], c: 0 }); // 0.5
 */
export function abcRegime({ a, b, c }: AbcParameterization): AbcRegime {
  if (a.length !== b.length || a.length < 2) {
    throw new TangedgeError('ERR_SHAPE', `abcRegime: a has ${a.length} entries and b ${b.length}; both need one per layer, at least two.`, {
      a: a.length,
      b: b.length,
    });
  }
  const last = a.length - 1;
  const hidden = Math.min(...a.slice(0, last).map((exponent, layer) => 2 * exponent + (layer === 0 ? 1 : 0)));
  const r = Math.min(a[last] + b[last], 2 * a[last] + c) + c - 1 + hidden;
  // Exponents are halves and quarters: what is left below 1e-12 is rounding.
  const exact = Math.abs(r) < 1e-12 ? 0 : r;
  return { r: exact, regime: exact > 0 ? 'kernel' : exact === 0 ? 'feature learning' : 'unstable' };
}
