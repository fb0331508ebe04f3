/** @file `--checkpoint DIR`: finished tiles as files, written whole or not at all, so that a run that was killed can be resumed. */

import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TangedgeError } from '../core/errors.ts';
import type { TileStore } from '../core/tile-store.ts';

/** A partial file this old, in milliseconds, belongs to a run that was killed. */
const ABANDONED = 600_000;

/** Two processes may use one folder: every file is written under a name of its own and then renamed. */
export function checkpointFolder(path: string, onRestored: (tiles: number, of: number) => void): TileStore {
  const cleaned = new Set<string>();
  return {
    async get(key) {
      try {
        return await readFile(join(path, key));
      } catch (cause) {
        if (isMissing(cause)) return undefined;
        throw ioError(join(path, key), 'read', cause);
      }
    },
    async put(key, bytes) {
      const target = join(path, key);
      const partial = join(dirname(target), `.${randomUUID()}.partial`);
      try {
        await mkdir(dirname(target), { recursive: true });
        if (!cleaned.has(dirname(target))) await removeAbandoned(dirname(target));
        cleaned.add(dirname(target));
        await writeWhole(partial, bytes);
        await rename(partial, target);
      } catch (cause) {
        await rm(partial, { force: true }).catch(() => {}); // the failure to write is the one to report
        throw ioError(target, 'written', cause);
      }
    },
    restored: onRestored,
  };
}

/** On the disk before the file gets its name: a rename may otherwise outlive the bytes when the machine stops. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.partial')) continue;
    const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY })); // just renamed
    if (Date.now() - mtimeMs > ABANDONED) await rm(join(folder, name), { force: true });
  }
}

function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT';
}

function ioError(path: string, done: 'read' | 'written', cause: unknown): TangedgeError {
  return new TangedgeError('ERR_IO', `${path}: the checkpoint cannot be ${done}: ${(cause as Error).message}`, { path }, { cause });
}
