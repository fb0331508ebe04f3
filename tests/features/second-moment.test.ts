/** @file Second moments of rows: the sum of their outer products, the same bits however they come. */

import fc from 'fast-check';
import { loadRuntime, uniform } from 'tangedge';
import { expect, test } from 'vitest';
import { SecondMoment } from '../../src/features/second-moment.ts';
import { routinesOf } from '../../src/wasm/runtime.ts';

const rt = await loadRuntime();

/** The lower triangle of Σ δ·δᵀ, of rows that come in `parts`. */
function moment(dtype: 'f32' | 'f64', width: number, parts: readonly number[]): { rows: number[]; sum: Float64Array } {
  const total = parts.reduce((sum, part) => sum + part, 0);
  return rt.arena.frame(() => {
    const rows = Array.from({ length: total * width }, (_, i) => Math.fround(uniform(5, 0, i) - 0.5));
    const sumPtr = rt.arena.allocateArray('f64', width * width);
    rt.f64.fill(width * width, 0, sumPtr);
    const second = new SecondMoment(rt, dtype, { width, mostRows: total, sumPtr });
    const ptr = rt.arena.load(dtype, Float64Array.from(rows));
    let done = 0;
    for (const part of parts) {
      second.add(ptr + done * width * (dtype === 'f32' ? 4 : 8), part);
      done += part;
    }
    second.finish();
    return { rows, sum: rt.arena.f64(sumPtr, width * width).slice() };
  });
}

test('any parts: the bits of all rows at once, and the sum to rounding', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('f32' as const, 'f64' as const),
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 900, max: 2100 })), { minLength: 1, maxLength: 6 }),
      (dtype, width, parts) => {
        const total = parts.reduce((sum, part) => sum + part, 0);
        const { rows, sum } = moment(dtype, width, parts);
        expect(sum).toEqual(moment(dtype, width, [total]).sum);
        for (let a = 0; a < width; a++) {
          for (let b = 0; b <= a; b++) {
            let exact = 0;
            for (let row = 0; row < total; row++) exact += rows[row * width + a] * rows[row * width + b];
            expect(Math.abs(sum[a * width + b] - exact)).toBeLessThanOrEqual((dtype === 'f32' ? 1e-5 : 1e-13) * total);
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('it takes no more than it says', () => {
  for (const [width, rows] of [
    [3, 10],
    [70, 5000],
  ]) {
    const routines = routinesOf(rt, 'f32');
    const { held, scratch } = SecondMoment.bytes(routines, 'f32', width, rows);
    rt.arena.frame(() => {
      const sumPtr = rt.arena.allocateArray('f64', width * width);
      const before = rt.arena.used;
      const second = new SecondMoment(rt, 'f32', { width, mostRows: rows, sumPtr });
      expect(rt.arena.used - before).toBeLessThanOrEqual(held);
      expect(scratch).toBeGreaterThanOrEqual(width * width * 4);
      second.finish();
    });
  }
});
