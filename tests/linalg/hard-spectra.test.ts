/** @file Properties of eigh and topEigenpairs on hard spectra: known eigenvalues, LAPACK's ratios, n = 1, 2, 3, subnormal scale. */

import fc from 'fast-check';
import { eigh, loadRuntime, TangedgeError, type Tensor, tensor, topEigenpairs } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { eigenRatios, ULP } from '../oracle/symmetric-matrices.ts';

const rt = await loadRuntime();
const RUNS = { seed: 20261124, numRuns: process.env.TANGEDGE_TEST_CASES === 'all' ? 400 : 60 };

/** Spectra of n eigenvalues, none larger than 1 in magnitude. */
const SPECTRA: Readonly<Record<string, (i: number, n: number) => number>> = {
  clustered: (i) => (i % 3 === 0 ? 1 : 0.5) - (i % 7) * 1e-15,
  'two clusters at rounding': (i, n) => (2 * i < n ? 1 - i * ULP.f64 : -1 + i * ULP.f64),
  graded: (i) => 2 ** -i,
  'rank-deficient': (i, n) => (4 * i < n ? 1 / (i + 1) : 0),
  'negative definite': (i, n) => -(i + 1) / n,
  'negative semidefinite of rank one': (i) => (i === 0 ? -1 : 0),
  repeated: () => 0.75,
};

const kinds = fc.constantFrom(...Object.keys(SPECTRA));
const seeds = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 });

/** H·diag·H with reflectors H of vectors that the seeds make, exactly symmetric. */
function withSpectrum(n: number, kind: string, directions: readonly number[]): { a: Tensor; spectrum: Float64Array } {
  const spectrum = Float64Array.from({ length: n }, (_, i) => SPECTRA[kind](i, n));
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = spectrum[i];
  for (let step = 0; step < 2; step++) {
    const v = Float64Array.from({ length: n }, (_, i) => directions[(i * (step + 3)) % 8] + ((i * (step + 5)) % 11) / 11 - 0.4);
    const square = v.reduce((sum, x) => sum + x * x, 0);
    if (!(square > 1e-3)) continue;
    const w = new Float64Array(n);
    let inner = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) w[i] += a[i * n + j] * v[j];
      inner += w[i] * v[i];
    }
    for (let i = 0; i < n; i++) w[i] = (2 * w[i] - (2 * inner * v[i]) / square) / square;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = a[i * n + j] - v[i] * w[j] - w[i] * v[j];
    }
  }
  return { a: tensor([n, n], a), spectrum: spectrum.sort() };
}

function transposed({ shape: [rows, columns], data }: Tensor): Float64Array {
  return Float64Array.from({ length: data.length }, (_, p) => data[(p % rows) * columns + Math.floor(p / rows)]);
}

describe('eigh on hard spectra', () => {
  test('n from 1 to 70: the known eigenvalues to 60·n·ε, ascending, ratios below 60, values alone to the same bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), kinds, seeds, (n, kind, directions) => {
        const { a, spectrum } = withSpectrum(n, kind, directions);
        const { values, vectors } = eigh(rt, a);
        const alone = eigh(rt, a, { vectors: false }).values;
        const { residual, orthogonality } = eigenRatios(n, a.data as Float64Array, values, transposed(vectors), ULP.f64);
        expect(residual).toBeLessThan(60);
        expect(orthogonality).toBeLessThan(60);
        for (let k = 0; k < n; k++) {
          expect(Math.abs(values[k] - spectrum[k])).toBeLessThanOrEqual(60 * n * ULP.f64);
          expect(Math.abs(alone[k] - spectrum[k])).toBeLessThanOrEqual(60 * n * ULP.f64);
          if (k > 0) expect(values[k] >= values[k - 1] && alone[k] >= alone[k - 1]).toBe(true);
        }
      }),
      RUNS,
    );
  });

  test('a power of two as a factor, near underflow and overflow: the values times it, bit for bit, and the same vectors', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        kinds,
        seeds,
        fc.constantFrom(-900, -300, -101, 101, 600, 1000),
        (n, kind, directions, exponent) => {
          const { a } = withSpectrum(n, kind, directions);
          const factor = 2 ** exponent;
          const scaled = eigh(rt, { shape: a.shape, data: a.data.map((entry) => entry * factor) });
          // Entries are scaled back to about 1 when they leave [2^-100, 2^100]; within it, by no factor at all.
          const plain = eigh(rt, a);
          const largest = Math.max(...plain.values.map(Math.abs));
          for (let k = 0; k < n; k++) expect(Math.abs(scaled.values[k] / factor - plain.values[k])).toBeLessThanOrEqual(60 * n * ULP.f64 * largest);
          const { orthogonality } = eigenRatios(n, a.data as Float64Array, plain.values, transposed(scaled.vectors), ULP.f64);
          expect(orthogonality).toBeLessThan(60);
        },
      ),
      RUNS,
    );
  });

  test('subnormal entries: the eigenvalues of integers times 2^-1074, to one of these steps for every row', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 36, maxLength: 36 }), (n, entries) => {
        const data = Float64Array.from(
          { length: n * n },
          (_, p) => entries[Math.max(p % n, Math.floor(p / n)) * 6 + Math.min(p % n, Math.floor(p / n))],
        );
        const whole = eigh(rt, tensor([n, n], data)).values;
        const tiny = eigh(rt, { shape: [n, n], data: data.map((entry) => entry * 2 ** -1074) }).values;
        for (let k = 0; k < n; k++) expect(Math.abs(tiny[k] / 2 ** -1074 - whole[k])).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });
});

describe('topEigenpairs on hard spectra', () => {
  test('block Lanczos, n from 161 to 230: the largest of the known eigenvalues, residuals at most the tolerance and as told', () => {
    fc.assert(
      fc.property(fc.integer({ min: 161, max: 230 }), fc.integer({ min: 1, max: 12 }), kinds, seeds, (n, count, kind, directions) => {
        const { a, spectrum } = withSpectrum(n, kind, directions);
        const { values, vectors, residuals } = topEigenpairs(rt, a, count);
        const bound = 1e-10 + 60 * n * ULP.f64;
        for (let k = 0; k < count; k++) {
          expect(Math.abs(values[k] - spectrum[n - 1 - k])).toBeLessThanOrEqual(bound);
          let square = 0;
          for (let i = 0; i < n; i++) {
            let sum = 0;
            for (let j = 0; j < n; j++) sum += a.data[i * n + j] * vectors.data[j * count + k];
            square += (sum - values[k] * vectors.data[i * count + k]) ** 2;
          }
          expect(Math.sqrt(square)).toBeLessThanOrEqual(bound);
          expect(Math.abs(residuals[k] - Math.sqrt(square))).toBeLessThanOrEqual(60 * n * ULP.f64);
        }
      }),
      { ...RUNS, numRuns: Math.ceil(RUNS.numRuns / 3) },
    );
  });

  test('n = 1, 2, 3 are decomposed directly, with every eigenpair; n = 0 has none and is refused', () => {
    for (const n of [1, 2, 3]) {
      const data = Float64Array.from({ length: n * n }, (_, p) => Math.floor(p / n) + (p % n));
      const top = topEigenpairs(rt, tensor([n, n], data), n);
      expect([...top.values].reverse()).toEqual([...eigh(rt, tensor([n, n], data)).values]);
      expect(top.method).toBe('direct');
    }
    expect(() => topEigenpairs(rt, tensor([0, 0], []), 1)).toThrow(TangedgeError);
  });
});
