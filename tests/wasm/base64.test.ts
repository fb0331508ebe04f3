/** @file The decoders of a built-in module, each as in a host that has no faster one, against the bytes themselves. */

import { afterEach, expect, test, vi } from 'vitest';
import { bytesOfBase64 } from '../../src/wasm/base64.ts';

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

function hideBuffer(fromBase64: ((text: string) => Uint8Array) | undefined): void {
  vi.stubGlobal('Buffer', undefined);
  vi.stubGlobal(
    'Uint8Array',
    class extends Uint8Array<ArrayBuffer> {
      static fromBase64 = fromBase64;
    },
  );
}
