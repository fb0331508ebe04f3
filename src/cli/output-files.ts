/** @file Files written whole or not at all: checked before the work begins, written beside their place and then renamed. */

import { randomUUID } from 'node:crypto';
import { mkdirSync, realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TangedgeError } from '../core/errors.ts';

/** A place where a file can be written, as far as one can know before writing it. */
export interface OutputFile {
  readonly path: string;
  write(contents: Uint8Array | string): void;
}

/** A folder that takes files; it is made when the first one is written. */
export interface OutputFolder {
  readonly path: string;
  /** Writes the file and returns its path. */
  write(name: string, contents: Uint8Array | string): string;
}

/**
 * Checks that `path` can be written: its folder is there and takes a new file, and it is no folder itself.
 *
 * @throws {TangedgeError} ERR_IO
 */
export function outputFile(path: string): OutputFile {
  const existing = statOf(path);
  if (existing?.isDirectory()) throw cannotWrite(path, 'it is a folder. Name a file.');
  // A device or a pipe is written to, never replaced; a link keeps pointing where it points.
  if (existing !== undefined && !existing.isFile()) return { path, write: (contents) => attempt(path, () => writeFileSync(path, contents)) };
  const target = existing === undefined ? resolve(path) : realpathSync(path);
  attempt(path, () => probe(dirname(target)));
  return {
    path,
    write(contents) {
      const partial = partialName(dirname(target));
      try {
        attempt(path, () => {
          writeFileSync(partial, contents, { flag: 'wx' });
          renameSync(partial, target);
        });
      } finally {
        rmSync(partial, { force: true });
      }
    },
  };
}

/**
 * Checks that the folder `path` takes files named `names`, or can be made where it is missing.
 *
 * @throws {TangedgeError} ERR_IO
 */
export function outputFolder(path: string, names: readonly string[]): OutputFolder {
  let ancestor = resolve(path);
  while (statOf(ancestor) === undefined && ancestor !== dirname(ancestor)) ancestor = dirname(ancestor);
  if (!statOf(ancestor)?.isDirectory()) throw cannotWrite(path, `${ancestor} is a file, not a folder. Name a folder.`);
  attempt(path, () => probe(ancestor));
  if (ancestor === resolve(path)) for (const name of names) outputFile(join(path, name));
  return {
    path,
    write(name, contents) {
      attempt(path, () => mkdirSync(path, { recursive: true }));
      const file = outputFile(join(path, name));
      file.write(contents);
      return file.path;
    },
  };
}

/** Throws when two outputs of one command are the same file. */
export function checkDistinct(outputs: readonly OutputFile[]): void {
  const places = outputs.map(({ path }) => resolve(path));
  const twice = outputs.find((_, index) => places.indexOf(places[index]) < index);
  if (twice) throw cannotWrite(twice.path, 'two outputs have this name. Give each its own.');
}

/** Throws what the system says when a folder takes no new file. */
function probe(folder: string): void {
  const partial = partialName(folder);
  writeFileSync(partial, '', { flag: 'wx' });
  rmSync(partial);
}

function partialName(folder: string): string {
  return join(folder, `.tangedge-${randomUUID()}.partial`);
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw ioError(path, cause);
  }
}

function attempt(path: string, action: () => void): void {
  try {
    action();
  } catch (cause) {
    throw ioError(path, cause);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist. Make the folder first.',
  ENOTDIR: 'a part of the path is a file, not a folder.',
  EACCES: 'permission is denied.',
  EPERM: 'permission is denied.',
  EROFS: 'the file system is read-only.',
  ENOSPC: 'no space is left on the device.',
  ENAMETOOLONG: 'the name is too long.',
};

function ioError(path: string, cause: unknown): TangedgeError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return cannotWrite(path, REASONS[code] ?? message, cause);
}

function cannotWrite(path: string, reason: string, cause?: unknown): TangedgeError {
  return new TangedgeError('ERR_IO', `${path}: cannot be written: ${reason}`, { path }, { cause });
}
