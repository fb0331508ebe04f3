/** @file Asymptotic freeness of two symmetric matrices: the normalized moments of their alternating centered products. */

import { checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { matmul } from './gemm.ts';

export interface Freeness {
  /** φ(ĀB̄)/√(φ(Ā²)·φ(B̄²)): the correlation of the two. */
  readonly second: number;
  /** φ(ĀB̄ĀB̄)/(φ(Ā²)·φ(B̄²)). */
  readonly fourth: number;
}

/**
 * Alternating centered moments of two symmetric matrices, φ = tr/d, Ā = A − φ(A)·I: both are 0 for free ones.
 *
 * For independent matrices of which one has Haar-random eigenvectors they decay as 1/d; for matrices that share
 * eigenvectors they stay.
 *
 * Shapes     a [d, d], b [d, d], symmetric
 * Units      dimensionless
 * Cost       two products of [d, d] matrices
 *
 * @throws {TangedgeError} ERR_SHAPE when they differ · ERR_DOMAIN when one is a multiple of the identity (0/0)
 * @see Voiculescu, Dykema, Nica (1992). Free random variables.
 * @example
 * const { second } = freeness(rt, tensor([2, 2], [1, 0, 0, -1]), tensor([2, 2], [0, 1, 1, 0])); // 0
 */
export function freeness(rt: Runtime, a: Tensor, b: Tensor): Freeness {
  const d = checkSquare('freeness', 'a', a);
  if (checkSquare('freeness', 'b', b) !== d) {
    throw new TangedgeError('ERR_SHAPE', `freeness: a ${formatShape(a.shape)} and b ${formatShape(b.shape)} differ.`, {
      a: [...a.shape],
      b: [...b.shape],
    });
  }
  const [ca, cb] = [centered(a, d), centered(b, d)];
  const [va, vb] = [innerOfSymmetric(ca, ca) / d, innerOfSymmetric(cb, cb) / d];
  if (!(va > 0 && vb > 0)) {
    throw new TangedgeError('ERR_DOMAIN', 'freeness: one of the matrices is a multiple of the identity, which is free of everything (0/0).', {});
  }
  const product = matmul(rt, ca, cb);
  let fourth = 0;
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) fourth += product.data[i * d + j] * product.data[j * d + i];
  return { second: innerOfSymmetric(ca, cb) / d / Math.sqrt(va * vb), fourth: fourth / d / (va * vb) };
}

function centered({ shape, data }: Tensor, d: number): Tensor {
  let trace = 0;
  for (let i = 0; i < d; i++) trace += data[i * d + i];
  return { shape, data: new Float64Array(data).map((value, at) => (Math.floor(at / d) === at % d ? value - trace / d : value)) };
}

/** tr(A·B) of symmetric matrices. */
function innerOfSymmetric(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i] * b.data[i];
  return sum;
}
