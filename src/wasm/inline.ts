/** @file The compiled module as it is built into the package: base64 text, compiled when first needed. imported.ts stands in on workerd. */

import { base64, edits } from '../../build/routines-base64.ts';
import { bytesOfBase64 } from '../core/base64.ts';
import { edited } from './edits.ts';

let compiled: WebAssembly.Module | undefined;

/** The release module as this engine runs it fastest, compiled once. */
export function builtInModule(): WebAssembly.Module {
  const isJavaScriptCore = 'line' in new Error(); // only its errors know their line
  compiled ??= new WebAssembly.Module(builtInBytes(isJavaScriptCore) as Uint8Array<ArrayBuffer>);
  return compiled;
}

/** The bytes of the release module; `forJavaScriptCore` with splats that are loaded without offsets (scripts/splat-offsets.mjs). */
export function builtInBytes(forJavaScriptCore: boolean): Uint8Array {
  const bytes = bytesOfBase64(base64);
  return forJavaScriptCore ? edited(bytes, bytesOfBase64(edits)) : bytes;
}
