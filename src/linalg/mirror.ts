/** @file The upper triangle of a square matrix from its lower one. */

import type { FloatArray } from '../core/tensor.ts';

/** Side of the blocks in which the triangles are walked: rows of one and columns of the other stay in the caches. */
const BLOCK = 32;

/** Upper triangle of [n, n] ← transpose of the lower one. */
export function mirrorLower(n: number, data: FloatArray): void {
  for (let ib = 0; ib < n; ib += BLOCK) {
    for (let jb = 0; jb <= ib; jb += BLOCK) {
      for (let i = ib; i < Math.min(ib + BLOCK, n); i++) {
        for (let j = jb; j < Math.min(jb + BLOCK, i); j++) data[j * n + i] = data[i * n + j];
      }
    }
  }
}
