import fc from 'fast-check';
import { centeredKernelAlignment, cka, kernelTargetAlignment, loadRuntime, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { centerOverSamples } from '../../src/alignment/sample-kernel.ts';
import { goldenArray, goldenExpected, goldenScalar, readGoldenCase } from '../golden/read-case.ts';
import { center, cosine, identity, matrixTensor, multiply, randomKernel, randomMatrix, randomOrthogonal, rowsOf, transpose } from './naive.ts';

const rt = await loadRuntime();
const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const samples = fc.integer({ min: 2, max: 20 });

/** A cosine of well-scaled matrices with n² terms: every sum errs by less than n²·ε relative. */
const cosineTolerance = (n: number) => 8 * n * n * Number.EPSILON;

/** The example of the formula sheet: K [4, 4] symmetric, checked there in float64. */
const K4 = tensor([4, 4], [2, 1, 0, 0.5, 1, 3, 0.2, 0, 0, 0.2, 1, 0.4, 0.5, 0, 0.4, 2]);

describe('worked numbers', () => {
  test('K [4, 4], y = [1, 2, −1, 0.5]: 0.6579678734 plain, 0.6058667724 centered', () => {
    const y = tensor([4], [1, 2, -1, 0.5]);
    expect(Math.abs(kernelTargetAlignment(rt, K4, y) - 0.6579678734)).toBeLessThan(5e-11);
    expect(Math.abs(centeredKernelAlignment(rt, K4, y) - 0.6058667724)).toBeLessThan(5e-11);
  });

  test('K [4, 4] with two one-hot outputs: 0.8352291', () => {
    const y = tensor([4, 2], [1, 0, 1, 0, 0, 1, 0, 1]);
    expect(Math.abs(kernelTargetAlignment(rt, K4, y) - 0.8352291)).toBeLessThan(5e-8);
  });

  test('small integers, exactly: K = 11ᵀ and balanced ±1 targets give 0; K = y·yᵀ gives 1', () => {
    const y = tensor([4], [1, -1, 1, -1]);
    expect(kernelTargetAlignment(rt, tensor([4, 4], new Array(16).fill(1)), y)).toBe(0);
    expect(kernelTargetAlignment(rt, tensor([4, 4], [1, -1, 1, -1, -1, 1, -1, 1, 1, -1, 1, -1, -1, 1, -1, 1]), y)).toBe(1);
  });

  test.each([1, 2, 3, 7, 64, 257, 300])('K = I of n = %i: 1/√n plain, 1/√(n−1) centered', (n) => {
    const k = matrixTensor(identity(n));
    const y = tensor(
      [n, 1],
      Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : -1.5)),
    );
    expect(Math.abs(kernelTargetAlignment(rt, k, y) - 1 / Math.sqrt(n))).toBeLessThan(cosineTolerance(2));
    if (n > 1) expect(Math.abs(centeredKernelAlignment(rt, k, y) - 1 / Math.sqrt(n - 1))).toBeLessThan(8 * n * Number.EPSILON);
  });
});

describe('golden', () => {
  test('s14_kernel: plain and centered to 1e-12', () => {
    const golden = readGoldenCase('s14_kernel');
    const [k, y] = [goldenArray(golden, 'K'), goldenArray(golden, 'y')];
    expect(Math.abs(kernelTargetAlignment(rt, k, y) - goldenScalar(golden, 'kta'))).toBeLessThan(1e-12);
    expect(Math.abs(centeredKernelAlignment(rt, k, y) - goldenScalar(golden, 'kta_centered'))).toBeLessThan(1e-12);
  });

  test('s14_kernel rounded to f32: within 10 times what the float32 reference errs', () => {
    const golden = readGoldenCase('s14_kernel');
    const k = goldenArray(golden, 'K');
    const rounded = { shape: k.shape, data: Float32Array.from(k.data) };
    for (const [alignment, key] of [
      [kernelTargetAlignment, 'kta'],
      [centeredKernelAlignment, 'kta_centered'],
    ] as const) {
      const error = Math.abs(alignment(rt, rounded, goldenArray(golden, 'y')) / goldenScalar(golden, key) - 1);
      expect(error).toBeLessThan(10 * (golden.f32RelativeError.get(key) as number));
    }
  });

  test.each(['s01_mlp_relu', 's03_mlp_gelu_f64', 's05_cnn', 's06_cnn_gap_ntkparam', 's07_vgg11_narrow', 's15_cnn_bn_pools'])(
    '%s: trace and full kernel of several outputs, plain and centered, to 1e-12; both layouts of the full kernel, the same bits',
    (name) => {
      const golden = readGoldenCase(name);
      const [y, trace, full] = [goldenArray(golden, 'y'), goldenExpected(golden, 'ntk_trace'), goldenExpected(golden, 'ntk')];
      for (const [alignment, suffix] of [
        [kernelTargetAlignment, ''],
        [centeredKernelAlignment, '_centered'],
      ] as const) {
        expect(Math.abs(alignment(rt, trace, y) - goldenScalar(golden, `kta_trace${suffix}`))).toBeLessThan(1e-12);
        expect(Math.abs(alignment(rt, full, y) - goldenScalar(golden, `kta_full${suffix}`))).toBeLessThan(1e-12);
        const [n, , c] = full.shape;
        const blocks = new Float64Array(n * c * n * c);
        full.data.forEach((value, at) => {
          const [i, j, a, b] = [Math.floor(at / (n * c * c)), Math.floor(at / (c * c)) % n, Math.floor(at / c) % c, at % c];
          blocks[(i * c + a) * n * c + j * c + b] = value;
        });
        expect(alignment(rt, tensor([n * c, n * c], blocks), y)).toBe(alignment(rt, full, y));
      }
    },
  );
});

describe('against whole matrices, and invariants', () => {
  test('plain = cosine of K and Y·Yᵀ; centered = cosine of H·K·H and H·Y·Yᵀ·H', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 5 }), seed, (n, c, s) => {
        const k = randomKernel(s, n);
        const y = randomMatrix(s + 1, n, c);
        const targets = multiply(y, transpose(y));
        expect(Math.abs(kernelTargetAlignment(rt, matrixTensor(k), matrixTensor(y)) - cosine(k, targets))).toBeLessThan(cosineTolerance(n));
        const expected = cosine(center(k), center(targets));
        expect(Math.abs(centeredKernelAlignment(rt, matrixTensor(k), matrixTensor(y)) - expected)).toBeLessThan(100 * cosineTolerance(n));
        expect(Math.abs(cka(matrixTensor(k), matrixTensor(targets)) - expected)).toBeLessThan(100 * cosineTolerance(n));
      }),
    );
  });

  test('a full kernel is centered with H ⊗ I_c', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 4 }), seed, (n, c, s) => {
        const k = randomKernel(s, n * c);
        const y = randomMatrix(s + 1, n, c);
        const column = y.flat().map((value) => [value]);
        const expected = cosine(center(k, c), center(multiply(column, transpose(column)), c));
        expect(Math.abs(centeredKernelAlignment(rt, matrixTensor(k), matrixTensor(y)) - expected)).toBeLessThan(100 * cosineTolerance(n * c));
      }),
    );
  });

  test('centering keeps a symmetric kernel symmetric to the bit, block by block', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }), seed, (n, c, s) => {
        const centered = rowsOf({ shape: [n * c, n * c], data: centerOverSamples(matrixTensor(randomKernel(s, n * c)).data, n * c, c) });
        expect(centered).toEqual(transpose(centered));
      }),
    );
  });

  test('K = Y·Yᵀ gives 1; a rotation of the outputs changes nothing; powers of two scale without a bit', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 5 }), seed, (n, c, s) => {
        const y = randomMatrix(s, n, c);
        const k = matrixTensor(randomKernel(s + 1, n));
        expect(Math.abs(kernelTargetAlignment(rt, matrixTensor(multiply(y, transpose(y))), matrixTensor(y)) - 1)).toBeLessThan(cosineTolerance(n));
        const plain = kernelTargetAlignment(rt, k, matrixTensor(y));
        const rotated = matrixTensor(multiply(y, randomOrthogonal(s + 2, c)));
        expect(Math.abs(kernelTargetAlignment(rt, k, rotated) - plain)).toBeLessThan(cosineTolerance(n));
        const scaled = { shape: k.shape, data: k.data.map((value) => value * 1024) };
        expect(kernelTargetAlignment(rt, scaled, matrixTensor(y))).toBe(plain);
      }),
    );
  });

  test('centered: a constant added to all of K, or to an output, changes nothing beyond rounding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 20 }), seed, (n, s) => {
        const k = randomKernel(s, n);
        const y = randomMatrix(s + 1, n, 2);
        const before = centeredKernelAlignment(rt, matrixTensor(k), matrixTensor(y));
        const shifted = matrixTensor(k.map((row) => row.map((value) => value + 8)));
        const moved = matrixTensor(y.map(([a, b]) => [a + 3, b - 5]));
        expect(Math.abs(centeredKernelAlignment(rt, shifted, moved) - before)).toBeLessThan(1000 * cosineTolerance(n));
      }),
    );
  });

  test('more rows than one tile holds: n = 600 against whole matrices', () => {
    const n = 600;
    const k = randomKernel(5, n, 3);
    const y = randomMatrix(6, n, 2);
    const expected = cosine(k, multiply(y, transpose(y)));
    expect(Math.abs(kernelTargetAlignment(rt, matrixTensor(k), matrixTensor(y)) - expected)).toBeLessThan(cosineTolerance(30));
    expect(rt.arena.used).toBe(0);
  });
});

describe('errors', () => {
  const y = tensor([3], [1, 2, 4]);
  const k = matrixTensor(identity(3));

  test.each([
    ['a kernel of another size', tensor([2, 2], [1, 0, 0, 1]), y, 'ERR_SHAPE', '3 samples with 1 outputs'],
    ['a kernel that is not square', tensor([3, 2], [1, 0, 0, 1, 0, 0]), y, 'ERR_SHAPE', '[3, 2]'],
    ['targets of rank 3', k, tensor([3, 1, 1], [1, 2, 4]), 'ERR_SHAPE', '[3, 1, 1]'],
    ['no samples', tensor([0, 0], []), tensor([0], []), 'ERR_DOMAIN', 'empty'],
    ['NaN in the kernel', tensor([1, 1], [Number.NaN]), tensor([1], [1]), 'ERR_DOMAIN', 'NaN at index [0, 0]'],
    ['Inf in the targets', k, tensor([3], [1, Number.POSITIVE_INFINITY, 0]), 'ERR_DOMAIN', 'Infinity at index [1]'],
    ['a zero kernel', tensor([3, 3], new Array(9).fill(0)), y, 'ERR_DOMAIN', 'kernel [3, 3] is zero'],
    ['zero targets', k, tensor([3], [0, 0, 0]), 'ERR_DOMAIN', 'targets [3] are zero'],
    ['entries whose squares overflow', tensor([1, 1], [1e200]), tensor([1], [1]), 'ERR_DOMAIN', 'leave the range of a double'],
    ['entries whose squares underflow', tensor([1, 1], [1e-200]), tensor([1], [1]), 'ERR_DOMAIN', 'leave the range of a double'],
  ] as const)('%s', (_, kernel, targets, code, text) => {
    for (const alignment of [kernelTargetAlignment, centeredKernelAlignment]) {
      expect(() => alignment(rt, kernel, targets)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }));
    }
  });

  test('centered: constant targets and constant kernels are 0/0, also when rounding leaves a residue', () => {
    const constant = tensor([3], [0.1, 0.1, 0.1]);
    expect(() => centeredKernelAlignment(rt, k, constant)).toThrow(
      expect.objectContaining({ code: 'ERR_DOMAIN', message: expect.stringContaining('targets [3] are constant over samples') }),
    );
    expect(() => centeredKernelAlignment(rt, tensor([3, 3], new Array(9).fill(0.7)), y)).toThrow(
      expect.objectContaining({ code: 'ERR_DOMAIN', message: expect.stringContaining('kernel [3, 3] is constant over samples') }),
    );
  });
});
