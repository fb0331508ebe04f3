/** @file The empirical neural tangent kernel Θ(x1, x2) = J(x1)·J(x2)ᵀ: public functions. */

import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { type Dtype, formatShape, sameShape, sizeOf, type Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { computeHere } from '../wasm/tiled.ts';
import { checkInputs } from './inputs.ts';
import { KernelProducts } from './kernel-products.ts';
import { ntkJob, type ParameterKernel, parameterNtkJob } from './ntk-job.ts';
import type { NtkOptions } from './options.ts';

/**
 * Empirical neural tangent kernel at the model's parameters: sum over all trainable parameters, no 1/n, no 1/c.
 *
 *   Θ(x, x′) = J(x)·J(x′)ᵀ,   J = ∂f/∂θ
 *
 * Shapes     in  x [n1, …input], x2 [n2, …input]   out  [n1, n2, c, c] (`outputs: 'full'`), [n1, n2] or [n1, n2, c]
 * Units      (output unit)²; grows with width under the standard parameterization
 * Symmetry   exact (mirrored) when x2 is omitted: Θ[n, m, o, q] = Θ[m, n, q, o], and half the work
 * Cost       `explainNtk` prints it; structured derivatives need one forward and c backward sweeps of n examples, and
 *            n²·Σ_layers (inputs + c·width) multiply-adds for dense layers; c = 1 in the last two of a traced kernel
 * Numerics   sums over parameters in f64 in the model's order; the same bits for every tile size
 *
 * @throws {TangedgeError} ERR_SHAPE when inputs do not fit the model · ERR_DOMAIN for NaN, Inf or an empty batch ·
 *         ERR_MEMORY before allocation, with info.needed and info.limit · ERR_ARGUMENT for an unknown option value
 * @see Jacot, Gabriel, Hongler (2018). Neural Tangent Kernel. arXiv:1806.07572.
 *      Novak, Sohl-Dickstein, Schoenholz (2022). Fast Finite Width Neural Tangent Kernel. arXiv:2206.08720.
 * @example
 * const kernel = empiricalNtk(rt, model, x, { outputs: 'trace' }); // [n, n]
 */
export function empiricalNtk(rt: Runtime, model: Model, x: Tensor, options: NtkOptions = {}): Tensor {
  return computeHere(rt, ntkJob(rt, model, x, { ...options, outputs: options.outputs ?? 'full' }), options.onProgress);
}

/**
 * The NTK of each trainable parameter alone. Θ = Σ_parameters Θ_parameter, to rounding. Shapes as `empiricalNtk`.
 *
 * Cost   that of `empiricalNtk`; the result takes one kernel per parameter.
 */
export function empiricalNtkByParameter(rt: Runtime, model: Model, x: Tensor, options: NtkOptions = {}): ParameterKernel[] {
  return computeHere(rt, parameterNtkJob(rt, model, x, { ...options, outputs: options.outputs ?? 'full' }), options.onProgress);
}

/**
 * Pseudo-NTK: the NTK of the sum of outputs scaled by 1/√c, [n1, n2]: (1/c)·Σ_{o,q} Θ[n, m, o, q] exactly.
 *
 * Cost   one backward sweep instead of c.
 *
 * @see Mohamadi, Bae, Sutherland (2023). A Fast, Well-Founded Approximation to the Empirical Neural Tangent Kernel. arXiv:2206.12543.
 */
export function pseudoNtk(rt: Runtime, model: Model, x: Tensor, options: Omit<NtkOptions, 'outputs'> = {}): Tensor {
  return computeHere(rt, ntkJob(rt, model, x, { ...options, outputs: 'pseudo' }), options.onProgress);
}

export interface NtkVectorProductOptions {
  readonly x2?: Tensor;
  readonly dtype?: Dtype;
}

/**
 * NTK–vector product Θ(x1, x2)·u without forming Θ: one vjp on x2, then one jvp on x1.
 *
 *   Θ·u = J(x1)·(J(x2)ᵀ·u)
 *
 * Shapes     u [n2, c]  →  [n1, c]
 * Units      as `empiricalNtk` with `outputs: 'full'`: no mean over outputs, no 1/n
 * Symmetry   ⟨v, Θ·u⟩ = ⟨Θ·v, u⟩ to rounding when x2 is omitted
 * Cost       about 3·(n1 + n2) forward passes; memory of one vjp and one jvp over at most 256 examples
 *
 * @throws {TangedgeError} ERR_SHAPE when u is not [n2, c] · ERR_DOMAIN · ERR_MEMORY
 * @see Novak, Sohl-Dickstein, Schoenholz (2022). arXiv:2206.08720.
 */
export function ntkVectorProduct(rt: Runtime, model: Model, x: Tensor, u: Tensor, options: NtkVectorProductOptions = {}): Tensor {
  const { dtype = 'f64', x2 = x } = options;
  const n1 = checkInputs('ntkVectorProduct', model, 'x', x);
  const n2 = x2 === x ? n1 : checkInputs('ntkVectorProduct', model, 'x2', x2);
  const c = model.output.size;
  if (!sameShape(u.shape, [n2, c])) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `ntkVectorProduct: u ${formatShape(u.shape)} must be ${formatShape([n2, c])}, one cotangent per example of x2.`,
      {
        shape: [...u.shape],
        expected: [n2, c],
      },
    );
  }
  checkFinite('ntkVectorProduct', 'u', u);
  const data = rt.arena.frame(() => new KernelProducts(rt, model, { x1: x.data, x2: x2.data, size: sizeOf(model.input.shape) }, dtype).times(u.data));
  return { shape: [n1, c], data };
}
