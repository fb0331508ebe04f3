/** @file One step of Gram and Schmidt's process among few rows. */

import type { Routines } from '../wasm/abi.ts';

/** The row at rowPtr loses its parts along the `count` orthonormal rows before it at basisPtr, one after the other; rows of n, contiguous. */
export function subtractProjections(routines: Routines, n: number, rowBytes: number, basisPtr: number, count: number, rowPtr: number): void {
  for (let k = 0; k < count; k++) {
    const otherPtr = basisPtr + k * rowBytes;
    routines.axpy(n, -routines.dot(n, otherPtr, rowPtr), otherPtr, rowPtr);
  }
}
