/** @file The wide module, a file of its own that is read when it is asked for. */

import { bytesOfBase64 } from './base64.ts';

/** The bytes of the wide module. */
export async function wideModule(): Promise<Uint8Array> {
  const { routinesWideBase64 } = await import('../../build/routines-wide-base64.ts');
  return bytesOfBase64(routinesWideBase64);
}
