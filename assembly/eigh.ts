/**
 * @file Symmetric eigendecomposition A = V·diag(λ)·Vᵀ: scale, tridiagonalize, solve the tridiagonal problem in f64,
 * transform back.
 *
 * Scratch, in this order, each part rounded up to 64 bytes:
 *
 *   | d f64 [n] | e f64 [n] | tau T [n] | work T [n] | z f64 [n, n], for f32 alone (f64 works in `vectors`) |
 */

import { axpy, dotContiguous } from "./level1";
import { tridiagonalize } from "./tridiagonalize";
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
  const workPtr = tauPtr + padded(<usize>n * sizeof<T>());
  let zPtr = vectorsPtr;
  if (vectorsPtr != 0 && sizeof<T>() == 4) zPtr = workPtr + padded(<usize>n * sizeof<T>());

  const scale = scaleToSafeRange<T>(n, aPtr);
  tridiagonalize<T>(n, aPtr, dPtr, ePtr, tauPtr, workPtr);
  if (zPtr != 0) identity(n, zPtr);
  const status = tridiagonalQl(n, dPtr, ePtr, zPtr, <usize>n << 3);
  sortAscending(n, dPtr, zPtr, <usize>n << 3);
  if (zPtr != 0) {
    if (sizeof<T>() == 4) narrow<T>(n * n, zPtr, vectorsPtr);
    backTransform<T>(n, aPtr, tauPtr, vectorsPtr);
  }
  for (let i = 0; i < n; i++) {
    store<T>(valuesPtr + <usize>i * sizeof<T>(), <T>(load<f64>(dPtr + ((<usize>i) << 3)) / scale));
  }
  return status;
}

export function eighScratchBytes<T>(n: i32): usize {
  let bytes: usize = 2 * padded(<usize>n << 3) + 2 * padded(<usize>n * sizeof<T>());
  if (sizeof<T>() == 4) bytes += padded(<usize>n * <usize>n << 3);
  return bytes;
}

/**
 * Multiplies the lower triangle by a power of two when its largest entry leaves [2^−300, 2^300] (f32: [2^−10, 2^10]), so
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
  const safe = sizeof<T>() == 8 ? 300 : 10;
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

/** z [n, n] ← I. */
function identity(n: i32, zPtr: usize): void {
  memory.fill(zPtr, 0, <usize>n * <usize>n << 3);
  for (let i = 0; i < n; i++) store<f64>(zPtr + ((<usize>i * <usize>(n + 1)) << 3), 1);
}

/** out [n] ← z [n], rounded to T. */
function narrow<T>(n: i32, zPtr: usize, outPtr: usize): void {
  for (let i = 0; i < n; i++) store<T>(outPtr + <usize>i * sizeof<T>(), <T>load<f64>(zPtr + ((<usize>i) << 3)));
}

/** U ← U·Qᵀ = U·H(1)·H(2)·…·H(n−1): rows, eigenvectors of T, become eigenvectors of A. */
function backTransform<T>(n: i32, aPtr: usize, tauPtr: usize, uPtr: usize): void {
  const row = <usize>n * sizeof<T>();
  for (let i = 1; i < n; i++) {
    const tau = load<T>(tauPtr + <usize>i * sizeof<T>());
    if (tau == <T>0) continue;
    const v = aPtr + <usize>i * row;
    for (let r = 0; r < n; r++) {
      const u = uPtr + <usize>r * row;
      axpy<T>(i, -tau * dotContiguous<T>(i, u, v), v, u);
    }
  }
}

export function eighF64(n: i32, aPtr: usize, valuesPtr: usize, vectorsPtr: usize, scratchPtr: usize): i32 {
  return eigh<f64>(n, aPtr, valuesPtr, vectorsPtr, scratchPtr);
}
export function eighF32(n: i32, aPtr: usize, valuesPtr: usize, vectorsPtr: usize, scratchPtr: usize): i32 {
  return eigh<f32>(n, aPtr, valuesPtr, vectorsPtr, scratchPtr);
}
export function eighScratchBytesF64(n: i32): usize {
  return eighScratchBytes<f64>(n);
}
export function eighScratchBytesF32(n: i32): usize {
  return eighScratchBytes<f32>(n);
}
