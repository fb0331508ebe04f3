/** @file The fused modules: products within the rounding of their sums, one sum per element whatever the path. */

import './relaxed-simd.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uniform } from '../oracle/numbers.ts';
import { ULP } from '../oracle/symmetric-matrices.ts';
import { DTYPES, type Dtype, expectSameBits, type Floats, Sandbox } from './sandbox.ts';

const fused = new Sandbox('fused');
const wideFused = new Sandbox('wide-fused');
const usual = new Sandbox('release');

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposed?: boolean;
  readonly alpha?: number;
  readonly beta?: number;
}

/** Uniform numbers of 24 bits: a product of two is exact in f64, so that a compensated sum of them is the reference. */
const entries = (seed: number, length: number): Float64Array => Float64Array.from(Float32Array.from(uniform(seed, length)));

function gemm(box: Sandbox, dtype: Dtype, { m, n, k, transposed = false, alpha = 1, beta = 0 }: Product, rows = m, columns = n): Floats {
  box.reset();
  const routines = box.routines(dtype);
  const [a, b] = [box.input(dtype, entries(1, m * k)), box.input(dtype, entries(2, k * n))];
  const c = beta === 0 ? box.output(dtype, rows * columns) : box.input(dtype, entries(3, m * n));
  const [rsa, csa, rsb, csb] = transposed ? [1, m, 1, k] : [k, 1, n, 1];
  const scratch = box.bytes(routines.gemmScratchBytes(rows, columns, k));
  routines.gemm(rows, columns, k, alpha, a.ptr, rsa, csa, b.ptr, rsb, csb, beta, c.ptr, columns, 1, scratch);
  box.check();
  return c.read();
}

/** Neumaier's sum, and that of the absolute values. */
function compensated(terms: Float64Array): { sum: number; size: number } {
  let [sum, rest, size] = [0, 0, 0];
  for (const term of terms) {
    const next = sum + term;
    rest += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum;
    sum = next;
    size += Math.abs(term);
  }
  return { sum: sum + rest, size };
}

describe.each(DTYPES)('fused modules, %s', (dtype) => {
  const [mr, nr, half] = dtype === 'f64' ? [6, 4, ULP.f64 / 2] : [6, 8, ULP.f32 / 2];

  test.each([
    ['fused', fused],
    ['wide and fused', wideFused],
  ])('%s: every element within k·ε/2 of the sum of its terms’ sizes, at every edge of the tile', (_, box) => {
    for (const m of [1, mr - 1, mr, mr + 1, 2 * mr + 1]) {
      for (const n of [1, nr - 1, nr, nr + 1, 4 * nr + 1]) {
        for (const k of [1, 2, 5, 512, 513, 1030]) {
          const q = { m, n, k, transposed: (m + n) % 2 === 0 };
          const [a, b, c] = [entries(1, m * k), entries(2, k * n), gemm(box, dtype, q)];
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              const terms = Float64Array.from({ length: k }, (_, l) => (q.transposed ? a[l * m + i] * b[j * k + l] : a[i * k + l] * b[l * n + j]));
              const { sum, size } = compensated(terms);
              // Not `>`: NaN must fail.
              if (!(Math.abs(c[i * n + j] - sum) <= (k + 1) * half * size))
                expect.fail(`${JSON.stringify(q)} [${i}, ${j}]: ${c[i * n + j]}, not ${sum}`);
            }
          }
        }
      }
    }
  });

  test('an element has the same bits in any product that contains it: tiles, edges, skinny, one column', () => {
    for (const k of [3, 512, 700]) {
      for (const transposed of [false, true]) {
        const whole = { m: 67, n: 67, k, transposed };
        const all = gemm(fused, dtype, whole);
        for (const rows of [1, 2, 4, 5, 6, 7, 16, 31, 67]) {
          for (const columns of [1, 2, 3, 8, 9, 33, 67]) {
            const part = gemm(fused, dtype, whole, rows, columns);
            const expected = part.map((_, p) => all[Math.floor(p / columns) * 67 + (p % columns)]);
            expectSameBits(part, expected, `${rows} × ${columns} of 67 × 67, k = ${k}`);
          }
        }
      }
    }
  });

  test('the wide module has the bits of the other on random shapes', () => {
    const extent = fc.integer({ min: 1, max: 90 });
    const scalar = fc.constantFrom(1, 0, -1, 0.3);
    fc.assert(
      fc.property(fc.record({ m: extent, n: extent, k: extent, alpha: scalar, beta: scalar, transposed: fc.boolean() }), (q) =>
        expectSameBits(gemm(wideFused, dtype, q), gemm(fused, dtype, q), `gemm ${JSON.stringify(q)}`),
      ),
      { seed: 6, numRuns: 150 },
    );
  });

  test('a Gram matrix is symmetric and has the bits of the product, packed once or in blocks', () => {
    for (const box of [fused, wideFused]) {
      for (const [n, k] of [
        [1, 9],
        [17, 700],
        [67, 40],
        [140, 600],
      ]) {
        box.reset();
        const routines = box.routines(dtype);
        const x = box.input(dtype, entries(4, n * k));
        const [g, c] = [box.output(dtype, n * n), box.output(dtype, n * n)];
        routines.gram(n, k, 1, x.ptr, k, 1, 0, g.ptr, n, box.bytes(routines.gramScratchBytes(n, k)));
        routines.gemm(n, n, k, 1, x.ptr, k, 1, x.ptr, 1, k, 0, c.ptr, n, 1, box.bytes(routines.gemmScratchBytes(n, n, k)));
        box.check();
        expectSameBits(g.read(), c.read(), `gram ${n} ${k}`);
      }
    }
  });

  test('products of integers are exact, hence those of the default module', () => {
    const integers = (seed: number, length: number) => uniform(seed, length).map((value) => Math.round(64 * value));
    for (const box of [fused, wideFused]) {
      const [c, expected] = [box, usual].map((each) => {
        each.reset();
        const routines = each.routines(dtype);
        const [a, b, out] = [each.input(dtype, integers(5, 61 * 700)), each.input(dtype, integers(6, 700 * 43)), each.output(dtype, 61 * 43)];
        routines.gemm(61, 43, 700, 1, a.ptr, 700, 1, b.ptr, 43, 1, 0, out.ptr, 43, 1, each.bytes(routines.gemmScratchBytes(61, 43, 700)));
        return out.read();
      });
      expectSameBits(c, expected, 'integers');
    }
  });
});
