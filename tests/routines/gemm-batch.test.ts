/** @file gemmBatch against gemm's mirror: entries that repeat, matrices of an entry in any strides. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gemmMirror } from '../oracle/matrices.ts';
import { uniform } from '../oracle/numbers.ts';
import { DTYPES, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const boxes = [new Sandbox('release'), new Sandbox('debug'), new Sandbox('wide')];

/** Lead, row and column strides of [leading, rows, columns] whose axes lie in memory in the order of `axes`, outermost first. */
function stridesIn(axes: readonly number[], extents: readonly number[]): number[] {
  const strides = [0, 0, 0];
  let stride = 1;
  for (const axis of [...axes].reverse()) {
    strides[axis] = stride;
    stride *= extents[axis];
  }
  return strides;
}

const axes = fc.constantFrom([0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]);
const extent = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(32, 33, 64, 65));
const operand = fc.record({ entries: fc.constantFrom(1, 2, 3), each: fc.constantFrom(1, 2), axes });

describe.each(DTYPES)('gemmBatch %s', (dtype) => {
  test('mirror bits of every matrix, release, debug and wide', () => {
    fc.assert(
      fc.property(
        fc.record({
          entries: fc.integer({ min: 1, max: 6 }),
          leading: fc.integer({ min: 1, max: 3 }),
          m: extent,
          n: extent,
          k: extent,
          a: operand,
          b: operand,
        }),
        ({ entries, leading, m, n, k, a, b }) => {
          const [sizeA, sizeB, sizeC] = [leading * m * k, leading * k * n, m * n];
          const [valuesA, valuesB] = [uniform(1, a.entries * sizeA), uniform(2, b.entries * sizeB)];
          const [leadA, rsa, csa] = stridesIn(a.axes, [leading, m, k]);
          const [leadB, rsb, csb] = stridesIn(b.axes, [leading, k, n]);
          const expected = new Float64Array(entries * leading * sizeC);
          for (let i = 0; i < entries * leading; i++) {
            const [e, l] = [Math.floor(i / leading), i % leading];
            gemmMirror(
              rounding(dtype),
              m,
              n,
              k,
              1,
              { data: valuesA.subarray((Math.floor(e / a.each) % a.entries) * sizeA + l * leadA), rs: rsa, cs: csa },
              { data: valuesB.subarray((Math.floor(e / b.each) % b.entries) * sizeB + l * leadB), rs: rsb, cs: csb },
              0,
              { data: expected.subarray(i * sizeC, (i + 1) * sizeC), rs: n, cs: 1 },
            );
          }
          for (const box of boxes) {
            box.reset();
            const routines = box.routines(dtype);
            const [aPtr, bPtr] = [box.input(dtype, valuesA).ptr, box.input(dtype, valuesB).ptr];
            const c = box.output(dtype, expected.length);
            const scratch = box.bytes(routines.gemmScratchBytes(m, n, k));
            routines.gemmBatch(
              entries,
              leading,
              m,
              n,
              k,
              aPtr,
              a.entries,
              a.each,
              leadA,
              rsa,
              csa,
              bPtr,
              b.entries,
              b.each,
              leadB,
              rsb,
              csb,
              c.ptr,
              scratch,
            );
            box.check();
            expectSameBits(c.read(), expected, `[${entries}·${leading}] ${m}×${n}×${k}`);
          }
        },
      ),
      { seed: 41, numRuns: 60 },
    );
  });

  test('an empty batch writes nothing', () => {
    const [box] = boxes;
    box.reset();
    const c = box.output(dtype, 4);
    box.routines(dtype).gemmBatch(0, 1, 2, 2, 2, c.ptr, 1, 1, 4, 2, 1, c.ptr, 1, 1, 4, 2, 1, c.ptr, box.bytes(4096));
    expect([...c.read()].every(Number.isNaN)).toBe(true);
  });
});
