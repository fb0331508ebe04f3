/** @file Arrays in .npz archives: which are there, and the .npy file that one of them is. */

import { TangedgeError } from 'tangedge';
import { memberContents, type ZipMember, zipMembers } from '../src/io/zip.ts';

export function isArchive({ name }: File): boolean {
  return /\.npz$/i.test(name);
}

/**
 * Names of the arrays in an archive, in its order. Reads the directory alone.
 *
 * @throws {TangedgeError} ERR_FORMAT, ERR_UNSUPPORTED with the file's name in front
 */
export async function arrayNames(archive: File): Promise<string[]> {
  return inFile(archive, async () => (await arrayMembers(archive)).map(({ name }) => name.slice(0, -4)));
}

/**
 * The array as a file of the archive's name.
 *
 * @throws {TangedgeError} ERR_FORMAT for a damaged member, with the file's name in front
 */
export async function arrayFile(archive: File, array: string): Promise<File> {
  return inFile(archive, async () => {
    const member = (await arrayMembers(archive)).find(({ name }) => name === `${array}.npy`) as ZipMember;
    return new File([(await memberContents('readNpz', member)) as Uint8Array<ArrayBuffer>], archive.name);
  });
}

async function arrayMembers(archive: File): Promise<ZipMember[]> {
  return zipMembers('readNpz', new Uint8Array(await archive.arrayBuffer())).filter(({ name }) => name.endsWith('.npy'));
}

async function inFile<T>(file: File, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TangedgeError)) throw error;
    throw new TangedgeError(error.code, `${file.name}: ${error.message}`, { ...error.info, name: file.name }, { cause: error });
  }
}
