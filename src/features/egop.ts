/** @file Targets whose expected gradient outer product (EGOP) over normal inputs is known: what features there are to be learned. */

import { checkInteger, checkMatrix, checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';

/** A function of x ~ N(0, I_d) with a known EGOP. */
export type Target =
  /** Σ_{k<order} x_k·x_{(k+1) mod order} */
  | { readonly kind: 'chain-monomial'; readonly order: number }
  /** w·x */
  | { readonly kind: 'linear'; readonly w: ArrayLike<number> }
  /** xᵀ·Q·x, Q [d, d]; of an unsymmetric Q the symmetric part counts */
  | { readonly kind: 'quadratic'; readonly q: Tensor }
  /** Π_{k ∈ coordinates} x_k, no coordinate twice */
  | { readonly kind: 'product'; readonly coordinates: readonly number[] };

/**
 * Expected gradient outer product of a target over standard normal inputs, E[∇f·∇fᵀ]: exact, by closed form.
 *
 *   chain monomial   A², A the adjacency of the cycle 0 – 1 – … – (order − 1) – 0
 *   linear           w·wᵀ
 *   quadratic        (Q + Qᵀ)²
 *   product          1 on the diagonal at its coordinates
 *
 * Shapes     [d, d]
 * Units      (output unit / input unit)²
 *
 * @throws {TangedgeError} ERR_ARGUMENT or ERR_SHAPE when the target does not fit d inputs
 * @example
 * const e = egop({ kind: 'product', coordinates: [1] }, 2); // [[0, 0], [0, 1]]
 */
export function egop(target: Target, d: number): Tensor {
  checkTarget('egop', target, d);
  const data = new Float64Array(d * d);
  switch (target.kind) {
    case 'linear':
      for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) data[i * d + j] = target.w[i] * target.w[j];
      break;
    case 'product':
      for (const k of target.coordinates) data[k * d + k] = 1;
      break;
    case 'chain-monomial':
    case 'quadratic': {
      const a = gradientMatrix(target, d);
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) data[i * d + j] += a[i * d + k] * a[j * d + k];
      }
      break;
    }
    default:
      target satisfies never;
  }
  return { shape: [d, d], data };
}

/**
 * Values of a target, x [n, d]  →  [n].
 *
 * @throws {TangedgeError} as `egop`
 */
export function targetValues(target: Target, x: Tensor): Tensor {
  const [n, d] = checkMatrix('targetValues', 'x', x);
  checkTarget('targetValues', target, d);
  const data = Float64Array.from({ length: n }, (_, i) => valueAt(target, x.data.subarray(i * d, (i + 1) * d)));
  return { shape: [n], data };
}

function valueAt(target: Target, x: ArrayLike<number>): number {
  let sum = 0;
  switch (target.kind) {
    case 'linear':
      for (let k = 0; k < x.length; k++) sum += target.w[k] * x[k];
      return sum;
    case 'product':
      return target.coordinates.reduce((product, k) => product * x[k], 1);
    case 'chain-monomial':
      for (let k = 0; k < target.order; k++) sum += x[k] * x[(k + 1) % target.order];
      return sum;
    case 'quadratic':
      for (let i = 0; i < x.length; i++) for (let j = 0; j < x.length; j++) sum += x[i] * target.q.data[i * x.length + j] * x[j];
      return sum;
    default:
      return target satisfies never;
  }
}

/** The symmetric A of a target with gradient A·x. */
function gradientMatrix(target: Extract<Target, { readonly kind: 'chain-monomial' | 'quadratic' }>, d: number): Float64Array {
  const a = new Float64Array(d * d);
  if (target.kind === 'quadratic') {
    const { data } = target.q;
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) a[i * d + j] = data[i * d + j] + data[j * d + i];
    return a;
  }
  for (let k = 0; k < target.order; k++) {
    const next = (k + 1) % target.order;
    a[k * d + next] += 1;
    a[next * d + k] += 1;
  }
  return a;
}

function checkTarget(operation: string, target: Target, d: number): void {
  checkInteger(operation, 'd', d, 1);
  switch (target.kind) {
    case 'chain-monomial':
      checkInteger(operation, 'order', target.order, 1, d);
      break;
    case 'linear':
      if (target.w.length !== d) {
        throw new TangedgeError('ERR_SHAPE', `${operation}: w has ${target.w.length} entries for ${d} inputs.`, { w: target.w.length, d });
      }
      break;
    case 'quadratic':
      if (checkSquare(operation, 'q', target.q) !== d) {
        throw new TangedgeError('ERR_SHAPE', `${operation}: q ${formatShape(target.q.shape)} does not fit ${d} inputs: it must be [${d}, ${d}].`, {
          q: [...target.q.shape],
          d,
        });
      }
      break;
    case 'product':
      for (const k of target.coordinates) checkInteger(operation, 'a coordinate', k, 0, d - 1);
      if (new Set(target.coordinates).size < target.coordinates.length) {
        throw new TangedgeError('ERR_ARGUMENT', `${operation}: the product names a coordinate twice: ${target.coordinates.join(', ')}.`, {
          coordinates: [...target.coordinates],
        });
      }
      break;
    default:
      target satisfies never;
  }
}
