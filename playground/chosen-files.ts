/** @file The files that were chosen, one for each role: by the picker of the role, or for dropped ones by what they are called. */

import { TangedgeError } from 'tangedge';
import type { Field } from './messages.ts';

/** The files of an analysis; the names of its fields, too. */
export const ROLES = ['model', 'inputs', 'targets', 'initial', 'weights'] as const;

export type Role = (typeof ROLES)[number];

/**
 * The roles of files that were dropped together: models by their kind, arrays and checkpoints by their names, the second of a kind
 * by what is left.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for a file that is neither a model nor an array, or one too many
 */
export function rolesOf(names: readonly string[]): Map<Role, number> {
  const roles = new Map<Role, number>();
  for (const [index, name] of names.entries()) {
    const candidates = candidatesOf(name);
    const role = candidates.find((candidate) => !roles.has(candidate));
    if (role === undefined) {
      const other = names[roles.get(candidates[0]) as number];
      throw new TangedgeError(
        'ERR_ARGUMENT',
        `${name}: ${other} was dropped with it and is the ${candidates[0]} too. Drop one at a time, on its place.`,
        { name },
      );
    }
    roles.set(role, index);
  }
  return roles;
}

/** What a file of this name may be, likeliest first. */
function candidatesOf(name: string): readonly Role[] {
  const extension = /\.[^.]*$/.exec(name)?.[0].toLowerCase();
  const isInitial = /init|before|untrained/i.test(name);
  switch (extension) {
    case '.onnx':
      return isInitial ? ['initial', 'model'] : ['model', 'initial'];
    case '.json':
      return ['model'];
    case '.safetensors':
      return isInitial ? ['initial', 'weights'] : ['weights', 'initial'];
    case '.npy':
      return /^y(?![a-z])|target|label|onehot/i.test(name) ? ['targets', 'inputs'] : ['inputs', 'targets'];
    case '.npz':
      throw new TangedgeError('ERR_ARGUMENT', `${name}: it is an archive. Save inputs and targets as .npy, one file each.`, { name });
    default:
      throw new TangedgeError('ERR_ARGUMENT', `${name}: it is neither a model (.onnx, or .json with .safetensors) nor an array (.npy).`, { name });
  }
}

/** The order's fields, in a fixed order. */
export function fieldsOf(files: ReadonlyMap<Role, File>, dtype: string): Field[] {
  const chosen = ROLES.flatMap((role): Field[] => {
    const file = files.get(role);
    return file ? [[role, file]] : [];
  });
  return [...chosen, ['dtype', dtype]];
}
