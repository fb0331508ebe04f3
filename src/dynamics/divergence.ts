/** @file When a run is lost: a loss that is not a number, or far above where it began for several steps. */

import { TangedgeError } from '../core/errors.ts';
import type { LossGradient } from './loss-gradient.ts';
import type { LossName } from './loss-graph.ts';
import type { TrainingState } from './training-state.ts';

/** A loss this many times above the first … */
const FACTOR = 1000;
/** … for this many steps in a row means divergence. */
const STEPS = 5;
/** Steps between copies of the last good state. A copy costs p, a step about 6·n·p. */
const KEEP_EVERY = 10;

/**
 * Watches the loss and keeps the last state whose loss was no higher than the first.
 *
 * The first loss counts as at least that of the zero function (squared loss) or one nat (cross-entropy), so that a run
 * which begins at a minimum may leave it.
 */
export class DivergenceWatch {
  private readonly floor: number;
  private first: number | undefined;
  private high = 0;
  private lastGood: { readonly step: number; readonly state: () => TrainingState } | undefined;

  constructor({ rows }: LossGradient, loss: LossName, initialLoss?: number) {
    this.first = initialLoss;
    let squares = 0;
    for (const y of rows.targets) squares += y * y;
    this.floor = loss === 'mse' ? squares / (2 * rows.n * rows.c) : 1;
  }

  /** Loss of step 0; NaN before. */
  get initialLoss(): number {
    return this.first ?? Number.NaN;
  }

  /** @throws {TangedgeError} ERR_DIVERGED with info.step, info.loss, info.initialLoss and info.lastGood. */
  check(step: number, loss: number, snapshot: () => () => TrainingState): void {
    this.first ??= loss;
    const reference = Math.max(this.first, this.floor);
    this.high = loss <= FACTOR * reference ? 0 : this.high + 1;
    if (Number.isFinite(loss) && this.high < STEPS) {
      if (loss <= reference && (this.lastGood === undefined || step >= this.lastGood.step + KEEP_EVERY)) this.lastGood = { step, state: snapshot() };
      return;
    }
    throw new TangedgeError(
      'ERR_DIVERGED',
      `train: the loss is ${loss} at step ${step}, it began at ${this.first}: the run diverged. Use a smaller learning rate.`,
      { step, loss, initialLoss: this.first, lastGood: this.lastGood?.state() },
    );
  }
}
