/** @file Cadence: at which steps of a run something is measured. */

import { checkInteger } from '../../core/check.ts';
import { TangedgeError } from '../../core/errors.ts';

/** One of the three; with none, as often as is usual for the tracker, mostly about a hundred times in the run. The first and the last state are always measured. */
export interface Cadence {
  /** Every so many steps: 0, n, 2n, …. */
  readonly every?: number;
  /** Logarithmically: from step s the next is ⌊s·growth⌋, at least s + 1. Above 1. */
  readonly growth?: number;
  /** At these steps. */
  readonly at?: readonly number[];
}

/**
 * Whether each step from 0 to `steps` is measured; every `usual` steps when nothing is said.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for values outside their range, or more than one of the three.
 */
export function cadenceOf(name: string, { every, growth, at }: Cadence, steps: number, usual: number): (step: number) => boolean {
  const operation = `tracker '${name}'`;
  if ([every, growth, at].filter((choice) => choice !== undefined).length > 1) {
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: give one of every, growth and at.`, { every, growth, at });
  }
  if (at !== undefined) {
    for (const step of at) checkInteger(operation, 'at', step, 0);
    const chosen = new Set([0, ...at, steps]);
    return (step) => chosen.has(step);
  }
  if (growth !== undefined) {
    if (!(growth > 1 && growth < Number.POSITIVE_INFINITY)) {
      throw new TangedgeError('ERR_ARGUMENT', `${operation}: growth is ${growth}; it must be above 1.`, { growth });
    }
    const chosen = new Set([0, steps]);
    for (let step = 1; step < steps; step = Math.max(step + 1, Math.floor(step * growth))) chosen.add(step);
    return (step) => chosen.has(step);
  }
  const period = every ?? usual;
  checkInteger(operation, 'every', period, 1);
  return (step) => step % period === 0 || step === steps;
}
