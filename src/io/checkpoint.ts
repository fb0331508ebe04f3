/** @file Checkpoints of training runs: a TrainingState as a safetensors file. */

import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TrainingState } from '../dynamics/training-state.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

export const CHECKPOINT_FORMAT = 'tangedge-checkpoint/1';

export interface Checkpoint {
  readonly state: TrainingState;
  /** What the writer added: how the run was made. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * A TrainingState as safetensors: tensors `parameters/<name>`, `optimizer/<part>/<name>` and `trackers/<name>/<part>`, step and first loss in the
 * metadata beside what the caller adds. Every bit is kept: a run that resumes from it goes on as if it had never stopped.
 */
export function writeCheckpoint(
  { step, initialLoss, parameters, optimizer, trackers = new Map() }: TrainingState,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of parameters) tensors.set(`${PARAMETERS}${name}`, value);
  for (const [name, value] of optimizer) tensors.set(`${OPTIMIZER}${name}`, value);
  for (const [name, value] of trackers) tensors.set(`${TRACKERS}${name}`, value);
  const own = [
    ['format', CHECKPOINT_FORMAT],
    ['step', String(step)],
    ['initialLoss', String(initialLoss)],
  ] as const;
  return writeSafetensors(tensors, new Map([...metadata, ...own]));
}

/**
 * Reads what `writeCheckpoint` wrote.
 *
 * @throws {TangedgeError} ERR_FORMAT when it is another safetensors file, or as `readSafetensors`
 */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes);
  const step = Number(metadata.get('step'));
  if (metadata.get('format') !== CHECKPOINT_FORMAT || !Number.isSafeInteger(step)) {
    throw new TangedgeError(
      'ERR_FORMAT',
      `readCheckpoint: it is no checkpoint of a training run (its format is '${metadata.get('format') ?? 'not said'}').`,
      {},
    );
  }
  const part = (prefix: string) =>
    new Map([...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]));
  const state = {
    step,
    initialLoss: Number(metadata.get('initialLoss')),
    parameters: part(PARAMETERS),
    optimizer: part(OPTIMIZER),
    trackers: part(TRACKERS),
  };
  return { state, metadata };
}

const PARAMETERS = 'parameters/';
const OPTIMIZER = 'optimizer/';
const TRACKERS = 'trackers/';
