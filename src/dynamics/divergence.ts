/** @file When a run is lost: a loss or parameters that are not numbers, or far above where they began for several steps. */

import { TangedgeError } from '../core/errors.ts';
import type { LossGradient } from './loss-gradient.ts';
import type { LossName } from './loss-graph.ts';
import type { TrainingState } from './training-state.ts';

/** A loss, or a norm, this many times above the first … */
const FACTOR = 1000;
/** … for this many steps in a row means divergence. */
const STEPS = 5;
/** Steps between copies of the last good state. A copy costs p, a step about 6·n·p. */
const KEEP_EVERY = 10;

/** What is measured of the run and where it began. */
interface Watched {
  readonly step: number;
  readonly loss: number;
  readonly parameterNorm: number;
}

/**
 * Watches loss and parameters, and keeps the last state whose loss was no higher than the first and whose parameters were
 * not far away.
 *
 * The first loss counts as at least that of the zero function (squared loss) or one nat (cross-entropy), so that a run
 * which begins at a minimum may leave it; the first norm of the parameters as at least √p, so that small weights may grow.
 * The norm is looked at every fifth step: it costs p.
 */
export class DivergenceWatch {
  private readonly gradient: LossGradient;
  private readonly lossFloor: number;
  private readonly firstNorm: number;
  private first: number | undefined;
  private highLosses = 0;
  private highNorms = 0;
  private norm: number;
  private lastGood: { readonly step: number; readonly state: () => TrainingState } | undefined;

  /** @param gradient with the parameters of step 0 in place. */
  constructor(gradient: LossGradient, loss: LossName, initialLoss?: number) {
    const { n, c, targets } = gradient.rows;
    this.gradient = gradient;
    this.first = initialLoss;
    this.firstNorm = gradient.parameterNorm();
    this.norm = this.firstNorm;
    let squares = 0;
    for (const y of targets) squares += y * y;
    this.lossFloor = loss === 'mse' ? squares / (2 * n * c) : 1;
  }

  /** Loss of step 0; NaN before. */
  get initialLoss(): number {
    return this.first ?? Number.NaN;
  }

  /** @throws {TangedgeError} ERR_DIVERGED with info.step, info.loss, info.initialLoss, info.parameterNorm and info.lastGood. */
  check(step: number, loss: number, snapshot: () => () => TrainingState): void {
    this.first ??= loss;
    const reference = Math.max(this.first, this.lossFloor);
    this.highLosses = loss <= FACTOR * reference ? 0 : this.highLosses + 1;
    if (step % STEPS === 0) this.look();
    const now: Watched = { step, loss, parameterNorm: this.norm };
    if (!Number.isFinite(loss) || this.highLosses >= STEPS)
      throw this.diverged(`the loss is ${loss} at step ${step}. It began at ${this.first}`, now);
    if (!Number.isFinite(this.norm) || this.highNorms > 1) {
      throw this.diverged(`the norm of the parameters is ${this.norm} at step ${step}. It began at ${this.firstNorm}`, now);
    }
    const due = this.lastGood === undefined || step >= this.lastGood.step + KEEP_EVERY;
    if (due && loss <= reference && this.highNorms === 0) this.lastGood = { step, state: snapshot() };
  }

  private look(): void {
    this.norm = this.gradient.parameterNorm();
    this.highNorms = this.norm <= FACTOR * Math.max(this.firstNorm, Math.sqrt(this.gradient.p)) ? 0 : this.highNorms + 1;
  }

  private diverged(what: string, { step, loss, parameterNorm }: Watched): TangedgeError {
    return new TangedgeError('ERR_DIVERGED', `train: ${what}: the run diverged. Use a smaller learning rate.`, {
      step,
      loss,
      initialLoss: this.first,
      parameterNorm,
      initialParameterNorm: this.firstNorm,
      lastGood: this.lastGood?.state(),
    });
  }
}
