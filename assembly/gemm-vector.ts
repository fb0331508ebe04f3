/**
 * @file Matrix times vector in gemm's order of summation: y ← alpha·A·x + beta·y without packing A.
 *
 *   A [m, k] strides rs, cs; x stride incx; y stride incy (elements). Per block of KC the sums of a strip of 8 rows stay in
 *   registers; A is read once:
 *
 *     rows contiguous in k     a cache line of each row at a time, transposed in registers
 *     columns contiguous       a step of the strip is 8 contiguous elements
 *     other strides            row by row
 *
 * The last strip is moved back over the one before it; only its new rows are written.
 */

import { plus, plusOne } from "./multiply-add";

/** Rows of a strip. */
export const STRIP: i32 = 8;

/** One block of k: y ← alpha·P + beta·y with P = Σ over the block's k. `sums` holds a strip's P. */
export function multiplyVectorBlock<T>(
  m: i32, k: i32, alpha: T, a: usize, rs: i32, cs: i32, x: usize, incx: i32, beta: T, y: usize, incy: i32, sums: usize,
): void {
  const rsBytes = <usize>rs * sizeof<T>(), csBytes = <usize>cs * sizeof<T>();
  const stepX = <usize>incx * sizeof<T>(), stepY = <usize>incy * sizeof<T>();
  const vectorized = m >= STRIP && (cs == 1 || rs == 1);
  let i = 0;
  while (i < m) {
    const first = vectorized ? min(i, m - STRIP) : i;
    const end = vectorized ? first + STRIP : i + 1;
    const rows = a + <usize>first * rsBytes;
    if (!vectorized) store<T>(sums, sumRow<T>(k, rows, csBytes, x, stepX));
    else if (cs == 1) sumContiguousRows<T>(k, rows, rsBytes, x, stepX, sums);
    else sumContiguousColumns<T>(k, rows, csBytes, x, stepX, sums);
    for (; i < end; i++) {
      const at = y + <usize>i * stepY;
      let value = alpha * load<T>(sums + <usize>(i - first) * sizeof<T>());
      if (beta != <T>0) value += beta * load<T>(at);
      store<T>(at, value);
    }
  }
}

function sumRow<T>(k: i32, a: usize, csBytes: usize, x: usize, stepX: usize): T {
  let sum: T = <T>0;
  for (let l = 0; l < k; l++) {
    sum = plusOne<T>(sum, load<T>(a), load<T>(x));
    a += csBytes;
    x += stepX;
  }
  return sum;
}

function sumContiguousColumns<T>(k: i32, a: usize, csBytes: usize, x: usize, stepX: usize, sums: usize): void {
  let s0 = v128.splat<T>(<T>0), s1 = s0, s2 = s0, s3 = s0;
  for (let l = 0; l < k; l++) {
    const xl = v128.load_splat<T>(x);
    s0 = plus<T>(s0, v128.load(a), xl);
    s1 = plus<T>(s1, v128.load(a, 16), xl);
    if (sizeof<T>() == 8) {
      s2 = plus<T>(s2, v128.load(a, 32), xl);
      s3 = plus<T>(s3, v128.load(a, 48), xl);
    }
    a += csBytes;
    x += stepX;
  }
  storeSums<T>(sums, s0, s1, s2, s3);
}

/**
 * Two (f64) or four (f32) rows take a cache line's worth of steps before the next ones: rows a power of two apart fall into
 * the same cache set, and eight of them at once would evict each other.
 */
function sumContiguousRows<T>(k: i32, a: usize, rsBytes: usize, x: usize, stepX: usize, sums: usize): void {
  let s0 = v128.splat<T>(<T>0), s1 = s0, s2 = s0, s3 = s0;
  const steps = 64 / sizeof<T>();
  const rest = k % steps;
  for (const end = a + <usize>(k - rest) * sizeof<T>(); a < end; a += 64) {
    const b = a + 4 * rsBytes;
    if (sizeof<T>() == 8) {
      s0 = addTwoRows<T>(s0, a, a + rsBytes, x, stepX);
      s1 = addTwoRows<T>(s1, a + 2 * rsBytes, a + 3 * rsBytes, x, stepX);
      s2 = addTwoRows<T>(s2, b, b + rsBytes, x, stepX);
      s3 = addTwoRows<T>(s3, b + 2 * rsBytes, b + 3 * rsBytes, x, stepX);
    } else {
      s0 = addFourRows<T>(s0, a, a + rsBytes, a + 2 * rsBytes, a + 3 * rsBytes, x, stepX);
      s1 = addFourRows<T>(s1, b, b + rsBytes, b + 2 * rsBytes, b + 3 * rsBytes, x, stepX);
    }
    x += <usize>steps * stepX;
  }
  storeSums<T>(sums, s0, s1, s2, s3);
  for (let l = 0; l < rest; l++) {
    for (let i = 0; i < STRIP; i++) {
      const at = sums + <usize>i * sizeof<T>();
      store<T>(at, plusOne<T>(load<T>(at), load<T>(a + <usize>i * rsBytes), load<T>(x)));
    }
    a += sizeof<T>();
    x += stepX;
  }
}

/** Eight steps of two rows of f64. */
// @ts-ignore: decorator
@inline
function addTwoRows<T>(sum: v128, a: usize, b: usize, x: usize, stepX: usize): v128 {
  sum = addPairSteps<T>(sum, v128.load(a), v128.load(b), x, stepX);
  sum = addPairSteps<T>(sum, v128.load(a, 16), v128.load(b, 16), x + 2 * stepX, stepX);
  sum = addPairSteps<T>(sum, v128.load(a, 32), v128.load(b, 32), x + 4 * stepX, stepX);
  return addPairSteps<T>(sum, v128.load(a, 48), v128.load(b, 48), x + 6 * stepX, stepX);
}

// @ts-ignore: decorator
@inline
function addPairSteps<T>(sum: v128, r0: v128, r1: v128, x: usize, stepX: usize): v128 {
  sum = plus<T>(sum, v128.shuffle<i64>(r0, r1, 0, 2), v128.load_splat<T>(x));
  return plus<T>(sum, v128.shuffle<i64>(r0, r1, 1, 3), v128.load_splat<T>(x + stepX));
}

/** Sixteen steps of four rows of f32. */
// @ts-ignore: decorator
@inline
function addFourRows<T>(sum: v128, a: usize, b: usize, c: usize, d: usize, x: usize, stepX: usize): v128 {
  sum = addQuadSteps<T>(sum, v128.load(a), v128.load(b), v128.load(c), v128.load(d), x, stepX);
  sum = addQuadSteps<T>(sum, v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16), x + 4 * stepX, stepX);
  sum = addQuadSteps<T>(sum, v128.load(a, 32), v128.load(b, 32), v128.load(c, 32), v128.load(d, 32), x + 8 * stepX, stepX);
  return addQuadSteps<T>(sum, v128.load(a, 48), v128.load(b, 48), v128.load(c, 48), v128.load(d, 48), x + 12 * stepX, stepX);
}

// @ts-ignore: decorator
@inline
function addQuadSteps<T>(sum: v128, r0: v128, r1: v128, r2: v128, r3: v128, x: usize, stepX: usize): v128 {
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  sum = plus<T>(sum, v128.shuffle<i64>(low01, low23, 0, 2), v128.load_splat<T>(x));
  sum = plus<T>(sum, v128.shuffle<i64>(low01, low23, 1, 3), v128.load_splat<T>(x + stepX));
  sum = plus<T>(sum, v128.shuffle<i64>(high01, high23, 0, 2), v128.load_splat<T>(x + 2 * stepX));
  return plus<T>(sum, v128.shuffle<i64>(high01, high23, 1, 3), v128.load_splat<T>(x + 3 * stepX));
}

// @ts-ignore: decorator
@inline
function storeSums<T>(sums: usize, s0: v128, s1: v128, s2: v128, s3: v128): void {
  v128.store(sums, s0);
  v128.store(sums, s1, 16);
  if (sizeof<T>() == 8) {
    v128.store(sums, s2, 32);
    v128.store(sums, s3, 48);
  }
}
