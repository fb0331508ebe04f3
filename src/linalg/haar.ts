/** @file Random orthogonal matrices, uniform over the orthogonal group, and random matrices of a given spectrum. */

import { checkFinite, checkInteger } from '../core/check.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { eigh } from './eigh.ts';
import { matmul } from './gemm.ts';
import { mirrorLower } from './mirror.ts';
import { normalArray } from './normal.ts';

/** Which random matrix: a stream of a seed. */
export interface RandomMatrixOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Default 0. Streams of one seed are independent. */
  readonly stream?: number;
}

/**
 * Random orthogonal matrix with Haar's (uniform) distribution: the Q of a QR decomposition of a normal matrix, R's diagonal positive.
 *
 * Shapes     [n, n], f64
 * Cost       4·n³ flops: Gram and Schmidt's process, twice
 * Numerics   ‖I − QᵀQ‖ is a small multiple of n·ε; the same bits in every runtime
 *
 * @throws {TangedgeError} ERR_ARGUMENT unless n is a whole number ≥ 1 and seed and stream are whole numbers
 * @see Mezzadri (2007). How to generate random matrices from the classical compact groups. arXiv:math-ph/0609050.
 * @example
 * const q = haarOrthogonal(rt, 4, { seed: 3 }); // [n, n]
 */
export function haarOrthogonal(rt: Runtime, n: number, { seed = 0, stream = 0 }: RandomMatrixOptions = {}): Tensor {
  checkInteger('haarOrthogonal', 'n', n, 1);
  const data = normalArray(rt, seed, stream, n * n);
  for (let k = 0; k < n; k++) {
    const row = k * n;
    // A second pass takes out what rounding left of the rows before: “twice is enough”.
    for (let pass = 0; pass < 2; pass++) {
      for (let before = 0; before < row; before += n) subtractMultiple(data, n, row, inner(data, n, row, before), before);
    }
    const norm = Math.sqrt(inner(data, n, row, row));
    for (let i = 0; i < n; i++) data[row + i] /= norm;
  }
  return { shape: [n, n], data };
}

/**
 * A random symmetric matrix with the eigenvalues of `a` and uniformly random eigenvectors: the control for what a spectrum alone explains.
 *
 *   Q·Λ·Qᵀ,   Λ the eigenvalues of a, Q `haarOrthogonal`
 *
 * Shapes     a [n, n] symmetric, or its eigenvalues [n], which spare the decomposition where many are drawn  →  [n, n], f64
 * Cost       10·n³ flops, and those of `eigh` without vectors for a matrix
 * Symmetry   exact
 *
 * @throws {TangedgeError} as `eigh` · ERR_DOMAIN when an eigenvalue is not finite
 * @see Beaglehole, Mitliagkas, Agarwala (2024). arXiv:2402.05271: the ansatz fails when K is replaced by such a matrix.
 */
export function sameSpectrumRandom(rt: Runtime, a: Tensor | Float64Array, options: RandomMatrixOptions = {}): Tensor {
  const values = a instanceof Float64Array ? a : eigh(rt, a, { vectors: false }).values;
  const n = values.length;
  checkFinite('sameSpectrumRandom', 'the eigenvalues', { shape: [n], data: values });
  const q = haarOrthogonal(rt, n, options);
  const scaled = q.data.map((entry, at) => entry * values[at % n]);
  const product = matmul(rt, { shape: [n, n], data: scaled }, q, { transposeB: true });
  mirrorLower(n, product.data);
  return product;
}

/** Inner product of the rows of n entries that begin at a and b. */
function inner(data: Float64Array, n: number, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += data[a + i] * data[b + i];
  return sum;
}

function subtractMultiple(data: Float64Array, n: number, target: number, factor: number, direction: number): void {
  for (let i = 0; i < n; i++) data[target + i] -= factor * data[direction + i];
}
