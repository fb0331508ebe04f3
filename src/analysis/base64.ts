/** @file Base64 of bytes and of f32 arrays, without `Buffer`, which browsers do not have. */

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += RUN) {
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + RUN)));
  }
  return text;
}

/** A multiple of 3, so that runs join without padding, and few enough to be arguments of one call. */
const RUN = 0x6000;

export function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Rounded to f32, little endian on every machine. */
export function encodeFloat32(values: ArrayLike<number>): string {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i], true);
  return encodeBase64(bytes);
}

export function decodeFloat32(text: string): Float32Array {
  const bytes = decodeBase64(text);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => view.getFloat32(i * 4, true));
}
