/** @file Gram matrices X·Xᵀ and Xᵀ·X. */

import { checkMatrix } from '../core/check.ts';
import { dtypeOf, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { product } from './product.ts';

export interface GramOptions {
  /** `'rows'` (default): X·Xᵀ, inner products of rows. `'columns'`: XᵀX. */
  readonly of?: 'rows' | 'columns';
}

/**
 * Gram matrix of the rows (or columns) of X: plain sums, not divided by anything, not centered.
 *
 *   G = X·Xᵀ   or   XᵀX
 *
 * Shapes     x [n, p]  →  [n, n] (`of: 'rows'`) or [p, p] (`of: 'columns'`), in the dtype of x
 * Symmetry   exact
 * Cost       n²·p flops (n·p² for columns), half of a matrix product; X and G in WebAssembly memory, or tiles of them where it is
 *            too small, with the same bits
 *
 * @throws {TangedgeError} ERR_SHAPE when x is not a matrix · ERR_DOMAIN for NaN or Inf · ERR_MEMORY as matmul
 */
export function gram(rt: Runtime, x: Tensor, options: GramOptions = {}): Tensor {
  const { of = 'rows' } = options;
  const [rows, columns] = checkMatrix('gram', 'x', x);
  const [extent, k, rs, cs] = of === 'rows' ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
  const factor = { name: 'x', tensor: x, extent, rs, cs };
  return { shape: [extent, extent], data: product(rt, 'gram', dtypeOf(x), factor, factor, k) };
}
