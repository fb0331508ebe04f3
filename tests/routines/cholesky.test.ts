/** @file cholesky and triangularSolve at the raw ABI: strides, status, what is not touched, guard bands, poisoned scratch. */

import { describe, expect, test } from 'vitest';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, expectSameBits, Sandbox } from './sandbox.ts';

const sandbox = new Sandbox('release');
const SIZES = [0, 1, 2, 3, 31, 63, 64, 65, 127, 128, 129, 200];

/** A [n, n] with row stride `stride`: A = L·Lᵀ of whole numbers in the lower triangle, NaN everywhere else. */
function integerProduct(n: number, stride: number): { lower: Float64Array; a: Float64Array } {
  const entries = integers(n, n * n);
  const lower = entries.map((entry, p) => (p % n < Math.floor(p / n) ? Math.sign(entry) : p % (n + 1) === 0 ? 2 : 0));
  const a = new Float64Array(n * stride).fill(Number.NaN);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k <= j; k++) sum += lower[i * n + k] * lower[j * n + k];
      a[i * stride + j] = sum;
    }
  }
  return { lower, a };
}

describe.each(DTYPES)('cholesky %s', (dtype) => {
  test.each(SIZES)('n = %i: exact on integers with a row stride; the upper triangle keeps its bits', (n) => {
    sandbox.reset();
    const routines = sandbox.routines(dtype);
    const { lower, a } = integerProduct(n, n + 3);
    const matrix = sandbox.input(dtype, a);
    expect(routines.cholesky(n, matrix.ptr, n + 3, sandbox.bytes(routines.choleskyScratchBytes(n)))).toBe(0);
    sandbox.check();
    const expected = a.map((entry, p) => (Number.isNaN(entry) ? entry : lower[Math.floor(p / (n + 3)) * n + (p % (n + 3))]));
    expectSameBits(matrix.read(), expected, `L, n = ${n}`);
  });

  test.each([1, 2, 33, 65, 130])('status k: the leading minor of order k is the first that is not positive, n = %i', (n) => {
    const routines = sandbox.routines(dtype);
    for (const k of new Set([1, Math.ceil(n / 2), n])) {
      for (const bad of [0, -1, Number.NaN]) {
        sandbox.reset();
        const a = new Float64Array(n * n).map((_, p) => (p % (n + 1) === 0 ? 1 : 0));
        a[(k - 1) * (n + 1)] = bad;
        const matrix = sandbox.input(dtype, a);
        expect(routines.cholesky(n, matrix.ptr, n, sandbox.bytes(routines.choleskyScratchBytes(n)))).toBe(k);
        sandbox.check();
      }
    }
  });

  test.each(SIZES)('triangularSolve, n = %i: L and Lᵀ undo their products exactly on integers, strides included', (n) => {
    const routines = sandbox.routines(dtype);
    const band = 3; // a band keeps the numbers of the substitution whole and small
    const l = new Float64Array(n * (n + 1)).fill(Number.NaN);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) l[i * (n + 1) + j] = i === j ? 2 : i - j < band ? ((i * 5 + j * 3) % 3) - 1 : 0;
    }
    for (const m of [0, 1, 2, 5, 70]) {
      const x = integers(n + m, n * m);
      for (const transpose of [0, 1]) {
        sandbox.reset();
        const stride = m + 2;
        const b = new Float64Array(n * stride).fill(7);
        const expected = b.slice();
        for (let i = 0; i < n; i++) {
          for (let c = 0; c < m; c++) {
            let sum = 0;
            for (let j = 0; j < n; j++) {
              const entry = transpose ? (j >= i ? l[j * (n + 1) + i] : 0) : j <= i ? l[i * (n + 1) + j] : 0;
              sum += entry * x[j * m + c];
            }
            b[i * stride + c] = sum;
            expected[i * stride + c] = x[i * m + c];
          }
        }
        const factor = sandbox.input(dtype, l);
        const rhs = sandbox.input(dtype, b);
        routines.triangularSolve(n, m, transpose, factor.ptr, n + 1, rhs.ptr, stride, sandbox.bytes(routines.triangularSolveScratchBytes(n, m)));
        sandbox.check();
        expectSameBits(
          rhs.read(),
          expected.map((entry) => entry + 0),
          `X, n = ${n}, m = ${m}, transpose ${transpose}`,
        );
      }
    }
  });

  test.each([0, 1])('a column of the solution has the same bits alone and among five, transpose %i', (transpose) => {
    const routines = sandbox.routines(dtype);
    const n = 150;
    const l = uniform(1, n * n).map((entry, p) => (p % (n + 1) === 0 ? 4 : entry / 8));
    const b = uniform(2, n * 5);
    const solve = (m: number): ArrayLike<number> => {
      sandbox.reset();
      const factor = sandbox.input(dtype, l);
      const rhs = sandbox.input(
        dtype,
        Float64Array.from({ length: n * m }, (_, p) => b[Math.floor(p / m) * 5 + (p % m)]),
      );
      routines.triangularSolve(n, m, transpose, factor.ptr, n, rhs.ptr, m, sandbox.bytes(routines.triangularSolveScratchBytes(n, m)));
      return rhs.read();
    };
    const five = solve(5);
    expectSameBits(
      solve(1),
      Float64Array.from({ length: n }, (_, i) => five[i * 5]),
      'column 0',
    );
  });
});
