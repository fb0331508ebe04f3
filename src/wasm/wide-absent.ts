/** @file In the place of wide.ts in builds for runtimes that cannot run the wide module. */

import { TangedgeError } from '../core/errors.ts';

export async function wideModuleBytes(): Promise<Uint8Array> {
  throw new TangedgeError(
    'ERR_UNSUPPORTED',
    'wide mode needs Node 24 or newer; this is another runtime. Leave the wide option out: the results are the same.',
  );
}
