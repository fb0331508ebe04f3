/** @file gramHadamard against its definition: mirror bits in the documented order, whole numbers, lower triangles. */

import fc from 'fast-check';
import { describe, test } from 'vitest';
import { joinLanes } from '../oracle/matrices.ts';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const release = new Sandbox('release');
const debug = new Sandbox('debug');

interface Sizes {
  readonly n1: number;
  readonly n2: number;
  readonly v1: number;
  readonly v2: number;
  readonly s1: number;
  readonly s2: number;
  readonly lower: number;
  /** Whether A is all ones (aPtr = 0). */
  readonly ones: boolean;
  /** Whether D is added once more, with all ones (where there is an A). */
  readonly plus: boolean;
  readonly gap: number;
}

function run(box: Sandbox, dtype: Dtype, q: Sizes, numbers: typeof uniform) {
  const { n1, n2, v1, v2, s1, s2, lower, ones, plus, gap } = q;
  const rows = n1 * v1,
    columns = n2 * v2,
    ldk = columns + gap;
  const a = numbers(1, n1 * s1 * n2 * s2),
    d = numbers(2, rows * s1 * columns * s2),
    k = numbers(3, rows * ldk);
  box.reset();
  const aPtr = ones ? 0 : box.input(dtype, a).ptr,
    dPtr = box.input(dtype, d).ptr,
    out = box.input('f64', k);
  box.routines(dtype).gramHadamard(n1, n2, v1, v2, s1, s2, lower, aPtr, plus ? 1 : 0, dPtr, out.ptr, ldk);
  box.check();
  const round = rounding(dtype),
    expected = Float64Array.from(k);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (lower !== 0 && column > row) continue;
      const n = Math.floor(row / v1),
        m = Math.floor(column / v2);
      const lane = [0, 0, 0, 0, 0, 0, 0, 0],
        lanePlus = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let s = 0; s < s1; s++) {
        for (let t = 0; t < s2; t++) {
          const y = d[(row * s1 + s) * columns * s2 + column * s2 + t];
          lanePlus[t % 8] += y;
          lane[t % 8] += ones ? y : round(a[(n * s1 + s) * n2 * s2 + m * s2 + t] * y);
        }
      }
      expected[row * ldk + column] += joinLanes(lane);
      if (plus && !ones) expected[row * ldk + column] += joinLanes(lanePlus);
    }
  }
  return { actual: out.read(), expected };
}

function expectMirror(dtype: Dtype, q: Sizes, numbers = uniform): void {
  for (const box of [release, debug]) {
    const { actual, expected } = run(box, dtype, q, numbers);
    expectSameBits(actual, expected, `gramHadamard ${dtype} ${JSON.stringify(q)}`);
  }
}

describe.each(DTYPES)('gramHadamard %s', (dtype) => {
  const plain = { n1: 5, n2: 7, v1: 1, v2: 1, s1: 1, s2: 1, lower: 0, ones: false, plus: false, gap: 0 };

  test('mirror bits: no sites summed (s = 1), vectors of outputs, all ones, ones besides, lower', () => {
    for (const [ones, plus] of [
      [false, false],
      [true, false],
      [false, true],
    ]) {
      for (const lower of [0, 1]) {
        for (const v of [1, 2, 3, 10]) {
          for (const n of [1, 2, 3, 4, 5, 8, 9, 33]) expectMirror(dtype, { ...plain, n1: n, n2: n, v1: v, v2: v, lower, ones, plus, gap: n % 3 });
        }
      }
    }
  });

  test('mirror bits across the chunks of a wide kernel', () => {
    expectMirror(dtype, { ...plain, n1: 2, n2: 1031 });
    expectMirror(dtype, { ...plain, n1: 2, n2: 133, v1: 3, v2: 10, plus: true });
    expectMirror(dtype, { ...plain, n1: 2, n2: 3, v1: 2, v2: 700 });
  });

  test('mirror bits: sums over sites, every remainder of eight lanes', () => {
    for (const s2 of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 49]) {
      for (const s1 of [1, 2, 3, 9]) {
        for (const ones of [false, true]) expectMirror(dtype, { ...plain, n1: 3, n2: 4, v1: 2, v2: 3, s1, s2, ones });
      }
    }
  });

  test('mirror bits on random sizes', () => {
    const small = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(
        fc.record({
          n1: small,
          n2: small,
          v1: small,
          v2: small,
          s1: fc.integer({ min: 0, max: 12 }),
          s2: fc.integer({ min: 1, max: 20 }),
          lower: fc.nat(1),
          ones: fc.boolean(),
          plus: fc.boolean(),
          gap: fc.nat(2),
        }),
        (q) => expectMirror(dtype, q),
      ),
      { seed: 7, numRuns: 60 },
    );
  });

  test('whole numbers: the definition exactly', () => {
    expectMirror(dtype, { ...plain, n1: 6, n2: 6, v1: 2, v2: 2, s1: 25, s2: 25, lower: 1 }, integers);
  });
});
