/** @file gram against gemm (the same bits), exact symmetry, and beta. */

import { describe, expect, test } from 'vitest';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, Sandbox } from './sandbox.ts';

const release = new Sandbox('release');
const debug = new Sandbox('debug');

function gramOf(
  box: Sandbox,
  dtype: Dtype,
  n: number,
  k: number,
  a: Float64Array,
  rsa: number,
  csa: number,
  alpha: number,
  beta: number,
  c: Float64Array,
  rsc: number,
) {
  box.reset();
  const routines = box.routines(dtype);
  const aPtr = box.input(dtype, a).ptr,
    out = box.input(dtype, c);
  routines.gram(n, k, alpha, aPtr, rsa, csa, beta, out.ptr, rsc, box.bytes(routines.gramScratchBytes(n, k)));
  box.check();
  return out.read();
}

function gemmOf(
  box: Sandbox,
  dtype: Dtype,
  n: number,
  k: number,
  a: Float64Array,
  rsa: number,
  csa: number,
  alpha: number,
  beta: number,
  c: Float64Array,
  rsc: number,
) {
  box.reset();
  const routines = box.routines(dtype);
  const aPtr = box.input(dtype, a).ptr,
    out = box.input(dtype, c);
  routines.gemm(n, n, k, alpha, aPtr, rsa, csa, aPtr, csa, rsa, beta, out.ptr, rsc, 1, box.bytes(routines.gemmScratchBytes(n, n, k)));
  return out.read();
}

describe.each(DTYPES)('gram %s', (dtype) => {
  test('bits of gemm at every edge, rows padded, both storages of A', () => {
    for (const n of [0, 1, 2, 4, 5, 6, 8, 9, 31, 33, 64, 65, 97, 128, 129, 191, 383]) {
      for (const k of [0, 1, 7, 64, 512, 513, 1100]) {
        if (n * n * k > 20e6) continue;
        const rsc = n + 2;
        for (const [rsa, csa] of [
          [k, 1],
          [1, n],
        ]) {
          const a = uniform(5, n * k),
            c = new Float64Array(Math.max(0, (n - 1) * rsc + n)).fill(Number.NaN);
          const actual = gramOf(release, dtype, n, k, a, rsa, csa, 1, 0, c, rsc);
          expectSameBits(actual, gemmOf(release, dtype, n, k, a, rsa, csa, 1, 0, c, rsc), `n=${n} k=${k} csa=${csa}`);
        }
      }
    }
  });

  test('release and debug agree; n beyond one block of columns', () => {
    const a = uniform(6, 1031 * 3),
      c = new Float64Array(1031 * 1031).fill(Number.NaN);
    const actual = gramOf(release, dtype, 1031, 3, a, 3, 1, 1, 0, c, 1031);
    expectSameBits(actual, gemmOf(release, dtype, 1031, 3, a, 3, 1, 1, 0, c, 1031), 'release');
    expectSameBits(gramOf(debug, dtype, 1031, 3, a, 3, 1, 1, 0, c, 1031), actual, 'debug');
  });

  test('alpha and beta on a symmetric C: the bits of gemm on and below the diagonal, exactly symmetric', () => {
    const n = 67,
      k = 300,
      a = uniform(7, n * k),
      half = uniform(8, n * n);
    const c = Float64Array.from({ length: n * n }, (_, t) => half[Math.max(Math.floor(t / n), t % n) * n + Math.min(Math.floor(t / n), t % n)]);
    const actual = gramOf(release, dtype, n, k, a, k, 1, 0.7, -1.3, c, n);
    const expected = gemmOf(release, dtype, n, k, a, k, 1, 0.7, -1.3, c, n);
    expectSameBits(actual, expected, 'gram = gemm');
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(Object.is(actual[i * n + j], actual[j * n + i])).toBe(true);
  });

  test('beta ≠ 0 reads the lower triangle of C only', () => {
    const n = 21,
      k = 8,
      a = integers(3, n * k);
    const c = Float64Array.from({ length: n * n }, (_, t) => (t % n > Math.floor(t / n) ? Number.NaN : 1));
    const actual = gramOf(release, dtype, n, k, a, k, 1, 1, 1, c, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 1;
        for (let l = 0; l < k; l++) sum += a[i * k + l] * a[j * k + l];
        expect(actual[i * n + j]).toBe(sum);
      }
    }
  });
});
