/** @file topEigenpairs: against the direct decomposition, on decaying, clustered, repeated and flat spectra, matrices and operators. */

import { denseOperator, eigh, linearOperator, loadRuntime, TangedgeError, type Tensor, tensor, topEigenpairs } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { uniform } from '../oracle/numbers.ts';
import { expectSameBits } from '../routines/sandbox.ts';

const rt = await loadRuntime();
const EPS = 2 ** -52;

/** exp(−γ·‖x − y‖²) of points in a cube. */
function rbf(n: number, gamma: number, seed = 1): Tensor {
  const d = 3;
  const x = uniform(seed, n * d);
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let square = 0;
      for (let k = 0; k < d; k++) square += (x[i * d + k] - x[j * d + k]) * (x[i * d + k] - x[j * d + k]);
      data[i * n + j] = data[j * n + i] = Math.exp(-gamma * square);
    }
  }
  return tensor([n, n], data);
}

/** Q·diag(spectrum)·Qᵀ with Q a product of a few reflectors. */
function withSpectrum(spectrum: readonly number[], seed: number): Tensor {
  const n = spectrum.length;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) a[i * n + i] = spectrum[i];
  for (let step = 0; step < 3; step++) {
    const v = uniform(seed + step, n).map((x) => x - 0.5);
    const square = v.reduce((sum, x) => sum + x * x, 0);
    for (const side of ['left', 'right']) {
      for (let i = 0; i < n; i++) {
        const at = (j: number) => (side === 'left' ? j * n + i : i * n + j);
        let inner = 0;
        for (let j = 0; j < n; j++) inner += a[at(j)] * v[j];
        for (let j = 0; j < n; j++) a[at(j)] -= (2 * inner * v[j]) / square;
      }
    }
  }
  return tensor(
    [n, n],
    a.map((_, p) => (a[p] + a[(p % n) * n + Math.floor(p / n)]) / 2),
  );
}

/** ‖A·v − λ·v‖ and |VᵀV − I| at their worst, from scratch. */
function quality(a: Tensor, { values, vectors }: { values: Float64Array; vectors: Tensor }) {
  const n = a.shape[0];
  const k = values.length;
  let residual = 0;
  let orthogonality = 0;
  for (let c = 0; c < k; c++) {
    let square = 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += a.data[i * n + j] * vectors.data[j * k + c];
      square += (sum - values[c] * vectors.data[i * k + c]) ** 2;
    }
    residual = Math.max(residual, Math.sqrt(square));
    for (let other = 0; other <= c; other++) {
      let inner = 0;
      for (let i = 0; i < n; i++) inner += vectors.data[i * k + c] * vectors.data[i * k + other];
      orthogonality = Math.max(orthogonality, Math.abs(inner - (other === c ? 1 : 0)));
    }
  }
  return { residual, orthogonality };
}

function expectTop(a: Tensor, count: number, found: ReturnType<typeof topEigenpairs>, tolerance = 1e-10): void {
  const n = a.shape[0];
  const exact = eigh(rt, a, { vectors: false }).values.slice().reverse();
  const scale = Math.max(Math.abs(exact[0]), Math.abs(exact[n - 1]));
  for (let k = 0; k < count; k++) expect(Math.abs(found.values[k] - exact[k]), `value ${k}`).toBeLessThanOrEqual((tolerance + n * EPS) * scale);
  const { residual, orthogonality } = quality(a, found);
  expect(residual).toBeLessThanOrEqual((tolerance + n * EPS) * scale);
  expect(orthogonality).toBeLessThanOrEqual(100 * n * EPS);
  expect(Math.abs(Math.max(...found.residuals) - residual)).toBeLessThanOrEqual(n * EPS * scale);
}

describe('topEigenpairs by block Lanczos', () => {
  test.each([
    [1, 1],
    [5, 1],
    [32, 4],
    [10, 20],
  ])('%i pairs of an RBF kernel, γ = %i: those of eigh, residuals below the tolerance and as told', (count, gamma) => {
    const a = rbf(400, gamma);
    const found = topEigenpairs(rt, a, count, { method: 'lanczos' });
    expect(found.method).toBe('lanczos');
    expect(found.vectors.shape).toEqual([400, count]);
    expectTop(a, count, found);
  });

  test('eigenvalues of multiplicity 3, 12 and 40 come with all their copies, more than a block holds', () => {
    for (const copies of [3, 12, 40]) {
      const spectrum = Array.from({ length: 420 }, (_, i) => (i < copies ? 5 : i < copies + 3 ? 4 : 3 / (i + 1 - copies)));
      const a = withSpectrum(spectrum, 7);
      const found = topEigenpairs(rt, a, 42, { method: 'lanczos' });
      expectTop(a, 42, found);
      expect(found.values.filter((value) => Math.abs(value - 5) < 1e-9).length).toBe(copies);
    }
  });

  test('clusters of width 1e-9, a multiple of the identity plus low rank, and indefinite spectra', () => {
    const cluster = Array.from({ length: 300 }, (_, i) => (i < 8 ? 2 + 1e-9 * i : 1 / (i + 1)));
    expectTop(withSpectrum(cluster, 3), 10, topEigenpairs(rt, withSpectrum(cluster, 3), 10));
    const lowRank = Array.from({ length: 300 }, (_, i) => (i < 4 ? 10 + i : 1));
    const found = topEigenpairs(rt, withSpectrum(lowRank, 4), 8);
    expectTop(withSpectrum(lowRank, 4), 8, found);
    const indefinite = Array.from({ length: 300 }, (_, i) => (i % 2 ? -1 : 1) * 0.8 ** i * 10);
    expectTop(withSpectrum(indefinite, 5), 6, topEigenpairs(rt, withSpectrum(indefinite, 5), 6));
  });

  test('zero, identity and rank-one matrices', () => {
    const n = 200;
    const zero = topEigenpairs(rt, tensor([n, n], new Float64Array(n * n)), 3);
    expect([...zero.values]).toEqual([0, 0, 0]);
    const ones = tensor([n, n], new Float64Array(n * n).fill(1));
    expectTop(ones, 4, topEigenpairs(rt, ones, 4));
    const identity = tensor(
      [n, n],
      Float64Array.from({ length: n * n }, (_, p) => (p % (n + 1) === 0 ? 1 : 0)),
    );
    expectTop(identity, 5, topEigenpairs(rt, identity, 5));
  });

  test('an operator that is known by its products: the values of its matrix; a matrix and its operator agree', () => {
    const a = rbf(300, 2);
    let products = 0;
    const dense = denseOperator(rt, a);
    const counting = (x: Tensor) => {
      products++;
      return dense.apply(x);
    };
    const counted = linearOperator({ rows: 300, cols: 300, apply: counting });
    const found = topEigenpairs(rt, counted, 6);
    expect(found.method).toBe('lanczos');
    expect(found.iterations).toBe(products);
    expectTop(a, 6, found);
  });

  test('the same seed gives the same bits, another seed other bits and the same pairs; the arena is empty afterwards', () => {
    const a = rbf(250, 3);
    const used = rt.arena.used;
    const first = topEigenpairs(rt, a, 5, { seed: 3 });
    expect(rt.arena.used).toBe(used);
    expectSameBits(topEigenpairs(rt, a, 5, { seed: 3 }).vectors.data, first.vectors.data, 'vectors');
    const other = topEigenpairs(rt, a, 5, { seed: 4 });
    expect(other.vectors.data).not.toEqual(first.vectors.data);
    expectTop(a, 5, other);
  });

  test('f32: residuals below 1e-5·λmax', () => {
    const a = rbf(400, 3);
    const found = topEigenpairs(rt, a, 12, { dtype: 'f32' });
    expect(found.method).toBe('lanczos');
    expect(found.vectors.data).toBeInstanceOf(Float32Array);
    expect(quality(a, found).residual).toBeLessThanOrEqual(1.5e-5 * found.values[0]);
  });

  test('a looser tolerance takes fewer products', () => {
    const a = rbf(300, 6);
    const loose = topEigenpairs(rt, a, 8, { tolerance: 1e-4 });
    const tight = topEigenpairs(rt, a, 8, { tolerance: 1e-13 });
    expect(loose.iterations).toBeLessThan(tight.iterations);
    expect(Math.max(...loose.residuals)).toBeLessThanOrEqual(1e-4 * loose.values[0]);
  });
});

describe('topEigenpairs direct', () => {
  test('small matrices: the columns of eigh, largest first, bit for bit', () => {
    const n = 12;
    const data = uniform(3, n * n);
    const a = tensor(
      [n, n],
      data.map((_, p) => data[Math.max(p % n, Math.floor(p / n)) * n + Math.min(p % n, Math.floor(p / n))]),
    );
    const all = eigh(rt, a);
    const top = topEigenpairs(rt, a, 3);
    expect(top.method).toBe('direct');
    expect(top.iterations).toBe(0);
    for (let k = 0; k < 3; k++) {
      expect(top.values[k]).toBe(all.values[n - 1 - k]);
      for (let i = 0; i < n; i++) expect(top.vectors.data[i * 3 + k]).toBe(all.vectors.data[i * n + n - 1 - k]);
    }
    expectTop(a, 3, top);
  });

  test('a flat spectrum is given up after n/2 products, and says so; as an operator it is formed', () => {
    const spectrum = Array.from({ length: 240 }, (_, i) => 1 + i / 240);
    const a = withSpectrum(spectrum, 9);
    const found = topEigenpairs(rt, a, 20);
    expect(found.method).toBe('direct');
    expect(found.iterations).toBeGreaterThan(0);
    expectTop(a, 20, found);
    expectTop(a, 20, topEigenpairs(rt, denseOperator(rt, a), 20));
  });
});

describe('topEigenpairs refusals', () => {
  function refusal(body: () => unknown): TangedgeError {
    try {
      body();
    } catch (error) {
      if (error instanceof TangedgeError) return error;
      throw error;
    }
    throw new Error('nothing was thrown');
  }

  test('count outside 1 … n, a tolerance outside (0, 1)', () => {
    const a = tensor([2, 2], [1, 0, 0, 1]);
    for (const count of [0, 3, 1.5, Number.NaN]) expect(refusal(() => topEigenpairs(rt, a, count)).code).toBe('ERR_ARGUMENT');
    for (const tolerance of [0, 1, -1, Number.NaN]) expect(refusal(() => topEigenpairs(rt, a, 1, { tolerance })).code).toBe('ERR_ARGUMENT');
  });

  test('an operator that is not symmetric, or not square', () => {
    const n = 200;
    const skew = tensor([n, n], uniform(5, n * n));
    expect(refusal(() => topEigenpairs(rt, denseOperator(rt, skew), 2)).code).toBe('ERR_DOMAIN');
    const wide = linearOperator({ rows: 2, cols: 3, apply: (x) => x, applyTranspose: (x) => x });
    expect(refusal(() => topEigenpairs(rt, wide, 1)).code).toBe('ERR_SHAPE');
  });

  test('method lanczos that does not converge; more memory than the limit', async () => {
    const flat = withSpectrum(
      Array.from({ length: 200 }, (_, i) => 1 + i / 200),
      2,
    );
    expect(refusal(() => topEigenpairs(rt, flat, 20, { method: 'lanczos', tolerance: 1e-30 })).code).toBe('ERR_CONVERGENCE');
    const small = await loadRuntime({ memoryLimit: 200_000 });
    expect(refusal(() => topEigenpairs(small, rbf(200, 1), 2)).code).toBe('ERR_MEMORY');
    expect(small.arena.used).toBe(0);
  });
});
