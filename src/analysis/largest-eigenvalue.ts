/** @file The largest eigenvalue of the full kernel [n·c, n·c]: of the kernel, or from NTK-vector products alone, whichever takes less. */

import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import { sizeOf, type Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { blockMatrix } from '../linalg/block-matrix.ts';
import { type ExtremalEigenpairs, type ExtremalIteration, extremalEigenpairs, extremalIteration } from '../linalg/extremal-eigenpairs.ts';
import { topEigenpairs } from '../linalg/top-eigenpairs.ts';
import { explainNtk } from '../ntk/explain.ts';
import { checkInputs } from '../ntk/inputs.ts';
import { type KernelProductOptions, KernelProductSteps, kernelProductFlops } from '../ntk/kernel-product-steps.ts';
import { KernelProducts, LEAST_BLOCK } from '../ntk/kernel-products.ts';
import { ntkJob } from '../ntk/ntk-job.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type Steps, step } from '../wasm/tiled.ts';
import type { StageProgress } from './stage-progress.ts';

/** Rows of the largest kernel that is formed: 134 MB. */
const MOST_ROWS = 4096;
/** As many products as the search takes: a kernel that costs no more flops is formed. */
const PRODUCTS = 20;
/** More products than any kernel has needed: the top of an NTK's spectrum is well separated. */
const MAX_PRODUCTS = 96;

/**
 * λmax(Θ) of the full kernel. It is formed where that takes no more flops than twenty products Θ·u, else found by `ntkEigenvalueByProducts`.
 *
 * Shapes     x [n, …input]  →  a number
 * Units      those of Θ: no 1/n, no mean over outputs
 * Cost       at most that of ten to thirty products, about 6·n forward passes each
 * Numerics   relative error about 1e-15 (f32: 1e-7) either way; which way is taken depends on the model and n alone,
 *            unless `memoryLimit` leaves no room for the kernel
 *
 * @throws {TangedgeError} as `empiricalNtk` and `ntkEigenvalueByProducts`
 */
export function* largestNtkEigenvalueSteps(
  rt: Runtime,
  model: Model,
  x: Tensor,
  options: KernelProductOptions,
  onProgress: StageProgress,
): Steps<number> {
  const n = checkInputs('largestNtkEigenvalue', model, 'x', x);
  const { dtype, memoryLimit } = options;
  if (!isWorthForming(rt, model, n, options)) return yield* ntkEigenvalueByProducts(rt, model, x, options, onProgress);
  const kernel = yield* step(
    (planner, threads) => ntkJob(planner, model, x, { outputs: 'full', dtype, memoryLimit, threads }),
    (tiles) => onProgress(tiles.fraction, tiles),
  );
  return topEigenpairs(rt, blockMatrix(kernel), 1).values[0];
}

function isWorthForming(rt: Runtime, model: Model, n: number, { dtype, memoryLimit = DEFAULT_MEMORY_LIMIT }: KernelProductOptions): boolean {
  const rows = n * model.output.size;
  // The kernel, its copy as a matrix, and half of that, packed, are there together: 20 bytes an entry.
  if (rows > MOST_ROWS || 20 * rows * rows > memoryLimit) return false;
  const { chosen, costs } = explainNtk(rt, model, n, { outputs: 'full', dtype, memoryLimit });
  const most = PRODUCTS * kernelProductFlops(model, n, dtype);
  return costs.some(({ implementation, flops, fits }) => implementation === chosen && fits && flops <= most);
}

/**
 * λmax(Θ) by `extremalEigenpairs` from a fixed start: Lanczos with full reorthogonalization. Products with more than 64 examples are jobs, whose
 * blocks are swept forward once for all products where what that leaves fits in a quarter of the memory limit and 512 MB.
 *
 * Cost       a product Θ·u per step, about 4·n forward passes; 10 to 30 steps are usual
 * Numerics   stops when the residual is below 1e-8 (f32: 1e-4) of λmax; the eigenvalue's error is about its square, at most f32's rounding
 *
 * @throws {TangedgeError} ERR_CONVERGENCE when the residual is still above 1e-3 of λmax after 96 products · as `ntkVectorProduct`
 */
export function* ntkEigenvalueByProducts(
  rt: Runtime,
  model: Model,
  x: Tensor,
  { dtype, memoryLimit }: KernelProductOptions,
  onProgress?: StageProgress,
): Steps<number> {
  const n = x.shape[0];
  const size = n * model.output.size;
  const extremal = { tolerance: dtype === 'f64' ? 1e-8 : 1e-4, maxProducts: MAX_PRODUCTS };
  const { values, residuals, products } =
    n <= LEAST_BLOCK
      ? rt.arena.frame(() => {
          // One block of examples, swept forward once for all products.
          const kernel = new KernelProducts(rt, model, { x1: x.data, x2: x.data, size: sizeOf(model.input.shape) }, dtype);
          return extremalEigenpairs(rt, size, (u) => Float64Array.from(kernel.times(u)), extremal);
        })
      : yield* byJobs(new KernelProductSteps(model, x, { dtype, memoryLimit }), extremalIteration(rt, size, extremal), onProgress);
  const [lambda, residual] = [values[0], residuals[0]];
  if (residual <= 1e-3 * lambda) return lambda;
  throw new TangedgeError(
    'ERR_CONVERGENCE',
    `largestNtkEigenvalue: after ${products} products the residual is ${residual} of λmax ${lambda}. Use dtype f64 or fewer samples.`,
    { products, residual, lambda },
  );
}

function* byJobs(kernel: KernelProductSteps, iteration: ExtremalIteration, onProgress?: StageProgress): Steps<ExtremalEigenpairs> {
  let next = iteration.next();
  for (let products = 1; !next.done; products++) {
    next = iteration.next(Float64Array.from(yield* kernel.times(next.value)));
    onProgress?.(products / (products + PRODUCTS / 2)); // how many there will be is not known
  }
  return next.value;
}
