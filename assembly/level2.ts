/**
 * @file Products of a matrix and a vector with contiguous rows (BLAS level 2), SIMD, generic in the element type.
 * Internal to this module. Orders of sums depend on extents alone.
 */

import { addLanes, axpy, dotContiguous, lanes } from "./level1";

/**
 * y [n] ← A·x; A [n, n] symmetric, lower triangle read, row stride `row` bytes. y is written, never read before.
 *
 * Four rows at a time: each loaded entry A[r, c] adds to y[r] (a dot product with x) and to y[c] (a multiple of the row).
 *
 *             c →
 *     r    |A A A A A A A|d
 *     r+1  |A A A A A A A|d d
 *     r+2  |A A A A A A A|d d d      the corner beside the diagonal is scalar
 *     r+3  |A A A A A A A|d d d d
 */
export function symvLower<T>(n: i32, aPtr: usize, row: usize, xPtr: usize, yPtr: usize): void {
  let r = 0;
  for (; r + 4 <= n; r += 4) symvFourRows<T>(r, aPtr + <usize>r * row, row, xPtr, yPtr);
  for (; r < n; r++) {
    const a = aPtr + <usize>r * row;
    const at = <usize>r * sizeof<T>();
    const x = load<T>(xPtr + at);
    store<T>(yPtr + at, dotContiguous<T>(r, a, xPtr) + load<T>(a + at) * x);
    axpy<T>(r, x, a, yPtr);
  }
}

function symvFourRows<T>(r: i32, a0: usize, row: usize, xPtr: usize, yPtr: usize): void {
  const corner = <usize>r * sizeof<T>();
  const x0 = load<T>(xPtr + corner), x1 = load<T>(xPtr + corner, sizeof<T>());
  const x2 = load<T>(xPtr + corner, 2 * sizeof<T>()), x3 = load<T>(xPtr + corner, 3 * sizeof<T>());
  const xx0 = v128.splat<T>(x0), xx1 = v128.splat<T>(x1), xx2 = v128.splat<T>(x2), xx3 = v128.splat<T>(x3);
  let a1 = a0 + row, a2 = a1 + row, a3 = a2 + row;
  let s0 = v128.splat<T>(<T>0), s1 = s0, s2 = s0, s3 = s0;
  let x = xPtr, y = yPtr;
  const vectorEnd = a0 + <usize>(r & ~(lanes<T>() - 1)) * sizeof<T>();
  while (a0 < vectorEnd) {
    const xc = v128.load(x);
    let yc = v128.load(y);
    const p0 = v128.load(a0);
    s0 = v128.add<T>(s0, v128.mul<T>(p0, xc));
    yc = v128.add<T>(yc, v128.mul<T>(p0, xx0));
    const p1 = v128.load(a1);
    s1 = v128.add<T>(s1, v128.mul<T>(p1, xc));
    yc = v128.add<T>(yc, v128.mul<T>(p1, xx1));
    const p2 = v128.load(a2);
    s2 = v128.add<T>(s2, v128.mul<T>(p2, xc));
    yc = v128.add<T>(yc, v128.mul<T>(p2, xx2));
    const p3 = v128.load(a3);
    s3 = v128.add<T>(s3, v128.mul<T>(p3, xc));
    yc = v128.add<T>(yc, v128.mul<T>(p3, xx3));
    v128.store(y, yc);
    a0 += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    x += 16;
    y += 16;
  }
  // r is a multiple of 4, hence of both lane counts: what is left is the 4 × 4 corner.
  const s = sizeof<T>();
  const d10 = load<T>(a1);
  const d20 = load<T>(a2), d21 = load<T>(a2 + s);
  const d30 = load<T>(a3), d31 = load<T>(a3 + s), d32 = load<T>(a3 + 2 * s);
  store<T>(y, addLanes<T>(s0) + load<T>(a0) * x0 + d10 * x1 + d20 * x2 + d30 * x3);
  store<T>(y + s, addLanes<T>(s1) + d10 * x0 + load<T>(a1 + s) * x1 + d21 * x2 + d31 * x3);
  store<T>(y + 2 * s, addLanes<T>(s2) + d20 * x0 + d21 * x1 + load<T>(a2 + 2 * s) * x2 + d32 * x3);
  store<T>(y + 3 * s, addLanes<T>(s3) + d30 * x0 + d31 * x1 + d32 * x2 + load<T>(a3 + 3 * s) * x3);
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
  let s0 = v128.splat<T>(<T>0), s1 = s0, s2 = s0, s3 = s0;
  const vectors = m & ~(lanes<T>() - 1);
  const vectorEnd = x0 + <usize>vectors * sizeof<T>();
  while (x0 < vectorEnd) {
    const vc = v128.load(v);
    s0 = v128.add<T>(s0, v128.mul<T>(v128.load(x0), vc));
    s1 = v128.add<T>(s1, v128.mul<T>(v128.load(x1), vc));
    s2 = v128.add<T>(s2, v128.mul<T>(v128.load(x2), vc));
    s3 = v128.add<T>(s3, v128.mul<T>(v128.load(x3), vc));
    x0 += 16;
    x1 += 16;
    x2 += 16;
    x3 += 16;
    v += 16;
  }
  let t0 = addLanes<T>(s0), t1 = addLanes<T>(s1), t2 = addLanes<T>(s2), t3 = addLanes<T>(s3);
  for (let i = vectors; i < m; i++) {
    const vi = load<T>(v);
    t0 += load<T>(x0) * vi;
    t1 += load<T>(x1) * vi;
    t2 += load<T>(x2) * vi;
    t3 += load<T>(x3) * vi;
    x0 += sizeof<T>();
    x1 += sizeof<T>();
    x2 += sizeof<T>();
    x3 += sizeof<T>();
    v += sizeof<T>();
  }
  store<T>(outPtr, t0);
  store<T>(outPtr, t1, sizeof<T>());
  store<T>(outPtr, t2, 2 * sizeof<T>());
  store<T>(outPtr, t3, 3 * sizeof<T>());
}

/** y [m] ← y − Xᵀ·c; X [count, m], row stride `row` bytes; c [count] with a stride of `step` bytes. */
export function subtractRows<T>(m: i32, count: i32, cPtr: usize, step: usize, xPtr: usize, row: usize, yPtr: usize): void {
  let p = 0;
  for (; p + 4 <= count; p += 4) {
    subtractFourRows<T>(m, cPtr, step, xPtr, row, yPtr);
    xPtr += 4 * row;
    cPtr += 4 * step;
  }
  for (; p < count; p++) {
    axpy<T>(m, -load<T>(cPtr), xPtr, yPtr);
    xPtr += row;
    cPtr += step;
  }
}

function subtractFourRows<T>(m: i32, cPtr: usize, step: usize, x0: usize, row: usize, y: usize): void {
  const c0 = load<T>(cPtr), c1 = load<T>(cPtr + step), c2 = load<T>(cPtr + 2 * step), c3 = load<T>(cPtr + 3 * step);
  const cc0 = v128.splat<T>(c0), cc1 = v128.splat<T>(c1), cc2 = v128.splat<T>(c2), cc3 = v128.splat<T>(c3);
  let x1 = x0 + row, x2 = x1 + row, x3 = x2 + row;
  const vectors = m & ~(lanes<T>() - 1);
  const vectorEnd = x0 + <usize>vectors * sizeof<T>();
  while (x0 < vectorEnd) {
    let yc = v128.load(y);
    yc = v128.sub<T>(yc, v128.mul<T>(cc0, v128.load(x0)));
    yc = v128.sub<T>(yc, v128.mul<T>(cc1, v128.load(x1)));
    yc = v128.sub<T>(yc, v128.mul<T>(cc2, v128.load(x2)));
    yc = v128.sub<T>(yc, v128.mul<T>(cc3, v128.load(x3)));
    v128.store(y, yc);
    x0 += 16;
    x1 += 16;
    x2 += 16;
    x3 += 16;
    y += 16;
  }
  for (let i = vectors; i < m; i++) {
    store<T>(y, load<T>(y) - c0 * load<T>(x0) - c1 * load<T>(x1) - c2 * load<T>(x2) - c3 * load<T>(x3));
    x0 += sizeof<T>();
    x1 += sizeof<T>();
    x2 += sizeof<T>();
    x3 += sizeof<T>();
    y += sizeof<T>();
  }
}
