/** @file The files that were chosen, one for each role: by the picker of the role, or for dropped ones by what they are called. */

import { TangedgeError } from 'tangedge';
import { quoteList } from '../src/io/quote.ts';
import { arrayNames, isArchive } from './archives.ts';
import { type Field, ROLES, type Role } from './messages.ts';

/** Names of arrays that a line lists. */
const MOST_NAMES = 4;

/** What was chosen for a role: a file, or one array of an .npz archive. */
export interface Choice {
  readonly file: File;
  readonly array?: string;
}

/** `x.npy`, or `digits.npz:x` as the command line takes it. */
export function choiceName({ file, array }: Choice): string {
  return array === undefined ? file.name : `${file.name}:${array}`;
}

/**
 * A file for this very role: of an archive its only array, or the one that is called like the role's.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when an archive has none, or several · as `arrayNames`
 */
export async function choiceFor(role: Role, file: File): Promise<Choice> {
  if (!isArchive(file) || (role !== 'inputs' && role !== 'targets')) return { file };
  const names = await arrayNames(file);
  const array = names.length === 1 ? names[0] : arrayOf(role, file, names);
  if (array !== undefined) return { file, array };
  throw noArray(file, names, role);
}

/**
 * The roles of files that were dropped together: models by their kind, arrays and checkpoints by their names, the second of a kind
 * by what is left. Of an archive, the inputs and the targets that are in it.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for a file that is neither a model nor an array, or one too many, and for an archive in which
 * it is not clear what to take · as `arrayNames`
 */
export async function rolesOf(files: readonly File[]): Promise<Map<Role, Choice>> {
  const roles = new Map<Role, Choice>();
  for (const [choice, candidates] of (await Promise.all(files.map(choicesIn))).flat()) {
    const role = candidates.find((candidate) => !roles.has(candidate));
    if (role === undefined) {
      const name = choiceName(choice);
      const other = choiceName(roles.get(candidates[0]) as Choice);
      throw new TangedgeError(
        'ERR_ARGUMENT',
        `${name}: ${other} was dropped with it and is the ${candidates[0]} too. Drop one at a time, on its place.`,
        { name },
      );
    }
    roles.set(role, choice);
  }
  return roles;
}

/** What a file holds, each with the roles that it may have, likeliest first. */
async function choicesIn(file: File): Promise<[Choice, readonly Role[]][]> {
  if (!isArchive(file)) return [[{ file }, candidatesOf(file.name)]];
  const names = await arrayNames(file);
  const choices = (['inputs', 'targets'] as const).flatMap((role): [Choice, readonly Role[]][] => {
    const array = arrayOf(role, file, names);
    return array === undefined ? [] : [[{ file, array }, [role]]];
  });
  if (choices.length > 0) return choices;
  throw noArray(file, names, 'inputs or targets');
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
      return arrayRole(name) === 'targets' ? ['targets', 'inputs'] : ['inputs', 'targets'];
    default:
      throw new TangedgeError('ERR_ARGUMENT', `${name}: it is neither a model (.onnx, or .json with .safetensors) nor an array (.npy, or .npz).`, {
        name,
      });
  }
}

/** What an array is, by its name or its file's. */
function arrayRole(name: string): 'inputs' | 'targets' {
  return /^y(?![a-z])|target|label|onehot/i.test(name) ? 'targets' : 'inputs';
}

/** The array of an archive that has this role, if any: `x` or `y`, or the only one that its name gives the role. */
function arrayOf(role: 'inputs' | 'targets', { name }: File, names: readonly string[]): string | undefined {
  const fitting = names.filter((array) => arrayRole(array) === role);
  const plain = role === 'inputs' ? 'x' : 'y';
  if (fitting.includes(plain)) return plain;
  if (fitting.length <= 1) return fitting[0];
  throw new TangedgeError(
    'ERR_ARGUMENT',
    `${name}: ${quoteList(fitting, MOST_NAMES)} could each be the ${role}. Call the one to take ${plain}, or save it as ${plain}.npy.`,
    { name, names },
  );
}

function noArray({ name }: File, names: readonly string[], wanted: string): TangedgeError {
  const held = names.length === 0 ? 'none' : quoteList(names, MOST_NAMES);
  return new TangedgeError('ERR_ARGUMENT', `${name}: no array in it is for ${wanted}; it has ${held}. Save inputs as x and targets as y.`, {
    name,
    names,
  });
}

/** The order's fields, in a fixed order. */
export function fieldsOf(choices: ReadonlyMap<Role, Choice>, dtype: string): Field[] {
  const chosen = ROLES.flatMap((role): Field[] => {
    const choice = choices.get(role);
    return choice ? [{ name: role, value: choice.file, array: choice.array }] : [];
  });
  return [...chosen, { name: 'dtype', value: dtype }];
}
