/** @file Options of the NTK functions, and what they mean. */

import type { OnProgress } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Dtype, Tensor } from '../core/tensor.ts';

/**
 * Which outputs the kernel keeps:
 *
 * - `full`      Θ[n, m, o, q] = ⟨∇f_o(x_n), ∇f_q(x_m)⟩, [n1, n2, c, c] (neural-tangents' and torch.func's order)
 * - `trace`     Σ_o Θ[n, m, o, o], [n1, n2]
 * - `mean`      trace / c, [n1, n2] (neural-tangents' default)
 * - `diagonal`  Θ[n, m, o, o], [n1, n2, c]
 */
export type NtkOutputs = 'full' | 'trace' | 'mean' | 'diagonal';

/**
 * How the kernel is computed; the values agree to rounding.
 *
 * - `auto`                   the cheapest by flops that fits the memory limit
 * - `structured-derivatives` gradients stay factored as (input, cotangent) pairs; each weight's share is a Hadamard product
 *                            of two Grams. Almost always fastest; orders of magnitude for dense layers.
 * - `jacobian-contraction`   rows of the Jacobian, one parameter at a time, contracted. Simple; good for convolutions on
 *                            large maps with few outputs.
 * - `ntk-vector-products`    a vjp, then a jvp, per example of x2 and output. Least memory; n1·n2·c forward passes.
 */
export type NtkImplementation = 'auto' | 'structured-derivatives' | 'jacobian-contraction' | 'ntk-vector-products';

export const NTK_OUTPUTS: readonly NtkOutputs[] = ['full', 'trace', 'mean', 'diagonal'];
export const NTK_IMPLEMENTATIONS: readonly NtkImplementation[] = ['auto', 'structured-derivatives', 'jacobian-contraction', 'ntk-vector-products'];

export interface NtkOptions {
  /** Second batch of inputs; omitted means the same inputs and takes the symmetric path: half the work, exactly symmetric. */
  readonly x2?: Tensor;
  /** Default `full`. */
  readonly outputs?: NtkOutputs;
  /** Default `auto`. */
  readonly implementation?: NtkImplementation;
  /** Precision of the sweeps and products; sums over parameters are f64 either way. Default `f64`. */
  readonly dtype?: Dtype;
  /** Most bytes to use, WebAssembly and result together. Default 4 GiB. */
  readonly memoryLimit?: number;
  /** Examples per tile; default: the largest that fits, at most 256. Changes no bit of the result. */
  readonly tileSize?: number;
  /** Called after every tile. */
  readonly onProgress?: OnProgress;
}

/** Throws unless `value` is one of `choices`. */
export function checkChoice<T extends string>(operation: string, name: string, value: T, choices: readonly T[]): void {
  if (!choices.includes(value)) {
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: ${name} is '${value}'; it must be one of ${choices.join(', ')}.`, { name, value });
  }
}
