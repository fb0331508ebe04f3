/** @file Reading a TrainingRun: one quantity's numbers, the weights that have one, and the curvature beside its threshold. */

import { stabilityThreshold } from '../../dynamics/sharpness.ts';
import type { TrainingRun } from './run.ts';

/** Values of a quantity at the steps where it is a number. */
export interface NumberSeries {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** A quantity's numbers; of a list of numbers the one at `entry`. Empty when it was not tracked. */
export function numbersOf({ series }: TrainingRun, quantity: string, of: string | null = null, entry = 0): NumberSeries {
  const found = series.find((candidate) => candidate.quantity === quantity && candidate.of === of);
  const steps: number[] = [];
  const values: number[] = [];
  found?.values.forEach((measured, k) => {
    const value = typeof measured === 'object' && measured !== null ? measured[entry] : measured;
    if (value === null || value === undefined || !Number.isFinite(value)) return;
    steps.push(found.steps[k]);
    values.push(value);
  });
  return { steps, values };
}

/** The last number of a quantity, or null. */
export function lastNumber(run: TrainingRun, quantity: string, of: string | null = null): number | null {
  return numbersOf(run, quantity, of).values.at(-1) ?? null;
}

/** What a quantity was measured of, in order: names of weights. */
export function weightsWith({ series }: TrainingRun, quantity: string): string[] {
  return series.flatMap((entry) => (entry.quantity === quantity && entry.of !== null ? [entry.of] : []));
}

export interface Curvature extends NumberSeries {
  /** `sharpness` λmax of the loss Hessian, or `gaussNewton`: λmax(Θ)/n, of its Gauss–Newton part. */
  readonly kind: 'sharpness' | 'gaussNewton';
  /** The curvature at which the optimizer goes unstable; null where none is known. */
  readonly threshold: number | null;
}

/**
 * The curvature of the run: the Hessian's when it was tracked; for the squared loss of one output else that of the kernel's
 * spectrum. null when neither was.
 */
export function curvatureOf(run: TrainingRun): Curvature | null {
  const threshold = thresholdOf(run);
  const hessian = numbersOf(run, 'sharpness');
  if (hessian.values.length > 0) return { ...hessian, kind: 'sharpness', threshold };
  const { config, data } = run;
  const spectrum = numbersOf(run, 'eigenvalues');
  if (spectrum.values.length === 0 || data.outputs !== 1 || config.loss !== 'mse' || config.lossScale === 'sum') return null;
  return { steps: spectrum.steps, values: spectrum.values.map((value) => value / data.kernelSamples), kind: 'gaussNewton', threshold };
}

function thresholdOf({ config: { optimizer, learningRate } }: TrainingRun): number | null {
  if (learningRate === null || !(learningRate > 0)) return null;
  switch (optimizer.name) {
    case 'gd':
    case 'central-flow':
      return stabilityThreshold({ learningRate });
    case 'momentum':
    case 'nesterov':
      return stabilityThreshold({ learningRate, momentum: optimizer.momentum ?? 0.9, kind: optimizer.name === 'nesterov' ? 'nesterov' : 'polyak' });
    default:
      return null;
  }
}
