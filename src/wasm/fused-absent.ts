/** @file In the place of fused.ts in the build for workerd, which compiles no module that is chosen at run time. */

import { TangedgeError } from '../core/errors.ts';
import type { TestedModule } from './self-test.ts';

export async function fusedModule(): Promise<TestedModule> {
  throw new TangedgeError(
    'ERR_UNSUPPORTED',
    'fused mode chooses its module at run time, and Cloudflare Workers compile none then. Leave the fused option out: results then differ by rounding errors.',
  );
}
