/** @file Learning-rate schedules: η as a function of the step, with a warm-up. */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface LearningRateScheduleOptions {
  /**
   * - `'constant'`  η
   * - `'linear'`    from η to `final` in a straight line
   * - `'cosine'`    final + (η − final)·(1 + cos πt)/2, t from 0 to 1
   */
  readonly kind: 'constant' | 'linear' | 'cosine';
  /** η after the warm-up. */
  readonly learningRate: number;
  /** Updates of the run: the last of them is made with `final`. */
  readonly steps: number;
  /** Updates over which the rate rises in proportion, the first with η/(warmup + 1); default 0. */
  readonly warmup?: number;
  /** Rate of the last update; default 0. */
  readonly final?: number;
}

/**
 * The learning rate as a function of the step, for `TrainingOptions.learningRate`.
 *
 * Cost       one cosine per step, computed beforehand by the routines: the same bits in every runtime
 *
 * @throws {TangedgeError} ERR_ARGUMENT for options outside their range
 * @example
 * const learningRate = learningRateSchedule(rt, { kind: 'linear', learningRate: 1, steps: 4, warmup: 1 });
 * const rates = [0, 1, 2, 3].map(learningRate); // [0.5, 1, 0.5, 0]
 */
export function learningRateSchedule(rt: Runtime, options: LearningRateScheduleOptions): (step: number) => number {
  const { kind, learningRate, steps, warmup = 0, final = 0 } = options;
  checkInteger('learningRateSchedule', 'steps', steps, 0);
  checkInteger('learningRateSchedule', 'warmup', warmup, 0, steps);
  if (!Number.isFinite(learningRate) || !Number.isFinite(final)) {
    throw new TangedgeError('ERR_ARGUMENT', `learningRateSchedule: learningRate ${learningRate} and final ${final} must be finite.`, {
      learningRate,
      final,
    });
  }
  const falling = steps - warmup;
  const share = fallOf(rt, kind, falling);
  return (step) => {
    if (step < warmup) return (learningRate * (step + 1)) / (warmup + 1);
    const left = share[Math.min(step - warmup, falling - 1)] ?? 1;
    return final + (learningRate - final) * left;
  };
}

/** What is left of η − final at each of `count` updates, from 1 to 0. */
function fallOf(rt: Runtime, kind: LearningRateScheduleOptions['kind'], count: number): Float64Array {
  const time = Float64Array.from({ length: count }, (_, k) => (count === 1 ? 0 : k / (count - 1)));
  switch (kind) {
    case 'constant':
      return time.fill(1);
    case 'linear':
      return time.map((t) => 1 - t);
    case 'cosine':
      return rt.arena.frame(() => {
        const ptr = rt.arena.load(
          'f64',
          time.map((t) => Math.PI * t),
        );
        rt.f64.cos(count, ptr, ptr);
        return rt.arena.f64(ptr, count).map((cosine) => (1 + cosine) / 2);
      });
    default:
      kind satisfies never;
      throw new TangedgeError('ERR_ARGUMENT', `learningRateSchedule: kind is '${kind}'; it must be constant, linear or cosine.`, { kind });
  }
}
