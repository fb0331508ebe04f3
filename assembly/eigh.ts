/**
 * @file Symmetric eigendecomposition A = V·diag(λ)·Vᵀ: scale, tridiagonalize, solve the tridiagonal problem in f64,
 * transform back.
 *
 * Scratch, in this order, each part rounded up to 64 bytes:
 *
 *   | d f64 [n] | e f64 [n] | tau T [n] | panels of tridiagonalize and backTransform | GEMM |
 *   | with vectors: divide and conquer | and for f32: z f64 [n, n] |
 */

import { backTransform, backTransformScratchBytes } from "./back-transform";
import { divideAndConquer, divideAndConquerScratchBytes } from "./divide-and-conquer";
import { multiplyScratchBytes } from "./gemm";
import { tridiagonalize, tridiagonalizeScratchBytes } from "./tridiagonalize";
import { sortAscending, tridiagonalQl } from "./tridiagonal-ql";

// @ts-ignore: decorator
@inline
function padded(bytes: usize): usize {
  return (bytes + 63) & ~63;
}

/** See src/wasm/abi.ts. */
export function eigh<T>(n: i32, aPtr: usize, valuesPtr: usize, vectorsPtr: usize, scratchPtr: usize): i32 {
  const dPtr = scratchPtr;
  const ePtr = dPtr + padded(<usize>n << 3);
  const tauPtr = ePtr + padded(<usize>n << 3);
  const panelPtr = tauPtr + padded(<usize>n * sizeof<T>());
  const gemmPtr = panelPtr + panelBytes<T>(n);
  const restPtr = gemmPtr + gemmBytes<T>(n);

  const scale = scaleToSafeRange<T>(n, aPtr);
  tridiagonalize<T>(n, aPtr, dPtr, ePtr, tauPtr, panelPtr, gemmPtr);
  let status = 0;
  if (vectorsPtr == 0) {
    status = tridiagonalQl(n, dPtr, ePtr, 0, 0);
    sortAscending(n, dPtr, 0, 0);
  } else {
    const zPtr = sizeof<T>() == 8 ? vectorsPtr : restPtr + divideAndConquerScratchBytes(n);
    status = divideAndConquer(n, dPtr, ePtr, zPtr, restPtr, gemmPtr);
    if (sizeof<T>() == 4) narrow<T>(n * n, zPtr, vectorsPtr);
    backTransform<T>(n, aPtr, tauPtr, vectorsPtr, panelPtr, gemmPtr);
  }
  for (let i = 0; i < n; i++) {
    store<T>(valuesPtr + <usize>i * sizeof<T>(), <T>(load<f64>(dPtr + ((<usize>i) << 3)) / scale));
  }
  return status;
}

/** The two use the same bytes, one after the other. */
function panelBytes<T>(n: i32): usize {
  return padded(max(tridiagonalizeScratchBytes<T>(n), backTransformScratchBytes<T>(n)));
}

/** Extents never exceed n or the panels' 128. */
function gemmBytes<T>(n: i32): usize {
  const extent = max(n, 128);
  return padded(max(multiplyScratchBytes<T>(extent, extent, extent), multiplyScratchBytes<f64>(extent, extent, extent)));
}

export function eighScratchBytes<T>(n: i32, vectors: i32): usize {
  let bytes: usize = 2 * padded(<usize>n << 3) + padded(<usize>n * sizeof<T>()) + panelBytes<T>(n) + gemmBytes<T>(n);
  if (vectors) {
    bytes += divideAndConquerScratchBytes(n);
    if (sizeof<T>() == 4) bytes += padded((<usize>n * <usize>n) << 3);
  }
  return bytes;
}

/**
 * Multiplies the lower triangle by a power of two when its largest entry leaves [2^−100, 2^100] (f32: [2^−10, 2^10]), so
 * that no square over- or underflows. Returns the factor, 1 when nothing was done. Exact but for entries that underflow,
 * which are far below one rounding error of the largest.
 */
function scaleToSafeRange<T>(n: i32, aPtr: usize): f64 {
  let largest: f64 = 0;
  for (let r = 0; r < n; r++) {
    const rowPtr = aPtr + <usize>r * <usize>n * sizeof<T>();
    for (let c = 0; c <= r; c++) largest = max<f64>(largest, abs<f64>(<f64>load<T>(rowPtr + <usize>c * sizeof<T>())));
  }
  const exponent = <i32>(reinterpret<u64>(largest) >> 52) - 1023;
  const safe = sizeof<T>() == 8 ? 100 : 10;
  if (largest == 0 || (exponent >= -safe && exponent < safe)) return 1;
  const power = min<i32>(max<i32>(-exponent, -1000), 1000);
  const factor = reinterpret<f64>(<u64>(power + 1023) << 52);
  for (let r = 0; r < n; r++) {
    const rowPtr = aPtr + <usize>r * <usize>n * sizeof<T>();
    for (let c = 0; c <= r; c++) {
      const entry = rowPtr + <usize>c * sizeof<T>();
      store<T>(entry, <T>(<f64>load<T>(entry) * factor));
    }
  }
  return factor;
}

/** out [n] ← z [n], rounded to T. */
function narrow<T>(n: i32, zPtr: usize, outPtr: usize): void {
  for (let i = 0; i < n; i++) store<T>(outPtr + <usize>i * sizeof<T>(), <T>load<f64>(zPtr + ((<usize>i) << 3)));
}

export function eighF64(n: i32, aPtr: usize, valuesPtr: usize, vectorsPtr: usize, scratchPtr: usize): i32 {
  return eigh<f64>(n, aPtr, valuesPtr, vectorsPtr, scratchPtr);
}
export function eighF32(n: i32, aPtr: usize, valuesPtr: usize, vectorsPtr: usize, scratchPtr: usize): i32 {
  return eigh<f32>(n, aPtr, valuesPtr, vectorsPtr, scratchPtr);
}
export function eighScratchBytesF64(n: i32, vectors: i32): usize {
  return eighScratchBytes<f64>(n, vectors);
}
export function eighScratchBytesF32(n: i32, vectors: i32): usize {
  return eighScratchBytes<f32>(n, vectors);
}
