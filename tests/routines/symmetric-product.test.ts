/** @file Symmetric products and projection at the raw ABI: integers exactly, symmetry reported, guard bands, the same bits in every build. */

import { describe, expect, test } from 'vitest';
import { generator, integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, type Floats, Sandbox, type Target } from './sandbox.ts';

const SIZES = [1, 2, 3, 4, 5, 63, 64, 65, 127, 128, 131, 200, 257, 400, 513]; // tiles of 64, four rows of them together
const boxes = { release: new Sandbox('release'), wide: new Sandbox('wide'), debug: new Sandbox('debug') };

function symmetric(n: number, entries: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: n * n }, (_, p) => entries[Math.max(p % n, Math.floor(p / n)) * n + Math.min(p % n, Math.floor(p / n))]);
}

/** Packs `a` in strips of any number of rows, with a stride, and multiplies. */
function product(
  target: Target,
  dtype: Dtype,
  n: number,
  a: ArrayLike<number>,
  vectors: number,
  x: ArrayLike<number>,
): { out: Floats; differing: number } {
  const box = boxes[target];
  box.reset();
  const routines = box.routines(dtype);
  const stride = n + 3;
  const padded = new Float64Array(n * stride).fill(Number.NaN);
  for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) padded[r * stride + c] = a[r * n + c];
  const rows = box.input(dtype, padded);
  const tiles = box.bytes(routines.symmetricTilesBytes(n));
  const next = generator(n);
  let differing = 0;
  for (let first = 0; first < n; ) {
    const count = Math.min(n - first, 1 + (next() % 90));
    differing += routines.packSymmetricRows(n, first, count, rows.ptr + first * stride * (dtype === 'f64' ? 8 : 4), stride, tiles);
    first += count;
  }
  const input = box.input(dtype, x);
  const out = box.output(dtype, vectors * n);
  routines.symmetricProduct(n, vectors, tiles, input.ptr, out.ptr, box.bytes(routines.symmetricProductScratchBytes(n)));
  box.check();
  return { out: out.read(), differing };
}

describe.each(DTYPES)('symmetricProduct %s', (dtype) => {
  test.each(SIZES)('n = %i: integers, exactly, for every number of vectors', (n) => {
    const a = symmetric(n, integers(n, n * n));
    for (const vectors of [1, 2, 4, 5, 9]) {
      const x = integers(vectors, vectors * n);
      const { out, differing } = product('release', dtype, n, a, vectors, x);
      expect(differing).toBe(0);
      for (let v = 0; v < vectors; v++) {
        for (let i = 0; i < n; i++) {
          let sum = 0;
          for (let j = 0; j < n; j++) sum += a[i * n + j] * x[v * n + j];
          expect(out[v * n + i], `[${v}, ${i}]`).toBe(sum);
        }
      }
    }
  });

  test('the bits of a vector do not depend on the vectors beside it, nor on the build', () => {
    const n = 331;
    const a = symmetric(n, uniform(1, n * n));
    const x = uniform(2, 5 * n);
    const together = product('release', dtype, n, a, 5, x).out;
    for (let v = 0; v < 5; v++) {
      expectSameBits(product('release', dtype, n, a, 1, x.slice(v * n, (v + 1) * n)).out, together.slice(v * n, (v + 1) * n), `vector ${v}`);
    }
    for (const target of ['wide', 'debug'] as const) expectSameBits(product(target, dtype, n, a, 5, x).out, together, target);
  });

  test('entries that differ from their mirror or are not finite are counted wherever they are, and the lower triangle is taken', () => {
    const n = 150;
    const a = symmetric(n, integers(3, n * n));
    const x = integers(4, n);
    const expected = product('release', dtype, n, a, 1, x).out;
    for (const [r, c] of [
      [3, 1],
      [70, 2],
      [149, 148],
      [149, 0],
      [64, 63],
      [128, 127],
    ]) {
      const changed = a.slice();
      changed[c * n + r] += 1;
      const found = product('release', dtype, n, changed, 1, x);
      expect(found.differing).toBe(1);
      expectSameBits(found.out, expected, `[${r}, ${c}]`);
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const poisoned = a.slice();
        poisoned[c * n + r] = poisoned[r * n + c] = value;
        expect(product('release', dtype, n, poisoned, 1, x).differing).toBe(1);
      }
    }
    a[40 * n + 40] = Number.NaN;
    expect(product('release', dtype, n, a, 1, x).differing).toBe(1);
  });
});

describe.each(DTYPES)('orthogonalize %s', (dtype) => {
  test('C = X·Vᵀ and X − C·V against sums in f64, for lengths around the blocks; the same bits in every build', () => {
    for (const [n, rows, count] of [
      [1, 1, 1],
      [7, 2, 3],
      [255, 4, 5],
      [256, 1, 8],
      [257, 5, 2],
      [259, 9, 7],
      [600, 4, 11],
    ]) {
      // Orthonormal: the discrete cosine transform of type IV.
      const v = Float64Array.from({ length: count * n }, (_, at) => {
        const [k, i] = [Math.floor(at / n), at % n];
        return Math.sqrt(2 / n) * Math.cos((Math.PI / n) * (k + 0.5) * (i + 0.5));
      });
      const x = uniform(6, rows * n).map((value) => value - 0.5);
      const results = (['release', 'wide', 'debug'] as const).map((target) => {
        const box = boxes[target];
        box.reset();
        const routines = box.routines(dtype);
        const [vs, xs, cs] = [box.input(dtype, v), box.input(dtype, x), box.output(dtype, rows * count)];
        routines.orthogonalize(n, rows, count, vs.ptr, xs.ptr, cs.ptr, box.bytes(routines.orthogonalizeScratchBytes(n, count)));
        box.check();
        return { v: vs.read(), x: xs.read(), c: cs.read() };
      });
      const [{ v: vs, x: after, c }] = results;
      for (const other of results.slice(1)) {
        expectSameBits(other.x, after, 'x');
        expectSameBits(other.c, c, 'c');
      }
      const before = dtype === 'f64' ? x : Float32Array.from(x);
      const tolerance = (dtype === 'f64' ? 2 ** -52 : 2 ** -23) * (n + count);
      for (let r = 0; r < rows; r++) {
        for (let k = 0; k < count; k++) {
          let sum = 0;
          for (let i = 0; i < n; i++) sum += before[r * n + i] * vs[k * n + i];
          expect(Math.abs(c[r * count + k] - sum)).toBeLessThanOrEqual(tolerance);
        }
        for (let i = 0; i < n; i++) {
          let sum = before[r * n + i];
          for (let k = 0; k < count; k++) sum -= c[r * count + k] * vs[k * n + i];
          expect(Math.abs(after[r * n + i] - sum)).toBeLessThanOrEqual(tolerance);
        }
      }
    }
  });
});
