/** @file LinearOperator: a matrix known by its products alone. It checks shapes and never reshapes. */

import { checkMatrix } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { matmul } from './gemm.ts';

/** A [rows, cols] matrix A as two functions on blocks of vectors. */
export interface LinearOperator {
  readonly rows: number;
  readonly cols: number;
  /** A·X: [cols, m] → [rows, m]. @throws {TangedgeError} ERR_SHAPE */
  apply(x: Tensor): Tensor;
  /** Aᵀ·Y: [rows, m] → [cols, m]. @throws {TangedgeError} ERR_SHAPE */
  applyTranspose(y: Tensor): Tensor;
}

export interface LinearOperatorParts {
  readonly rows: number;
  readonly cols: number;
  readonly apply: (x: Tensor) => Tensor;
  /** Default: `apply`, for a symmetric operator; required when rows ≠ cols. */
  readonly applyTranspose?: (y: Tensor) => Tensor;
}

/**
 * An operator from its products, wrapped so that what goes in and what comes out has the right shape.
 *
 * @throws {TangedgeError} ERR_SHAPE when it is not square and has no applyTranspose; each product checks its own shapes
 */
export function linearOperator(parts: LinearOperatorParts): LinearOperator {
  const { rows, cols, apply, applyTranspose = apply } = parts;
  if (rows !== cols && parts.applyTranspose === undefined) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `linearOperator: an operator of shape ${formatShape([rows, cols])} cannot be symmetric: ${rows} ≠ ${cols}. Give applyTranspose.`,
      { rows, cols },
    );
  }
  return {
    rows,
    cols,
    apply: (x) => checkedProduct('apply', apply, x, cols, rows),
    applyTranspose: (y) => checkedProduct('applyTranspose', applyTranspose, y, rows, cols),
  };
}

/** The operator of a dense matrix a [rows, cols]. */
export function denseOperator(rt: Runtime, a: Tensor): LinearOperator {
  const [rows, cols] = checkMatrix('denseOperator', 'a', a);
  return linearOperator({
    rows,
    cols,
    apply: (x) => matmul(rt, a, x),
    applyTranspose: (y) => matmul(rt, a, y, { transposeA: true }),
  });
}

function checkedProduct(name: string, product: (x: Tensor) => Tensor, x: Tensor, from: number, to: number): Tensor {
  if (x.shape.length !== 2 || x.shape[0] !== from) {
    throw new TangedgeError('ERR_SHAPE', `${name}: x ${formatShape(x.shape)} does not fit the operator: it must be [${from}, m].`, {
      x: [...x.shape],
      expected: from,
    });
  }
  const result = product(x);
  if (result.shape.length !== 2 || result.shape[0] !== to || result.shape[1] !== x.shape[1]) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${name}: the operator returned ${formatShape(result.shape)} for x ${formatShape(x.shape)}: it must be ${formatShape([to, x.shape[1]])}.`,
      { result: [...result.shape], expected: [to, x.shape[1]] },
    );
  }
  return result;
}
