/**
 * @file The edge of stability in a series of sharpness values: the smoothed series, its four phases, what alternates.
 *
 *   phase   smoothed sharpness Λ̄ against the threshold 2/η
 *   I       below, rising     progressive sharpening
 *   II      above, rising     the residual grows along the top eigenvector
 *   III     above, falling    the quadratic term of the step lowers the sharpness
 *   IV      below, falling    the oscillation decays
 *
 * Source: Li, Wang, Li (2022). Analyzing sharpness along GD trajectory. arXiv:2207.12678.
 */

import { TangedgeError } from '../core/errors.ts';
import { largestMagnitude } from '../core/tensor.ts';

export type StabilityPhase = 'I' | 'II' | 'III' | 'IV';

export interface PhaseSegment {
  readonly phase: StabilityPhase;
  /** First and last index in the smoothed series; its entry i averages steps i, i + 1 and i + 2. */
  readonly start: number;
  readonly end: number;
  /** Change of the smoothed `follow` series from `start` to the start of the next segment; NaN without one. */
  readonly change: number;
}

export interface PhaseOptions {
  /** 2/η, or what `stabilityThreshold` says for the optimizer. */
  readonly threshold: number;
  /** Turns and crossings count once they exceed this; as a fraction of the threshold. 0 takes every one. Default 1e-3. */
  readonly hysteresis?: number;
  /** A series of the same steps whose change per segment is wanted: kernel-target alignment. */
  readonly follow?: ArrayLike<number>;
}

/**
 * (x[t−1] + 2·x[t] + x[t+1])/4: what is left of a series when its period-2 oscillation is taken out, exactly.
 *
 * Shapes     [t]  →  [t − 2], entry i centered on step i + 1
 *
 * @throws {TangedgeError} ERR_SHAPE for fewer than 3 values
 * @example
 * const smooth = smoothSeries([1, 3, 1, 3]); // [2, 2]
 */
export function smoothSeries(series: ArrayLike<number>): Float64Array {
  checkSeries('smoothSeries', series);
  return Float64Array.from({ length: series.length - 2 }, (_, i) => (series[i] + 2 * series[i + 1] + series[i + 2]) / 4);
}

/**
 * (x[t−1] − 2·x[t] + x[t+1])/4: the period-2 oscillation of a series. x = smoothSeries(x) − alternation(x) inside.
 *
 * @throws {TangedgeError} ERR_SHAPE for fewer than 3 values
 * @example
 * const wave = alternation([1, 3, 1, 3]); // [-1, 1]
 */
export function alternation(series: ArrayLike<number>): Float64Array {
  checkSeries('alternation', series);
  return Float64Array.from({ length: series.length - 2 }, (_, i) => (series[i] - 2 * series[i + 1] + series[i + 2]) / 4);
}

/**
 * The four phases of the edge of stability as run-length segments of the smoothed sharpness.
 *
 * A turn is placed at the extreme and a crossing where the series first stays on the other side; both count only once the
 * series has moved on by the hysteresis, so the rounding-size motion of a converged run makes no phases. Unsmoothed
 * sharpness alternates every step and has no meaningful phases.
 *
 * Shapes     sharpness [t]  →  segments that cover the smoothed series [t − 2]
 *
 * @throws {TangedgeError} ERR_SHAPE for fewer than 4 values or a `follow` of another length · ERR_DOMAIN for NaN or Inf
 * @see Li, Wang, Li (2022). Analyzing sharpness along GD trajectory: progressive sharpening and edge of stability. arXiv:2207.12678.
 * @example
 * const segments = stabilityPhases([1, 1, 2, 3, 4, 4, 3, 2, 1, 1], { threshold: 2.5 }); // I, II, III, IV
 */
export function stabilityPhases(sharpness: ArrayLike<number>, options: PhaseOptions): PhaseSegment[] {
  const { threshold, hysteresis = 1e-3, follow } = options;
  checkSeries('stabilityPhases', sharpness, 4);
  if (!(threshold > 0 && Number.isFinite(threshold)) || !(hysteresis >= 0)) {
    throw new TangedgeError('ERR_ARGUMENT', `stabilityPhases: threshold ${threshold} must be positive and hysteresis ${hysteresis} at least 0.`, {
      threshold,
      hysteresis,
    });
  }
  if (follow !== undefined && follow.length !== sharpness.length) {
    throw new TangedgeError('ERR_SHAPE', `stabilityPhases: follow has ${follow.length} values, sharpness ${sharpness.length}: one per step.`, {
      follow: follow.length,
      sharpness: sharpness.length,
    });
  }
  const smooth = smoothSeries(sharpness);
  const margin = hysteresis * threshold;
  const rising = directions(smooth, margin);
  const above = sides(smooth, threshold, margin);
  const followed = follow === undefined ? undefined : smoothSeries(follow);
  const segments: PhaseSegment[] = [];
  for (let start = 0; start < rising.length; ) {
    let next = start + 1;
    while (next < rising.length && rising[next] === rising[start] && above[next] === above[start]) next++;
    const change = followed === undefined ? Number.NaN : followed[next] - followed[start];
    segments.push({ phase: phaseOf(above[start], rising[start]), start, end: next - 1, change });
    start = next;
  }
  return segments;
}

/** Fraction of neighboring values with opposite signs: 1 for a period-2 oscillation around 0, 0 for one sign. */
export function signFlipRate(series: ArrayLike<number>): number {
  let flips = 0;
  for (let i = 1; i < series.length; i++) if (series[i] * series[i - 1] < 0) flips++;
  return series.length > 1 ? flips / (series.length - 1) : 0;
}

export interface Oscillation {
  /** First and last step of the longest stretch in which the series alternates around its smoothed self; −1, −1 for none. */
  readonly start: number;
  readonly end: number;
  /** Fraction of all steps that belong to alternating stretches of at least four steps. */
  readonly fraction: number;
  /** Largest |alternation| of the longest stretch. */
  readonly amplitude: number;
}

/**
 * Where a series oscillates with period 2: stretches of at least four steps whose `alternation` changes sign every step,
 * with an amplitude of at least `floor`.
 *
 * @param floor smaller alternations are noise; default 1e-9 of the largest magnitude of the series
 */
export function periodTwoOscillation(series: ArrayLike<number>, floor = 1e-9 * largestMagnitude(series)): Oscillation {
  const wave = alternation(series);
  let [start, end, steps, amplitude] = [-1, -1, 0, 0];
  for (let from = 0; from < wave.length; ) {
    let to = from;
    while (to + 1 < wave.length && wave[to] * wave[to + 1] < 0 && Math.abs(wave[to]) >= floor && Math.abs(wave[to + 1]) >= floor) to++;
    if (to - from + 1 >= MIN_STRETCH) {
      steps += to - from + 1;
      if (start < 0 || to - from > end - start) {
        [start, end] = [from + 1, to + 1];
        amplitude = largestMagnitude(wave.subarray(from, to + 1));
      }
    }
    from = to + 1;
  }
  return { start, end, fraction: steps / wave.length, amplitude };
}

const MIN_STRETCH = 4;

function phaseOf(above: boolean, rising: boolean): StabilityPhase {
  if (above) return rising ? 'II' : 'III';
  return rising ? 'I' : 'IV';
}

/** For every difference of the series whether it belongs to a rise; turns smaller than `margin` are ignored. */
function directions(series: Float64Array, margin: number): boolean[] {
  const rising = new Array<boolean>(series.length - 1);
  let up = series[1] >= series[0];
  let extreme = 0;
  let filled = 0;
  for (let i = 1; i < series.length; i++) {
    if (up ? series[i] >= series[extreme] : series[i] < series[extreme]) {
      extreme = i;
    } else if (Math.abs(series[i] - series[extreme]) > margin) {
      rising.fill(up, filled, extreme);
      filled = extreme;
      extreme = i;
      up = !up;
    }
  }
  return rising.fill(up, filled);
}

/** For every difference of the series whether it starts above the threshold; visits within `margin` of it are ignored. */
function sides(series: Float64Array, threshold: number, margin: number): boolean[] {
  const above = new Array<boolean>(series.length - 1);
  let over = series[0] >= threshold;
  let crossing = 0;
  for (let i = 0; i < above.length; i++) {
    const beyond = series[i] >= threshold;
    if (beyond === over) crossing = i + 1;
    else if (Math.abs(series[i] - threshold) > margin || margin === 0) {
      over = beyond;
      above.fill(over, crossing, i);
      crossing = i + 1;
    }
    above[i] = over;
  }
  return above;
}

function checkSeries(operation: string, series: ArrayLike<number>, least = 3): void {
  if (series.length < least) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: a series of ${series.length} values is too short; give at least ${least}.`, {
      length: series.length,
    });
  }
  for (let i = 0; i < series.length; i++) {
    if (!Number.isFinite(series[i])) {
      throw new TangedgeError('ERR_DOMAIN', `${operation}: value ${i} is ${series[i]}. Cut the series where the run diverged.`, { index: i });
    }
  }
}
