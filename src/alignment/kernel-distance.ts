/** @file How far a kernel has moved: cosine distance, velocity, and relative drift in the Frobenius norm. */

import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, sameShape, type Tensor } from '../core/tensor.ts';
import { positiveNorm } from './frobenius.ts';

/**
 * Kernel distance S = 1 − cos(K, L), the cosine in the Frobenius inner product. 0 for proportional kernels, 1 for orthogonal ones.
 *
 *   S(K, L) = 1 − ⟨K, L⟩_F/(‖K‖_F·‖L‖_F) = ½·‖K/‖K‖_F − L/‖L‖_F‖_F²
 *
 * Shapes     any two of the same shape
 * Units      dimensionless, in [0, 1] for positive semidefinite kernels and [0, 2] otherwise
 * Numerics   f64 by the second form, which keeps small distances exact to rounding where 1 − cos cancels
 *
 * @throws {TangedgeError} ERR_SHAPE when the shapes differ · ERR_DOMAIN for NaN, Inf, or a zero kernel (0/0)
 * @see Fort et al. (2020). Deep learning versus kernel learning. arXiv:2010.15110.
 * @example
 * const distance = kernelDistance(tensor([2, 2], [1, 0, 0, 0]), tensor([2, 2], [0, 0, 0, 1])); // 1
 */
export function kernelDistance(k: Tensor, l: Tensor): number {
  return cosineDistance('kernelDistance', k, l);
}

/**
 * Kernel velocity: kernel distance per unit of time, S(Θ_t, Θ_{t+dt})/dt; per optimizer step unless `dt` says otherwise.
 *
 * @throws {TangedgeError} as `kernelDistance`; ERR_ARGUMENT unless dt > 0
 * @see Fort et al. (2020). arXiv:2010.15110.
 */
export function kernelVelocity(k: Tensor, l: Tensor, dt = 1): number {
  if (!(dt > 0 && dt < Number.POSITIVE_INFINITY)) {
    throw new TangedgeError('ERR_ARGUMENT', `kernelVelocity: dt is ${dt}; it must be a positive number of steps.`, { dt });
  }
  return cosineDistance('kernelVelocity', k, l) / dt;
}

/**
 * Relative drift of a kernel from its initial value: ‖Θ_t − Θ_0‖_F / ‖Θ_0‖_F. Unlike `kernelDistance` it sees a change of scale.
 *
 * @throws {TangedgeError} ERR_SHAPE when the shapes differ · ERR_DOMAIN for NaN, Inf, or a zero initial kernel
 */
export function relativeKernelDrift(initial: Tensor, current: Tensor): number {
  const operation = 'relativeKernelDrift';
  checkPair(operation, initial, current);
  const norm = positiveNorm(operation, `the initial kernel ${formatShape(initial.shape)} is zero`, initial.data);
  let squared = 0;
  for (let i = 0; i < initial.data.length; i++) {
    const difference = (current.data[i] - initial.data[i]) / norm;
    squared += difference * difference;
  }
  return Math.sqrt(squared);
}

function cosineDistance(operation: string, k: Tensor, l: Tensor): number {
  checkPair(operation, k, l);
  const normK = positiveNorm(operation, `the first kernel ${formatShape(k.shape)} is zero`, k.data);
  const normL = positiveNorm(operation, `the second kernel ${formatShape(l.shape)} is zero`, l.data);
  let squared = 0;
  for (let i = 0; i < k.data.length; i++) {
    const difference = k.data[i] / normK - l.data[i] / normL;
    squared += difference * difference;
  }
  return squared / 2;
}

function checkPair(operation: string, k: Tensor, l: Tensor): void {
  if (!sameShape(k.shape, l.shape)) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: kernels ${formatShape(k.shape)} and ${formatShape(l.shape)} differ: ${k.data.length} ≠ ${l.data.length} entries or another layout. Use kernels on the same samples.`,
      {
        first: [...k.shape],
        second: [...l.shape],
      },
    );
  }
  checkFinite(operation, 'the first kernel', k);
  checkFinite(operation, 'the second kernel', l);
}
