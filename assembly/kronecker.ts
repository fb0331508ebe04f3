/**
 * @file The Kronecker core of the tangent kernel: contracts a Gram of inputs with a Gram of cotangents, in f64.
 *
 *   K[(n, v), (m, w)] += Σ_s Σ_t A[(n, s), (m, t)] · D[(n, v, s), (m, w, t)]
 *
 *   A [n1·s1, n2·s2] or absent (all ones), D [n1·v1·s1, n2·v2·s2], both contiguous in T; K f64 [n1·v1, n2·v2], row stride
 *   ldk; lower ≠ 0 writes entries with row ≥ column only; plusOnes ≠ 0, with an A: then the same again with all ones, as weight
 *   and bias of a layer ask for: in one walk over K with s = 1, and to the bits of two.
 *
 * Order of summation, dependent on s1 and s2 alone: products in T, widened to f64; position t goes to lane t mod 8, each
 * lane adds over s outer, t inner from +0; lanes join as in reduce.ts; the joined sum is added to K once.
 *
 * Cost: with s = 1 one pass over A, D and K, bound by memory; with sites n1·v1·n2·v2·s1·s2 multiply-adds, two per cycle.
 *
 * Source of the structure: Novak, Sohl-Dickstein, Schoenholz, Fast Finite Width Neural Tangent Kernel, arXiv:2206.08720.
 */

import { LANES, joinLanes, loadPair, loadSingle } from "./reduce";

/** Elements of one chunk of a row of A (s = 1): repeated over the outputs, or ones. */
const CHUNK: i32 = 512;
const repeated: usize = memory.data(4096, 16);

/** Products of a v128 of positions, in T; ones: A is all ones. */
// @ts-ignore: decorator
@inline
function products<T>(ones: i32, a: usize, d: usize): v128 {
  return ones ? v128.load(d) : v128.mul<T>(v128.load(a), v128.load(d));
}

/** The upper two of four f32, as f64x2. */
// @ts-ignore: decorator
@inline
function promoteHigh(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 0));
}

// @ts-ignore: decorator
@inline
function pairOf<T>(ones: i32, a: usize, d: usize): v128 {
  if (ones) return loadPair<T>(d);
  if (sizeof<T>() == 8) return f64x2.mul(v128.load(a), v128.load(d));
  return f64x2.promote_low_f32x4(f32x4.mul(v128.load64_zero(a), v128.load64_zero(d)));
}

// @ts-ignore: decorator
@inline
function singleOf<T>(ones: i32, a: usize, d: usize): v128 {
  if (ones) return loadSingle<T>(d);
  if (sizeof<T>() == 8) return f64x2.mul(v128.load64_zero(a), v128.load64_zero(d));
  return f64x2.promote_low_f32x4(f32x4.mul(v128.load32_zero(a), v128.load32_zero(d)));
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
      if (sizeof<T>() == 8) {
        l01 = f64x2.add(l01, products<T>(ones, x, y));
        l23 = f64x2.add(l23, products<T>(ones, x + 16, y + 16));
        l45 = f64x2.add(l45, products<T>(ones, x + 32, y + 32));
        l67 = f64x2.add(l67, products<T>(ones, x + 48, y + 48));
      } else {
        const p = products<T>(ones, x, y), q = products<T>(ones, x + 16, y + 16);
        l01 = f64x2.add(l01, f64x2.promote_low_f32x4(p));
        l23 = f64x2.add(l23, promoteHigh(p));
        l45 = f64x2.add(l45, f64x2.promote_low_f32x4(q));
        l67 = f64x2.add(l67, promoteHigh(q));
      }
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

/** Any number of sites, entry by entry. */
// @ts-ignore: decorator
@inline
function contractSites<T>(
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

/** K[0 … count) += A∘D along one row, then += D where `plus`: the contraction without sites to sum (s1 = s2 = 1), the same bits. */
// @ts-ignore: decorator
@inline
function addProducts<T>(plus: i32, count: i32, a: usize, d: usize, k: usize): void {
  const vectorEnd = d + ((<usize>count * sizeof<T>()) & ~15);
  const end = d + <usize>count * sizeof<T>();
  while (d < vectorEnd) {
    const q = v128.load(d), p = v128.mul<T>(v128.load(a), q);
    if (sizeof<T>() == 8) {
      const sum = f64x2.add(v128.load(k), p);
      v128.store(k, plus ? f64x2.add(sum, q) : sum);
      k += 16;
    } else {
      const low = f64x2.add(v128.load(k), f64x2.promote_low_f32x4(p));
      const high = f64x2.add(v128.load(k, 16), promoteHigh(p));
      v128.store(k, plus ? f64x2.add(low, f64x2.promote_low_f32x4(q)) : low);
      v128.store(k, plus ? f64x2.add(high, promoteHigh(q)) : high, 16);
      k += 32;
    }
    a += 16;
    d += 16;
  }
  while (d < end) {
    const sum = load<f64>(k) + <f64>(load<T>(a) * load<T>(d));
    store<f64>(k, plus ? sum + <f64>load<T>(d) : sum);
    a += sizeof<T>();
    d += sizeof<T>();
    k += 8;
  }
}

/** s1 = s2 = 1. A chunk of a row of A, repeated over the outputs if v2 > 1, serves v1 rows of K; a chunk of ones stands for none. */
function contractRows<T>(
  n1: i32, n2: i32, v1: i32, v2: i32, lower: i32, a: usize, plusOnes: i32, d: usize, k: usize, ldk: i32,
): void {
  const columns = n2 * v2;
  if (a == 0) for (let j = 0; j < CHUNK; j++) store<T>(repeated + <usize>j * sizeof<T>(), <T>1);
  for (let n = 0; n < n1; n++) {
    const rowOfA = a + <usize>n * <usize>n2 * sizeof<T>();
    for (let first = 0; first < columns; first += CHUNK) {
      if (lower && first >= (n + 1) * v1) break;
      const end = min(first + CHUNK, columns);
      if (a != 0 && v2 != 1) repeatOverOutputs<T>(rowOfA, v2, first, end);
      const x = a != 0 && v2 == 1 ? rowOfA + <usize>first * sizeof<T>() : repeated;
      for (let row = n * v1; row < (n + 1) * v1; row++) {
        const count = (lower ? min(row + 1, end) : end) - first;
        if (count <= 0) continue;
        const rowOfD = d + (<usize>row * <usize>columns + <usize>first) * sizeof<T>();
        const rowOfK = k + ((<usize>row * <usize>ldk + <usize>first) << 3);
        if (a != 0 && plusOnes) addProducts<T>(1, count, x, rowOfD, rowOfK);
        else addProducts<T>(0, count, x, rowOfD, rowOfK);
      }
    }
  }
}

/** repeated[j − first] ← A[⌊j / v2⌋] for first ≤ j < end. */
function repeatOverOutputs<T>(a: usize, v2: i32, first: i32, end: i32): void {
  let at = repeated;
  let m = first / v2;
  let w = first - m * v2;
  for (let j = first; j < end; j++) {
    store<T>(at, load<T>(a + <usize>m * sizeof<T>()));
    at += sizeof<T>();
    if (++w == v2) {
      w = 0;
      m++;
    }
  }
}

function gramHadamard<T>(
  n1: i32, n2: i32, v1: i32, v2: i32, s1: i32, s2: i32, lower: i32, a: usize, plusOnes: i32, d: usize, k: usize, ldk: i32,
): void {
  if (s1 == 1 && s2 == 1) {
    contractRows<T>(n1, n2, v1, v2, lower, a, plusOnes, d, k, ldk);
    return;
  }
  if (a != 0) contractSites<T>(0, n1, n2, v1, v2, s1, s2, lower, a, d, k, ldk);
  if (a == 0 || plusOnes) contractSites<T>(1, n1, n2, v1, v2, s1, s2, lower, d, d, k, ldk);
}

export function gramHadamardF64(
  n1: i32, n2: i32, v1: i32, v2: i32, s1: i32, s2: i32, lower: i32, aPtr: usize, plusOnes: i32, dPtr: usize, kPtr: usize, ldk: i32,
): void {
  gramHadamard<f64>(n1, n2, v1, v2, s1, s2, lower, aPtr, plusOnes, dPtr, kPtr, ldk);
}

export function gramHadamardF32(
  n1: i32, n2: i32, v1: i32, v2: i32, s1: i32, s2: i32, lower: i32, aPtr: usize, plusOnes: i32, dPtr: usize, kPtr: usize, ldk: i32,
): void {
  gramHadamard<f32>(n1, n2, v1, v2, s1, s2, lower, aPtr, plusOnes, dPtr, kPtr, ldk);
}
