/**
 * @file The stages of the symmetric eigendecomposition A = V·diag(λ)·Vᵀ as routines; src/linalg/eigh-stages.ts puts them together.
 *
 *   tridiagonalize      A = Q·T·Qᵀ, scaled     4/3·n³ flops      A holds the reflectors of Q afterwards
 *   tridiagonalEigen    T = Z·diag(λ)·Zᵀ       ≤ 4/3·n³          0.55·n³ at n = 1024; in f64 for both element types; vectors are rows
 *   backTransform       Zᵀ ← Zᵀ·Qᵀ             2·n²·rows         rows are independent: any split gives the same bits
 */

import { backTransform, backTransformScratchBytes } from "./back-transform";
import { divideAndConquer, divideAndConquerScratchBytes } from "./divide-and-conquer";
import { tridiagonalize, tridiagonalizeScratchBytes } from "./tridiagonalize";
import { sortAscending, tridiagonalValues } from "./tridiagonal-ql";

/**
 * Multiplies the lower triangle by a power of two when its largest entry leaves [2^−100, 2^100] (f32: [2^−10, 2^10]), so
 * that no square over- or underflows. Returns the factor, 1 when nothing was done. Exact but for entries that underflow,
 * which are far below one rounding error of the largest.
 */
function scaleToSafeRange<T>(n: i32, aPtr: usize, rsa: i32): f64 {
  let largest: f64 = 0;
  for (let r = 0; r < n; r++) {
    const rowPtr = aPtr + <usize>r * <usize>rsa * sizeof<T>();
    for (let c = 0; c <= r; c++) largest = max<f64>(largest, abs<f64>(<f64>load<T>(rowPtr + <usize>c * sizeof<T>())));
  }
  const exponent = <i32>(reinterpret<u64>(largest) >> 52) - 1023;
  const safe = sizeof<T>() == 8 ? 100 : 10;
  if (largest == 0 || (exponent >= -safe && exponent < safe)) return 1;
  const power = min<i32>(max<i32>(-exponent, -1000), 1000);
  const factor = reinterpret<f64>(<u64>(power + 1023) << 52);
  for (let r = 0; r < n; r++) {
    const rowPtr = aPtr + <usize>r * <usize>rsa * sizeof<T>();
    for (let c = 0; c <= r; c++) {
      const entry = rowPtr + <usize>c * sizeof<T>();
      store<T>(entry, <T>(<f64>load<T>(entry) * factor));
    }
  }
  return factor;
}


/** See src/wasm/abi.ts. */
function scaledTridiagonalize<T>(n: i32, aPtr: usize, rsa: i32, dPtr: usize, ePtr: usize, tauPtr: usize, scratchPtr: usize): f64 {
  const scale = scaleToSafeRange<T>(n, aPtr, rsa);
  tridiagonalize<T>(n, aPtr, rsa, dPtr, ePtr, tauPtr, scratchPtr);
  return scale;
}

/** See src/wasm/abi.ts. */
function tridiagonalEigen<T>(n: i32, dPtr: usize, ePtr: usize, zPtr: usize, first: i32, last: i32, scratchPtr: usize): i32 {
  if (zPtr == 0) {
    const status = tridiagonalValues(n, dPtr, ePtr);
    sortAscending(n, dPtr, 0, 0);
    return status;
  }
  const status = divideAndConquer(n, dPtr, ePtr, zPtr, first, last, scratchPtr);
  if (sizeof<T>() == 4) narrow<T>(<usize>(last - first) * <usize>n, zPtr);
  return status;
}

/** z [count] f64 → T, in place. */
function narrow<T>(count: usize, zPtr: usize): void {
  for (let i: usize = 0; i < count; i++) store<T>(zPtr + i * sizeof<T>(), <T>load<f64>(zPtr + (i << 3)));
}

export function tridiagonalizeF64(n: i32, aPtr: usize, rsa: i32, dPtr: usize, ePtr: usize, tauPtr: usize, scratchPtr: usize): f64 {
  return scaledTridiagonalize<f64>(n, aPtr, rsa, dPtr, ePtr, tauPtr, scratchPtr);
}
export function tridiagonalizeF32(n: i32, aPtr: usize, rsa: i32, dPtr: usize, ePtr: usize, tauPtr: usize, scratchPtr: usize): f64 {
  return scaledTridiagonalize<f32>(n, aPtr, rsa, dPtr, ePtr, tauPtr, scratchPtr);
}
export function tridiagonalizeScratchBytesF64(n: i32): usize {
  return tridiagonalizeScratchBytes<f64>(n);
}
export function tridiagonalizeScratchBytesF32(n: i32): usize {
  return tridiagonalizeScratchBytes<f32>(n);
}
export function tridiagonalEigenF64(n: i32, dPtr: usize, ePtr: usize, zPtr: usize, first: i32, last: i32, scratchPtr: usize): i32 {
  return tridiagonalEigen<f64>(n, dPtr, ePtr, zPtr, first, last, scratchPtr);
}
export function tridiagonalEigenF32(n: i32, dPtr: usize, ePtr: usize, zPtr: usize, first: i32, last: i32, scratchPtr: usize): i32 {
  return tridiagonalEigen<f32>(n, dPtr, ePtr, zPtr, first, last, scratchPtr);
}
export function tridiagonalEigenScratchBytesF64(n: i32): usize {
  return divideAndConquerScratchBytes(n);
}
export function tridiagonalEigenScratchBytesF32(n: i32): usize {
  return divideAndConquerScratchBytes(n);
}
export function backTransformF64(
  n: i32, rows: i32, aPtr: usize, rsa: i32, tauPtr: usize, uPtr: usize, outPtr: usize, rsOut: i32, scratchPtr: usize,
): void {
  backTransform<f64>(n, rows, aPtr, rsa, tauPtr, uPtr, outPtr, rsOut, scratchPtr);
}
export function backTransformF32(
  n: i32, rows: i32, aPtr: usize, rsa: i32, tauPtr: usize, uPtr: usize, outPtr: usize, rsOut: i32, scratchPtr: usize,
): void {
  backTransform<f32>(n, rows, aPtr, rsa, tauPtr, uPtr, outPtr, rsOut, scratchPtr);
}
export function backTransformScratchBytesF64(n: i32, rows: i32): usize {
  return backTransformScratchBytes<f64>(n, rows);
}
export function backTransformScratchBytesF32(n: i32, rows: i32): usize {
  return backTransformScratchBytes<f32>(n, rows);
}
