/**
 * @file The microkernel of a product whose lanes are rows of the left operand, so that terms and columns may be left out: a tile of
 * three vectors of rows and three columns.
 *
 *   X[column, :] ← X[column, :] + Σ over steps of D[step, :]·K[column, step]
 *
 *   a step of D: its three vectors, then the byte offset of its element in a row of K
 *   columns: indices, i32, of rows of K, kBytes apart, and of X, X_BYTES apart
 *
 * From +0 in the order of the steps, multiply then add: the bits of gemm's tile for the same terms. 9 sums + 3 d + 1 splat + 1 product
 * = 14 live v128; the form is explained in gemm-microkernel.ts.
 */

import { plus } from "./multiply-add";

/** Vectors of a tile, its columns, the bytes of a row of X. */
export const VECTORS: i32 = 3;
export const COLUMNS: i32 = 3;
export const X_BYTES: usize = 48;

/** Where a step's offset stands, and the bytes of a step. */
export const OFFSET: usize = 48;
export const STEP: usize = 64;

// @ts-ignore: decorator
@inline
function column(columns: usize, i: usize): usize {
  return <usize>load<u32>(columns + (i << 2));
}

// @ts-ignore: decorator
@inline
function tile<T>(steps: i32, d: usize, k: usize, kBytes: usize, columns: usize, x: usize): void {
  const zero = v128.splat<T>(<T>0);
  const dEnd = d + <usize>steps * STEP;
  const k0 = k + column(columns, 0) * kBytes, k1 = k + column(columns, 1) * kBytes, k2 = k + column(columns, 2) * kBytes;
  let c00 = zero, c01 = zero, c02 = zero, c10 = zero, c11 = zero, c12 = zero, c20 = zero, c21 = zero, c22 = zero;
  let d0 = zero, d1 = zero, d2 = zero, ki = zero;
  let offset: usize = 0;
  if (steps & 1) {
    offset = <usize>load<u32>(d, OFFSET);
    d0 = v128.load(d), d1 = v128.load(d, 16), d2 = v128.load(d, 32);
    ki = v128.load_splat<T>(k2 + offset);
    c20 = plus<T>(c20, ki, d0), c21 = plus<T>(c21, ki, d1), c22 = plus<T>(c22, ki, d2);
    ki = v128.load_splat<T>(k1 + offset);
    c10 = plus<T>(c10, ki, d0), c11 = plus<T>(c11, ki, d1), c12 = plus<T>(c12, ki, d2);
    ki = v128.load_splat<T>(k0 + offset);
    c00 = plus<T>(c00, ki, d0), c01 = plus<T>(c01, ki, d1), c02 = plus<T>(c02, ki, d2);
    d += STEP;
  }
  while (d < dEnd) {
    offset = <usize>load<u32>(d, OFFSET);
    d0 = v128.load(d), d1 = v128.load(d, 16), d2 = v128.load(d, 32);
    ki = v128.load_splat<T>(k2 + offset);
    c20 = plus<T>(c20, ki, d0), c21 = plus<T>(c21, ki, d1), c22 = plus<T>(c22, ki, d2);
    ki = v128.load_splat<T>(k1 + offset);
    c10 = plus<T>(c10, ki, d0), c11 = plus<T>(c11, ki, d1), c12 = plus<T>(c12, ki, d2);
    ki = v128.load_splat<T>(k0 + offset);
    c00 = plus<T>(c00, ki, d0), c01 = plus<T>(c01, ki, d1), c02 = plus<T>(c02, ki, d2);
    d += STEP;
    if (d == 0) {
      v128.store(x, zero);
      c20 = c21 = c22 = v128.or(v128.or(c20, c21), c22);
      c10 = c11 = c12 = v128.or(v128.or(c10, c11), c12);
      c00 = c01 = c02 = v128.or(v128.or(c00, c01), c02);
    }
    offset = <usize>load<u32>(d, OFFSET);
    d0 = v128.load(d), d1 = v128.load(d, 16), d2 = v128.load(d, 32);
    ki = v128.load_splat<T>(k2 + offset);
    c20 = plus<T>(c20, ki, d0), c21 = plus<T>(c21, ki, d1), c22 = plus<T>(c22, ki, d2);
    ki = v128.load_splat<T>(k1 + offset);
    c10 = plus<T>(c10, ki, d0), c11 = plus<T>(c11, ki, d1), c12 = plus<T>(c12, ki, d2);
    ki = v128.load_splat<T>(k0 + offset);
    c00 = plus<T>(c00, ki, d0), c01 = plus<T>(c01, ki, d1), c02 = plus<T>(c02, ki, d2);
    d += STEP;
    if (d == 0) {
      v128.store(x, zero);
      c20 = c21 = c22 = v128.or(v128.or(c20, c21), c22);
      c10 = c11 = c12 = v128.or(v128.or(c10, c11), c12);
      c00 = c01 = c02 = v128.or(v128.or(c00, c01), c02);
    }
  }
  let at = x + column(columns, 0) * X_BYTES;
  v128.store(at, v128.add<T>(v128.load(at), c00));
  v128.store(at, v128.add<T>(v128.load(at, 16), c01), 16);
  v128.store(at, v128.add<T>(v128.load(at, 32), c02), 32);
  at = x + column(columns, 1) * X_BYTES;
  v128.store(at, v128.add<T>(v128.load(at), c10));
  v128.store(at, v128.add<T>(v128.load(at, 16), c11), 16);
  v128.store(at, v128.add<T>(v128.load(at, 32), c12), 32);
  at = x + column(columns, 2) * X_BYTES;
  v128.store(at, v128.add<T>(v128.load(at), c20));
  v128.store(at, v128.add<T>(v128.load(at, 16), c21), 16);
  v128.store(at, v128.add<T>(v128.load(at, 32), c22), 32);
}

export function laneMicrokernelF64(steps: i32, d: usize, k: usize, kBytes: usize, columns: usize, x: usize): void {
  tile<f64>(steps, d, k, kBytes, columns, x);
}

export function laneMicrokernelF32(steps: i32, d: usize, k: usize, kBytes: usize, columns: usize, x: usize): void {
  tile<f32>(steps, d, k, kBytes, columns, x);
}
