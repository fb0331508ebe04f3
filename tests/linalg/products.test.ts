/** @file matmul, gram, centerKernel, LinearOperator and powers: exact integers, definitions, invariants, refusals. */

import {
  centerKernel,
  denseOperator,
  eigh,
  gram,
  linearOperator,
  loadRuntime,
  matmul,
  psdPower,
  symmetricSquareRoot,
  type Tensor,
  tensor,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { integers, uniform } from '../oracle/numbers.ts';

const rt = await loadRuntime();
const ULP = 2 ** -52;

const at = (t: Tensor, i: number, j: number): number => t.data[i * t.shape[1] + j];
const integerMatrix = (seed: number, rows: number, columns: number): Tensor => tensor([rows, columns], integers(seed, rows * columns));

/** Σ_k a(i, k)·b(k, j) by definition. */
function product(m: number, k: number, n: number, a: (i: number, l: number) => number, b: (l: number, j: number) => number): number[] {
  return Array.from({ length: m * n }, (_, p) => {
    let sum = 0;
    for (let l = 0; l < k; l++) sum += a(Math.floor(p / n), l) * b(l, p % n);
    return sum;
  });
}

describe('matmul and gram', () => {
  test('exact on integers, all four transposes, either dtype', () => {
    const [m, k, n] = [7, 11, 5];
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const a = integerMatrix(1, transposeA ? k : m, transposeA ? m : k);
        const b = integerMatrix(2, transposeB ? n : k, transposeB ? k : n);
        const expected = product(
          m,
          k,
          n,
          (i, l) => (transposeA ? at(a, l, i) : at(a, i, l)),
          (l, j) => (transposeB ? at(b, j, l) : at(b, l, j)),
        );
        const c = matmul(rt, a, b, { transposeA, transposeB });
        expect(c.shape).toEqual([m, n]);
        expect([...c.data]).toEqual(expected);
        const single = matmul(
          rt,
          { shape: a.shape, data: Float32Array.from(a.data) },
          { shape: b.shape, data: Float32Array.from(b.data) },
          { transposeA, transposeB },
        );
        expect(single.data).toBeInstanceOf(Float32Array);
        expect([...single.data]).toEqual(expected);
      }
    }
  });

  test('gram of rows and of columns equals matmul with the transpose, bit for bit, and is symmetric', () => {
    const x = tensor([13, 29], uniform(4, 13 * 29));
    expect(gram(rt, x).data).toEqual(matmul(rt, x, x, { transposeB: true }).data);
    const columns = gram(rt, x, { of: 'columns' });
    expect(columns.data).toEqual(matmul(rt, x, x, { transposeA: true }).data);
    for (let i = 0; i < 29; i++) for (let j = 0; j < 29; j++) expect(at(columns, i, j)).toBe(at(columns, j, i));
  });

  test('empty extents: k = 0 gives zeros', () => {
    expect([...matmul(rt, tensor([2, 0], []), tensor([0, 3], [])).data]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(gram(rt, tensor([0, 4], [])).shape).toEqual([0, 0]);
  });

  test('refusals name shapes and indices', () => {
    expect(() => matmul(rt, integerMatrix(1, 2, 3), integerMatrix(1, 4, 5))).toThrow(
      /a \[2, 3\] and b \[4, 5\] do not chain: a.columns 3 ≠ b.rows 4/,
    );
    expect(() => matmul(rt, tensor([3], [1, 2, 3]), integerMatrix(1, 3, 1))).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
    expect(() => gram(rt, tensor([1, 2], [1, Number.NaN]))).toThrow(/index \[0, 1\]/);
  });
});

describe('centerKernel', () => {
  test('equals H·K·H by definition, and rows and columns sum to zero', () => {
    const n = 9;
    const k = gram(rt, tensor([n, 4], uniform(6, n * 4)));
    const h = tensor(
      [n, n],
      Float64Array.from({ length: n * n }, (_, p) => (p % (n + 1) === 0 ? 1 : 0) - 1 / n),
    );
    const expected = matmul(rt, matmul(rt, h, k), h);
    const centered = centerKernel(k);
    for (let p = 0; p < n * n; p++) expect(Math.abs(centered.data[p] - expected.data[p])).toBeLessThanOrEqual(8 * n * ULP * 4);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) expect(at(centered, i, j)).toBe(at(centered, j, i));
      expect(Math.abs(Array.from({ length: n }, (_, j) => at(centered, i, j)).reduce((a, b) => a + b))).toBeLessThanOrEqual(8 * n * ULP * 4);
    }
  });

  test('does not see a constant added to all of K, exactly on integers; rectangular kernels are centered on both sides', () => {
    const k = tensor([4, 4], [4, 2, 0, 2, 2, 8, 2, 0, 0, 2, 4, 2, 2, 0, 2, 8]);
    expect([...centerKernel({ shape: k.shape, data: k.data.map((entry) => entry + 1024) }).data]).toEqual([...centerKernel(k).data]);
    expect([...centerKernel(tensor([2, 4], [1, 2, 3, 4, 5, 6, 7, 12])).data]).toEqual([0.5, 0.5, 0.5, -1.5, -0.5, -0.5, -0.5, 1.5]);
  });

  test('an empty kernel is refused', () => {
    expect(() => centerKernel(tensor([0, 0], []))).toThrow(expect.objectContaining({ code: 'ERR_DOMAIN' }));
  });
});

describe('LinearOperator', () => {
  test('denseOperator applies A and Aᵀ', () => {
    const a = integerMatrix(3, 3, 5);
    const operator = denseOperator(rt, a);
    const [x, y] = [integerMatrix(4, 5, 2), integerMatrix(5, 3, 2)];
    expect(operator.apply(x)).toEqual(matmul(rt, a, x));
    expect(operator.applyTranspose(y)).toEqual(matmul(rt, a, y, { transposeA: true }));
  });

  test('wrong shapes are refused going in and coming out, and nothing is reshaped', () => {
    const operator = denseOperator(rt, integerMatrix(3, 3, 5));
    expect(() => operator.apply(integerMatrix(1, 3, 2))).toThrow(/\[5, m\]/);
    expect(() => operator.apply(tensor([5], [1, 2, 3, 4, 5]))).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
    const wrong = linearOperator({ rows: 2, cols: 2, apply: () => integerMatrix(1, 3, 1) });
    expect(() => wrong.apply(integerMatrix(1, 2, 1))).toThrow(/returned \[3, 1\]/);
    expect(() => linearOperator({ rows: 2, cols: 3, apply: (x) => x })).toThrow(/applyTranspose/);
  });
});

describe('psdPower', () => {
  const n = 24;
  const a = gram(rt, tensor([n, 40], uniform(8, n * 40)));
  const norm = eigh(rt, a).values[n - 1];

  test('A^{1/2}·A^{1/2} = A and (A^{1/3})³ = A to n·ε·‖A‖, exactly symmetric', () => {
    const half = symmetricSquareRoot(rt, a).power;
    const third = psdPower(rt, a, 1 / 3).power;
    const square = matmul(rt, half, half);
    const cube = matmul(rt, matmul(rt, third, third), third);
    for (let p = 0; p < n * n; p++) {
      expect(Math.abs(square.data[p] - a.data[p])).toBeLessThanOrEqual(8 * n * ULP * norm);
      expect(Math.abs(cube.data[p] - a.data[p])).toBeLessThanOrEqual(8 * n * ULP * norm);
      expect(half.data[p]).toBe(half.data[(p % n) * n + Math.floor(p / n)]);
    }
  });

  test('exponent 1 is the matrix, exponent 2 its square', () => {
    const square = matmul(rt, a, a);
    const [one, two] = [psdPower(rt, a, 1).power, psdPower(rt, a, 2).power];
    for (let p = 0; p < n * n; p++) {
      expect(Math.abs(one.data[p] - a.data[p])).toBeLessThanOrEqual(8 * n * ULP * norm);
      expect(Math.abs(two.data[p] - square.data[p])).toBeLessThanOrEqual(8 * n * ULP * norm * norm);
    }
  });

  test('a rank-one matrix: what rounding made negative is taken as zero and reported', () => {
    const x = uniform(12, 30);
    const rankOne = gram(rt, tensor([30, 1], x));
    const { power, clamped, mostNegative } = symmetricSquareRoot(rt, rankOne);
    expect(clamped).toBeGreaterThan(0);
    expect(mostNegative).toBeLessThan(0);
    const length = Math.sqrt(x.reduce((sum, entry) => sum + entry * entry, 0));
    // (x·xᵀ)^{1/2} = x·xᵀ/‖x‖; zeros that are ε·‖x‖² by rounding have roots of √ε·‖x‖.
    for (let p = 0; p < 900; p++) {
      expect(Math.abs(power.data[p] - rankOne.data[p] / length)).toBeLessThanOrEqual(Math.sqrt(30 * ULP) * length);
    }
  });

  test('the zero matrix has the zero power; indefinite matrices and bad exponents are refused', () => {
    expect([...psdPower(rt, tensor([2, 2], [0, 0, 0, 0]), 0.25).power.data]).toEqual([0, 0, 0, 0]);
    expect(() => psdPower(rt, tensor([2, 2], [1, 2, 2, 1]), 0.5)).toThrow(expect.objectContaining({ code: 'ERR_DOMAIN' }));
    for (const exponent of [0, -1, Number.NaN]) {
      expect(() => psdPower(rt, a, exponent)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    }
  });
});

describe('products that do not fit', () => {
  const [m, k, n] = [97, 3000, 83];
  const roundedTo = (dtype: string, t: Tensor): Tensor => (dtype === 'f32' ? { shape: t.shape, data: Float32Array.from(t.data) } : t);

  test.each(['f64', 'f32'])('matmul and gram in tiles have the bits of one piece, every transpose: %s', async (dtype) => {
    const small = await loadRuntime({ memoryLimit: dtype === 'f64' ? 1_900_000 : 950_000 });
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const a = roundedTo(dtype, tensor(transposeA ? [k, m] : [m, k], uniform(5, m * k)));
        const b = roundedTo(dtype, tensor(transposeB ? [n, k] : [k, n], uniform(6, k * n)));
        expect(matmul(small, a, b, { transposeA, transposeB })).toEqual(matmul(rt, a, b, { transposeA, transposeB }));
      }
      const x = roundedTo(dtype, tensor(transposeA ? [k, m] : [m, k], uniform(7, m * k)));
      const of = transposeA ? 'columns' : 'rows';
      expect(gram(small, x, { of })).toEqual(gram(rt, x, { of }));
    }
    expect(small.arena.peakBytes).toBeLessThanOrEqual(small.arena.limit);
    expect(small.arena.used).toBe(0);
  });

  test('NaN in a later tile is named with its index', async () => {
    const small = await loadRuntime({ memoryLimit: 1_900_000 });
    const b = tensor([k, n], uniform(6, k * n));
    b.data[2900 * n + 80] = Number.NaN;
    expect(() => matmul(small, tensor([m, k], uniform(5, m * k)), b)).toThrow(/^matmul: b \[3000, 83\] holds NaN at index \[2900, 80\]/);
  });

  test('memory that holds no tile, and results that no host can allocate, are refused in one line with the numbers', async () => {
    const tiny = await loadRuntime({ memoryLimit: 100_000 });
    expect(() => matmul(tiny, tensor([m, k], uniform(5, m * k)), tensor([k, n], uniform(6, k * n)))).toThrow(
      expect.objectContaining({
        code: 'ERR_MEMORY',
        message: expect.stringMatching(/^matmul: \[97, 3000\]·\[3000, 83\] needs \d+ bytes .* 100000 are free\..*$/),
      }),
    );
    const long = tensor([2 ** 21, 1], new Float32Array(2 ** 21));
    expect(() => gram(rt, long)).toThrow(
      expect.objectContaining({
        code: 'ERR_MEMORY',
        message: expect.stringMatching(/^gram: the result \[2097152, 2097152\] takes 17592186044416 bytes, .*$/),
      }),
    );
  });
});
