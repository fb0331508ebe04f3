/** @file Matrix product C = op(A)·op(B). */

import { checkMatrix } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { type Dtype, dtypeOf, formatShape, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { product } from './product.ts';

export interface MatmulOptions {
  /** Use Aᵀ: a is then [k, m]. Costs nothing extra. */
  readonly transposeA?: boolean;
  /** Use Bᵀ: b is then [n, k]. Costs nothing extra. */
  readonly transposeB?: boolean;
}

/**
 * Matrix product op(A)·op(B), op = identity or transpose.
 *
 * Shapes     a [m, k] (or [k, m]), b [k, n] (or [n, k])  →  [m, n], f32 when both are f32, else f64
 * Cost       2·m·n·k flops; all three matrices in WebAssembly memory, or tiles of them where it is too small, with the same bits
 * Numerics   sums run over k in an order that depends on k alone
 *
 * @throws {TangedgeError} ERR_SHAPE when the inner extents differ · ERR_DOMAIN for NaN or Inf · ERR_MEMORY when tiles do not fit
 * either, or the host cannot allocate the result
 * @example
 * const c = matmul(rt, tensor([1, 2], [1, 2]), tensor([2, 1], [3, 4])); // [[11]]
 */
export function matmul(rt: Runtime, a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false } = options;
  const [rowsA, columnsA] = checkMatrix('matmul', 'a', a);
  const [rowsB, columnsB] = checkMatrix('matmul', 'b', b);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (k !== inner) {
    const nameA = transposeA ? 'aᵀ' : 'a';
    const nameB = transposeB ? 'bᵀ' : 'b';
    throw new TangedgeError(
      'ERR_SHAPE',
      `matmul: ${nameA} ${formatShape([m, k])} and ${nameB} ${formatShape([inner, n])} do not chain: ${nameA}.columns ${k} ≠ ${nameB}.rows ${inner}.`,
      { a: [...a.shape], b: [...b.shape] },
    );
  }
  const dtype: Dtype = dtypeOf(a) === 'f32' && dtypeOf(b) === 'f32' ? 'f32' : 'f64';
  const left = { name: 'a', tensor: a, extent: m, rs: transposeA ? 1 : columnsA, cs: transposeA ? columnsA : 1 };
  const right = { name: 'b', tensor: b, extent: n, rs: transposeB ? columnsB : 1, cs: transposeB ? 1 : columnsB };
  return { shape: [m, n], data: product(rt, 'matmul', dtype, left, right, k) };
}
