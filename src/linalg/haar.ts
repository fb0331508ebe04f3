/** @file Random orthogonal matrices, uniform over the orthogonal group, and random matrices of a given spectrum. */

import { checkFinite, checkInteger } from '../core/check.ts';
import { sumOfSquares, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { eigh } from './eigh.ts';
import { matmul } from './gemm.ts';
import { subtractProjections } from './gram-schmidt.ts';
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
  const normal = normalArray(rt, seed, stream, n * n);
  return rt.arena.frame(() => {
    const rowsPtr = rt.arena.load('f64', normal);
    orthonormalizeRows(rt, n, rowsPtr);
    return { shape: [n, n], data: rt.arena.f64(rowsPtr, n * n).slice() };
  });
}

/** Rows that are made orthogonal to those before them together. */
const BLOCK = 32;

/** Gram and Schmidt's process for the rows of [n, n], blocks of them at a time. */
function orthonormalizeRows({ arena, f64 }: Runtime, n: number, rowsPtr: number): void {
  const coefficientsPtr = arena.allocateArray('f64', BLOCK * n);
  const scratchPtr = arena.allocate(f64.orthogonalizeScratchBytes(n, n) >>> 0);
  const row = (k: number) => rowsPtr + k * n * 8;
  for (let first = 0; first < n; first += BLOCK) {
    const rows = Math.min(BLOCK, n - first);
    // A second pass takes out what rounding left of the rows before: “twice is enough”.
    for (let pass = 0; pass < 2; pass++) {
      f64.orthogonalize(n, rows, first, rowsPtr, row(first), coefficientsPtr, scratchPtr);
      for (let k = first; k < first + rows; k++) {
        for (let again = 0; again < 2; again++) subtractProjections(f64, n, n * 8, row(first), k - first, row(k));
        normalize(arena.f64(row(k), n));
      }
    }
  }
}

function normalize(row: Float64Array): void {
  const norm = Math.sqrt(sumOfSquares(row));
  for (let i = 0; i < row.length; i++) row[i] /= norm;
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
