/** @file Base64 of f32 arrays. */

import { base64OfBytes, bytesOfBase64 } from '../core/base64.ts';

/** Rounded to f32, little endian on every machine. */
export function encodeFloat32(values: ArrayLike<number>): string {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i], true);
  return base64OfBytes(bytes);
}

export function decodeFloat32(text: string): Float32Array {
  const bytes = bytesOfBase64(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(Math.floor(bytes.length / 4));
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(i * 4, true);
  return values;
}
