/**
 * @file Products of a matrix and a vector with contiguous rows (BLAS level 2), SIMD, generic in the element type.
 * Internal to this module. Orders of sums depend on extents alone.
 */

import { addLanes, axpy, dotContiguous, lanes } from "./level1";
import { plus } from "./multiply-add";

/**
 * y [n] ← A·x; A [n, n] symmetric, lower triangle read, row stride `row` bytes.
 *
 * Four rows at a time: each loaded entry A[r, c] adds to y[r] (a dot product with x) and to y[c] (a multiple of the row).
 *
 *             c →
 *     r    |A A A A A A A|d
 *     r+1  |A A A A A A A|d d
 *     r+2  |A A A A A A A|d d d      the corner beside the diagonal is scalar
 *     r+3  |A A A A A A A|d d d d
 *
 * From the first row for even n, from the last for odd: of an A that shrinks by a row each time, what was read last is still in the cache.
 */
export function symvLower<T>(n: i32, aPtr: usize, row: usize, xPtr: usize, yPtr: usize): void {
  memory.fill(yPtr, 0, <usize>n * sizeof<T>());
  const whole = n & ~3, backward = n & 1;
  for (let pass = 0; pass < 2; pass++) {
    if (pass == backward) {
      const step = backward ? -4 : 4;
      for (let r = backward ? whole - 4 : 0; r >= 0 && r < whole; r += step) symvFourRows<T>(r, aPtr + <usize>r * row, row, xPtr, yPtr);
    } else {
      for (let r = whole; r < n; r++) symvRow<T>(r, aPtr + <usize>r * row, xPtr, yPtr);
    }
  }
}

// @ts-ignore: decorator
@inline
function symvRow<T>(r: i32, a: usize, xPtr: usize, yPtr: usize): void {
  const at = <usize>r * sizeof<T>();
  const x = load<T>(xPtr + at);
  store<T>(yPtr + at, load<T>(yPtr + at) + dotContiguous<T>(r, a, xPtr) + load<T>(a + at) * x);
  axpy<T>(r, x, a, yPtr);
}

/**
 * Two vectors of four rows a turn, a branch behind each for the schedule of V8 (gemm-microkernel.ts): without it, what the sums need of
 * the first vector stays in registers to the end, and V8 spills. The splats are loads, since it makes others anew in every turn.
 */
function symvFourRows<T>(r: i32, a0: usize, row: usize, xPtr: usize, yPtr: usize): void {
  const corner = <usize>r * sizeof<T>();
  const x0 = load<T>(xPtr + corner), x1 = load<T>(xPtr + corner, sizeof<T>());
  const x2 = load<T>(xPtr + corner, 2 * sizeof<T>()), x3 = load<T>(xPtr + corner, 3 * sizeof<T>());
  const xx0 = v128.load_splat<T>(xPtr + corner), xx1 = v128.load_splat<T>(xPtr + corner, sizeof<T>());
  const xx2 = v128.load_splat<T>(xPtr + corner, 2 * sizeof<T>()), xx3 = v128.load_splat<T>(xPtr + corner, 3 * sizeof<T>());
  let a1 = a0 + row, a2 = a1 + row, a3 = a2 + row;
  const zero = v128.splat<T>(<T>0);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  let x = xPtr, y = yPtr;
  const pairEnd = a0 + <usize>(r & ~(2 * lanes<T>() - 1)) * sizeof<T>();
  while (a0 < pairEnd) {
    let xc = zero, yc = zero, p = zero;
    xc = v128.load(x), yc = v128.load(y);
    p = v128.load(a0);
    yc = plus<T>(yc, p, xx0), s0 = plus<T>(s0, p, xc);
    p = v128.load(a1);
    yc = plus<T>(yc, p, xx1), s1 = plus<T>(s1, p, xc);
    p = v128.load(a2);
    yc = plus<T>(yc, p, xx2), s2 = plus<T>(s2, p, xc);
    p = v128.load(a3);
    yc = plus<T>(yc, p, xx3), s3 = plus<T>(s3, p, xc);
    v128.store(y, yc);
    if (x == 0) {
      v128.store(y, xx0);
      s2 = s3 = v128.or(s2, s3);
      s0 = s1 = v128.or(s0, s1);
    }
    x += 16;
    xc = v128.load(x), yc = v128.load(y, 16);
    p = v128.load(a0, 16);
    yc = plus<T>(yc, p, xx0), s0 = plus<T>(s0, p, xc);
    p = v128.load(a1, 16);
    yc = plus<T>(yc, p, xx1), s1 = plus<T>(s1, p, xc);
    p = v128.load(a2, 16);
    yc = plus<T>(yc, p, xx2), s2 = plus<T>(s2, p, xc);
    p = v128.load(a3, 16);
    yc = plus<T>(yc, p, xx3), s3 = plus<T>(s3, p, xc);
    v128.store(y, yc, 16);
    if (x == 0) {
      v128.store(y, xx0);
      s2 = s3 = v128.or(s2, s3);
      s0 = s1 = v128.or(s0, s1);
    }
    a0 += 32, a1 += 32, a2 += 32, a3 += 32;
    x += 16;
    y += 32;
  }
  if (sizeof<T>() == 4 && (r & 4) != 0) {
    const xc = v128.load(x);
    let yc = v128.load(y);
    let p = v128.load(a0);
    yc = plus<T>(yc, p, xx0);
    s0 = plus<T>(s0, p, xc);
    p = v128.load(a1);
    yc = plus<T>(yc, p, xx1);
    s1 = plus<T>(s1, p, xc);
    p = v128.load(a2);
    yc = plus<T>(yc, p, xx2);
    s2 = plus<T>(s2, p, xc);
    p = v128.load(a3);
    yc = plus<T>(yc, p, xx3);
    s3 = plus<T>(s3, p, xc);
    v128.store(y, yc);
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    y += 16;
  }
  // r is a multiple of 4, hence of both lane counts: what is left is the 4 × 4 corner.
  const s = sizeof<T>();
  const d10 = load<T>(a1);
  const d20 = load<T>(a2), d21 = load<T>(a2 + s);
  const d30 = load<T>(a3), d31 = load<T>(a3 + s), d32 = load<T>(a3 + 2 * s);
  store<T>(y, load<T>(y) + addLanes<T>(s0) + load<T>(a0) * x0 + d10 * x1 + d20 * x2 + d30 * x3);
  store<T>(y + s, load<T>(y + s) + addLanes<T>(s1) + d10 * x0 + load<T>(a1 + s) * x1 + d21 * x2 + d31 * x3);
  store<T>(y + 2 * s, load<T>(y + 2 * s) + addLanes<T>(s2) + d20 * x0 + d21 * x1 + load<T>(a2 + 2 * s) * x2 + d32 * x3);
  store<T>(y + 3 * s, load<T>(y + 3 * s) + addLanes<T>(s3) + d30 * x0 + d31 * x1 + d32 * x2 + load<T>(a3 + 3 * s) * x3);
}

/** out [count] ← X·v; X [count, m], row stride `row` bytes. */
export function dotRows<T>(m: i32, count: i32, xPtr: usize, row: usize, vPtr: usize, outPtr: usize): void {
  let p = 0;
  for (; p + 4 <= count; p += 4) {
    dotFourRows<T>(m, xPtr, row, vPtr, outPtr);
    xPtr += 4 * row;
    outPtr += 4 * sizeof<T>();
  }
  for (; p < count; p++) {
    store<T>(outPtr, dotContiguous<T>(m, xPtr, vPtr));
    xPtr += row;
    outPtr += sizeof<T>();
  }
}

function dotFourRows<T>(m: i32, x0: usize, row: usize, v: usize, outPtr: usize): void {
  let x1 = x0 + row, x2 = x1 + row, x3 = x2 + row;
  const zero = v128.splat<T>(<T>0);
  let s0 = zero, t0 = zero, s1 = zero, t1 = zero, s2 = zero, t2 = zero, s3 = zero, t3 = zero;
  let vs = zero, vt = zero;
  const pairs = m & ~(2 * lanes<T>() - 1);
  const pairEnd = x0 + <usize>pairs * sizeof<T>();
  while (x0 < pairEnd) {
    vs = v128.load(v), vt = v128.load(v, 16);
    s3 = plus<T>(s3, v128.load(x3), vs), t3 = plus<T>(t3, v128.load(x3, 16), vt);
    s2 = plus<T>(s2, v128.load(x2), vs), t2 = plus<T>(t2, v128.load(x2, 16), vt);
    s1 = plus<T>(s1, v128.load(x1), vs), t1 = plus<T>(t1, v128.load(x1, 16), vt);
    s0 = plus<T>(s0, v128.load(x0), vs), t0 = plus<T>(t0, v128.load(x0, 16), vt);
    if (v == 0) {
      v128.store(outPtr, zero);
      s3 = t3 = v128.or(s3, t3);
      s2 = t2 = v128.or(s2, t2);
      s1 = t1 = v128.or(s1, t1);
      s0 = t0 = v128.or(s0, t0);
    }
    x0 += 32, x1 += 32, x2 += 32, x3 += 32;
    v += 32;
  }
  let d0 = addLanes<T>(v128.add<T>(s0, t0)), d1 = addLanes<T>(v128.add<T>(s1, t1));
  let d2 = addLanes<T>(v128.add<T>(s2, t2)), d3 = addLanes<T>(v128.add<T>(s3, t3));
  for (let i = pairs; i < m; i++) {
    const vi = load<T>(v);
    d0 += load<T>(x0) * vi;
    d1 += load<T>(x1) * vi;
    d2 += load<T>(x2) * vi;
    d3 += load<T>(x3) * vi;
    x0 += sizeof<T>();
    x1 += sizeof<T>();
    x2 += sizeof<T>();
    x3 += sizeof<T>();
    v += sizeof<T>();
  }
  store<T>(outPtr, d0);
  store<T>(outPtr, d1, sizeof<T>());
  store<T>(outPtr, d2, 2 * sizeof<T>());
  store<T>(outPtr, d3, 3 * sizeof<T>());
}

/** y [m] ← y + Xᵀ·c; X [count, m], row stride `row` bytes; c [count] with a stride of `step` bytes. */
export function addRows<T>(m: i32, count: i32, cPtr: usize, step: usize, xPtr: usize, row: usize, yPtr: usize): void {
  let p = 0;
  for (; p + 4 <= count; p += 4) {
    addFourRows<T>(m, cPtr, step, xPtr, row, yPtr);
    xPtr += 4 * row;
    cPtr += 4 * step;
  }
  for (; p < count; p++) {
    axpy<T>(m, load<T>(cPtr), xPtr, yPtr);
    xPtr += row;
    cPtr += step;
  }
}

function addFourRows<T>(m: i32, cPtr: usize, step: usize, x0: usize, row: usize, y: usize): void {
  const c0 = load<T>(cPtr), c1 = load<T>(cPtr + step), c2 = load<T>(cPtr + 2 * step), c3 = load<T>(cPtr + 3 * step);
  const cc0 = v128.load_splat<T>(cPtr), cc1 = v128.load_splat<T>(cPtr + step), cc2 = v128.load_splat<T>(cPtr + 2 * step), cc3 = v128.load_splat<T>(cPtr + 3 * step);
  let x1 = x0 + row, x2 = x1 + row, x3 = x2 + row;
  const pairs = m & ~(2 * lanes<T>() - 1);
  const pairEnd = x0 + <usize>pairs * sizeof<T>();
  while (x0 < pairEnd) {
    let ys = v128.load(y), yt = v128.load(y, 16);
    ys = plus<T>(ys, cc0, v128.load(x0));
    yt = plus<T>(yt, cc0, v128.load(x0, 16));
    ys = plus<T>(ys, cc1, v128.load(x1));
    yt = plus<T>(yt, cc1, v128.load(x1, 16));
    ys = plus<T>(ys, cc2, v128.load(x2));
    yt = plus<T>(yt, cc2, v128.load(x2, 16));
    ys = plus<T>(ys, cc3, v128.load(x3));
    yt = plus<T>(yt, cc3, v128.load(x3, 16));
    v128.store(y, ys);
    v128.store(y, yt, 16);
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    y += 32;
  }
  for (let i = pairs; i < m; i++) {
    store<T>(y, load<T>(y) + c0 * load<T>(x0) + c1 * load<T>(x1) + c2 * load<T>(x2) + c3 * load<T>(x3));
    x0 += sizeof<T>();
    x1 += sizeof<T>();
    x2 += sizeof<T>();
    x3 += sizeof<T>();
    y += sizeof<T>();
  }
}

/** z [m] ← z + a·x + b·y. */
export function addTwo<T>(m: i32, a: T, x: usize, b: T, y: usize, z: usize): void {
  const aa = v128.splat<T>(a), bb = v128.splat<T>(b);
  const pairs = m & ~(2 * lanes<T>() - 1);
  const pairEnd = z + <usize>pairs * sizeof<T>();
  while (z < pairEnd) {
    let zs = v128.load(z), zt = v128.load(z, 16);
    zs = plus<T>(zs, aa, v128.load(x));
    zt = plus<T>(zt, aa, v128.load(x, 16));
    zs = plus<T>(zs, bb, v128.load(y));
    zt = plus<T>(zt, bb, v128.load(y, 16));
    v128.store(z, zs);
    v128.store(z, zt, 16);
    x += 32;
    y += 32;
    z += 32;
  }
  for (let i = pairs; i < m; i++) {
    store<T>(z, load<T>(z) + a * load<T>(x) + b * load<T>(y));
    x += sizeof<T>();
    y += sizeof<T>();
    z += sizeof<T>();
  }
}
