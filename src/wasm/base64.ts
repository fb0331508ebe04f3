/** @file A compiled module as it is built into a JavaScript file: base64 text. */

/** The bytes that a base64 text stands for. */
export function bytesOfBase64(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
