/**
 * @file Operations on contiguous vectors (BLAS level 1), SIMD, generic in the element type. Internal to this module.
 *
 * The order of every sum depends on the length alone: four vector accumulators over whole strides of four vectors, then
 * single vectors, then scalars; lanes are added from the first to the last.
 */

import { plus } from "./multiply-add";

/** Elements in one 16-byte vector. */
// @ts-ignore: decorator
@inline
export function lanes<T>(): i32 {
  return 16 / sizeof<T>();
}

/** Sum of the lanes, first to last. */
// @ts-ignore: decorator
@inline
export function addLanes<T>(v: v128): T {
  if (sizeof<T>() == 8) return v128.extract_lane<T>(v, 0) + v128.extract_lane<T>(v, 1);
  return v128.extract_lane<T>(v, 0) + v128.extract_lane<T>(v, 1) + v128.extract_lane<T>(v, 2) + v128.extract_lane<T>(v, 3);
}

/** Σ x[i]·y[i]. */
export function dotContiguous<T>(n: i32, xPtr: usize, yPtr: usize): T {
  let s0 = v128.splat<T>(<T>0), s1 = s0, s2 = s0, s3 = s0;
  let i = 0;
  for (; i + 4 * lanes<T>() <= n; i += 4 * lanes<T>()) {
    s0 = plus<T>(s0, v128.load(xPtr), v128.load(yPtr));
    s1 = plus<T>(s1, v128.load(xPtr, 16), v128.load(yPtr, 16));
    s2 = plus<T>(s2, v128.load(xPtr, 32), v128.load(yPtr, 32));
    s3 = plus<T>(s3, v128.load(xPtr, 48), v128.load(yPtr, 48));
    xPtr += 64;
    yPtr += 64;
  }
  s0 = v128.add<T>(v128.add<T>(s0, s1), v128.add<T>(s2, s3));
  for (; i + lanes<T>() <= n; i += lanes<T>()) {
    s0 = plus<T>(s0, v128.load(xPtr), v128.load(yPtr));
    xPtr += 16;
    yPtr += 16;
  }
  let sum = addLanes<T>(s0);
  for (; i < n; i++) {
    sum += load<T>(xPtr) * load<T>(yPtr);
    xPtr += sizeof<T>();
    yPtr += sizeof<T>();
  }
  return sum;
}

/** y ← y + alpha·x. */
export function axpy<T>(n: i32, alpha: T, xPtr: usize, yPtr: usize): void {
  const a = v128.splat<T>(alpha);
  let i = 0;
  for (; i + 2 * lanes<T>() <= n; i += 2 * lanes<T>()) {
    v128.store(yPtr, plus<T>(v128.load(yPtr), a, v128.load(xPtr)));
    v128.store(yPtr, plus<T>(v128.load(yPtr, 16), a, v128.load(xPtr, 16)), 16);
    xPtr += 32;
    yPtr += 32;
  }
  for (; i < n; i++) {
    store<T>(yPtr, load<T>(yPtr) + alpha * load<T>(xPtr));
    xPtr += sizeof<T>();
    yPtr += sizeof<T>();
  }
}

/** x ← alpha·x. */
export function scaleContiguous<T>(n: i32, alpha: T, xPtr: usize): void {
  const a = v128.splat<T>(alpha);
  let i = 0;
  for (; i + lanes<T>() <= n; i += lanes<T>()) {
    v128.store(xPtr, v128.mul<T>(a, v128.load(xPtr)));
    xPtr += 16;
  }
  for (; i < n; i++) {
    store<T>(xPtr, alpha * load<T>(xPtr));
    xPtr += sizeof<T>();
  }
}

/** The plane rotation (x, y) ← (c·x + s·y, c·y − s·x). */
export function rotate<T>(n: i32, xPtr: usize, yPtr: usize, c: T, s: T): void {
  const cc = v128.splat<T>(c), ss = v128.splat<T>(s);
  let i = 0;
  for (; i + lanes<T>() <= n; i += lanes<T>()) {
    const x = v128.load(xPtr), y = v128.load(yPtr);
    v128.store(xPtr, v128.add<T>(v128.mul<T>(cc, x), v128.mul<T>(ss, y)));
    v128.store(yPtr, v128.sub<T>(v128.mul<T>(cc, y), v128.mul<T>(ss, x)));
    xPtr += 16;
    yPtr += 16;
  }
  for (; i < n; i++) {
    const x = load<T>(xPtr), y = load<T>(yPtr);
    store<T>(xPtr, c * x + s * y);
    store<T>(yPtr, c * y - s * x);
    xPtr += sizeof<T>();
    yPtr += sizeof<T>();
  }
}

/** Exchanges two vectors that do not overlap. */
export function exchange<T>(n: i32, xPtr: usize, yPtr: usize): void {
  for (let i = 0; i < n; i++) {
    const x = load<T>(xPtr);
    store<T>(xPtr, load<T>(yPtr));
    store<T>(yPtr, x);
    xPtr += sizeof<T>();
    yPtr += sizeof<T>();
  }
}
