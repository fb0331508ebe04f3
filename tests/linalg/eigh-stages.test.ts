/** @file The stages of eigh as functions: the bits of eigh in one piece, however the rows are divided. */

import { backTransformRows, eigh, loadRuntime, type Tensor, tensor, tridiagonalEigenpairs, tridiagonalize } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { generator, uniform } from '../oracle/numbers.ts';
import { MATRIX_TYPES } from '../oracle/symmetric-matrices.ts';
import { expectSameBits } from '../routines/sandbox.ts';

const rt = await loadRuntime();

function columns({ shape: [rows, width], data }: Tensor, first: number, last: number): Float64Array {
  return Float64Array.from({ length: rows * (last - first) }, (_, p) => {
    const [i, j] = [Math.floor(p / (last - first)), p % (last - first)];
    return data[i * width + first + j];
  });
}

function rowsOf({ shape: [, n], data }: Tensor, first: number, last: number): Tensor {
  return { shape: [last - first, n], data: data.slice(first * n, last * n) };
}

function goe(n: number): Tensor {
  return tensor([n, n], MATRIX_TYPES.find(({ name }) => name === 'GOE')!.make(n, 'f64'));
}

describe.each(['f64', 'f32'] as const)('stages %s', (dtype) => {
  test.each([1, 2, 7, 65, 200, 400])('n = %i: values, and vectors from any division of the rows, have the bits of eigh', (n) => {
    const a = goe(n);
    const whole = eigh(rt, a, { dtype });
    const tridiagonal = tridiagonalize(rt, a, { dtype });
    const { values, rows } = tridiagonalEigenpairs(rt, tridiagonal);
    expectSameBits(values, whole.values, 'values');
    const next = generator(n);
    for (let first = 0; first < n; ) {
      const last = Math.min(n, first + 1 + (next() % Math.ceil(n / 2)));
      const part = backTransformRows(rt, tridiagonal, rowsOf(rows, first, last));
      expect(part.shape).toEqual([n, last - first]);
      expectSameBits(part.data, columns(whole.vectors, first, last), `columns ${first} … ${last - 1}`);
      first = last;
    }
  });
});

describe('tridiagonalize', () => {
  test('T has the trace and the Frobenius norm of A, and survives a structured clone', () => {
    const n = 90;
    const a = goe(n);
    const { diagonal, offDiagonal, scale } = structuredClone(tridiagonalize(rt, a));
    expect(scale).toBe(1);
    const trace = diagonal.reduce((sum, x) => sum + x, 0);
    const squares = diagonal.reduce((sum, x) => sum + x * x, 0) + 2 * offDiagonal.reduce((sum, x) => sum + x * x, 0);
    const [traceA, squaresA] = [...a.data].reduce(([t, s], x, p) => [p % (n + 1) === 0 ? t + x : t, s + x * x], [0, 0]);
    expect(Math.abs(trace - traceA)).toBeLessThanOrEqual(n * n * 2 ** -52 * Math.sqrt(squaresA));
    expect(Math.abs(squares - squaresA)).toBeLessThanOrEqual(n * n * 2 ** -52 * squaresA);
  });

  test('a matrix near overflow is scaled by a power of two', () => {
    const { scale } = tridiagonalize(rt, tensor([2, 2], [1e300, 1, 1, 1e300]));
    expect(Math.log2(scale)).toBe(-996);
  });

  test('rows that do not belong to the reflectors are an ERR_SHAPE', () => {
    const tridiagonal = tridiagonalize(rt, goe(5));
    expect(() => backTransformRows(rt, tridiagonal, tensor([1, 4], uniform(1, 4)))).toThrowError(/ERR_SHAPE|\[1, 4\]/);
  });
});

describe('eigh with indices', () => {
  test.each(['f64', 'f32'] as const)('%s: the bits of those pairs in the whole decomposition, on every matrix type', (dtype) => {
    for (const n of [5, 70, 150]) {
      for (const { make, name } of MATRIX_TYPES) {
        const a = tensor([n, n], make(n, dtype));
        const whole = eigh(rt, a, { dtype });
        for (const [first, last] of [
          [0, 1],
          [n - 3, n],
          [Math.floor(n / 3), Math.floor(n / 2) + 1],
        ] as const) {
          const part = eigh(rt, a, { dtype, indices: [first, last] });
          expectSameBits(part.values, whole.values.slice(first, last), `${name}, values ${first} … ${last - 1}`);
          expect(part.vectors.shape).toEqual([n, last - first]);
          expectSameBits(part.vectors.data, columns(whole.vectors, first, last), `${name}, n = ${n}, vectors ${first} … ${last - 1}`);
        }
      }
    }
  });

  test('values only: a slice; bad ranges are an ERR_ARGUMENT', () => {
    const a = goe(20);
    const all = eigh(rt, a, { vectors: false });
    expect(eigh(rt, a, { vectors: false, indices: [4, 9] }).values).toEqual(all.values.slice(4, 9));
    for (const indices of [
      [-1, 3],
      [3, 3],
      [4, 2],
      [0, 21],
      [0.5, 2],
    ] as const) {
      expect(() => eigh(rt, a, { indices })).toThrowError(/indices/);
    }
  });
});
