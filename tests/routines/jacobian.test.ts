/** @file jacobianRows against its definition, for every slice of outputs and any number of sites. */

import fc from 'fast-check';
import { describe, test } from 'vitest';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const release = new Sandbox('release');
const debug = new Sandbox('debug');

interface Sizes {
  readonly examples: number;
  readonly v: number;
  readonly s: number;
  readonly h: number;
  readonly i: number;
  readonly h0: number;
  readonly h1: number;
  readonly gap: number;
}

function expectMirror(dtype: Dtype, q: Sizes, numbers = uniform): void {
  const { examples, v, s, h, i, h0, h1, gap } = q;
  const rows = examples * v,
    width = (h1 - h0) * i,
    rso = width + gap;
  const d = numbers(1, rows * s * h),
    a = numbers(2, examples * s * i),
    round = rounding(dtype);
  const expected = new Float64Array(Math.max(0, (rows - 1) * rso + width)).fill(Number.NaN);
  for (let r = 0; r < rows; r++) {
    for (let o = h0; o < h1; o++) {
      for (let c = 0; c < i; c++) {
        let sum = 0;
        for (let t = 0; t < s; t++) {
          const product = round(d[(r * s + t) * h + o] * a[(Math.floor(r / v) * s + t) * i + c]);
          sum = t === 0 ? product : round(sum + product);
        }
        expected[r * rso + (o - h0) * i + c] = sum;
      }
    }
  }
  for (const box of [release, debug]) {
    box.reset();
    const dPtr = box.input(dtype, d, 1).ptr,
      aPtr = box.input(dtype, a).ptr,
      out = box.output(dtype, expected.length, gap % 2);
    box.routines(dtype).jacobianRows(rows, v, s, h, i, h0, h1, dPtr, aPtr, out.ptr, rso);
    box.check();
    expectSameBits(out.read(), expected, `jacobianRows ${dtype} ${JSON.stringify(q)}`);
  }
}

describe.each(DTYPES)('jacobianRows %s', (dtype) => {
  test('mirror bits at the edges of the register tile', () => {
    for (const h of [1, 2, 3, 4, 5, 6, 11]) {
      for (const i of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33]) {
        for (const s of [0, 1, 2, 5]) expectMirror(dtype, { examples: 2, v: 2, s, h, i, h0: 0, h1: h, gap: i % 2 });
      }
    }
  });

  test('mirror bits on random sizes and slices of h', () => {
    const extent = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(
        fc.record({
          examples: fc.nat(3),
          v: extent,
          s: fc.nat(9),
          h: extent,
          i: fc.integer({ min: 1, max: 40 }),
          cut: fc.tuple(fc.nat(12), fc.nat(12)),
          gap: fc.nat(3),
        }),
        ({ cut, ...q }) => {
          const [x, y] = cut.map((value) => Math.min(value, q.h));
          expectMirror(dtype, { ...q, h0: Math.min(x, y), h1: Math.max(x, y) });
        },
      ),
      { seed: 8, numRuns: 60 },
    );
  });

  test('whole numbers: the definition exactly, for many sites', () => {
    expectMirror(dtype, { examples: 2, v: 3, s: 196, h: 13, i: 27, h0: 2, h1: 13, gap: 0 }, integers);
  });
});
