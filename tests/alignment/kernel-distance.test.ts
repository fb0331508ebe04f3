import fc from 'fast-check';
import { kernelDistance, kernelVelocity, relativeKernelDrift, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { cosine, matrixTensor, randomKernel } from './naive.ts';

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('kernelDistance', () => {
  test('0 for a scaled kernel, 1 for orthogonal supports, 2 for the opposite', () => {
    const k = tensor([2, 2], [3, 0, 0, 4]);
    expect(kernelDistance(k, tensor([2, 2], [6, 0, 0, 8]))).toBe(0);
    expect(kernelDistance(tensor([2, 2], [1, 0, 0, 0]), tensor([2, 2], [0, 0, 0, 1]))).toBe(1);
    expect(kernelDistance(k, tensor([2, 2], [-3, 0, 0, -4]))).toBeCloseTo(2, 14);
  });

  test('1 − cosine, for random kernels', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), seed, (n, s) => {
        const [k, l] = [randomKernel(s, n), randomKernel(s + 1, n)];
        expect(Math.abs(kernelDistance(matrixTensor(k), matrixTensor(l)) - (1 - cosine(k, l)))).toBeLessThan(8 * n * n * Number.EPSILON);
      }),
    );
  });

  test('keeps a small distance that 1 − cos loses: [1, δ] from [1, 0] is δ²/2 to first order', () => {
    const delta = 2 ** -30;
    const distance = kernelDistance(tensor([1, 2], [1, 0]), tensor([1, 2], [1, delta]));
    expect(Math.abs(distance / (delta * delta * 0.5) - 1)).toBeLessThan(1e-9);
  });

  test('kernelVelocity divides by the time between', () => {
    const [k, l] = [matrixTensor(randomKernel(1, 5)), matrixTensor(randomKernel(2, 5))];
    expect(kernelVelocity(k, l)).toBe(kernelDistance(k, l));
    expect(kernelVelocity(k, l, 4)).toBe(kernelDistance(k, l) / 4);
    expect(() => kernelVelocity(k, l, 0)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringContaining('dt is 0') }));
  });
});

describe('relativeKernelDrift', () => {
  test('‖Θ_t − Θ_0‖/‖Θ_0‖: 3-4-5, and 1 for a doubled kernel', () => {
    expect(relativeKernelDrift(tensor([1, 2], [0, 10]), tensor([1, 2], [3, 14]))).toBeCloseTo(0.5, 15);
    expect(relativeKernelDrift(tensor([1, 2], [3, 4]), tensor([1, 2], [6, 8]))).toBeCloseTo(1, 15);
    expect(relativeKernelDrift(tensor([1, 2], [3, 4]), tensor([1, 2], [3, 4]))).toBe(0);
  });
});

describe('errors', () => {
  const k = tensor([2, 2], [1, 0, 0, 1]);
  test.each([
    ['other shapes', () => kernelDistance(k, tensor([4], [1, 0, 0, 1])), 'ERR_SHAPE', '[2, 2] and [4]'],
    ['a zero kernel', () => kernelDistance(k, tensor([2, 2], [0, 0, 0, 0])), 'ERR_DOMAIN', 'the second kernel [2, 2] is zero'],
    ['a zero initial kernel', () => relativeKernelDrift(tensor([1, 1], [0]), tensor([1, 1], [1])), 'ERR_DOMAIN', 'the initial kernel [1, 1] is zero'],
    ['NaN', () => relativeKernelDrift(k, tensor([2, 2], [0, Number.NaN, 0, 0])), 'ERR_DOMAIN', 'NaN at index [0, 1]'],
  ] as const)('%s', (_, call, code, text) => {
    expect(call).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }));
  });
});
