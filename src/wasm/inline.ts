/** @file The compiled module as it is built into the package: base64 text, decoded when first needed. imported.ts stands in on workerd. */

import { routinesBase64 } from '../../build/routines-base64.ts';
import { bytesOfBase64 } from './base64.ts';

/** The release module. */
export function builtInModule(): Uint8Array {
  return bytesOfBase64(routinesBase64);
}
