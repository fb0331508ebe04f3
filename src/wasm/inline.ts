/** @file The compiled module as it is built into the package: base64 text, compiled when first needed. imported.ts stands in on workerd. */

import { base64 } from '../../build/routines-base64.ts';
import { bytesOfBase64 } from '../core/base64.ts';

let compiled: WebAssembly.Module | undefined;

/** The release module, compiled once. */
export function builtInModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(bytesOfBase64(base64) as Uint8Array<ArrayBuffer>);
  return compiled;
}
