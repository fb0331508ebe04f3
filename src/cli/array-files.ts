/** @file Arrays on the command line: `FILE.npy`, and `FILE.npz:NAME` for a member of an archive. */

import { readFileSync } from 'node:fs';
import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { batchSize, type Model } from '../graph/model.ts';
import { readNpy } from '../io/npy.ts';
import { readNpzMember } from '../io/npz.ts';
import { inFile } from './failure.ts';

/**
 * The array that `source` names.
 *
 * @throws {TangedgeError} ERR_IO when the file cannot be read · ERR_FORMAT, ERR_UNSUPPORTED as its reader says
 */
export async function readArray(source: string): Promise<Tensor> {
  const member = MEMBER.exec(source);
  if (member === null && source.endsWith('.npz')) {
    throw new TangedgeError('ERR_ARGUMENT', `${source}: name the array in the archive, as in ${source}:x.`, { path: source });
  }
  try {
    return member === null ? readNpy(readBytes(source)) : await readNpzMember(readBytes(member[1]), member[2]);
  } catch (error) {
    throw inFile(arrayFile(source), error);
  }
}

/** The file that holds the array: the archive of `FILE.npz:NAME`. */
export function arrayFile(source: string): string {
  return MEMBER.exec(source)?.[1] ?? source;
}

const MEMBER = /^(.+\.npz):(.+)$/s;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file.',
  ENOTDIR: 'there is no such file.',
  EISDIR: 'it is a folder, not a file.',
  EACCES: 'permission is denied.',
};

/** @throws {TangedgeError} ERR_IO */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    throw new TangedgeError('ERR_IO', `cannot be read: ${REASONS[code] ?? message}`, { path }, { cause });
  }
}

/** A batch of examples that fits the model, every value finite. */
export interface Inputs {
  readonly x: Tensor;
  readonly n: number;
}

/**
 * The examples that `source` names.
 *
 * @throws {TangedgeError} as `readArray` · ERR_SHAPE when they do not fit the model · ERR_DOMAIN when the batch is empty,
 * or holds NaN or Inf (the index is named)
 */
export async function readInputs(source: string, model: Model): Promise<Inputs> {
  const x = await readArray(source);
  try {
    const n = batchSize('inputs', model, 'x', x);
    checkFinite('inputs', 'x', x);
    return { x, n };
  } catch (error) {
    throw inFile(source, error);
  }
}
