/** @file Option values of `tangedge train`: trackers with cadence, numbers by parameter name, the optimizer. */

import { InvalidArgumentError } from 'commander';
import type { TrackerSpec } from '../analysis/training/tracker.ts';
import { TRACKERS } from '../analysis/training/trackers.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Optimizer } from '../dynamics/optimizer.ts';

export const OPTIMIZERS = ['gd', 'momentum', 'nesterov', 'adam', 'slo'] as const;

/** A tracker with its cadence, before what it needs is known. */
export interface TrackerRequest {
  readonly tracker: (typeof TRACKERS)[number];
  readonly every?: number;
  readonly growth?: number;
}

/** `kta`, `kta:10` (every 10 steps), `kta:x1.5` (steps that grow by half), separated by commas. */
export function trackerList(text: string): TrackerRequest[] {
  return text.split(',').map((entry) => {
    const [, name, growth, every] = /^\s*([a-z-]+)(?::(?:x(\d+(?:\.\d+)?)|(\d+)))?\s*$/.exec(entry) ?? [];
    const tracker = TRACKERS.find((known) => known === name);
    if (tracker === undefined) {
      throw new InvalidArgumentError(`'${entry}' is not NAME, NAME:EVERY or NAME:xGROWTH with a NAME of ${TRACKERS.join(', ')}.`);
    }
    if (every !== undefined) return { tracker, every: Number(every) };
    return growth === undefined ? { tracker } : { tracker, growth: Number(growth) };
  });
}

/** @throws {TangedgeError} ERR_ARGUMENT when `egop` is tracked without the matrix. */
export function trackerSpecs(requests: readonly TrackerRequest[], egop: Tensor | undefined): TrackerSpec[] {
  return requests.map((request): TrackerSpec => {
    if (request.tracker !== 'egop') return { ...request, tracker: request.tracker };
    if (egop === undefined) throw new TangedgeError('ERR_ARGUMENT', '--track egop compares with a known EGOP: add --egop G.npy.', {});
    return { ...request, tracker: 'egop', egop };
  });
}

/** `NAME=NUMBER`, separated by commas. */
export function namedNumbers(text: string): Record<string, number> {
  const entries = text.split(',').map((entry) => {
    const [, name, value] = /^\s*([^=]+?)\s*=\s*(\S+)\s*$/.exec(entry) ?? [];
    if (name === undefined || !Number.isFinite(Number(value))) throw new InvalidArgumentError(`'${entry}' is not NAME=NUMBER.`);
    return [name, Number(value)] as const;
  });
  return Object.fromEntries(entries);
}

/** A finite number. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export interface OptimizerFlags {
  readonly optimizer?: (typeof OPTIMIZERS)[number];
  readonly momentum?: number;
  readonly speeds?: Readonly<Record<string, number>>;
}

/** @throws {TangedgeError} ERR_ARGUMENT for an option that the optimizer does not take, or lacks. */
export function optimizerOf({ optimizer = 'gd', momentum, speeds }: OptimizerFlags): Optimizer {
  const takesMomentum = optimizer === 'momentum' || optimizer === 'nesterov';
  if (momentum !== undefined && !takesMomentum) {
    throw new TangedgeError('ERR_ARGUMENT', `--momentum belongs to --optimizer momentum or nesterov, not ${optimizer}.`, { optimizer });
  }
  if ((speeds !== undefined) !== (optimizer === 'slo')) {
    throw new TangedgeError('ERR_ARGUMENT', '--optimizer slo and --speeds WEIGHT=C,… go together: C is how far a weight moves per unit of rate.', {
      optimizer,
    });
  }
  if (takesMomentum) return { name: optimizer, momentum };
  return optimizer === 'slo' ? { name: 'slo', speeds: speeds as Record<string, number> } : { name: optimizer };
}
