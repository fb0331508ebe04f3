/**
 * @file The Kronecker core of the tangent kernel: contracts a Gram of inputs with a Gram of cotangents, in f64.
 *
 *   K[(n, v), (m, w)] += Σ_s Σ_t A[(n, s), (m, t)] · D[(n, v, s), (m, w, t)]
 *
 *   A [n1·s1, n2·s2] or absent (all ones), D [n1·v1·s1, n2·v2·s2], both contiguous in T; K f64 [n1·v1, n2·v2], row stride
 *   ldk; lower ≠ 0 writes entries with row ≥ column only.
 *
 * Order of summation, dependent on s1 and s2 alone: products in T, widened to f64; position t goes to lane t mod 8, each
 * lane adds over s outer, t inner from +0; lanes join as in reduce.ts; the joined sum is added to K once.
 *
 * Source of the structure: Novak, Sohl-Dickstein, Schoenholz, Fast Finite Width Neural Tangent Kernel, arXiv:2206.08720.
 */

import { LANES, joinLanes, loadPair, loadSingle } from "./reduce";

/** Products of two neighbouring positions, multiplied in T, as f64x2; a = 0: all ones. */
// @ts-ignore: decorator
@inline
function productPair<T>(a: usize, d: usize): v128 {
  if (sizeof<T>() == 8) return f64x2.mul(v128.load(a), v128.load(d));
  return f64x2.promote_low_f32x4(f32x4.mul(v128.load64_zero(a), v128.load64_zero(d)));
}

// @ts-ignore: decorator
@inline
function productSingle<T>(a: usize, d: usize): v128 {
  if (sizeof<T>() == 8) return f64x2.mul(v128.load64_zero(a), v128.load64_zero(d));
  return f64x2.promote_low_f32x4(f32x4.mul(v128.load32_zero(a), v128.load32_zero(d)));
}

// @ts-ignore: decorator
@inline
function pairOf<T>(ones: i32, a: usize, d: usize): v128 {
  return ones ? loadPair<T>(d) : productPair<T>(a, d);
}

// @ts-ignore: decorator
@inline
function singleOf<T>(ones: i32, a: usize, d: usize): v128 {
  return ones ? loadSingle<T>(d) : productSingle<T>(a, d);
}

/** Σ_s Σ_t of one entry: s1 rows of s2 products; the rows are `rowA` and `rowD` bytes apart. */
// @ts-ignore: decorator
@inline
function contractEntry<T>(ones: i32, s1: i32, s2: i32, a: usize, rowA: usize, d: usize, rowD: usize): f64 {
  let l01 = f64x2.splat(0), l23 = l01, l45 = l01, l67 = l01;
  const rest = s2 & 7;
  for (let s = 0; s < s1; s++) {
    let x = a, y = d;
    const mainEnd = d + <usize>(s2 & ~7) * sizeof<T>();
    while (y < mainEnd) {
      l01 = f64x2.add(l01, pairOf<T>(ones, x, y));
      l23 = f64x2.add(l23, pairOf<T>(ones, x + 2 * sizeof<T>(), y + 2 * sizeof<T>()));
      l45 = f64x2.add(l45, pairOf<T>(ones, x + 4 * sizeof<T>(), y + 4 * sizeof<T>()));
      l67 = f64x2.add(l67, pairOf<T>(ones, x + 6 * sizeof<T>(), y + 6 * sizeof<T>()));
      x += LANES * sizeof<T>();
      y += LANES * sizeof<T>();
    }
    if (rest > 1) l01 = f64x2.add(l01, pairOf<T>(ones, x, y));
    if (rest > 3) l23 = f64x2.add(l23, pairOf<T>(ones, x + 2 * sizeof<T>(), y + 2 * sizeof<T>()));
    if (rest > 5) l45 = f64x2.add(l45, pairOf<T>(ones, x + 4 * sizeof<T>(), y + 4 * sizeof<T>()));
    if (rest & 1) {
      const at = <usize>(rest - 1) * sizeof<T>();
      const last = singleOf<T>(ones, x + at, y + at);
      if (rest == 1) l01 = f64x2.add(l01, last);
      else if (rest == 3) l23 = f64x2.add(l23, last);
      else if (rest == 5) l45 = f64x2.add(l45, last);
      else l67 = f64x2.add(l67, last);
    }
    a += rowA;
    d += rowD;
  }
  return joinLanes(l01, l23, l45, l67);
}

// @ts-ignore: decorator
@inline
function contract<T>(
  ones: i32, n1: i32, n2: i32, v1: i32, v2: i32, s1: i32, s2: i32, lower: i32, a: usize, d: usize, k: usize, ldk: i32,
): void {
  const rowA = <usize>n2 * <usize>s2 * sizeof<T>();
  const rowD = rowA * <usize>v2;
  const run = <usize>s2 * sizeof<T>();
  for (let n = 0; n < n1; n++) {
    for (let v = 0; v < v1; v++) {
      const row = n * v1 + v;
      const columns = lower ? min(row + 1, n2 * v2) : n2 * v2;
      const rowOfA = a + <usize>(n * s1) * rowA;
      const rowOfD = d + <usize>row * <usize>s1 * rowD;
      const rowOfK = k + <usize>row * <usize>ldk * 8;
      for (let column = 0; column < columns; column++) {
        const at = rowOfK + (<usize>column << 3);
        const m = column / v2;
        store<f64>(at, load<f64>(at) + contractEntry<T>(ones, s1, s2, rowOfA + <usize>m * run, rowA, rowOfD + <usize>column * run, rowD));
      }
    }
  }
}

function gramHadamard<T>(
  n1: i32, n2: i32, v1: i32, v2: i32, s1: i32, s2: i32, lower: i32, a: usize, d: usize, k: usize, ldk: i32,
): void {
  if (a == 0) contract<T>(1, n1, n2, v1, v2, s1, s2, lower, d, d, k, ldk);
  else contract<T>(0, n1, n2, v1, v2, s1, s2, lower, a, d, k, ldk);
}

export function gramHadamardF64(
  n1: i32, n2: i32, v1: i32, v2: i32, s1: i32, s2: i32, lower: i32, aPtr: usize, dPtr: usize, kPtr: usize, ldk: i32,
): void {
  gramHadamard<f64>(n1, n2, v1, v2, s1, s2, lower, aPtr, dPtr, kPtr, ldk);
}

export function gramHadamardF32(
  n1: i32, n2: i32, v1: i32, v2: i32, s1: i32, s2: i32, lower: i32, aPtr: usize, dPtr: usize, kPtr: usize, ldk: i32,
): void {
  gramHadamard<f32>(n1, n2, v1, v2, s1, s2, lower, aPtr, dPtr, kPtr, ldk);
}
