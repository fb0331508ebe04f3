/** @file The largest eigenvalue of the full kernel [n·c, n·c], from NTK-vector products: the kernel itself is never formed. */

import { TangedgeError } from '../core/errors.ts';
import { sizeOf, type Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { type ExtremalEigenpairs, type ExtremalIteration, extremalEigenpairs, extremalIteration } from '../linalg/extremal-eigenpairs.ts';
import { checkInputs } from '../ntk/inputs.ts';
import { type KernelProductOptions, kernelProductSteps } from '../ntk/kernel-product-steps.ts';
import { BLOCK, KernelProducts } from '../ntk/vector-product.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { Steps } from '../wasm/tiled.ts';

/** More products than any kernel has needed: the top of an NTK's spectrum is well separated. */
const MAX_PRODUCTS = 96;

/**
 * λmax(Θ) of the full kernel, by `extremalEigenpairs` from a fixed start: Lanczos with full reorthogonalization. Products with more
 * than 64 examples are jobs.
 *
 * Shapes     x [n, …input]  →  a number
 * Units      those of Θ: no 1/n, no mean over outputs
 * Cost       a product Θ·u per step, about 6·n forward passes, 4·n for at most 64 examples; 10 to 30 steps are usual
 * Numerics   stops when the residual is below 1e-10 (f32: 1e-5) of λmax; the eigenvalue's error is about its square
 *
 * @throws {TangedgeError} ERR_CONVERGENCE when the residual is still above 1e-3 of λmax after 96 products · as `ntkVectorProduct`
 */
export function* largestNtkEigenvalueSteps(rt: Runtime, model: Model, x: Tensor, { dtype, memoryLimit }: KernelProductOptions): Steps<number> {
  const n = checkInputs('largestNtkEigenvalue', model, 'x', x);
  const size = n * model.output.size;
  const extremal = { tolerance: dtype === 'f64' ? 1e-10 : 1e-5, maxProducts: MAX_PRODUCTS };
  const { values, residuals, products } =
    n <= BLOCK
      ? rt.arena.frame(() => {
          // One block of examples, swept forward once for all products.
          const kernel = new KernelProducts(rt, model, { x1: x.data, x2: x.data, size: sizeOf(model.input.shape) }, dtype);
          return extremalEigenpairs(rt, size, (u) => Float64Array.from(kernel.times(u)), extremal);
        })
      : yield* byJobs(model, x, { dtype, memoryLimit }, extremalIteration(rt, size, extremal));
  const [lambda, residual] = [values[0], residuals[0]];
  if (residual <= 1e-3 * lambda) return lambda;
  throw new TangedgeError(
    'ERR_CONVERGENCE',
    `largestNtkEigenvalue: after ${products} products the residual is ${residual} of λmax ${lambda}. Use dtype f64 or fewer samples.`,
    { products, residual, lambda },
  );
}

function* byJobs(model: Model, x: Tensor, options: KernelProductOptions, iteration: ExtremalIteration): Steps<ExtremalEigenpairs> {
  let next = iteration.next();
  while (!next.done) next = iteration.next(Float64Array.from(yield* kernelProductSteps(model, x, next.value, options)));
  return next.value;
}
