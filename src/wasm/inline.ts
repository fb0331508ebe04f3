/** @file The compiled module as it is built into the package: base64 text, decoded when first needed. imported.ts stands in on workerd. */

import { routinesBase64 } from '../../build/routines-base64.ts';

/** The release module. */
export function builtInModule(): Uint8Array {
  const text = atob(routinesBase64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
