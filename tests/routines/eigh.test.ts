/** @file eigh at the raw ABI: LAPACK's ratios on its matrix types, values-only agreement, guard bands, poisoned scratch, status. */

import { describe, expect, test } from 'vitest';
import { eigenRatios, MATRIX_TYPES, type Matrix, type MatrixType, norm1, TRIDIAGONAL_TYPES, ULP } from '../oracle/symmetric-matrices.ts';
import { DTYPES, type Dtype, expectSameBits, type Floats, Sandbox } from './sandbox.ts';

const SIZES = [0, 1, 2, 3, 5, 20, 65, 257, 600];
const THRESHOLD = 60;
const ALL = process.env.TANGEDGE_TEST_CASES === 'all';

const sandbox = new Sandbox('release');

interface Decomposition {
  readonly status: number;
  readonly values: Floats;
  readonly vectors: Floats;
}

/** A of any row stride, its upper triangle and the gaps NaN. */
function lowerTriangle(n: number, a: ArrayLike<number>, stride: number): Float64Array {
  const out = new Float64Array(n * stride).fill(Number.NaN);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) out[i * stride + j] = a[i * n + j];
  return out;
}

/** Runs the three stages on poisoned outputs and scratch, the upper triangle NaN, guard bands checked. */
function decompose(dtype: Dtype, n: number, a: ArrayLike<number>, box = sandbox, [first, last] = [0, n]): Decomposition {
  box.reset();
  const routines = box.routines(dtype);
  const stride = n + 3;
  const matrix = box.input(dtype, lowerTriangle(n, a, stride));
  const [d, e, z] = [box.output('f64', n), box.output('f64', n), box.output('f64', n * n)];
  const [tau, columns] = [box.output(dtype, n), box.output(dtype, n * (last - first))];
  const scale = routines.tridiagonalize(n, matrix.ptr, stride, d.ptr, e.ptr, tau.ptr, box.bytes(routines.tridiagonalizeScratchBytes(n)));
  const status = routines.tridiagonalEigen(n, d.ptr, e.ptr, z.ptr, first, last, box.bytes(routines.tridiagonalEigenScratchBytes(n)));
  routines.backTransform(
    n,
    last - first,
    matrix.ptr,
    stride,
    tau.ptr,
    z.ptr,
    columns.ptr,
    last - first,
    box.bytes(routines.backTransformScratchBytes(n, last - first)),
  );
  box.check();
  const v = columns.read();
  const vectors = v.map((_, p) => v[(p % n) * (last - first) + Math.floor(p / n)]); // row k ↔ value k
  return {
    status,
    values: d
      .read()
      .slice(first, last)
      .map((value) => value / scale),
    vectors,
  };
}

function valuesOnly(dtype: Dtype, n: number, a: ArrayLike<number>): Floats {
  sandbox.reset();
  const routines = sandbox.routines(dtype);
  const matrix = sandbox.input(dtype, a);
  const [d, e, tau] = [sandbox.output('f64', n), sandbox.output('f64', n), sandbox.output(dtype, n)];
  const scale = routines.tridiagonalize(n, matrix.ptr, n, d.ptr, e.ptr, tau.ptr, sandbox.bytes(routines.tridiagonalizeScratchBytes(n)));
  expect(routines.tridiagonalEigen(n, d.ptr, e.ptr, 0, 0, n, 0)).toBe(0);
  sandbox.check();
  return d.read().map((value) => value / scale);
}

/** The entries as the routine sees them. */
function rounded(dtype: Dtype, a: Matrix): Matrix {
  return dtype === 'f64' ? a : Float64Array.from(Float32Array.from(a));
}

/** Every type up to 65; beyond, two or three types a size and dtype, different ones for each, unless all are asked for. */
function typesFor(n: number, dtype: Dtype) {
  if (ALL || n <= 65) return MATRIX_TYPES;
  const offset = n + (dtype === 'f64' ? 0 : 4);
  return MATRIX_TYPES.filter((_, index) => (index + offset) % 9 === 0);
}

/** Both ratios below the threshold, ascending values, and the same values without vectors to n·ε·‖A‖. */
function expectAccurate(dtype: Dtype, n: number, { name, make }: MatrixType, threshold = THRESHOLD): void {
  const a = rounded(dtype, make(n, dtype));
  const { status, values, vectors } = decompose(dtype, n, a);
  const { residual, orthogonality } = eigenRatios(n, a, values, vectors, ULP[dtype]);
  const what = `${name}, n = ${n}: residual ${residual}, orthogonality ${orthogonality}`;
  expect(status, what).toBe(0);
  expect(residual < threshold, what).toBe(true);
  expect(orthogonality < threshold, what).toBe(true);
  const alone = valuesOnly(dtype, n, a);
  const tolerance = n * ULP[dtype] * norm1(n, a);
  for (let k = 0; k < n; k++) {
    expect(k === 0 || values[k] >= values[k - 1], `${what}: order at ${k}`).toBe(true);
    expect(Math.abs(values[k] - alone[k]) <= tolerance, `${what}: value ${k} is ${values[k]}, alone ${alone[k]}`).toBe(true);
  }
}

describe.each(DTYPES)('eigh %s: LAPACK ratios below 60', (dtype) => {
  test.each(SIZES)(
    'n = %i: ‖A − VΛVᵀ‖/(‖A‖nε), ‖I − VVᵀ‖/(nε), ascending, values-only agrees',
    (n) => {
      for (const type of typesFor(n, dtype)) expectAccurate(dtype, n, type);
    },
    ALL ? 300_000 : 60_000,
  );

  test.each([33, 64, 65, 130, 200])('n = %i: tridiagonal matrices that are hard for divide and conquer', (n) => {
    for (const type of TRIDIAGONAL_TYPES) expectAccurate(dtype, n, type);
  });

  test('n = 500: a merge whose ranks are too high to gain from, and clusters at rounding, to ratios of 2', () => {
    // Were the differences of close roots taken from their distances to a far pole, glued Wilkinson would have ratios of 35 and 55.
    const types = TRIDIAGONAL_TYPES.filter(({ name }) => /both sides|glued/.test(name));
    expect(types).toHaveLength(2);
    for (const type of types) expectAccurate(dtype, 500, type, 2);
  });

  test('the debug build gives the bits of the release build', () => {
    const debug = new Sandbox('debug');
    for (const n of [1, 2, 7, 40, 130, 230]) {
      const a = MATRIX_TYPES.find(({ name }) => name === 'GOE')!.make(n, dtype);
      const release = decompose(dtype, n, a);
      const other = decompose(dtype, n, a, debug);
      expectSameBits(other.values, release.values, `values, n = ${n}`);
      expectSameBits(other.vectors, release.vectors, `vectors, n = ${n}`);
    }
  });

  test('NaN in the matrix ends in a status or NaN, never in a hang', () => {
    for (const n of [1, 12, 80]) {
      for (const place of [0, n * n - 1, Math.floor(n / 2) * n]) {
        const a = new Float64Array(n * n).fill(1);
        a[place] = NaN;
        const { status, values } = decompose(dtype, n, a);
        expect(status > 0 || values.some(Number.isNaN), `n = ${n}, NaN at ${place}`).toBe(true);
      }
    }
  });
});

describe.each(DTYPES)('eigh %s: closed forms', (dtype) => {
  test('tridiag(−1, 2, −1): 2 − 2·cos(kπ/(n+1)) to n·ε·‖A‖', () => {
    for (const n of [1, 2, 3, 10, 64, 129]) {
      const a = new Float64Array(n * n);
      for (let i = 0; i < n; i++) {
        a[i * n + i] = 2;
        if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
      }
      const { values } = decompose(dtype, n, a);
      for (let k = 1; k <= n; k++) {
        const exact = 2 - 2 * Math.cos((k * Math.PI) / (n + 1));
        expect(Math.abs(values[k - 1] - exact) <= n * ULP[dtype] * 4, `n = ${n}, k = ${k}: ${values[k - 1]} for ${exact}`).toBe(true);
      }
    }
  });

  test('1·1ᵀ: one eigenvalue n, the others 0, to n·ε·n; its vector is constant', () => {
    const n = 50;
    const { values, vectors } = decompose(dtype, n, new Float64Array(n * n).fill(1));
    const tolerance = n * n * ULP[dtype];
    for (let k = 0; k < n - 1; k++) expect(Math.abs(values[k])).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(values[n - 1] - n)).toBeLessThanOrEqual(tolerance);
    for (let i = 0; i < n; i++) expect(Math.abs(Math.abs(vectors[(n - 1) * n + i]) - 1 / Math.sqrt(n))).toBeLessThanOrEqual(n * ULP[dtype]);
  });

  test('a diagonal matrix: its entries sorted, exactly, and unit vectors', () => {
    const n = 33;
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) a[i * n + i] = ((i * 7) % n) - 16;
    const { values, vectors } = decompose(dtype, n, a);
    for (let k = 0; k < n; k++) {
      expect(values[k]).toBe(k - 16);
      for (let i = 0; i < n; i++) expect(Math.abs(vectors[k * n + i])).toBe(a[i * n + i] === k - 16 ? 1 : 0);
    }
  });
});
