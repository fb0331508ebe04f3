/** @file sum and dot against the documented order of summation, and on whole numbers. */

import { describe, expect, test } from 'vitest';
import { laneSum } from '../oracle/matrices.ts';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const boxes = { release: new Sandbox('release'), debug: new Sandbox('debug') };

describe.each(DTYPES)('reduce %s', (dtype) => {
  const round = rounding(dtype);

  test.each(['release', 'debug'] as const)('sum (%s): mirror bits, lane r mod 8 in f64, one rounding', (target) => {
    const box = boxes[target];
    for (const outer of [0, 1, 3]) {
      for (const reduce of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 103]) {
        for (const inner of [1, 2, 3, 7, 8, 9, 31, 32, 33, 71]) {
          for (const shift of [0, 1]) {
            box.reset();
            const values = uniform(outer + 7 * reduce + inner, outer * reduce * inner);
            const x = box.input(dtype, values, shift),
              out = box.output(dtype, outer * inner, shift);
            box.routines(dtype).sum(outer, reduce, inner, x.ptr, out.ptr);
            box.check();
            const expected = Float64Array.from({ length: outer * inner }, (_, t) => {
              const start = Math.floor(t / inner) * reduce * inner + (t % inner);
              return round(laneSum(reduce, (r) => values[start + r * inner]));
            });
            expectSameBits(out.read(), expected, `sum [${outer}, ${reduce}, ${inner}]`);
          }
        }
      }
    }
  });

  test.each(['release', 'debug'] as const)('dot (%s): mirror bits, products in f64', (target) => {
    const box = boxes[target];
    for (const n of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1009]) {
      box.reset();
      const x = uniform(n, n),
        y = uniform(n + 1, n);
      const actual = box.routines(dtype).dot(n, box.input(dtype, x, n % 2).ptr, box.input(dtype, y).ptr);
      expect(
        Object.is(
          actual,
          laneSum(n, (r) => x[r] * y[r]),
        ),
        `n=${n}`,
      ).toBe(true);
    }
  });

  test('whole numbers: the exact sum, and of f32 the exact sum beyond 2²⁴', () => {
    const box = boxes.release;
    box.reset();
    const values = integers(4, 5000).map((v) => v * 4096);
    const x = box.input(dtype, values),
      out = box.output(dtype, 1);
    box.routines(dtype).sum(1, 5000, 1, x.ptr, out.ptr);
    expect(out.read()[0]).toBe(values.reduce((sum, v) => sum + v, 0));
    expect(box.routines(dtype).dot(5000, x.ptr, x.ptr)).toBe(values.reduce((sum, v) => sum + v * v, 0));
  });
});
