/** @file numpy's .npz: a zip archive of .npy files, stored (`numpy.savez`) or deflated (`numpy.savez_compressed`). */

import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { readNpy } from './npy.ts';
import { quote, quoteList } from './quote.ts';
import { memberContents, type ZipMember, zipMembers } from './zip.ts';

/**
 * Every array of an .npz archive by its name, in the archive's order. Files in it that are no .npy are left alone.
 *
 * Costs the inflated size of all arrays; `readNpzMember` reads one and leaves the others alone.
 *
 * @throws {TangedgeError} ERR_FORMAT for a damaged archive or array (sizes and CRC-32 are checked), or a name twice ·
 * ERR_UNSUPPORTED for zip64, encryption, or a dtype that `readNpy` refuses.
 */
export async function readNpz(bytes: Uint8Array): Promise<Map<string, Tensor>> {
  const arrays = new Map<string, Tensor>();
  for (const [name, member] of arrayMembers(bytes)) arrays.set(name, await arrayIn(member));
  return arrays;
}

/**
 * One array of an .npz archive: `readNpzMember(bytes, 'x')` is what `numpy.load(file)['x']` gives.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when there is no such array; the message lists the names · otherwise as `readNpz`.
 */
export async function readNpzMember(bytes: Uint8Array, name: string): Promise<Tensor> {
  const members = arrayMembers(bytes);
  const member = members.get(name) ?? (name.endsWith('.npy') ? members.get(name.slice(0, -4)) : undefined);
  if (member === undefined) {
    const names = [...members.keys()];
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `readNpz: the archive has no array ${quote(name)}; it has ${names.length === 0 ? 'none' : quoteList(names)}.`,
      { name, names },
    );
  }
  return arrayIn(member);
}

function arrayMembers(bytes: Uint8Array): Map<string, ZipMember> {
  const members = new Map<string, ZipMember>();
  for (const member of zipMembers('readNpz', bytes)) {
    if (!member.name.endsWith('.npy')) continue;
    const name = member.name.slice(0, -4);
    if (members.has(name)) throw new TangedgeError('ERR_FORMAT', `readNpz: the archive has two arrays named ${quote(name)}.`, { name });
    members.set(name, member);
  }
  return members;
}

async function arrayIn(member: ZipMember): Promise<Tensor> {
  const contents = await memberContents('readNpz', member);
  try {
    return readNpy(contents);
  } catch (cause) {
    if (!(cause instanceof TangedgeError)) throw cause;
    throw new TangedgeError(cause.code, `readNpz: member ${quote(member.name)}: ${cause.message}`, cause.info, { cause });
  }
}
