/** @file The largest eigenvalue of the full kernel [n·c, n·c], by Lanczos on NTK-vector products: the kernel itself is never formed. */

import { TangedgeError } from '../core/errors.ts';
import { rademacherArray } from '../core/random.ts';
import type { Dtype, Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { eigh } from '../linalg/eigh.ts';
import { ntkVectorProduct } from '../ntk/empirical-ntk.ts';
import type { Runtime } from '../wasm/runtime.ts';

/** More steps than any kernel has needed: the top of an NTK's spectrum is well separated. */
const MAX_STEPS = 96;

/**
 * λmax(Θ) of the full kernel, by Lanczos with full reorthogonalization from a fixed start.
 *
 * Shapes     x [n, …input]  →  a number
 * Units      those of Θ: no 1/n, no mean over outputs
 * Cost       a product Θ·u per step, about 6·n forward passes; 10 to 30 steps are usual
 * Numerics   stops when the Ritz residual is below 1e-10 (f32: 1e-5) of λmax; the eigenvalue's error is about its square
 *
 * @throws {TangedgeError} ERR_CONVERGENCE when the residual is still above 1e-3 of λmax after 96 steps · as `ntkVectorProduct`
 * @see Lanczos (1950). An iteration method for the solution of the eigenvalue problem of linear differential and integral operators.
 */
export function largestNtkEigenvalue(rt: Runtime, model: Model, x: Tensor, dtype: Dtype): number {
  const [n, c] = [x.shape[0], model.output.size];
  const size = n * c;
  const tolerance = dtype === 'f64' ? 1e-10 : 1e-5;
  const basis: Float64Array[] = [normalized(rademacherArray(0, 0, size))];
  const diagonal: number[] = [];
  const offDiagonal: number[] = [];
  let lambda = 0;
  let residual = Number.POSITIVE_INFINITY;
  for (let step = 0; step < Math.min(MAX_STEPS, size); step++) {
    const product = ntkVectorProduct(rt, model, x, { shape: [n, c], data: basis[step] }, { dtype });
    const next = Float64Array.from(product.data);
    diagonal.push(inner(next, basis[step]));
    // twice is enough: what the first pass leaves is rounding of the first pass
    for (let pass = 0; pass < 2; pass++) for (const direction of basis) subtract(next, inner(next, direction), direction);
    const beta = Math.sqrt(inner(next, next));
    [lambda, residual] = topRitzPair(rt, diagonal, offDiagonal, beta);
    if (residual <= tolerance * lambda) return lambda;
    offDiagonal.push(beta);
    basis.push(next.map((value) => value / beta));
  }
  if (residual <= 1e-3 * lambda || basis.length > size) return lambda;
  throw new TangedgeError(
    'ERR_CONVERGENCE',
    `largestNtkEigenvalue: after ${MAX_STEPS} Lanczos steps the residual is ${residual} of λmax ${lambda}. Use dtype f64 or fewer samples.`,
    { steps: MAX_STEPS, residual, lambda },
  );
}

/** The largest eigenvalue of the tridiagonal matrix, and beta times the last entry of its vector: the residual. */
function topRitzPair(rt: Runtime, diagonal: readonly number[], offDiagonal: readonly number[], beta: number): [number, number] {
  const k = diagonal.length;
  const data = new Float64Array(k * k);
  for (let i = 0; i < k; i++) {
    data[i * k + i] = diagonal[i];
    if (i > 0) {
      data[i * k + i - 1] = offDiagonal[i - 1];
      data[(i - 1) * k + i] = offDiagonal[i - 1];
    }
  }
  const { values, vectors } = eigh(rt, { shape: [k, k], data });
  return [values[k - 1], Math.abs(beta * vectors.data[k * k - 1])];
}

function normalized(vector: Float64Array): Float64Array {
  const norm = Math.sqrt(inner(vector, vector));
  return vector.map((value) => value / norm);
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function subtract(from: Float64Array, factor: number, direction: Float64Array): void {
  for (let i = 0; i < from.length; i++) from[i] -= factor * direction[i];
}
