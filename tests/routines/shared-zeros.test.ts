/** @file gemmSharedZeros against gemm's mirror over all terms: the same bits, whichever terms are zero. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gemmMirror } from '../oracle/matrices.ts';
import { uniform } from '../oracle/numbers.ts';
import { DTYPES, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const boxes = [new Sandbox('release'), new Sandbox('debug'), new Sandbox('wide')];

/** A [groups, rows, k], each group zero at steps of its own, with a share of zeros besides; a whole group is zero too. */
function leftOperand(groups: number, rows: number, k: number, share: number): Float64Array {
  const [values, groupsOff, singlesOff] = [uniform(1, groups * rows * k), uniform(2, groups * k), uniform(3, groups * rows * k)];
  return values.map((value, i) => {
    const group = Math.floor(i / (rows * k));
    const off = group === 1 || groupsOff[group * k + (i % k)] < 2 * share - 1 || singlesOff[i] < -0.8;
    return off ? 0 : value;
  });
}

const k = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(511, 512, 513, 700));
const n = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 65));

describe.each(DTYPES)('gemmSharedZeros %s', (dtype) => {
  test('mirror bits, release, debug and wide, rows and columns of B, groups and rows in either order', () => {
    fc.assert(
      fc.property(
        fc.record({
          groups: fc.integer({ min: 1, max: 8 }),
          rows: fc.integer({ min: 1, max: 12 }),
          n,
          k,
          share: fc.constantFrom(0, 0.5, 0.9, 1),
          transposed: fc.boolean(),
          groupsInner: fc.boolean(),
        }),
        ({ groups, rows, n, k, share, transposed, groupsInner }) => {
          const [a, b] = [leftOperand(groups, rows, k, share), uniform(4, k * n)];
          const [rsb, csb] = transposed ? [1, k] : [n, 1];
          const expected = new Float64Array(groups * rows * n);
          const left = { data: a, rs: k, cs: 1 };
          gemmMirror(rounding(dtype), groups * rows, n, k, 1, left, { data: b, rs: rsb, cs: csb }, 0, { data: expected, rs: n, cs: 1 });
          // Row r of group g stands at place r·groups + g, or g·rows + r.
          const place = (i: number) => (groupsInner ? (i % rows) * groups + Math.floor(i / rows) : i);
          const moved = new Float64Array(a.length);
          for (let i = 0; i < groups * rows; i++) moved.set(a.subarray(i * k, (i + 1) * k), place(i) * k);
          const [group, row] = groupsInner ? [1, groups] : [rows, 1];
          for (const box of boxes) {
            box.reset();
            const routines = box.routines(dtype);
            const [aPtr, bPtr] = [box.input(dtype, moved).ptr, box.input(dtype, b).ptr];
            const c = box.output(dtype, expected.length);
            const scratch = box.bytes(routines.gemmSharedZerosScratchBytes(n, k));
            routines.gemmSharedZeros(groups, rows, n, k, aPtr, group * k, row * k, bPtr, rsb, csb, c.ptr, group * n, row * n, 0, scratch);
            box.check();
            const values = c.read();
            const inOrder = expected.map((_, i) => values[place(Math.floor(i / n)) * n + (i % n)]);
            expectSameBits(inOrder, expected, `[${groups}·${rows}] ${n}×${k}, ${share}`);
          }
        },
      ),
      { seed: 43, numRuns: 60 },
    );
  });

  test.each([
    [7, 10],
    [210, 5],
  ])('lower: entries with row ≥ column of %i·%i rows, more than a block of columns among them', (groups, rows) => {
    const size = groups * rows;
    const k = 9;
    const a = leftOperand(groups, rows, k, 0.5);
    const expected = new Float64Array(size * size);
    gemmMirror(rounding(dtype), size, size, k, 1, { data: a, rs: k, cs: 1 }, { data: a, rs: 1, cs: k }, 0, { data: expected, rs: size, cs: 1 });
    for (const box of boxes) {
      box.reset();
      const routines = box.routines(dtype);
      const aPtr = box.input(dtype, a).ptr;
      const c = box.output(dtype, size * size);
      const scratch = box.bytes(routines.gemmSharedZerosScratchBytes(size, k));
      routines.gemmSharedZeros(groups, rows, size, k, aPtr, rows * k, k, aPtr, 1, k, c.ptr, rows * size, size, 1, scratch);
      box.check();
      const values = c.read();
      const half = (data: ArrayLike<number>) => Array.from(data).filter((_, i) => Math.floor(i / size) >= i % size);
      expectSameBits(half(values), half(expected), `${size} rows`);
      // Tiles wholly above the diagonal are not computed.
      expect(Number.isNaN(values[size - 1])).toBe(true);
    }
  });
});
