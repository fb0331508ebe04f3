/** @file cholesky, triangularSolve and solvePositive: exact integers, residuals, what jitter reports, refusals. */

import { cholesky, gram, loadRuntime, matmul, solvePositive, type Tensor, tensor, triangularSolve } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { integers, uniform } from '../oracle/numbers.ts';
import { norm1 } from '../oracle/symmetric-matrices.ts';

const rt = await loadRuntime();
const ULP = 2 ** -52;

/** Lower triangular, whole numbers, positive diagonal 1 … 3. */
function integerLower(n: number, seed: number): Tensor {
  const entries = integers(seed, n * n);
  return tensor(
    [n, n],
    entries.map((entry, p) => (p % n < Math.floor(p / n) ? entry : p % n === Math.floor(p / n) ? 1 + (Math.abs(entry) % 3) : 0)),
  );
}

const positive = (n: number, seed: number): Tensor => gram(rt, tensor([n, 2 * n], uniform(seed, 2 * n * n)));
const code = (name: string) => expect.objectContaining({ code: name });

describe('cholesky', () => {
  test('recovers an integer factor exactly', () => {
    for (const n of [0, 1, 2, 3, 5, 17, 40]) {
      const l = integerLower(n, n + 1);
      const { factor, jitter, attempts } = cholesky(rt, gram(rt, l));
      expect([...factor.data]).toEqual([...l.data]);
      expect({ jitter, attempts }).toEqual({ jitter: 0, attempts: 1 });
    }
  });

  test('‖A − LLᵀ‖₁ ≤ n·ε·‖A‖₁, with zeros above the diagonal, beyond every block size', () => {
    for (const n of [64, 65, 200]) {
      const a = positive(n, n);
      const { factor } = cholesky(rt, a);
      const product = gram(rt, factor);
      const difference = product.data.map((entry, p) => entry - a.data[p]);
      expect(norm1(n, difference)).toBeLessThanOrEqual(n * ULP * norm1(n, a.data));
      for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) expect(factor.data[i * n + j]).toBe(0);
    }
  });

  test('a matrix that is not positive definite names the leading minor', () => {
    expect(() => cholesky(rt, tensor([3, 3], [1, 0, 0, 0, -1, 0, 0, 0, 1]))).toThrow(/leading minor of order 2/);
    expect(() => cholesky(rt, tensor([2, 2], [1, 1, 1, 1]))).toThrow(code('ERR_DOMAIN'));
  });

  test('jitter: tried after the plain attempt, grown tenfold, and reported', () => {
    const singular = tensor([2, 2], [1, 1, 1, 1]);
    expect(cholesky(rt, singular, { jitter: 1e-10 })).toMatchObject({ jitter: 1e-10, attempts: 2 });
    // λmin = −1: positive once more than 1 is added; 1e-2·10^k first exceeds 1 at k = 3 (k = 2 gives exactly 1: singular or not by rounding).
    const indefinite = tensor([2, 2], [1, 2, 2, 1]);
    const { jitter, attempts, factor } = cholesky(rt, indefinite, { jitter: 0.03 });
    expect(attempts).toBe(4);
    expect(jitter).toBeCloseTo(3, 12);
    const rebuilt = gram(rt, factor);
    expect(rebuilt.data[0]).toBeCloseTo(1 + jitter, 12);
    expect(() => cholesky(rt, tensor([1, 1], [-1]), { jitter: 1 })).toThrow(code('ERR_DOMAIN'));
    expect(() => cholesky(rt, singular, { jitter: Number.NaN })).toThrow(code('ERR_ARGUMENT'));
  });

  test('refuses what is not symmetric', () => {
    expect(() => cholesky(rt, tensor([2, 2], [2, 1, 0, 2]))).toThrow(/not symmetric/);
  });
});

describe('triangularSolve', () => {
  test('inverts an integer product exactly, plain and transposed, for vectors and blocks', () => {
    for (const n of [1, 2, 5, 30]) {
      const l = integerLower(n, 50 + n);
      for (const m of [1, 2, 7]) {
        const x = tensor([n, m], integers(n + m, n * m));
        for (const transpose of [false, true]) {
          // Unit diagonal, so that every step is a whole number.
          const unit = { shape: l.shape, data: l.data.map((entry, p) => (p % (n + 1) === 0 ? 1 : Math.sign(entry))) };
          const small = n <= 5 ? unit : { shape: l.shape, data: unit.data.map((entry, p) => (Math.floor(p / n) - (p % n) <= 2 ? entry : 0)) };
          const b = matmul(rt, small, x, { transposeA: transpose });
          expect([...triangularSolve(rt, small, b, { transpose }).data]).toEqual([...x.data]);
        }
      }
    }
  });

  test('a vector keeps its shape; a zero on the diagonal and shapes that do not fit are refused', () => {
    const l = tensor([2, 2], [2, 0, 1, 4]);
    expect(triangularSolve(rt, l, tensor([2], [2, 9]))).toEqual(tensor([2], [1, 2]));
    expect(() => triangularSolve(rt, tensor([2, 2], [1, 0, 1, 0]), tensor([2], [1, 1]))).toThrow(/\[1, 1\] is 0/);
    expect(() => triangularSolve(rt, l, tensor([3], [1, 1, 1]))).toThrow(code('ERR_SHAPE'));
    expect(() => triangularSolve(rt, tensor([1, 1], [1e-300]), tensor([1], [1e300]))).toThrow(code('ERR_DOMAIN'));
  });
});

describe('solvePositive', () => {
  test('residual ‖B − AX‖₁ ≤ n·ε·‖A‖₁·‖X‖₁, one column and many', () => {
    for (const n of [1, 3, 65, 150]) {
      const a = positive(n, 3 * n);
      for (const m of [1, 9]) {
        const b = tensor([n, m], uniform(n + m, n * m));
        const { solution, attempts } = solvePositive(rt, a, b);
        expect(attempts).toBe(1);
        const product = matmul(rt, a, solution);
        for (let j = 0; j < m; j++) {
          let residual = 0;
          let size = 0;
          for (let i = 0; i < n; i++) {
            residual += Math.abs(product.data[i * m + j] - b.data[i * m + j]);
            size += Math.abs(solution.data[i * m + j]);
          }
          expect(residual).toBeLessThanOrEqual(4 * n * ULP * norm1(n, a.data) * size);
        }
      }
    }
  });

  test('f32 when both are f32; jitter is reported; errors name solvePositive', () => {
    const single = (t: Tensor): Tensor => ({ shape: t.shape, data: Float32Array.from(t.data) });
    expect(solvePositive(rt, single(tensor([1, 1], [4])), single(tensor([1], [8]))).solution.data).toEqual(Float32Array.of(2));
    expect(solvePositive(rt, tensor([2, 2], [1, 1, 1, 1]), tensor([2], [1, 1]), { jitter: 1e-8 })).toMatchObject({ jitter: 1e-8, attempts: 2 });
    expect(() => solvePositive(rt, tensor([2, 2], [1, 1, 1, 1]), tensor([2], [1, 1]))).toThrow(/^solvePositive: /);
    expect(() => solvePositive(rt, tensor([2, 2], [1, 0, 0, 1]), tensor([3], [1, 1, 1]))).toThrow(code('ERR_SHAPE'));
  });
});
