/** @file Linear systems: with a triangular matrix, and with a symmetric positive definite one. */

import { checkFinite, checkSquare } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { castTensor, type Dtype, dtypeOf, formatShape, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type CholeskyOptions, choleskyFor } from './cholesky.ts';

export interface TriangularSolveOptions {
  /** Solve with Lᵀ instead of L. Default false. */
  readonly transpose?: boolean;
}

export interface PositiveSolution {
  /** X, in the shape of b. */
  readonly solution: Tensor;
  /** What was added to each diagonal entry of a; 0 when nothing was. */
  readonly jitter: number;
  /** Factorizations tried. */
  readonly attempts: number;
}

/**
 * X = L⁻¹·B, or L⁻ᵀ·B, for a lower triangular L.
 *
 * Shapes     l [n, n] (what is above the diagonal is not read), b [n] or [n, m]  →  the shape of b; f32 when both are f32
 * Cost       n²·m flops
 *
 * @throws {TangedgeError} ERR_SHAPE shapes that do not fit · ERR_DOMAIN NaN or Inf, or a zero on the diagonal (info.index)
 */
export function triangularSolve(rt: Runtime, l: Tensor, b: Tensor, options: TriangularSolveOptions = {}): Tensor {
  const n = checkSquare('triangularSolve', 'l', l);
  checkFinite('triangularSolve', 'l', l);
  const m = checkRightHandSide('triangularSolve', 'l', n, b);
  for (let i = 0; i < n; i++) {
    if (l.data[i * n + i] === 0) {
      throw new TangedgeError('ERR_DOMAIN', `triangularSolve: l ${formatShape(l.shape)} is singular: its diagonal entry [${i}, ${i}] is 0.`, {
        index: [i, i],
      });
    }
  }
  const dtype: Dtype = dtypeOf(l) === 'f32' && dtypeOf(b) === 'f32' ? 'f32' : 'f64';
  const data = solveInArena(rt, dtype, l, b, n, m, [options.transpose ?? false]);
  checkFinite('triangularSolve', 'the solution', { shape: b.shape, data });
  return { shape: [...b.shape], data };
}

/**
 * X = A⁻¹·B for a symmetric positive definite A, by Cholesky, and what had to be added to A to get it.
 *
 *   (A + jitter·I)·X = B
 *
 * Shapes     a [n, n], b [n] or [n, m]  →  solution in the shape of b
 * Cost       n³/3 + 2·n²·m flops
 * Numerics   f64 unless both are f32; the residual is a small multiple of n·ε·‖A‖·‖X‖
 *
 * @throws {TangedgeError} as `cholesky`; ERR_SHAPE when b does not fit
 * @example
 * const { solution } = solvePositive(rt, tensor([1, 1], [4]), tensor([1], [8])); // [2]
 */
export function solvePositive(rt: Runtime, a: Tensor, b: Tensor, options: CholeskyOptions = {}): PositiveSolution {
  const n = checkSquare('solvePositive', 'a', a);
  const m = checkRightHandSide('solvePositive', 'a', n, b);
  const dtype: Dtype = dtypeOf(a) === 'f32' && dtypeOf(b) === 'f32' ? 'f32' : 'f64';
  const { factor, jitter, attempts } = choleskyFor('solvePositive', rt, castTensor(a, dtype), options);
  const data = solveInArena(rt, dtype, factor, b, n, m, [false, true]);
  checkFinite('solvePositive', 'the solution', { shape: b.shape, data });
  return { solution: { shape: [...b.shape], data }, jitter, attempts };
}

/** Solves with L (false) or Lᵀ (true), one after the other, in place. */
function solveInArena(rt: Runtime, dtype: Dtype, l: Tensor, b: Tensor, n: number, m: number, transposes: readonly boolean[]): Tensor['data'] {
  const routines = routinesOf(rt, dtype);
  const { arena } = rt;
  return arena.frame(() => {
    const lPtr = arena.load(dtype, l.data);
    const bPtr = arena.load(dtype, b.data);
    const scratchPtr = arena.allocate(routines.triangularSolveScratchBytes(n, m) >>> 0);
    for (const transpose of transposes) routines.triangularSolve(n, m, transpose ? 1 : 0, lPtr, n, bPtr, m, scratchPtr);
    return arena.read(dtype, bPtr, n * m);
  });
}

/** Checks b against the n rows of the matrix; returns its number of columns. */
function checkRightHandSide(operation: string, name: string, n: number, b: Tensor): number {
  const fits = (b.shape.length === 1 || b.shape.length === 2) && b.shape[0] === n;
  if (!fits) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: ${name} ${formatShape([n, n])} and b ${formatShape(b.shape)} do not fit: b must be [${n}] or [${n}, m].`,
      { n, b: [...b.shape] },
    );
  }
  checkFinite(operation, 'b', b);
  return b.shape.length === 1 ? 1 : b.shape[1];
}
