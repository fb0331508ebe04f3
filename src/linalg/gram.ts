/** @file Gram matrices X·Xᵀ and Xᵀ·X. */

import { checkFinite, checkMatrix } from '../core/check.ts';
import { dtypeOf, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';

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
 * Cost       n²·p flops (n·p² for columns), half of a matrix product
 *
 * @throws {TangedgeError} ERR_SHAPE when x is not a matrix · ERR_DOMAIN for NaN or Inf
 */
export function gram(rt: Runtime, x: Tensor, options: GramOptions = {}): Tensor {
  const { of = 'rows' } = options;
  const [rows, columns] = checkMatrix('gram', 'x', x);
  checkFinite('gram', 'x', x);
  const [n, k, rs, cs] = of === 'rows' ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
  const dtype = dtypeOf(x);
  const routines = routinesOf(rt, dtype);
  const { arena } = rt;

  return arena.frame(() => {
    const xPtr = arena.load(dtype, x.data);
    const gPtr = arena.allocateArray(dtype, n * n);
    const scratchPtr = arena.allocate(routines.gramScratchBytes(n, k) >>> 0);
    routines.gram(n, k, 1, xPtr, rs, cs, 0, gPtr, n, scratchPtr);
    return { shape: [n, n], data: arena.read(dtype, gPtr, n * n) };
  });
}
