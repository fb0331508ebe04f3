/** @file A range of eigenpairs by their positions in the ascending order of the eigenvalues. */

import { checkInteger } from '../core/check.ts';

/** [first, last): positions first … last − 1 of the ascending eigenvalues, 0 the smallest. */
export type IndexRange = readonly [first: number, last: number];

/**
 * The range, [0, n) when none is given.
 *
 * @throws {TangedgeError} ERR_ARGUMENT unless 0 ≤ first < last ≤ n, in whole numbers
 */
export function checkIndices(operation: string, indices: IndexRange | undefined, n: number): IndexRange {
  if (indices === undefined) return [0, n];
  const [first, last] = indices;
  checkInteger(operation, 'indices[0]', first, 0, n - 1);
  checkInteger(operation, 'indices[1]', last, first + 1, n);
  return [first, last];
}
