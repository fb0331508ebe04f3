/** @file Powers of symmetric positive semidefinite matrices, A^s = V·diag(λ^s)·Vᵀ. */

import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { clampRoundingNegatives } from './effective-ranks.ts';
import { eigh } from './eigh.ts';
import { gram } from './gram.ts';

export interface PsdPower {
  /** A^s [n, n], f64, exactly symmetric. */
  readonly power: Tensor;
  /** Eigenvalues that rounding had made negative and that were taken as 0. */
  readonly clamped: number;
  /** The most negative of them; 0 when there was none. */
  readonly mostNegative: number;
}

/**
 * Power A^s of a symmetric positive semidefinite matrix, s > 0, and how many eigenvalues rounding had made negative.
 *
 *   A^s = V·diag(λ^s)·Vᵀ, formed as B·Bᵀ with B = V·diag(λ^{s/2})
 *
 * Shapes     a [n, n]  →  power [n, n], f64
 * Units      those of a to the power s
 * Symmetry   exact
 * Cost       one eigh and one Gram matrix: about 10·n³ flops
 * Numerics   s = 1/2 uses square roots alone; other exponents exp and log of the routines. Eigenvalues below
 *            ε·λmax carry no digits, and a small exponent magnifies them: (ε·λmax)^s is the error to expect.
 *
 * @param exponent s, greater than 0
 * @throws {TangedgeError} as `eigh`; ERR_ARGUMENT bad exponent · ERR_DOMAIN a negative eigenvalue beyond rounding
 * @example
 * const { power } = psdPower(rt, tensor([2, 2], [4, 0, 0, 9]), 1 / 2); // [[2, 0], [0, 3]]
 */
export function psdPower(rt: Runtime, a: Tensor, exponent: number): PsdPower {
  if (!(exponent > 0 && exponent < Infinity)) {
    throw new TangedgeError('ERR_ARGUMENT', `psdPower: exponent is ${exponent}; it must be a finite number greater than 0.`, { exponent });
  }
  const { values, vectors } = eigh(rt, a);
  const n = values.length;
  if (values.every((value) => value === 0)) return { power: { shape: [n, n], data: new Float64Array(n * n) }, clamped: 0, mostNegative: 0 };
  const { values: spectrum, clamped, mostNegative } = clampRoundingNegatives(values, 'psdPower');
  const roots = exponent === 0.5 ? spectrum.map((value) => Math.sqrt(Math.sqrt(value))) : positivePowers(rt, spectrum, exponent / 2);
  const scaled = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) scaled[i * n + k] = vectors.data[i * n + k] * roots[k];
  }
  return { power: gram(rt, { shape: [n, n], data: scaled }), clamped, mostNegative };
}

/** Square root A^{1/2} of a symmetric positive semidefinite matrix: `psdPower` with exponent 1/2. */
export function symmetricSquareRoot(rt: Runtime, a: Tensor): PsdPower {
  return psdPower(rt, a, 0.5);
}

/** λ^s = exp(s·ln λ) for λ > 0, and 0 for λ = 0. */
function positivePowers(rt: Runtime, values: Float64Array, s: number): Float64Array {
  const { arena } = rt;
  const n = values.length;
  return arena.frame(() => {
    const ptr = arena.load(
      'f64',
      values.map((value) => (value > 0 ? value : 1)),
    );
    rt.f64.log(n, ptr, ptr);
    const logs = arena.f64(ptr, n);
    for (let i = 0; i < n; i++) logs[i] *= s;
    rt.f64.exp(n, ptr, ptr);
    return arena.f64(ptr, n).map((power, i) => (values[i] > 0 ? power : 0));
  });
}
