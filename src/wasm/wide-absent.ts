/** @file In the place of wide.ts in builds for runtimes that cannot run the wide modules. */

import { TangedgeError } from '../core/errors.ts';
import type { TestedModule } from './self-test.ts';

export async function wideModule(_fused: boolean): Promise<TestedModule> {
  throw new TangedgeError(
    'ERR_UNSUPPORTED',
    'wide mode needs Node 24 or newer; this is another runtime. Leave the wide option out: the results are the same.',
  );
}
