/** @file eigh through the public API: numpy's order, golden spectra, invariants, refusals. */

import { eigh, loadRuntime, TangedgeError, type Tensor, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenArray, goldenCaseNames, goldenExpected, readGoldenCase, relativeError } from '../golden/read-case.ts';
import { integers, uniform } from '../oracle/numbers.ts';
import { eigenRatios, MATRIX_TYPES, ULP } from '../oracle/symmetric-matrices.ts';

const rt = await loadRuntime();

function symmetric(n: number, entries: Float64Array): Tensor {
  return tensor(
    [n, n],
    entries.map((_, p) => entries[Math.max(p % n, Math.floor(p / n)) * n + Math.min(p % n, Math.floor(p / n))]),
  );
}

function transposed({ shape: [rows, columns], data }: Tensor): Float64Array {
  return Float64Array.from({ length: data.length }, (_, p) => data[(p % rows) * columns + Math.floor(p / rows)]);
}

/** The error of `body`: its code, its text, its fields. */
function refusal(body: () => unknown): TangedgeError {
  try {
    body();
  } catch (error) {
    if (error instanceof TangedgeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('eigh', () => {
  test('column k of the vectors belongs to values[k], ascending: A·V = V·Λ on a matrix known by hand', () => {
    const { values, vectors } = eigh(rt, tensor([2, 2], [2, 1, 1, 2]));
    expect(values[0]).toBeCloseTo(1, 15);
    expect(values[1]).toBeCloseTo(3, 15);
    expect(vectors.shape).toEqual([2, 2]);
    const [a, b, c, d] = vectors.data;
    expect(a).toBeCloseTo(-c, 15); // (1, −1)/√2 for 1
    expect(b).toBeCloseTo(d, 15); // (1, 1)/√2 for 3
  });

  test('LAPACK ratios below 60 from columns, f64 and dtype f32', () => {
    const n = 48;
    const a = MATRIX_TYPES.find(({ name }) => name === 'dense, geometric')!.make(n, 'f32');
    const rounded = Float64Array.from(Float32Array.from(a));
    for (const dtype of ['f64', 'f32'] as const) {
      const { values, vectors } = eigh(rt, tensor([n, n], rounded), { dtype });
      expect(vectors.data).toBeInstanceOf(dtype === 'f64' ? Float64Array : Float32Array);
      const { residual, orthogonality } = eigenRatios(n, rounded, values, transposed(vectors), ULP[dtype]);
      expect(residual).toBeLessThan(60);
      expect(orthogonality).toBeLessThan(60);
    }
  });

  test('f32 input is widened: the values of its f64 copy, bit for bit', () => {
    const a = symmetric(20, uniform(1, 400));
    const single = { shape: a.shape, data: Float32Array.from(a.data) };
    const double = { shape: a.shape, data: Float64Array.from(single.data) };
    expect(eigh(rt, single).values).toEqual(eigh(rt, double).values);
  });

  test('Σλ = tr A and Σλ² = ‖A‖²_F, on integers', () => {
    for (const n of [1, 2, 7, 40, 101]) {
      const a = symmetric(n, integers(n, n * n));
      const entries = [...a.data];
      const { values } = eigh(rt, a, { vectors: false });
      const trace = entries.filter((_, p) => p % (n + 1) === 0).reduce((sum, entry) => sum + entry, 0);
      const squares = entries.reduce((sum, entry) => sum + entry * entry, 0);
      const norm = Math.sqrt(squares);
      expect(Math.abs(values.reduce((sum, value) => sum + value, 0) - trace)).toBeLessThanOrEqual(n * n * ULP.f64 * norm);
      expect(Math.abs(values.reduce((sum, value) => sum + value * value, 0) - squares)).toBeLessThanOrEqual(4 * n * n * ULP.f64 * squares);
    }
  });

  test('a permutation of the indices permutes the rows of the vectors and leaves the values, to rounding', () => {
    const n = 30;
    const a = symmetric(n, uniform(5, n * n));
    const order = Array.from({ length: n }, (_, i) => (i * 7 + 3) % n);
    const b = tensor(
      [n, n],
      a.data.map((_, p) => a.data[order[Math.floor(p / n)] * n + order[p % n]]),
    );
    const first = eigh(rt, a);
    const second = eigh(rt, b);
    for (let k = 0; k < n; k++) {
      expect(Math.abs(first.values[k] - second.values[k])).toBeLessThanOrEqual(n * ULP.f64 * n);
      let inner = 0;
      for (let i = 0; i < n; i++) inner += second.vectors.data[i * n + k] * first.vectors.data[order[i] * n + k];
      expect(Math.abs(Math.abs(inner) - 1)).toBeLessThanOrEqual(1e-10); // gaps of about 1/n bound the turn of a vector
    }
  });

  test('n = 0 and n = 1', () => {
    expect(eigh(rt, tensor([0, 0], [])).values.length).toBe(0);
    const { values, vectors } = eigh(rt, tensor([1, 1], [-3]));
    expect([...values]).toEqual([-3]);
    expect([...vectors.data]).toEqual([1]);
  });

  test('vectors: false gives values to n·ε·‖A‖ and no vectors; the arena is empty afterwards', () => {
    const a = symmetric(70, uniform(9, 4900));
    const used = rt.arena.used;
    const alone = eigh(rt, a, { vectors: false });
    const { values, vectors } = eigh(rt, a);
    expect(rt.arena.used).toBe(used);
    expect('vectors' in alone).toBe(false);
    expect(values.buffer).toBe(vectors.data.buffer);
    for (let k = 0; k < 70; k++) expect(Math.abs(values[k] - alone.values[k])).toBeLessThanOrEqual(70 * ULP.f64 * 70);
  });

  test('the input is not written', () => {
    const a = symmetric(9, uniform(2, 81));
    const copy = a.data.slice();
    eigh(rt, a);
    expect(a.data).toEqual(copy);
  });
});

describe('golden spectra', () => {
  test.each(goldenCaseNames('kernel'))('%s: numpy eigenvalues to 1e-12 of the largest', (name) => {
    const golden = readGoldenCase(name);
    const kernel = goldenArray(golden, 'K');
    const expected = goldenExpected(golden, 'trace/eigvals'); // descending
    const values = eigh(rt, kernel).values.slice().reverse();
    expect(relativeError({ shape: expected.shape, data: values }, expected)).toBeLessThan(1e-12);
  });

  const withKernel = goldenCaseNames().filter((name) => {
    const { expected } = readGoldenCase(name);
    return expected.has('trace/eigvals') && expected.has('ntk_trace');
  });

  test.each(withKernel)('%s: eigenvalues of its trace NTK, those of the reference to 1e-12 of the largest', (name) => {
    const golden = readGoldenCase(name);
    const expected = goldenExpected(golden, 'trace/eigvals');
    const values = eigh(rt, goldenExpected(golden, 'ntk_trace')).values.slice().reverse();
    expect(relativeError({ shape: expected.shape, data: values }, expected)).toBeLessThan(1e-12);
  });

  test('there are such cases', () => expect(withKernel.length).toBeGreaterThan(5));
});

describe('refusals', () => {
  test('not square, with both extents', () => {
    const error = refusal(() => eigh(rt, tensor([2, 3], [1, 2, 3, 4, 5, 6])));
    expect(error.code).toBe('ERR_SHAPE');
    expect(error.message).toContain('2 ≠ 3');
  });

  test('NaN and Inf, named by index', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const error = refusal(() => eigh(rt, tensor([2, 2], [1, 0, value, 1])));
      expect(error.code).toBe('ERR_DOMAIN');
      expect(error.info.index).toEqual([1, 0]);
    }
  });

  test('not symmetric: the entry that differs most is named, in one line; a few ulp are accepted', () => {
    const error = refusal(() => eigh(rt, tensor([3, 3], [1, 0.5, 2, 0.5, 1, 3, 2.001, 3.1, 1])));
    expect(error.code).toBe('ERR_DOMAIN');
    expect(error.info.index).toEqual([2, 1]);
    expect(error.message).toContain('[2, 1] is 3.1');
    expect(error.message).not.toContain('\n');
    expect(() => eigh(rt, tensor([2, 2], [1, 0.5, 0.5 + 16 * ULP.f64, 1]))).not.toThrow();
    expect(refusal(() => eigh(rt, tensor([2, 2], [1, 0.5, 0.5 + 512 * ULP.f64, 1]))).code).toBe('ERR_DOMAIN');
  });

  test('an eigenvalue beyond the largest number is refused, not returned as Infinity', () => {
    const big = Number.MAX_VALUE;
    expect(refusal(() => eigh(rt, tensor([2, 2], [big, big, big, big]))).code).toBe('ERR_DOMAIN');
    expect(refusal(() => eigh(rt, tensor([1, 1], [1e300]), { dtype: 'f32' })).code).toBe('ERR_DOMAIN');
  });

  test('the whole need is refused before anything is allocated, and is the need to the byte', async () => {
    for (const options of [{}, { vectors: false }, { indices: [3, 9] }, { dtype: 'f32' }] as const) {
      for (const n of [1, 40, 130]) {
        if (n < 9 && 'indices' in options) continue;
        const a = symmetric(n, uniform(1, n * n));
        const small = await loadRuntime({ memoryLimit: 100 });
        const { code, info } = refusal(() => eigh(small, a, options));
        expect(code).toBe('ERR_MEMORY');
        expect(info.limit).toBe(100);
        expect(small.arena.peakBytes).toBe(0);
        const needed = info.needed as number;
        const short = await loadRuntime({ memoryLimit: needed - 1 });
        expect(refusal(() => eigh(short, a, options)).info.needed).toBe(needed);
        expect(short.arena.peakBytes).toBe(0);
        const enough = await loadRuntime({ memoryLimit: needed });
        eigh(enough, a, options);
        expect(enough.arena.peakBytes).toBe(needed);
        expect(enough.arena.used).toBe(0);
      }
    }
  });
});
