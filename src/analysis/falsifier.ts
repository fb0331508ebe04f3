/** @file The falsifier: would a claim about a network still hold with its features frozen? */

import { TangedgeError } from '../core/errors.ts';

/** One quantity, for the network and for its frozen counterpart (linearization or kernel), one entry per seed. */
export interface FalsifierTrial {
  readonly claim: string;
  readonly network: readonly number[];
  readonly frozen: readonly number[];
  /** Which way is better: what the claim says of the network. */
  readonly better: 'lower' | 'higher';
}

export interface FalsifierVerdict {
  readonly claim: string;
  readonly networkMean: number;
  readonly frozenMean: number;
  /** Mean advantage of the network over the frozen one, in pooled standard deviations (Cohen's d); positive when the network is better. */
  readonly effectSize: number;
  /** `already in the kernel limit` when freezing takes nothing away, `needs feature learning` when it does. */
  readonly verdict: 'needs feature learning' | 'already in the kernel limit' | 'undecided';
}

/**
 * A verdict per claim: feature learning is needed when the network is ahead by more than `needed` pooled standard deviations
 * and by more than `margin` of the frozen value; not needed when it is ahead by less than `margin`; else undecided.
 *
 * @param margin relative difference of means that is no difference; default 0.1
 * @param needed effect size from which on the network is ahead; default 2
 * @throws {TangedgeError} ERR_SHAPE for an empty trial · ERR_DOMAIN for NaN
 */
export function falsifierVerdict(
  { claim, network, frozen, better }: FalsifierTrial,
  { margin = 0.1, needed = 2 }: { readonly margin?: number; readonly needed?: number } = {},
): FalsifierVerdict {
  if (network.length === 0 || frozen.length === 0) {
    throw new TangedgeError('ERR_SHAPE', `falsifierVerdict: '${claim}' needs at least one run of each.`, {
      network: network.length,
      frozen: frozen.length,
    });
  }
  const [a, b] = [moments(network), moments(frozen)];
  const advantage = better === 'lower' ? b.mean - a.mean : a.mean - b.mean;
  if (Number.isNaN(advantage)) throw new TangedgeError('ERR_DOMAIN', `falsifierVerdict: '${claim}' has a value that is NaN.`, {});
  const pooled = Math.sqrt((a.variance + b.variance) / 2);
  const effectSize = pooled > 0 ? advantage / pooled : advantage === 0 ? 0 : Math.sign(advantage) * Number.POSITIVE_INFINITY;
  const relative = advantage / Math.max(Math.abs(a.mean), Math.abs(b.mean), Number.MIN_VALUE);
  const verdict = relative <= margin ? 'already in the kernel limit' : effectSize >= needed ? 'needs feature learning' : 'undecided';
  return { claim, networkMean: a.mean, frozenMean: b.mean, effectSize, verdict };
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return { mean, variance: values.length > 1 ? squares / (values.length - 1) : 0 };
}
