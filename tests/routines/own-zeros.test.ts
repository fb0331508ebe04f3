/** @file gemmOwnZeros against gemm's mirror over all terms: the same bits, whichever terms are zero and whether they are left out. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gemmMirror } from '../oracle/matrices.ts';
import { uniform } from '../oracle/numbers.ts';
import { DTYPES, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const boxes = [new Sandbox('release'), new Sandbox('debug'), new Sandbox('wide')];

/** A [m, k] of which about `share` of the terms are zero, of either sign, and every seventh row all of them. */
function leftOperand(m: number, k: number, share: number): Float64Array {
  const [values, off] = [uniform(1, m * k), uniform(2, m * k)];
  return values.map((value, i) => (off[i] < 2 * share - 1 || Math.floor(i / k) % 7 === 3 ? Math.sign(value) * 0 : value));
}

/** Extents on both sides of the least that are packed, with whole panels and without. */
const m = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(63, 64, 65, 97));
const n = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(96, 124, 128, 157));
const k = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(127, 128, 129, 511, 512, 513, 700));

describe.each(DTYPES)('gemmOwnZeros %s', (dtype) => {
  test('mirror bits, release, debug and wide, rows with spare room', () => {
    fc.assert(
      fc.property(fc.record({ m, n, k, share: fc.constantFrom(0, 0.3, 0.5, 0.95, 1), spare: fc.constantFrom(0, 3) }), ({ m, n, k, share, spare }) => {
        const [a, w] = [leftOperand(m, k + spare, share), uniform(3, n * (k + spare))];
        const rs = k + spare;
        const ldc = n + spare;
        const expected = new Float64Array(m * ldc);
        gemmMirror(rounding(dtype), m, n, k, 1, { data: a, rs, cs: 1 }, { data: w, rs: 1, cs: rs }, 0, { data: expected, rs: ldc, cs: 1 });
        for (const box of boxes) {
          box.reset();
          const routines = box.routines(dtype);
          const [aPtr, wPtr] = [box.input(dtype, a).ptr, box.input(dtype, w).ptr];
          const c = box.output(dtype, m * ldc);
          const scratch = box.bytes(routines.gemmOwnZerosScratchBytes(m, n, k));
          routines.gemmOwnZeros(m, n, k, aPtr, rs, wPtr, rs, c.ptr, ldc, 0, scratch);
          box.check();
          const inside = (data: ArrayLike<number>) => Array.from(data).filter((_, i) => i % ldc < n);
          expectSameBits(inside(c.read()), inside(expected), `${m}×${n}×${k}, ${share}`);
        }
      }),
      { seed: 44, numRuns: 60 },
    );
  });

  test.each([40, 64, 97, 1100])('symmetric: both triangles of %i rows, more than a block of columns among them', (size) => {
    const k = 9;
    const a = leftOperand(size, k, 0.5);
    const expected = new Float64Array(size * size);
    gemmMirror(rounding(dtype), size, size, k, 1, { data: a, rs: k, cs: 1 }, { data: a, rs: 1, cs: k }, 0, { data: expected, rs: size, cs: 1 });
    for (const box of boxes) {
      box.reset();
      const routines = box.routines(dtype);
      const aPtr = box.input(dtype, a).ptr;
      const c = box.output(dtype, size * size);
      const scratch = box.bytes(routines.gemmOwnZerosScratchBytes(size, size, k));
      routines.gemmOwnZeros(size, size, k, aPtr, k, aPtr, k, c.ptr, size, 1, scratch);
      box.check();
      expectSameBits(c.read(), expected, `${size} rows`);
    }
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN])('nothing is left out beside %f in W: 0·∞ is not a number', (value) => {
    const [m, n, k] = [40, 64, 37];
    const a = leftOperand(m, k, 0.5);
    for (const at of [3 * k + 5, n * k - 1]) {
      const w = uniform(3, n * k);
      w[at] = value;
      const expected = new Float64Array(m * n);
      gemmMirror(rounding(dtype), m, n, k, 1, { data: a, rs: k, cs: 1 }, { data: w, rs: 1, cs: k }, 0, { data: expected, rs: n, cs: 1 });
      for (const box of boxes) {
        box.reset();
        const routines = box.routines(dtype);
        const [aPtr, wPtr] = [box.input(dtype, a).ptr, box.input(dtype, w).ptr];
        const c = box.output(dtype, m * n);
        routines.gemmOwnZeros(m, n, k, aPtr, k, wPtr, k, c.ptr, n, 0, box.bytes(routines.gemmOwnZerosScratchBytes(m, n, k)));
        box.check();
        expect(Array.from(c.read(), Number.isNaN)).toEqual(Array.from(expected, Number.isNaN));
      }
    }
  });

  test('a product of k = 0 terms is +0, and scratch grows with the extents', () => {
    const box = boxes[0];
    box.reset();
    const routines = box.routines(dtype);
    const c = box.output(dtype, 64 * 64);
    routines.gemmOwnZeros(
      64,
      64,
      0,
      box.input(dtype, new Float64Array(1)).ptr,
      0,
      c.ptr,
      0,
      c.ptr,
      64,
      0,
      box.bytes(routines.gemmOwnZerosScratchBytes(64, 64, 0)),
    );
    box.check();
    expectSameBits(c.read(), new Float64Array(64 * 64), 'k = 0');
    for (let size = 60; size < 140; size++) {
      expect(routines.gemmOwnZerosScratchBytes(size + 1, size + 1, 40)).toBeGreaterThanOrEqual(routines.gemmOwnZerosScratchBytes(size, size, 40));
    }
  });
});
