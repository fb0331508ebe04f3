/** @file Base64 both ways, each as in a host that has no faster function, against the bytes themselves. */

import { afterEach, expect, test, vi } from 'vitest';
import { base64OfBytes, bytesOfBase64 } from '../../src/core/base64.ts';

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7919) % 256);
const text = Buffer.from(bytes).toString('base64');

afterEach(() => vi.unstubAllGlobals());

test.each<[string, () => void]>([
  ['Buffer', () => {}],
  ['Uint8Array.fromBase64', () => hideBuffer((base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))],
  ['atob', () => hideBuffer(undefined)],
])('%s', (_, prepare) => {
  prepare();
  expect(Array.from(bytesOfBase64(text))).toEqual(Array.from(bytes));
});

test.each<[string, () => void]>([
  ['by Buffer', () => {}],
  ['by btoa, in several runs', () => hideBuffer(undefined)],
])('the text of a part of a buffer %s', (_, prepare) => {
  const long = Uint8Array.from({ length: 60_001 }, (_byte, i) => (i * 7919) % 256);
  const expected = Buffer.from(long.subarray(1)).toString('base64');
  prepare();
  expect(base64OfBytes(long.subarray(1))).toBe(expected);
});

function hideBuffer(fromBase64: ((text: string) => Uint8Array) | undefined): void {
  vi.stubGlobal('Buffer', undefined);
  vi.stubGlobal(
    'Uint8Array',
    class extends Uint8Array<ArrayBuffer> {
      static fromBase64 = fromBase64;
    },
  );
}
