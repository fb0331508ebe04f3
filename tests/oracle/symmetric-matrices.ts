/**
 * @file The symmetric test matrices of LAPACK's eigenvalue tests (Reference LAPACK, TESTING/EIG/dchkst.f, 21 types), and
 * its two dimensionless ratios.
 */

import { generator } from './numbers.ts';

/** Row-major [n, n]. */
export type Matrix = Float64Array;

/** Spacing of the numbers at 1, LAPACK's ULP. */
export const ULP = { f64: 2 ** -52, f32: 2 ** -23 } as const;
/** Far out, but with room for n·‖A‖: near overflow and near underflow. */
const HUGE = { f64: 2 ** 1000, f32: 2 ** 115 } as const;
const TINY = { f64: 2 ** -1000, f32: 2 ** -100 } as const;

export type Dtype = 'f64' | 'f32';

/** Standard normal numbers (Box–Muller), for tests only. */
function normals(seed: number, length: number): Float64Array {
  const next = generator(seed);
  const unit = () => (next() + 0.5) / 4294967296;
  return Float64Array.from({ length }, () => Math.sqrt(-2 * Math.log(unit())) * Math.cos(2 * Math.PI * unit()));
}

type Spectrum = (i: number, n: number, ulp: number) => number;
/** 1 … ulp in equal steps. */
const even: Spectrum = (i, n, ulp) => (n === 1 ? 1 : 1 - (i / (n - 1)) * (1 - ulp));
/** 1 … ulp in equal ratios. */
const geometric: Spectrum = (i, n, ulp) => (n === 1 ? 1 : ulp ** (i / (n - 1)));
/** 1, ulp, ulp, …: one cluster at zero. */
const clustered: Spectrum = (i, _, ulp) => (i === 0 ? 1 : ulp);

function diagonal(n: number, spectrum: Spectrum, ulp: number, seed: number | undefined): Matrix {
  const a = new Float64Array(n * n);
  const next = generator(seed ?? 0);
  for (let i = 0; i < n; i++) a[i * n + i] = spectrum(i, n, ulp) * (seed !== undefined && next() % 2 === 1 ? -1 : 1);
  return a;
}

/** Q·A·Qᵀ with Q a product of random reflectors: n of them up to 65, then a dozen (dense either way). Exactly symmetric. */
function rotated(n: number, a: Matrix, seed: number): Matrix {
  const count = n <= 65 ? n : 12;
  for (let step = 0; step < count; step++) {
    const v = normals(seed * 1000 + step, n);
    const norm = Math.hypot(...v);
    for (let i = 0; i < n; i++) v[i] /= norm;
    // H·A·H = A − v·wᵀ − w·vᵀ with w = 2·A·v − 2·(vᵀ·A·v)·v
    const w = new Float64Array(n);
    let inner = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) w[i] += a[i * n + j] * v[j];
      inner += w[i] * v[i];
    }
    for (let i = 0; i < n; i++) w[i] = 2 * w[i] - 2 * inner * v[i];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        a[i * n + j] -= v[i] * w[j] + w[i] * v[j];
        a[j * n + i] = a[i * n + j];
      }
    }
  }
  return a;
}

function scaled(a: Matrix, factor: number): Matrix {
  return a.map((entry) => entry * factor);
}

/** Independent entries, uniform in (−1, 1). */
function uniformSymmetric(n: number, seed: number): Matrix {
  const next = generator(seed);
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      a[i * n + j] = (next() + 0.5) / 2147483648 - 1;
      a[j * n + i] = a[i * n + j];
    }
  }
  return a;
}

/** Gaussian orthogonal ensemble: normal entries, variance 2 on the diagonal. */
function gaussianOrthogonal(n: number, seed: number): Matrix {
  const g = normals(seed, n * n);
  return g.map((entry, position) => (entry + g[(position % n) * n + Math.floor(position / n)]) / Math.SQRT2);
}

/** Tridiagonal, diagonally dominant, positive definite: geometric diagonal, off-diagonal half the geometric mean of its neighbours. */
function dominant(n: number, ulp: number): Matrix {
  const a = diagonal(n, geometric, ulp, undefined);
  for (let i = 1; i < n; i++) {
    const e = 0.5 * Math.sqrt(a[i * n + i] * a[(i - 1) * n + i - 1]);
    a[i * n + i - 1] = e;
    a[(i - 1) * n + i] = e;
  }
  return a;
}

export interface MatrixType {
  readonly name: string;
  readonly make: (n: number, dtype: Dtype) => Matrix;
}

/** dchkst's types in its order, and two more: GOE and a kernel of fast decay. */
export const MATRIX_TYPES: readonly MatrixType[] = [
  { name: 'zero', make: (n) => new Float64Array(n * n) },
  { name: 'identity', make: (n) => diagonal(n, () => 1, 0, undefined) },
  { name: 'diagonal, even', make: (n, d) => diagonal(n, even, ULP[d], 3) },
  { name: 'diagonal, geometric', make: (n, d) => diagonal(n, geometric, ULP[d], 4) },
  { name: 'diagonal, clustered', make: (n, d) => diagonal(n, clustered, ULP[d], 5) },
  { name: 'diagonal, geometric, near overflow', make: (n, d) => scaled(diagonal(n, geometric, ULP[d], 6), HUGE[d]) },
  { name: 'diagonal, geometric, near underflow', make: (n, d) => scaled(diagonal(n, geometric, ULP[d], 7), TINY[d]) },
  { name: 'dense, even', make: (n, d) => rotated(n, diagonal(n, even, ULP[d], 8), 8) },
  { name: 'dense, geometric', make: (n, d) => rotated(n, diagonal(n, geometric, ULP[d], 9), 9) },
  { name: 'dense, clustered', make: (n, d) => rotated(n, diagonal(n, clustered, ULP[d], 10), 10) },
  { name: 'dense, even, near overflow', make: (n, d) => scaled(rotated(n, diagonal(n, even, ULP[d], 11), 11), HUGE[d]) },
  { name: 'dense, even, near underflow', make: (n, d) => scaled(rotated(n, diagonal(n, even, ULP[d], 12), 12), TINY[d]) },
  { name: 'uniform entries', make: (n) => uniformSymmetric(n, 13) },
  { name: 'uniform entries, near overflow', make: (n, d) => scaled(uniformSymmetric(n, 14), HUGE[d]) },
  { name: 'uniform entries, near underflow', make: (n, d) => scaled(uniformSymmetric(n, 15), TINY[d]) },
  { name: 'positive definite, even', make: (n, d) => rotated(n, diagonal(n, even, ULP[d], undefined), 16) },
  { name: 'positive definite, geometric', make: (n, d) => rotated(n, diagonal(n, geometric, ULP[d], undefined), 17) },
  { name: 'positive definite, clustered', make: (n, d) => rotated(n, diagonal(n, clustered, ULP[d], undefined), 18) },
  { name: 'positive definite, even, near overflow', make: (n, d) => scaled(rotated(n, diagonal(n, even, ULP[d], undefined), 19), HUGE[d]) },
  { name: 'positive definite, even, near underflow', make: (n, d) => scaled(rotated(n, diagonal(n, even, ULP[d], undefined), 20), TINY[d]) },
  { name: 'diagonally dominant tridiagonal', make: (n, d) => dominant(n, ULP[d]) },
  { name: 'GOE', make: (n) => gaussianOrthogonal(n, 22) },
  {
    name: 'integer multiplicities',
    make: (n) =>
      rotated(
        n,
        diagonal(n, (i) => i % 3, 0, 23),
        23,
      ),
  },
];

/** The tridiagonal matrix with diagonal d(i) and e(i) between i and i + 1. */
function tridiagonal(n: number, d: (i: number) => number, e: (i: number) => number): Matrix {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    a[i * n + i] = d(i);
    if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = e(i - 1);
  }
  return a;
}

/** Where divide and conquer and QL have failed before: glue, equal diagonals, splits, every degree of deflation. */
export const TRIDIAGONAL_TYPES: readonly MatrixType[] = [
  {
    name: 'Wilkinson W⁺: pairs that agree to rounding',
    make: (n) =>
      tridiagonal(
        n,
        (i) => Math.abs(i - (n - 1) / 2),
        () => 1,
      ),
  },
  {
    name: 'glued Wilkinson',
    make: (n, dtype) =>
      tridiagonal(
        n,
        (i) => Math.abs((i % 21) - 10),
        (i) => (i % 21 === 20 ? Math.sqrt(ULP[dtype]) : 1),
      ),
  },
  {
    name: 'second difference',
    make: (n) =>
      tridiagonal(
        n,
        () => 2,
        () => -1,
      ),
  },
  {
    name: 'zero diagonal',
    make: (n) =>
      tridiagonal(
        n,
        () => 0,
        () => 1,
      ),
  },
  {
    name: 'alternating signs',
    make: (n) =>
      tridiagonal(
        n,
        (i) => (i % 2 === 0 ? 1 : -1),
        (i) => (i % 3 === 0 ? -0.5 : 0.5),
      ),
  },
  {
    name: 'split into blocks of 8',
    make: (n) =>
      tridiagonal(
        n,
        (i) => i % 8,
        (i) => (i % 8 === 7 ? 0 : 1),
      ),
  },
  {
    name: 'couplings at rounding',
    make: (n, dtype) =>
      tridiagonal(
        n,
        () => 1,
        (i) => ((i % 7) + 1) * ULP[dtype],
      ),
  },
  {
    name: 'weak couplings',
    make: (n) =>
      tridiagonal(
        n,
        (i) => i % 5,
        () => 1e-6,
      ),
  },
  {
    name: 'graded upwards',
    make: (n) =>
      tridiagonal(
        n,
        (i) => 2 ** (-i / 2),
        (i) => 2 ** (-i / 2 - 1),
      ),
  },
  {
    name: 'graded downwards',
    make: (n) =>
      tridiagonal(
        n,
        (i) => 2 ** ((i - n) / 2),
        (i) => 2 ** ((i - n) / 2 - 1),
      ),
  },
  {
    name: 'Clement: integer spectrum',
    make: (n) =>
      tridiagonal(
        n,
        () => 0,
        (i) => Math.sqrt((i + 1) * (n - 1 - i)),
      ),
  },
  {
    name: 'one large coupling',
    make: (n) =>
      tridiagonal(
        n,
        () => 1,
        (i) => (i === Math.floor(n / 2) - 1 ? 1e8 : 1),
      ),
  },
  { name: 'halves graded towards zero from both sides', make: gradedHalves },
];

/** The last merge of divide and conquer has poles ±2^−45 … ±1 in equal ratios, in both halves, that all couple: no part of it is of low rank. */
function gradedHalves(n: number): Matrix {
  const upper = gradedHalf(n >> 1, 0),
    lower = gradedHalf(n - (n >> 1), 0.5);
  const size1 = upper.d.length,
    tear = 0.125;
  const atTear = (i: number) => (i === size1 - 1 || i === size1 ? tear : 0);
  return tridiagonal(
    n,
    (i) => (i < size1 ? upper.d[size1 - 1 - i] : lower.d[i - size1]) + atTear(i),
    (i) => (i === size1 - 1 ? tear : i < size1 ? upper.e[size1 - 2 - i] : lower.e[i - size1]),
  );
}

/** The Lanczos tridiagonal form of diag(±2^(−45·(j + shift)/half)), from a vector of weights √|λ|, which its first row then has. */
function gradedHalf(count: number, shift: number): { d: Float64Array; e: Float64Array } {
  const lambda = Float64Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 1 : -1) * 2 ** ((-45 * ((i >> 1) + shift)) / ((count >> 1) + 1)));
  const d = new Float64Array(count),
    e = new Float64Array(count);
  const basis: Float64Array[] = [];
  let v = lambda.map((value) => Math.sqrt(Math.abs(value)));
  for (let j = 0; j < count; j++) {
    for (let pass = 0; pass < 2; pass++) {
      for (const u of basis) {
        const c = u.reduce((sum, x, i) => sum + x * v[i], 0);
        v = v.map((x, i) => x - c * u[i]);
      }
    }
    const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    if (j > 0) e[j - 1] = norm;
    const u = v.map((x) => x / norm);
    basis.push(u);
    d[j] = u.reduce((sum, x, i) => sum + lambda[i] * x * x, 0);
    v = u.map((x, i) => lambda[i] * x);
  }
  return { d, e };
}

/** Greatest column sum of absolute values. */
export function norm1(n: number, a: ArrayLike<number>): number {
  let norm = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.abs(a[i * n + j]);
    norm = Math.max(norm, sum);
  }
  return norm;
}

/**
 * LAPACK's ratios in f64: ‖A − VΛVᵀ‖₁/(‖A‖₁·n·ulp) and ‖I − VVᵀ‖₁/(n·ulp); rows of `vectors` are the eigenvectors.
 * NaN anywhere gives NaN, which no bound accepts.
 */
export function eigenRatios(
  n: number,
  a: Matrix,
  values: ArrayLike<number>,
  vectors: ArrayLike<number>,
  ulp: number,
): { residual: number; orthogonality: number } {
  if (n === 0) return { residual: 0, orthogonality: 0 };
  let largest = 0;
  for (const entry of a) largest = Math.max(largest, Math.abs(entry));
  // A power of two takes matrices near overflow and underflow to 1 without rounding.
  const unit = largest === 0 ? 1 : 2 ** Math.floor(Math.log2(largest));
  const columns = new Float64Array(n * n);
  const weighted = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const value = values[k] / unit;
    for (let i = 0; i < n; i++) {
      columns[i * n + k] = vectors[k * n + i];
      weighted[i * n + k] = vectors[k * n + i] * value;
    }
  }
  const residual = new Float64Array(n * n);
  const defect = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let product = 0;
      let inner = 0;
      for (let k = 0, p = i * n, q = j * n; k < n; k++, p++, q++) {
        product += weighted[p] * columns[q];
        inner += columns[p] * columns[q];
      }
      residual[i * n + j] = residual[j * n + i] = a[i * n + j] / unit - product;
      defect[i * n + j] = defect[j * n + i] = (i === j ? 1 : 0) - inner;
    }
  }
  const norm = norm1(
    n,
    a.map((entry) => entry / unit),
  );
  const error = norm1(n, residual);
  return { residual: norm === 0 && error === 0 ? 0 : error / norm / (n * ulp), orthogonality: norm1(n, defect) / (n * ulp) };
}
