/**
 * @file The microkernel of orthogonalize.ts: multiples of four rows added to interleaved vectors.
 *
 *   c [k] ← c + aᵀ·b      a: four rows of k contiguous elements; b [4], c: as many vectors as fill two v128, interleaved
 *
 * A branch between rows keeps V8 from putting sums among their products, as in symmetric-microkernel.ts.
 */

import { plus } from "./multiply-add";

// @ts-ignore: decorator
@inline
function addRowsMultiple<T>(k: i32, a0: usize, a1: usize, a2: usize, a3: usize, b: usize, c: usize): void {
  const b00 = v128.load(b), b01 = v128.load(b, 16), b10 = v128.load(b, 32), b11 = v128.load(b, 48);
  const b20 = v128.load(b, 64), b21 = v128.load(b, 80), b30 = v128.load(b, 96), b31 = v128.load(b, 112);
  let c0: v128, c1: v128, ai: v128;
  for (const end = a0 + <usize>k * sizeof<T>(); a0 < end; ) {
    c0 = v128.load(c), c1 = v128.load(c, 16);
    ai = v128.load_splat<T>(a0);
    c0 = plus<T>(c0, ai, b00), c1 = plus<T>(c1, ai, b01);
    ai = v128.load_splat<T>(a1);
    c0 = plus<T>(c0, ai, b10), c1 = plus<T>(c1, ai, b11);
    if (!WIDE && c == 0) {
      v128.store(b, c0);
      c0 = c1 = v128.or(c0, c1);
    }
    ai = v128.load_splat<T>(a2);
    c0 = plus<T>(c0, ai, b20), c1 = plus<T>(c1, ai, b21);
    ai = v128.load_splat<T>(a3);
    c0 = plus<T>(c0, ai, b30), c1 = plus<T>(c1, ai, b31);
    v128.store(c, c0);
    v128.store(c, c1, 16);
    a0 += sizeof<T>(), a1 += sizeof<T>(), a2 += sizeof<T>(), a3 += sizeof<T>();
    c += 32;
  }
}

export function addRowsMultipleF64(k: i32, a0: usize, a1: usize, a2: usize, a3: usize, b: usize, c: usize): void {
  addRowsMultiple<f64>(k, a0, a1, a2, a3, b, c);
}

export function addRowsMultipleF32(k: i32, a0: usize, a1: usize, a2: usize, a3: usize, b: usize, c: usize): void {
  addRowsMultiple<f32>(k, a0, a1, a2, a3, b, c);
}
