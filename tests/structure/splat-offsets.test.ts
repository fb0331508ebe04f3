/** @file The build's edits of the module for JavaScriptCore: splats loaded without offsets, with the same meaning. */

import fc from 'fast-check';
import { eigh, gram, loadRuntime, matmul, normalArray, type Runtime, topEigenpairs } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { editsBetween, withoutSplatOffsets } from '../../scripts/splat-offsets.mjs';
import { edited } from '../../src/wasm/edits.ts';
import { builtInBytes } from '../../src/wasm/inline.ts';

test('an offset becomes an addition; what has none, and other loads, stay', () => {
  const text = ['   v128.load32_splat offset=12', '   v128.load64_splat', '   v128.load offset=16'].join('\n');
  expect(withoutSplatOffsets(text).split('\n')).toEqual([
    '   i32.const 12',
    '   i32.add',
    '   v128.load32_splat',
    '   v128.load64_splat',
    '   v128.load offset=16',
  ]);
});

/** Runs of bytes, every other of which is replaced, by nothing too. */
const RUNS = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 })), {
  maxLength: 12,
});

test('edits make the second of the first, whatever the bytes', () => {
  fc.assert(
    fc.property(RUNS, (runs) => {
      const [from, to] = [1, 2].map((k) => Uint8Array.from(runs.flatMap((run) => [...run[0], ...run[k]])));
      let edits: Uint8Array;
      try {
        edits = editsBetween(from, to);
      } catch (error) {
        expect(String(error)).toMatch(/differ by more than/);
        return;
      }
      expect(edited(from, edits)).toEqual(to);
    }),
  );
});

describe('the module as JavaScriptCore runs it', () => {
  const other = builtInBytes(true);

  test('is valid, has the same exports, and some hundred more instructions', () => {
    const names = (bytes: Uint8Array) => WebAssembly.Module.exports(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>)).map(({ name }) => name);
    const usual = builtInBytes(false);
    expect(names(other)).toEqual(names(usual));
    expect(other.length - usual.length).toBeGreaterThan(500);
    expect(other.length - usual.length).toBeLessThan(2000);
  });

  test.each(['f64', 'f32'] as const)('%s: the same bits', async (dtype) => {
    const results = (rt: Runtime) => {
      const drawn = (seed: number, shape: number[], n: number) => ({
        shape,
        data: new (dtype === 'f32' ? Float32Array : Float64Array)(normalArray(rt, seed, 0, n)),
      });
      const a = drawn(1, [67, 131], 67 * 131);
      const b = drawn(2, [131, 45], 131 * 45);
      const kernel = gram(rt, a);
      return [matmul(rt, a, b), kernel, eigh(rt, kernel, { dtype }).vectors, topEigenpairs(rt, kernel, 5, { dtype, method: 'lanczos' }).vectors].map(
        ({ data }) => data,
      );
    };
    expect(results(await loadRuntime(other))).toEqual(results(await loadRuntime()));
  });
});
