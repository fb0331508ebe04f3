/** @file The digest of a case's outputs: SHA-256 of their bytes, every NaN as one NaN, −0 apart from 0. */

import type { Output } from './case.ts';

/** 64 hex digits. Arrays are hashed as they lie in memory, little endian, each after its kind and length. */
export async function digestOf(outputs: readonly Output[]): Promise<string> {
  const parts = outputs.flatMap((output) => {
    const bytes = typeof output === 'string' ? new TextEncoder().encode(output) : bytesOf(output);
    const kind = typeof output === 'string' ? 'text' : output.BYTES_PER_ELEMENT === 8 ? 'f64' : 'f32';
    return [new TextEncoder().encode(`${kind} ${bytes.length}\n`), bytes];
  });
  const hash = await crypto.subtle.digest('SHA-256', concatenated(parts));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A copy in which every NaN has the same bits: which bits an operation gives is the processor's choice. */
function bytesOf(values: Float64Array | Float32Array): Uint8Array<ArrayBuffer> {
  const copy = values.slice();
  for (let i = 0; i < copy.length; i++) if (Number.isNaN(copy[i])) copy[i] = Number.NaN;
  return new Uint8Array(copy.buffer as ArrayBuffer, copy.byteOffset, copy.byteLength);
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
