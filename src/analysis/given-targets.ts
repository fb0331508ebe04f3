/** @file Targets as people give them: numbers per output, or class numbers. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';

/** Targets as the quantities take them, and how they were read. */
export interface GivenTargets {
  readonly values: Tensor;
  /** `labels`: class numbers that were made one-hot [n, c]; `values`: used as they are. */
  readonly kind: 'labels' | 'values';
}

/**
 * Targets for `n` examples and `c` outputs: [n, c], or [n] or [n, 1] for one output; with more outputs, [n] or [n, 1]
 * are class numbers 0 … c − 1, made one-hot.
 *
 * @throws {TangedgeError} ERR_SHAPE when the lengths or widths differ · ERR_DOMAIN for a class that does not exist
 */
export function givenTargets(y: Tensor, n: number, c: number): GivenTargets {
  const [rows, columns = 1] = y.shape;
  if (y.shape.length < 1 || y.shape.length > 2 || (columns !== c && columns !== 1)) {
    const labels = c > 1 ? ` or class numbers [${n}]` : '';
    throw new TangedgeError(
      'ERR_SHAPE',
      `targets ${formatShape(y.shape)} do not fit ${n} examples and ${c} outputs: they must be [${n}, ${c}]${labels}.`,
      {
        shape: [...y.shape],
        n,
        c,
      },
    );
  }
  if (rows !== n) {
    throw new TangedgeError('ERR_SHAPE', `targets ${formatShape(y.shape)} have ${rows} rows, the inputs have ${n}: give one target per input.`, {
      targets: rows,
      inputs: n,
    });
  }
  return columns === c ? { values: { shape: [n, c], data: y.data }, kind: 'values' } : { values: oneHot(y, c), kind: 'labels' };
}

/**
 * Class numbers [n] or [n, 1] as [n, c] of zeros and ones.
 *
 * @throws {TangedgeError} ERR_DOMAIN for a value that is no whole number from 0 to c − 1
 */
function oneHot(labels: Tensor, c: number): Tensor {
  const n = labels.data.length;
  const data = new Float64Array(n * c);
  labels.data.forEach((label, i) => {
    if (!(Number.isInteger(label) && label >= 0 && label < c)) {
      throw new TangedgeError(
        'ERR_DOMAIN',
        `targets ${formatShape(labels.shape)} hold ${label} at index [${i}]; with ${c} outputs a class is a whole number from 0 to ${c - 1}.`,
        {
          index: [i],
          value: label,
          c,
        },
      );
    }
    data[i * c + label] = 1;
  });
  return { shape: [n, c], data };
}
