/** @file switchedProducts against gemm's mirror of the rows e·u: the same bits, whichever units are on. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gemmMirror } from '../oracle/matrices.ts';
import { uniform } from '../oracle/numbers.ts';
import { DTYPES, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const boxes = [new Sandbox('release'), new Sandbox('debug'), new Sandbox('wide')];

/** e [n, k]: 1 for about the share of units, 0 for the others, and for all of the second example. */
function switches(seed: number, n: number, k: number, share: number): Float64Array {
  return uniform(seed, n * k).map((value, i) => (Math.floor(i / k) !== 1 && value < 2 * share - 1 ? 1 : 0));
}

/** The rows (n, o) of e·u. */
function cotangents(e: Float64Array, u: Float64Array, k: number): Float64Array {
  const [n, outputs] = [e.length / k, u.length / k];
  return Float64Array.from({ length: n * outputs * k }, (_, i) => {
    const row = Math.floor(i / k);
    return e[Math.floor(row / outputs) * k + (i % k)] * u[(row % outputs) * k + (i % k)];
  });
}

function product(dtype: (typeof DTYPES)[number], x: Float64Array, y: Float64Array, k: number): Float64Array {
  const [rows, columns] = [x.length / k, y.length / k];
  const out = new Float64Array(rows * columns);
  gemmMirror(rounding(dtype), rows, columns, k, 1, { data: x, rs: k, cs: 1 }, { data: y, rs: 1, cs: k }, 0, { data: out, rs: columns, cs: 1 });
  return out;
}

describe.each(DTYPES)('switchedProducts %s', (dtype) => {
  test('mirror bits, release, debug and wide', () => {
    fc.assert(
      fc.property(
        fc.record({
          n1: fc.integer({ min: 1, max: 5 }),
          n2: fc.integer({ min: 1, max: 5 }),
          outputs: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(23)),
          k: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(255, 256, 257, 511, 512, 513, 700)),
          share: fc.constantFrom(0, 0.5, 0.9, 1),
        }),
        ({ n1, n2, outputs, k, share }) => {
          const [e1, e2, u] = [switches(1, n1, k, share), switches(2, n2, k, share), uniform(3, outputs * k)];
          const expected = product(dtype, cotangents(e1, u, k), cotangents(e2, u, k), k);
          for (const box of boxes) {
            box.reset();
            const routines = box.routines(dtype);
            const [e1Ptr, e2Ptr, uPtr] = [e1, e2, u].map((data) => box.input(dtype, data).ptr);
            const c = box.output(dtype, expected.length);
            const scratch = box.bytes(routines.switchedProductsScratchBytes(n1, n2, outputs, k));
            routines.switchedProducts(n1, n2, outputs, k, e1Ptr, e2Ptr, uPtr, c.ptr, n2 * outputs, 0, scratch);
            box.check();
            expectSameBits(c.read(), expected, `${n1}, ${n2} examples, ${outputs} outputs, ${k} units, ${share}`);
          }
        },
      ),
      { seed: 44, numRuns: 50 },
    );
  });

  test('lower: pairs with n ≥ m alone', () => {
    const [n, outputs, k] = [6, 5, 90];
    const [e, u] = [switches(4, n, k, 0.5), uniform(5, outputs * k)];
    const rows = cotangents(e, u, k);
    const expected = product(dtype, rows, rows, k);
    const size = n * outputs;
    for (const box of boxes) {
      box.reset();
      const routines = box.routines(dtype);
      const [ePtr, uPtr] = [e, u].map((data) => box.input(dtype, data).ptr);
      const c = box.output(dtype, size * size);
      const scratch = box.bytes(routines.switchedProductsScratchBytes(n, n, outputs, k));
      routines.switchedProducts(n, n, outputs, k, ePtr, ePtr, uPtr, c.ptr, size, 1, scratch);
      box.check();
      const example = (i: number) => Math.floor(i / outputs);
      c.read().forEach((value, i) => {
        const written = example(Math.floor(i / size)) >= example(i % size);
        expect(written ? value === expected[i] : Number.isNaN(value)).toBe(true);
      });
    }
  });
});
