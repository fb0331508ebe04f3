/** @file The verdict whether a network trained lazily, in the kernel's regime, or richly, learning features. */

import { TangedgeError } from '../core/errors.ts';

/** What moved in training; give what was measured. */
export interface TrainingMotion {
  /** ‖Θ_T − Θ_0‖/‖Θ_0‖ */
  readonly kernelDrift?: number;
  /** 1 − CKA(Θ_0, Θ_T) */
  readonly kernelTurn?: number;
  /** |ΔKTA| */
  readonly alignmentChange?: number;
  /** ‖W − W₀‖/‖W₀‖, the largest over the weights */
  readonly weightChange?: number;
  /** RMS of h − h₀ over RMS of h₀, the largest over the hidden layers */
  readonly activationChange?: number;
  /** ‖f_nn − f_lin‖/‖f_nn‖ at the end of training */
  readonly linearizationGap?: number;
}

/** Below `lazy` a number votes lazy, above `rich` rich, and in between it votes intermediate. */
export interface LazyRichThreshold {
  readonly lazy: number;
  readonly rich: number;
}

export type LazyRichThresholds = Readonly<Record<keyof TrainingMotion, LazyRichThreshold>>;

export type Regime = 'lazy' | 'intermediate' | 'rich';

export interface LazyRichVerdict {
  /** Of the median vote; `intermediate` when the votes are split evenly between lazy and rich. */
  readonly regime: Regime;
  readonly votes: readonly { readonly measure: keyof TrainingMotion; readonly value: number; readonly vote: Regime }[];
}

/** Thresholds used unless others are given. */
export const LAZY_RICH_THRESHOLDS: LazyRichThresholds = {
  kernelDrift: { lazy: 0.1, rich: 0.5 },
  kernelTurn: { lazy: 0.02, rich: 0.15 },
  alignmentChange: { lazy: 0.02, rich: 0.1 },
  weightChange: { lazy: 0.05, rich: 0.3 },
  activationChange: { lazy: 0.1, rich: 0.5 },
  linearizationGap: { lazy: 0.1, rich: 0.5 },
};

/**
 * Lazy, intermediate or rich, by a vote of everything that was measured; the numbers stay beside it.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when nothing was measured, or a threshold's ends are in the wrong order · ERR_DOMAIN for NaN
 * @example
 * const { regime } = lazyRichVerdict({ kernelDrift: 0.03, weightChange: 0.02 }); // lazy
 */
export function lazyRichVerdict(motion: TrainingMotion, thresholds: Partial<LazyRichThresholds> = {}): LazyRichVerdict {
  const limits = { ...LAZY_RICH_THRESHOLDS, ...thresholds };
  const measures = (Object.keys(LAZY_RICH_THRESHOLDS) as (keyof TrainingMotion)[]).filter((measure) => motion[measure] !== undefined);
  if (measures.length === 0) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `lazyRichVerdict: nothing was measured; give one of ${Object.keys(LAZY_RICH_THRESHOLDS).join(', ')}.`,
      {},
    );
  }
  const votes = measures.map((measure) => {
    const value = motion[measure] as number;
    const { lazy, rich } = limits[measure];
    if (!(lazy <= rich)) throw new TangedgeError('ERR_ARGUMENT', `lazyRichVerdict: ${measure} has lazy ${lazy} above rich ${rich}.`, { measure });
    if (Number.isNaN(value)) throw new TangedgeError('ERR_DOMAIN', `lazyRichVerdict: ${measure} is NaN.`, { measure });
    return { measure, value, vote: value < lazy ? 'lazy' : value > rich ? 'rich' : 'intermediate' } as const;
  });
  const sorted = votes.map(({ vote }) => ORDER.indexOf(vote)).sort((a, b) => a - b);
  const middle = (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
  return { regime: middle < 1 && middle >= 0.5 ? 'intermediate' : ORDER[Math.round(middle)], votes };
}

const ORDER: readonly Regime[] = ['lazy', 'intermediate', 'rich'];
