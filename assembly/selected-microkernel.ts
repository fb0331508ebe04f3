/**
 * @file The microkernel of a product whose left panel leaves steps out: gemm-microkernel.ts's tile of five rows, with steps that say
 * which step of the right panel they belong to.
 *
 *   C [5, NR] ← Σ over steps of A of a·B[step]      a step of A: five elements, then the byte offset of B's (4 bytes, padded in f64)
 *   C ← C + that sum where `adds` is not 0
 *
 * At least one step; from +0 in the order of the panel, multiply then add: the bits of gemm's tile for the same terms. The form
 * is explained there.
 */

import { plus } from "./multiply-add";

/** Bytes of a step of the left panel, and where its offset stands. */
// @ts-ignore: decorator
@inline
export function STEP<T>(): usize {
  return sizeof<T>() == 8 ? 48 : 24;
}

// @ts-ignore: decorator
@inline
export function OFFSET<T>(): usize {
  return 5 * sizeof<T>();
}

// @ts-ignore: decorator
@inline
function microkernel<T>(adds: i32, steps: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  const zero = v128.splat<T>(<T>0);
  const aEnd = a + <usize>steps * STEP<T>();
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero, c40 = zero, c41 = zero;
  let b0 = zero, b1 = zero, ai = zero;
  let bl: usize = 0;
  bl = b + <usize>load<u32>(a, OFFSET<T>());
  b0 = v128.load(bl), b1 = v128.load(bl, 16);
  ai = v128.load_splat<T>(a, 4 * sizeof<T>());
  c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1);
  ai = v128.load_splat<T>(a, 3 * sizeof<T>());
  c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
  ai = v128.load_splat<T>(a, 2 * sizeof<T>());
  c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
  ai = v128.load_splat<T>(a, sizeof<T>());
  c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
  ai = v128.load_splat<T>(a);
  c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
  a += STEP<T>();
  const aRest = a + <usize>((steps - 1) & 3) * STEP<T>();
  while (a < aRest) {
    bl = b + <usize>load<u32>(a, OFFSET<T>());
    b0 = v128.load(bl), b1 = v128.load(bl, 16);
    ai = v128.load_splat<T>(a, 4 * sizeof<T>());
    c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += STEP<T>();
  }
  while (a < aEnd) {
    bl = b + <usize>load<u32>(a, OFFSET<T>());
    b0 = v128.load(bl), b1 = v128.load(bl, 16);
    ai = v128.load_splat<T>(a, 4 * sizeof<T>());
    c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += STEP<T>();
    if (a == 0) {
      v128.store(c, zero);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    bl = b + <usize>load<u32>(a, OFFSET<T>());
    b0 = v128.load(bl), b1 = v128.load(bl, 16);
    ai = v128.load_splat<T>(a, 4 * sizeof<T>());
    c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += STEP<T>();
    if (a == 0) {
      v128.store(c, zero);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    bl = b + <usize>load<u32>(a, OFFSET<T>());
    b0 = v128.load(bl), b1 = v128.load(bl, 16);
    ai = v128.load_splat<T>(a, 4 * sizeof<T>());
    c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += STEP<T>();
    if (a == 0) {
      v128.store(c, zero);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    bl = b + <usize>load<u32>(a, OFFSET<T>());
    b0 = v128.load(bl), b1 = v128.load(bl, 16);
    ai = v128.load_splat<T>(a, 4 * sizeof<T>());
    c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1);
    a += STEP<T>();
    if (a == 0) {
      v128.store(c, zero);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
  }
  if (adds) {
    let at = c;
    c00 = v128.add<T>(v128.load(at), c00);
    c01 = v128.add<T>(v128.load(at, 16), c01);
    at += rsc;
    c10 = v128.add<T>(v128.load(at), c10);
    c11 = v128.add<T>(v128.load(at, 16), c11);
    at += rsc;
    c20 = v128.add<T>(v128.load(at), c20);
    c21 = v128.add<T>(v128.load(at, 16), c21);
    at += rsc;
    c30 = v128.add<T>(v128.load(at), c30);
    c31 = v128.add<T>(v128.load(at, 16), c31);
    at += rsc;
    c40 = v128.add<T>(v128.load(at), c40);
    c41 = v128.add<T>(v128.load(at, 16), c41);
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
  c += rsc;
  v128.store(c, c40);
  v128.store(c, c41, 16);
}

/** The tile of the wide module: see gemm-microkernel-wide.ts. */
// @ts-ignore: decorator
@inline
function wideMicrokernel<T>(adds: i32, steps: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  const zero = v128.splat<T>(<T>0);
  const aEnd = a + <usize>steps * STEP<T>();
  let c00 = zero, c01 = zero, c02 = zero, c03 = zero, c10 = zero, c11 = zero, c12 = zero, c13 = zero;
  let c20 = zero, c21 = zero, c22 = zero, c23 = zero, c30 = zero, c31 = zero, c32 = zero, c33 = zero;
  let c40 = zero, c41 = zero, c42 = zero, c43 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero, ai = zero;
  let bl: usize = 0;
  bl = b + <usize>load<u32>(a, OFFSET<T>());
  b0 = v128.load(bl), b1 = v128.load(bl, 16), b2 = v128.load(bl, 32), b3 = v128.load(bl, 48);
  ai = v128.load_splat<T>(a);
  c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1), c02 = plus<T>(c02, ai, b2), c03 = plus<T>(c03, ai, b3);
  ai = v128.load_splat<T>(a, sizeof<T>());
  c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1), c12 = plus<T>(c12, ai, b2), c13 = plus<T>(c13, ai, b3);
  ai = v128.load_splat<T>(a, 2 * sizeof<T>());
  c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1), c22 = plus<T>(c22, ai, b2), c23 = plus<T>(c23, ai, b3);
  ai = v128.load_splat<T>(a, 3 * sizeof<T>());
  c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1), c32 = plus<T>(c32, ai, b2), c33 = plus<T>(c33, ai, b3);
  ai = v128.load_splat<T>(a, 4 * sizeof<T>());
  c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1), c42 = plus<T>(c42, ai, b2), c43 = plus<T>(c43, ai, b3);
  a += STEP<T>();
  while (a < aEnd) {
    bl = b + <usize>load<u32>(a, OFFSET<T>());
    b0 = v128.load(bl), b1 = v128.load(bl, 16), b2 = v128.load(bl, 32), b3 = v128.load(bl, 48);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1), c02 = plus<T>(c02, ai, b2), c03 = plus<T>(c03, ai, b3);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1), c12 = plus<T>(c12, ai, b2), c13 = plus<T>(c13, ai, b3);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1), c22 = plus<T>(c22, ai, b2), c23 = plus<T>(c23, ai, b3);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1), c32 = plus<T>(c32, ai, b2), c33 = plus<T>(c33, ai, b3);
    ai = v128.load_splat<T>(a, 4 * sizeof<T>());
    c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1), c42 = plus<T>(c42, ai, b2), c43 = plus<T>(c43, ai, b3);
    a += STEP<T>();
    if (a >= aEnd) break;
    bl = b + <usize>load<u32>(a, OFFSET<T>());
    b0 = v128.load(bl), b1 = v128.load(bl, 16), b2 = v128.load(bl, 32), b3 = v128.load(bl, 48);
    ai = v128.load_splat<T>(a);
    c00 = plus<T>(c00, ai, b0), c01 = plus<T>(c01, ai, b1), c02 = plus<T>(c02, ai, b2), c03 = plus<T>(c03, ai, b3);
    ai = v128.load_splat<T>(a, sizeof<T>());
    c10 = plus<T>(c10, ai, b0), c11 = plus<T>(c11, ai, b1), c12 = plus<T>(c12, ai, b2), c13 = plus<T>(c13, ai, b3);
    ai = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = plus<T>(c20, ai, b0), c21 = plus<T>(c21, ai, b1), c22 = plus<T>(c22, ai, b2), c23 = plus<T>(c23, ai, b3);
    ai = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = plus<T>(c30, ai, b0), c31 = plus<T>(c31, ai, b1), c32 = plus<T>(c32, ai, b2), c33 = plus<T>(c33, ai, b3);
    ai = v128.load_splat<T>(a, 4 * sizeof<T>());
    c40 = plus<T>(c40, ai, b0), c41 = plus<T>(c41, ai, b1), c42 = plus<T>(c42, ai, b2), c43 = plus<T>(c43, ai, b3);
    a += STEP<T>();
  }
  if (adds) {
    let at = c;
    c00 = v128.add<T>(v128.load(at), c00);
    c01 = v128.add<T>(v128.load(at, 16), c01);
    c02 = v128.add<T>(v128.load(at, 32), c02);
    c03 = v128.add<T>(v128.load(at, 48), c03);
    at += rsc;
    c10 = v128.add<T>(v128.load(at), c10);
    c11 = v128.add<T>(v128.load(at, 16), c11);
    c12 = v128.add<T>(v128.load(at, 32), c12);
    c13 = v128.add<T>(v128.load(at, 48), c13);
    at += rsc;
    c20 = v128.add<T>(v128.load(at), c20);
    c21 = v128.add<T>(v128.load(at, 16), c21);
    c22 = v128.add<T>(v128.load(at, 32), c22);
    c23 = v128.add<T>(v128.load(at, 48), c23);
    at += rsc;
    c30 = v128.add<T>(v128.load(at), c30);
    c31 = v128.add<T>(v128.load(at, 16), c31);
    c32 = v128.add<T>(v128.load(at, 32), c32);
    c33 = v128.add<T>(v128.load(at, 48), c33);
    at += rsc;
    c40 = v128.add<T>(v128.load(at), c40);
    c41 = v128.add<T>(v128.load(at, 16), c41);
    c42 = v128.add<T>(v128.load(at, 32), c42);
    c43 = v128.add<T>(v128.load(at, 48), c43);
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c, c02, 32);
  v128.store(c, c03, 48);
  c += rsc;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  v128.store(c, c12, 32);
  v128.store(c, c13, 48);
  c += rsc;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  v128.store(c, c22, 32);
  v128.store(c, c23, 48);
  c += rsc;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  v128.store(c, c32, 32);
  v128.store(c, c33, 48);
  c += rsc;
  v128.store(c, c40);
  v128.store(c, c41, 16);
  v128.store(c, c42, 32);
  v128.store(c, c43, 48);
}

export function selectedMicrokernelF64(adds: i32, steps: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (WIDE) wideMicrokernel<f64>(adds, steps, a, b, c, rsc);
  else microkernel<f64>(adds, steps, a, b, c, rsc);
}

export function selectedMicrokernelF32(adds: i32, steps: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (WIDE) wideMicrokernel<f32>(adds, steps, a, b, c, rsc);
  else microkernel<f32>(adds, steps, a, b, c, rsc);
}

// @ts-ignore: decorator
@inline
export function selectedMicrokernel<T>(adds: i32, steps: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (sizeof<T>() == 8) selectedMicrokernelF64(adds, steps, a, b, c, rsc);
  else selectedMicrokernelF32(adds, steps, a, b, c, rsc);
}
