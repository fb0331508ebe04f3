import fc from 'fast-check';
import { cka, linearCka, loadRuntime, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenArray, goldenScalar, readGoldenCase } from '../golden/read-case.ts';
import { identity, type Matrix, matrixTensor, multiply, randomKernel, randomMatrix, randomOrthogonal, transpose } from './naive.ts';

const rt = await loadRuntime();
const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const tolerance = (n: number) => 1000 * n * n * Number.EPSILON;

/** HSIC₁ of Song et al. (2012), term by term. */
function hsic1(k: Matrix, l: Matrix): number {
  const n = k.length;
  const hollow = (a: Matrix) => a.map((row, i) => row.map((value, j) => (i === j ? 0 : value)));
  const ones = Array.from({ length: n }, () => [1]);
  const [a, b] = [hollow(k), hollow(l)];
  const product = multiply(a, b);
  const trace = product.reduce((sum, row, i) => sum + row[i], 0);
  const total = (m: Matrix) => multiply(multiply(transpose(ones), m), ones)[0][0];
  return (trace + (total(a) * total(b)) / ((n - 1) * (n - 2)) - (2 / (n - 2)) * total(product)) / (n * (n - 3));
}

describe('cka', () => {
  test('golden s14_kernel to 1e-12', () => {
    const golden = readGoldenCase('s14_kernel');
    expect(Math.abs(cka(goldenArray(golden, 'K'), goldenArray(golden, 'K2')) - goldenScalar(golden, 'cka'))).toBeLessThan(1e-12);
  });

  test('proportional kernels give 1, also after a constant is added; symmetric to the bit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 20 }), seed, (n, s) => {
        const k = randomKernel(s, n);
        const scaled = k.map((row) => row.map((value) => 3 * value + 2));
        for (const estimator of ['biased', 'debiased'] as const) {
          expect(Math.abs(cka(matrixTensor(k), matrixTensor(scaled), { estimator }) - 1)).toBeLessThan(tolerance(n));
          const other = matrixTensor(randomKernel(s + 1, n));
          expect(cka(matrixTensor(k), other, { estimator })).toBe(cka(matrixTensor(k), other, { estimator }));
          expect(Math.abs(cka(matrixTensor(k), other, { estimator }) - cka(other, matrixTensor(k), { estimator }))).toBeLessThan(4 * Number.EPSILON);
        }
      }),
    );
  });

  test('debiased: the ratio of HSIC₁ U-statistics', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 14 }), seed, (n, s) => {
        const [k, l] = [randomKernel(s, n), randomKernel(s + 1, n)];
        const expected = hsic1(k, l) / Math.sqrt(hsic1(k, k) * hsic1(l, l));
        expect(Math.abs(cka(matrixTensor(k), matrixTensor(l), { estimator: 'debiased' }) - expected)).toBeLessThan(100 * tolerance(n));
      }),
    );
  });

  test('independent representations, 400 draws of n = 12, d = 8: debiased averages 0 within 4 standard errors, biased does not', () => {
    const draws = Array.from({ length: 400 }, (_, s) => {
      const [x, y] = [matrixTensor(randomMatrix(2 * s + 1, 12, 8)), matrixTensor(randomMatrix(2 * s + 100001, 12, 8))];
      return [linearCka(rt, x, y, { estimator: 'debiased' }), linearCka(rt, x, y)];
    });
    const mean = (index: number) => draws.reduce((sum, draw) => sum + draw[index], 0) / draws.length;
    const deviation = Math.sqrt(draws.reduce((sum, draw) => sum + draw[0] ** 2, 0) / draws.length);
    expect(Math.abs(mean(0))).toBeLessThan((4 * deviation) / Math.sqrt(draws.length));
    expect(mean(1)).toBeGreaterThan(0.3);
  });
});

describe('linearCka', () => {
  test('equals cka of the Gram matrices; unchanged by rotation, isotropic scaling and shifts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 16 }), fc.integer({ min: 1, max: 6 }), seed, (n, d, s) => {
        const [x, y] = [randomMatrix(s, n, d), randomMatrix(s + 1, n, 3)];
        const gram = (a: Matrix) => matrixTensor(multiply(a, transpose(a)));
        const moved = multiply(x, randomOrthogonal(s + 2, d)).map((row) => row.map((value) => 5 * value + 1));
        for (const estimator of ['biased', 'debiased'] as const) {
          const value = linearCka(rt, matrixTensor(x), matrixTensor(y), { estimator });
          expect(Math.abs(value - cka(gram(x), gram(y), { estimator }))).toBeLessThan(tolerance(n));
          expect(Math.abs(value - linearCka(rt, matrixTensor(moved), matrixTensor(y), { estimator }))).toBeLessThan(tolerance(n));
        }
      }),
    );
  });
});

describe('errors', () => {
  const eye = matrixTensor(identity(4));
  test.each([
    ['kernels on other samples', () => cka(eye, matrixTensor(identity(5))), 'ERR_SHAPE', '4 ≠ 5'],
    ['representations of other samples', () => linearCka(rt, tensor([2, 1], [1, 2]), tensor([3, 1], [1, 2, 3])), 'ERR_SHAPE', '2 ≠ 3'],
    ['a constant kernel', () => cka(eye, tensor([4, 4], new Array(16).fill(0.3))), 'ERR_DOMAIN', 'l [4, 4] is constant over samples'],
    [
      'a constant representation',
      () => linearCka(rt, tensor([2, 1], [0.1, 0.1]), tensor([2, 1], [1, 2])),
      'ERR_DOMAIN',
      'x [2, 1] is the same for every sample',
    ],
    ['too few samples', () => cka(matrixTensor(identity(3)), matrixTensor(identity(3)), { estimator: 'debiased' }), 'ERR_DOMAIN', 'there are 3'],
    ['NaN', () => cka(eye, tensor([4, 4], new Array(16).fill(Number.NaN))), 'ERR_DOMAIN', 'NaN at index [0, 0]'],
  ] as const)('%s', (_, call, code, text) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }));
  });
});
