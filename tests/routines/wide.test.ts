/** @file The wide module against the default one: the same bits for every shape, layout and routine on top of the product. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, Sandbox } from './sandbox.ts';

const boxes = { usual: new Sandbox('release'), wide: new Sandbox('wide') };

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly transposed?: boolean;
}

function gemm(box: Sandbox, dtype: Dtype, { m, n, k, alpha = 1, beta = 0, transposed = false }: Product) {
  box.reset();
  const routines = box.routines(dtype);
  const [a, b] = [box.input(dtype, uniform(1, m * k)), box.input(dtype, uniform(2, k * n))];
  const c = beta === 0 ? box.output(dtype, m * n) : box.input(dtype, uniform(3, m * n));
  const [rsa, csa, rsb, csb] = transposed ? [1, m, 1, k] : [k, 1, n, 1];
  routines.gemm(m, n, k, alpha, a.ptr, rsa, csa, b.ptr, rsb, csb, beta, c.ptr, n, 1, box.bytes(routines.gemmScratchBytes(m, n, k)));
  box.check();
  return c.read();
}

function gram(box: Sandbox, dtype: Dtype, n: number, k: number, beta: number) {
  box.reset();
  const routines = box.routines(dtype);
  const [x, c] = [box.input(dtype, uniform(4, n * k)), box.input(dtype, uniform(5, n * n))];
  routines.gram(n, k, 1, x.ptr, k, 1, beta, c.ptr, n, box.bytes(routines.gramScratchBytes(n, k)));
  box.check();
  return c.read();
}

function tridiagonalize(box: Sandbox, dtype: Dtype, n: number) {
  box.reset();
  const routines = box.routines(dtype);
  const a = box.input(dtype, uniform(6, n * n));
  const [d, e, tau] = [box.output('f64', n), box.output('f64', n), box.output(dtype, n)];
  const scale = routines.tridiagonalize(n, a.ptr, n, d.ptr, e.ptr, tau.ptr, box.bytes(routines.tridiagonalizeScratchBytes(n)));
  box.check();
  return [scale, ...d.read(), ...e.read().slice(0, n - 1)];
}

function cholesky(box: Sandbox, dtype: Dtype, n: number) {
  const x = uniform(7, n * n);
  box.reset();
  const routines = box.routines(dtype);
  const a = box.input(
    dtype,
    x.map((value, i) => value + x[(i % n) * n + Math.floor(i / n)] + (i % (n + 1) === 0 ? 2 * n : 0)),
  );
  expect(routines.cholesky(n, a.ptr, n, box.bytes(routines.choleskyScratchBytes(n)))).toBe(0);
  box.check();
  return a.read();
}

function expectEqual(run: (box: Sandbox) => ArrayLike<number>, what: string): void {
  expectSameBits(run(boxes.wide), run(boxes.usual), what);
}

describe.each(DTYPES)('wide module, %s', (dtype) => {
  const nr = dtype === 'f64' ? 8 : 16;

  test('the bits of the default module at every edge of the wide tile, and of its blocks', () => {
    for (const m of [1, 4, 5, 6, 61, 121]) {
      for (const n of [1, 3, nr - 1, nr, nr + 1, 2 * nr + nr / 2]) {
        for (const k of [1, 2, 3, 4, 5, 6, 511, 513, 1030]) {
          const q = { m, n, k, beta: k % 2, alpha: k % 3 ? 1 : -0.7, transposed: m % 2 === 0 };
          expectEqual((box) => gemm(box, dtype, q), `gemm ${JSON.stringify(q)}`);
        }
      }
    }
    expectEqual((box) => gemm(box, dtype, { m: 7, n: 1043, k: 9 }), 'two column blocks');
  });

  test('the bits of the default module on random shapes', () => {
    const extent = fc.integer({ min: 1, max: 90 });
    const scalar = fc.constantFrom(1, 0, -1, 0.3);
    fc.assert(
      fc.property(fc.record({ m: extent, n: extent, k: extent, alpha: scalar, beta: scalar, transposed: fc.boolean() }), (q) =>
        expectEqual((box) => gemm(box, dtype, q), `gemm ${JSON.stringify(q)}`),
      ),
      { seed: 5, numRuns: 150 },
    );
  });

  test('gram, cholesky and tridiagonalize have the bits of the default module', () => {
    for (const n of [1, 8, 17, 64, 131]) {
      for (const k of [1, 40, 700]) expectEqual((box) => gram(box, dtype, n, k, n % 2), `gram ${n} ${k}`);
      expectEqual((box) => cholesky(box, dtype, n), `cholesky ${n}`);
      expectEqual((box) => tridiagonalize(box, dtype, n), `tridiagonalize ${n}`);
    }
  });
});
