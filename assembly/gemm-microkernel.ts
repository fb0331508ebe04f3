/**
 * @file GEMM microkernel: one MR × NR tile of C held entirely in registers.
 *
 *   C ← A·B        A: [MR, k] packed by columns (MR contiguous per step)
 *                  B: [k, NR] packed by rows    (NR contiguous per step)
 *                  C: [MR, NR] row-major, row stride `rsc` bytes; written, never read
 *
 *        b: | b0   b1  |        each step l is one rank-1 update:
 *   a:  +---+-----------+         c[i][v] += splat(a[i]) · b[v]
 *   a0  |   | c00  c01 |
 *   a1  |   | c10  c11 |        10 accumulators + 2 b + 2 products, one in the splat's place
 *   a2  |   | c20  c21 |        = 14 live v128: what V8 can keep in x64's 16 registers. 6 rows spill.
 *   a3  |   | c30  c31 |
 *   a4  |   | c40  c41 |
 *
 * k ≥ 1. Sum order over l is 0 … k−1 from +0, one lane each, multiply then add, no FMA: part of the contract.
 *
 * The fused modules multiply and add in one instruction, rounded once: other bits. It needs no register for a product, so that
 * a sixth row fits: 12 accumulators + 2 b + 1 splat = 15.
 *
 * The form is what V8's schedulers turn into the code that one would write by hand, without a spill in Node 20 to 24:
 *
 *   - `while (a < aEnd)`, b loaded first, one splat at a time, the last row of the tile first: so V8 ≤ 12 schedules it.
 *   - The first step stands before the loops: then V8 computes the splat's four addresses (memory base + offset) once and not in
 *     every step, which is 12 % of the time on Zen 3.
 *   - Four steps a turn, since every turn pays for V8's check of the stack: on Zen 3 that check alone is 8 % of a one-step turn.
 *   - Behind each step a branch that is never taken (no panel lies at 0, but V8 does not know), in which the two sums of a row
 *     become their disjunction. V8 ≤ 12 schedules backwards from where values are needed. For the branch it needs both sums of a row
 *     at once, and so makes both products before both additions, which Zen cores run up to 26 % faster than products and
 *     additions in turn (docs/performance.md). V8 ≥ 13 keeps the order of the text, for which scripts/pair-products.mjs sees to it.
 *     The store, behind which memory may have changed, keeps the loads of the next step behind the branch; without it, all
 *     loads of a turn come first, and spill.
 *   - It is exported so that neither Binaryen nor V8 inlines it into the blocked loops: tier-up then takes effect at the next
 *     call, inside a running GEMM.
 *
 * Scheme: Van Zee & van de Geijn, BLIS: A Framework for Rapidly Instantiating BLAS Functionality, ACM TOMS 41(3), 2015.
 */

import { wideMicrokernel, wideMicrokernelAdd } from "./gemm-microkernel-wide";
import { plus } from "./multiply-add";

/** Rows of the register tile; in the fused modules six. */
export const MR: i32 = FUSED ? 6 : 5;

/**
 * Bytes of a row of the register tile: two v128, in the wide module four (asconfig.json defines WIDE for each target).
 * NR = NR_BYTES / sizeof<T>().
 */
export const NR_BYTES: i32 = WIDE ? 64 : 32;

// @ts-ignore: decorator
@inline
function microkernel<T>(adds: i32, k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  const zero = v128.splat<T>(<T>0);
  const aEnd = a + <usize>k * (MR * sizeof<T>());
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
  let b0 = zero, b1 = zero, ai = zero;
  b0 = v128.load(b), b1 = v128.load(b, 16);
  if (MR == 6) {
    ai = v128.load_splat<T>(a, 5 * sizeof<T>());
    c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1);
  }
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
  a += MR * sizeof<T>();
  b += 32;
  const aRest = a + <usize>((k - 1) & 3) * (MR * sizeof<T>());
  while (a < aRest) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1);
    }
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
    a += MR * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      if (MR == 6) c50 = c51 = v128.or(c50, c51);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b += 32;
  }
  while (a < aEnd) {
    b0 = v128.load(b), b1 = v128.load(b, 16);
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1);
    }
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
    a += MR * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      if (MR == 6) c50 = c51 = v128.or(c50, c51);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b, 32), b1 = v128.load(b, 48);
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1);
    }
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
    a += MR * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      if (MR == 6) c50 = c51 = v128.or(c50, c51);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b, 64), b1 = v128.load(b, 80);
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1);
    }
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
    a += MR * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      if (MR == 6) c50 = c51 = v128.or(c50, c51);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b0 = v128.load(b, 96), b1 = v128.load(b, 112);
    if (MR == 6) {
      ai = v128.load_splat<T>(a, 5 * sizeof<T>());
      c50 = plus<T>(c50, ai, b0), c51 = plus<T>(c51, ai, b1);
    }
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
    a += MR * sizeof<T>();
    if (a == 0) {
      v128.store(c, zero);
      if (MR == 6) c50 = c51 = v128.or(c50, c51);
      c40 = c41 = v128.or(c40, c41);
      c30 = c31 = v128.or(c30, c31);
      c20 = c21 = v128.or(c20, c21);
      c10 = c11 = v128.or(c10, c11);
      c00 = c01 = v128.or(c00, c01);
    }
    b += 128;
  }
  if (adds) {
    v128.store(c, v128.add<T>(v128.load(c), c00));
    v128.store(c, v128.add<T>(v128.load(c, 16), c01), 16);
    c += rsc;
    v128.store(c, v128.add<T>(v128.load(c), c10));
    v128.store(c, v128.add<T>(v128.load(c, 16), c11), 16);
    c += rsc;
    v128.store(c, v128.add<T>(v128.load(c), c20));
    v128.store(c, v128.add<T>(v128.load(c, 16), c21), 16);
    c += rsc;
    v128.store(c, v128.add<T>(v128.load(c), c30));
    v128.store(c, v128.add<T>(v128.load(c, 16), c31), 16);
    c += rsc;
    v128.store(c, v128.add<T>(v128.load(c), c40));
    v128.store(c, v128.add<T>(v128.load(c, 16), c41), 16);
    if (MR == 6) {
      c += rsc;
      v128.store(c, v128.add<T>(v128.load(c), c50));
      v128.store(c, v128.add<T>(v128.load(c, 16), c51), 16);
    }
  } else {
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
    if (MR == 6) {
      c += rsc;
      v128.store(c, c50);
      v128.store(c, c51, 16);
    }
  }
}

/** C ← A·B. */
export function microkernelF64(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (WIDE) wideMicrokernel<f64>(k, a, b, c, rsc);
  else microkernel<f64>(0, k, a, b, c, rsc);
}

export function microkernelF32(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (WIDE) wideMicrokernel<f32>(k, a, b, c, rsc);
  else microkernel<f32>(0, k, a, b, c, rsc);
}

/** C ← C + A·B: the twin for every block of k after the first. A·B is summed from +0 as above, then added to C once. */
export function microkernelAddF64(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (WIDE) wideMicrokernelAdd<f64>(k, a, b, c, rsc);
  else microkernel<f64>(1, k, a, b, c, rsc);
}

export function microkernelAddF32(k: i32, a: usize, b: usize, c: usize, rsc: usize): void {
  if (WIDE) wideMicrokernelAdd<f32>(k, a, b, c, rsc);
  else microkernel<f32>(1, k, a, b, c, rsc);
}
