/**
 * @file The microkernel of the wide module: the tile of gemm-microkernel.ts twice as wide, for engines that run two v128 as one
 * 256-bit register.
 *
 *   C ← A·B        A: [MR, k], B: [k, 4 × v128], C: [MR, 4 × v128], packed and stored as in gemm-microkernel.ts
 *
 *        b: | b0 b1 | b2 b3 |     V8's revectorizer pairs b0 with b1 and b2 with b3, from the adjacent stores at the end up to
 *   a:  +---+-------+-------+     the loads: 10 accumulators + 2 b + 1 splat + 1 product = 14 of 16 registers of 256 bits.
 *   a0  |   | c00 01| 02 03 |     Without it the tile spills, and the module is slower than the default one.
 *    …  |   |       |       |
 *
 * Every element of C is the same sum in the same order as in the default module: the same bits; those of the wide fused module,
 * whose tile has six rows, are the fused module's.
 *
 * Four steps per turn of the loop, each behind its own test, so that no number of steps needs a remainder. C is only
 * written: with C ← C + A·B at the end, the revectorizer finds no pairs (a third of the speed). The accumulating twin
 * therefore goes through a tile in memory.
 */

import { MR, microkernelF32, microkernelF64 } from "./gemm-microkernel";
import { plus } from "./multiply-add";

/** One tile, of the fused module's six rows. */
const product: usize = memory.data(384, 64);

/** C ← A·B, k ≥ 1. */
// @ts-ignore: decorator
@inline
export function wideMicrokernel<T>(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  const zero = v128.splat<T>(<T>0);
  const aEnd = a + <usize>k * (MR * sizeof<T>());
  let c00 = zero, c01 = zero, c02 = zero, c03 = zero, c10 = zero, c11 = zero, c12 = zero, c13 = zero;
  let c20 = zero, c21 = zero, c22 = zero, c23 = zero, c30 = zero, c31 = zero, c32 = zero, c33 = zero;
  let c40 = zero, c41 = zero, c42 = zero, c43 = zero, c50 = zero, c51 = zero, c52 = zero, c53 = zero;
  let b0 = zero, b1 = zero, b2 = zero, b3 = zero, ai = zero;
  b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
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
  if (MR == 6) {
    ai = v128.load_splat<T>(a, 5 * sizeof<T>());
    c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1), c52 = plus<T>(c52, ai, b2), c53 = plus<T>(c53, ai, b3);
  }
  a += MR * sizeof<T>();
  b += 64;
  while (a < aEnd) {
    b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
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
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1), c52 = plus<T>(c52, ai, b2), c53 = plus<T>(c53, ai, b3);
    }
    a += MR * sizeof<T>();
    if (a >= aEnd) break;
    b0 = v128.load(b, 64), b1 = v128.load(b, 80), b2 = v128.load(b, 96), b3 = v128.load(b, 112);
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
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1), c52 = plus<T>(c52, ai, b2), c53 = plus<T>(c53, ai, b3);
    }
    a += MR * sizeof<T>();
    if (a >= aEnd) break;
    b0 = v128.load(b, 128), b1 = v128.load(b, 144), b2 = v128.load(b, 160), b3 = v128.load(b, 176);
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
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1), c52 = plus<T>(c52, ai, b2), c53 = plus<T>(c53, ai, b3);
    }
    a += MR * sizeof<T>();
    if (a >= aEnd) break;
    b0 = v128.load(b, 192), b1 = v128.load(b, 208), b2 = v128.load(b, 224), b3 = v128.load(b, 240);
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
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1), c52 = plus<T>(c52, ai, b2), c53 = plus<T>(c53, ai, b3);
    }
    a += MR * sizeof<T>();
    b += 256;
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
  if (MR == 6) {
    c += rsc;
    v128.store(c, c50);
    v128.store(c, c51, 16);
    v128.store(c, c52, 32);
    v128.store(c, c53, 48);
  }
}

/** C ← C + A·B, A·B summed from +0 first. */
// @ts-ignore: decorator
@inline
export function wideMicrokernelAdd<T>(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (sizeof<T>() == 8) microkernelF64(k, a, b, product, 64);
  else microkernelF32(k, a, b, product, 64);
  for (let row = product; row < product + MR * 64; row += 64) {
    v128.store(c, v128.add<T>(v128.load(c), v128.load(row)));
    v128.store(c, v128.add<T>(v128.load(c, 16), v128.load(row, 16)), 16);
    v128.store(c, v128.add<T>(v128.load(c, 32), v128.load(row, 32)), 32);
    v128.store(c, v128.add<T>(v128.load(c, 48), v128.load(row, 48)), 48);
    c += rsc;
  }
}
