/**
 * @file Microkernel of small products: a tile of C from operands that lie where they are, not packed.
 *
 *   C [4, V] ← A·B       V = two v128: 8 columns of f32, 4 of f64
 *
 *        a0 → | row 0 of A, along k …        four addresses, one per row;
 *        a1 → | row 1                        a row that C does not have repeats another's
 *        a2 → | row 2
 *        a3 → | row 3                        b: a step's V contiguous columns, `step` bytes after those of the step before
 *
 * k ≥ 1. The order of every sum is that of gemm-microkernel.ts, and so are the bits; the form is explained there. Four rows, since
 * each needs a register for its address, and small extents are multiples of 4 more often than of 5.
 */

import { plus } from "./multiply-add";

// @ts-ignore: decorator
@inline
function rowsMicrokernel<T>(k: i32, a0: usize, a1: usize, a2: usize, a3: usize, b: usize, step: usize, c: usize, rsc: usize): void {
  const zero = v128.splat<T>(<T>0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  let b0 = zero, b1 = zero, ai = zero;
  const end = a0 + <usize>k * sizeof<T>(), turns = end - <usize>(k & 3) * sizeof<T>();
  if (a0 < turns) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a3);
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a2);
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a1);
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a0);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    b += step;
    if (a0 == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a3, sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a2, sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a1, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a0, sizeof<T>());
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    b += step;
    if (a0 == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a3, 2 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a2, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a1, 2 * sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a0, 2 * sizeof<T>());
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    b += step;
    if (a0 == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a3, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a2, 3 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a1, 3 * sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a0, 3 * sizeof<T>());
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    b += step;
    if (a0 == 0) {
      v128.store(c, zero);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    a0 += 4 * sizeof<T>(), a1 += 4 * sizeof<T>(), a2 += 4 * sizeof<T>(), a3 += 4 * sizeof<T>();
    while (a0 < turns) {
      b0 = v128.load(b), b1 = v128.load(b, 16);
      ai = v128.load_splat<T>(a3);
      c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
      ai = v128.load_splat<T>(a2);
      c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
      ai = v128.load_splat<T>(a1);
      c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
      ai = v128.load_splat<T>(a0);
      c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
      b += step;
      if (a0 == 0) {
        v128.store(c, zero);
        c30 = c31 = v128.or(c30, c31);
        c20 = c21 = v128.or(c20, c21);
        c10 = c11 = v128.or(c10, c11);
        c00 = c01 = v128.or(c00, c01);
      }
      b0 = v128.load(b), b1 = v128.load(b, 16);
      ai = v128.load_splat<T>(a3, sizeof<T>());
      c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
      ai = v128.load_splat<T>(a2, sizeof<T>());
      c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
      ai = v128.load_splat<T>(a1, sizeof<T>());
      c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
      ai = v128.load_splat<T>(a0, sizeof<T>());
      c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
      b += step;
      if (a0 == 0) {
        v128.store(c, zero);
        c30 = c31 = v128.or(c30, c31);
        c20 = c21 = v128.or(c20, c21);
        c10 = c11 = v128.or(c10, c11);
        c00 = c01 = v128.or(c00, c01);
      }
      b0 = v128.load(b), b1 = v128.load(b, 16);
      ai = v128.load_splat<T>(a3, 2 * sizeof<T>());
      c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
      ai = v128.load_splat<T>(a2, 2 * sizeof<T>());
      c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
      ai = v128.load_splat<T>(a1, 2 * sizeof<T>());
      c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
      ai = v128.load_splat<T>(a0, 2 * sizeof<T>());
      c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
      b += step;
      if (a0 == 0) {
        v128.store(c, zero);
        c30 = c31 = v128.or(c30, c31);
        c20 = c21 = v128.or(c20, c21);
        c10 = c11 = v128.or(c10, c11);
        c00 = c01 = v128.or(c00, c01);
      }
      b0 = v128.load(b), b1 = v128.load(b, 16);
      ai = v128.load_splat<T>(a3, 3 * sizeof<T>());
      c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
      ai = v128.load_splat<T>(a2, 3 * sizeof<T>());
      c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
      ai = v128.load_splat<T>(a1, 3 * sizeof<T>());
      c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
      ai = v128.load_splat<T>(a0, 3 * sizeof<T>());
      c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
      b += step;
      if (a0 == 0) {
        v128.store(c, zero);
        c30 = c31 = v128.or(c30, c31);
        c20 = c21 = v128.or(c20, c21);
        c10 = c11 = v128.or(c10, c11);
        c00 = c01 = v128.or(c00, c01);
      }
      a0 += 4 * sizeof<T>(), a1 += 4 * sizeof<T>(), a2 += 4 * sizeof<T>(), a3 += 4 * sizeof<T>();
    }
  }
  while (a0 < end) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a3);
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a2);
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a1);
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a0);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    b += step;
    a0 += sizeof<T>(), a1 += sizeof<T>(), a2 += sizeof<T>(), a3 += sizeof<T>();
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += rsc;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += rsc;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += rsc;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

// @ts-ignore: decorator
@inline
function stridedMicrokernel<T>(
  k: i32, a0: usize, a1: usize, a2: usize, a3: usize, stepA: usize, b: usize, step: usize, c: usize, rsc: usize,
): void {
  const zero = v128.splat<T>(<T>0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  let b0 = zero, b1 = zero, ai = zero;
  b0 = v128.load(b), b1 = v128.load(b, 16);
  ai = v128.load_splat<T>(a0);
  c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
  ai = v128.load_splat<T>(a1);
  c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
  ai = v128.load_splat<T>(a2);
  c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
  ai = v128.load_splat<T>(a3);
  c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
  b += step;
  a0 += stepA, a1 += stepA, a2 += stepA, a3 += stepA;
  while (--k > 0) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    ai = v128.load_splat<T>(a0);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    ai = v128.load_splat<T>(a1);
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a2);
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a3);
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    b += step;
    a0 += stepA, a1 += stepA, a2 += stepA, a3 += stepA;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += rsc;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += rsc;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += rsc;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

/** Rows of A contiguous along k. */
export function rowsMicrokernelF64(k: i32, a0: usize, a1: usize, a2: usize, a3: usize, b: usize, step: usize, c: usize, rsc: usize): void {
  rowsMicrokernel<f64>(k, a0, a1, a2, a3, b, step, c, rsc);
}

export function rowsMicrokernelF32(k: i32, a0: usize, a1: usize, a2: usize, a3: usize, b: usize, step: usize, c: usize, rsc: usize): void {
  rowsMicrokernel<f32>(k, a0, a1, a2, a3, b, step, c, rsc);
}

/** Rows of A whose elements are `stepA` bytes apart. */
export function stridedMicrokernelF64(
  k: i32, a0: usize, a1: usize, a2: usize, a3: usize, stepA: usize, b: usize, step: usize, c: usize, rsc: usize,
): void {
  stridedMicrokernel<f64>(k, a0, a1, a2, a3, stepA, b, step, c, rsc);
}

export function stridedMicrokernelF32(
  k: i32, a0: usize, a1: usize, a2: usize, a3: usize, stepA: usize, b: usize, step: usize, c: usize, rsc: usize,
): void {
  stridedMicrokernel<f32>(k, a0, a1, a2, a3, stepA, b, step, c, rsc);
}
