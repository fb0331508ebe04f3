/** @file Bytes of base64 text: a compiled module built into a JavaScript file, arrays of a report. */

interface Decoders {
  readonly Buffer?: { from(text: string, encoding: 'base64'): Uint8Array };
  readonly Uint8Array: { fromBase64?(text: string): Uint8Array };
}

/** The bytes that a base64 text stands for, by the host's own decoder where it has one: the loop, not yet compiled, takes 4 ms, longer than all the rest. */
export function bytesOfBase64(base64: string): Uint8Array {
  const host = globalThis as Decoders;
  if (host.Buffer !== undefined) return host.Buffer.from(base64, 'base64');
  if (host.Uint8Array.fromBase64 !== undefined) return host.Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
