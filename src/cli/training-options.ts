/** @file Option values of `tangedge train`: trackers with cadence, numbers by parameter name, the learning rate, the optimizer. */

import { InvalidArgumentError } from 'commander';
import type { TrackerSpec } from '../analysis/training/tracker.ts';
import { TRACKERS } from '../analysis/training/trackers.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { learningRateSchedule } from '../dynamics/learning-rate-schedule.ts';
import type { Optimizer } from '../dynamics/optimizer.ts';
import type { TrainingOptions } from '../dynamics/training-step.ts';
import type { Runtime } from '../wasm/runtime.ts';

export const OPTIMIZERS = ['gd', 'momentum', 'nesterov', 'adam', 'slo', 'gradient-flow', 'central-flow'] as const;

/** A tracker with its cadence, before what it needs is known. */
export interface TrackerRequest {
  readonly tracker: (typeof TRACKERS)[number];
  readonly every?: number;
  readonly growth?: number;
  /** Of `kernel`. */
  readonly since?: readonly number[];
  /** Of `spectrum` and `eigenvectors`. */
  readonly top?: number;
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

/** Options of single trackers. */
export interface TrackerFlags {
  readonly since?: readonly number[];
  readonly top?: number;
}

/** @throws {TangedgeError} ERR_ARGUMENT for an option of a tracker that is not asked for. */
export function withTrackerFlags(requests: readonly TrackerRequest[], { since, top }: TrackerFlags): TrackerRequest[] {
  const has = (...names: readonly string[]) => requests.some(({ tracker }) => names.includes(tracker));
  if (since !== undefined && !has('kernel')) throw new TangedgeError('ERR_ARGUMENT', '--since belongs to the tracker kernel: add it to --track.', {});
  if (top !== undefined && !has('spectrum', 'eigenvectors')) {
    throw new TangedgeError('ERR_ARGUMENT', '--top belongs to the trackers spectrum and eigenvectors: add one to --track.', {});
  }
  return requests.map((request) => ({
    ...request,
    ...(request.tracker === 'kernel' && since !== undefined && { since }),
    ...((request.tracker === 'spectrum' || request.tracker === 'eigenvectors') && top !== undefined && { top }),
  }));
}

/** Whole numbers separated by commas. */
export function stepList(text: string): number[] {
  if (!/^\d+(,\d+)*$/.test(text)) throw new InvalidArgumentError('It must be whole numbers separated by commas.');
  return text.split(',').map(Number);
}

/** @throws {TangedgeError} ERR_ARGUMENT when `egop` is tracked without the matrix. */
export function trackerSpecs(requests: readonly TrackerRequest[], egop: Tensor | undefined): TrackerSpec[] {
  return requests.map((request): TrackerSpec => {
    if (request.tracker !== 'egop') return request as TrackerSpec;
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

/** `NAME*` stands for every name that begins so; what is named in full counts before that. */
export function forParameters(option: string, numbers: Readonly<Record<string, number>>, names: readonly string[]): Record<string, number> {
  const entries = Object.entries(numbers);
  const patterns = entries.filter(([pattern]) => pattern.endsWith('*'));
  const expanded = patterns.flatMap(([pattern, value]) => {
    const covered = names.filter((name) => name.startsWith(pattern.slice(0, -1)));
    if (covered.length > 0) return covered.map((name) => [name, value] as const);
    throw new TangedgeError('ERR_ARGUMENT', `${option}: no trained parameter begins with '${pattern.slice(0, -1)}'; there are ${names.join(', ')}.`, {
      pattern,
      names: [...names],
    });
  });
  return Object.fromEntries([...expanded, ...entries.filter(([pattern]) => !pattern.endsWith('*'))]);
}

export const SCHEDULES = ['constant', 'linear', 'cosine'] as const;

export interface RateFlags {
  readonly lr: number;
  readonly schedule?: (typeof SCHEDULES)[number];
  readonly warmup?: number;
  readonly finalLr?: number;
}

/** A number where nothing else is asked for: reports then compare sharpness with its threshold. */
export function learningRateOf(
  rt: Runtime,
  { lr, schedule = 'constant', warmup, finalLr }: RateFlags,
  steps: number,
): TrainingOptions['learningRate'] {
  if (finalLr !== undefined && schedule === 'constant') {
    throw new TangedgeError('ERR_ARGUMENT', '--final-lr is where --schedule linear or cosine ends.', {});
  }
  if (schedule === 'constant' && warmup === undefined) return lr;
  return learningRateSchedule(rt, { kind: schedule, learningRate: lr, steps, warmup, final: finalLr });
}

export interface OptimizerFlags {
  readonly optimizer?: (typeof OPTIMIZERS)[number];
  readonly momentum?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly speeds?: Readonly<Record<string, number>>;
}

/** @throws {TangedgeError} ERR_ARGUMENT for an option that the optimizer does not take, or lacks. */
export function optimizerOf({ optimizer = 'gd', momentum, beta1, beta2, epsilon, speeds }: OptimizerFlags): Optimizer {
  const takesMomentum = optimizer === 'momentum' || optimizer === 'nesterov';
  if (momentum !== undefined && !takesMomentum) {
    throw new TangedgeError('ERR_ARGUMENT', `--momentum belongs to --optimizer momentum or nesterov, not ${optimizer}.`, { optimizer });
  }
  if ((speeds !== undefined) !== (optimizer === 'slo')) {
    throw new TangedgeError('ERR_ARGUMENT', '--optimizer slo and --speeds WEIGHT=C,… go together: C is how far a weight moves per unit of rate.', {
      optimizer,
    });
  }
  if ((beta1 !== undefined || beta2 !== undefined) && optimizer !== 'adam') {
    throw new TangedgeError('ERR_ARGUMENT', `--beta1 and --beta2 belong to --optimizer adam, not ${optimizer}.`, { optimizer });
  }
  if (epsilon !== undefined && optimizer !== 'adam' && optimizer !== 'slo') {
    throw new TangedgeError('ERR_ARGUMENT', `--epsilon belongs to --optimizer adam or slo, not ${optimizer}.`, { optimizer });
  }
  if (takesMomentum) return { name: optimizer, momentum };
  if (optimizer === 'adam') return { name: 'adam', beta1, beta2, epsilon };
  return optimizer === 'slo' ? { name: 'slo', speeds: speeds as Record<string, number>, epsilon } : { name: optimizer };
}
