/** @file A kernel with output axes as one matrix, sample-major: row i·c + a, column j·c + b. */

import { TangedgeError } from '../core/errors.ts';
import { dtypeOf, emptyArray, formatShape, type Tensor } from '../core/tensor.ts';

/**
 * The full kernel as a matrix, sample-major: entry [i·c + a, j·c + b] is Θ[i, j, a, b].
 *
 * Shapes     [n1, n2, c, c]  →  [n1·c, n2·c]; a copy
 *
 * @throws {TangedgeError} ERR_SHAPE unless the kernel has four axes, the last two equal
 */
export function blockMatrix(full: Tensor): Tensor {
  const [n1, n2, c, width] = full.shape;
  if (full.shape.length !== 4 || c !== width) {
    throw new TangedgeError('ERR_SHAPE', `blockMatrix: the kernel ${formatShape(full.shape)} must be [n1, n2, c, c].`, { shape: [...full.shape] });
  }
  const data = emptyArray(dtypeOf(full), full.data.length);
  let from = 0;
  for (let i = 0; i < n1; i++) {
    for (let j = 0; j < n2; j++) {
      for (let a = 0; a < c; a++) {
        const to = (i * c + a) * n2 * c + j * c;
        for (let b = 0; b < c; b++) data[to + b] = full.data[from++];
      }
    }
  }
  return { shape: [n1 * c, n2 * c], data };
}
