/** @file Base64 of bytes and of f32 arrays, by the host's own encoder where it has one. */

import { bytesOfBase64 } from '../wasm/base64.ts';

interface Encoders {
  readonly Buffer?: { from(buffer: ArrayBufferLike, offset: number, length: number): { toString(encoding: 'base64'): string } };
}

export function encodeBase64(bytes: Uint8Array): string {
  const { Buffer } = globalThis as Encoders;
  if (Buffer !== undefined) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  let text = '';
  for (let start = 0; start < bytes.length; start += RUN) {
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + RUN)));
  }
  return text;
}

/** A multiple of 3, so that runs join without padding, and few enough to be arguments of one call. */
const RUN = 0x6000;

/** Rounded to f32, little endian on every machine. */
export function encodeFloat32(values: ArrayLike<number>): string {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i], true);
  return encodeBase64(bytes);
}

export function decodeFloat32(text: string): Float32Array {
  const bytes = bytesOfBase64(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(Math.floor(bytes.length / 4));
  for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(i * 4, true);
  return values;
}
