/**
 * @file Sums in one fixed order, accumulated in f64 for both element types.
 *
 * Order of summation over r = 0 … R−1, dependent on R alone: element r goes to lane r mod 8, each lane adds sequentially
 * from +0, and the lanes join as ((0+2)+(4+6)) + ((1+3)+(5+7)). The result is rounded to T once.
 */

/** Lanes of a sum; four f64x2 registers hold them. */
export const LANES: i32 = 8;

/** Joins lanes (0, 1), (2, 3), (4, 5), (6, 7). */
// @ts-ignore: decorator
@inline
export function joinLanes(l01: v128, l23: v128, l45: v128, l67: v128): f64 {
  const pair = f64x2.add(f64x2.add(l01, l23), f64x2.add(l45, l67));
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/** Two consecutive elements, as f64x2. */
// @ts-ignore: decorator
@inline
export function loadPair<T>(at: usize): v128 {
  if (sizeof<T>() == 8) return v128.load(at);
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** One element in lane 0, +0 in lane 1: adding it leaves the other lane as it is, since a lane that starts at +0 is never −0. */
// @ts-ignore: decorator
@inline
export function loadSingle<T>(at: usize): v128 {
  if (sizeof<T>() == 8) return v128.load64_zero(at);
  return f64x2.promote_low_f32x4(v128.load32_zero(at));
}

/** Σ of n contiguous elements. */
function sumRun<T>(n: i32, x: usize): f64 {
  let l01 = f64x2.splat(0), l23 = l01, l45 = l01, l67 = l01;
  const mainEnd = x + <usize>(n & ~7) * sizeof<T>();
  while (x < mainEnd) {
    l01 = f64x2.add(l01, loadPair<T>(x));
    l23 = f64x2.add(l23, loadPair<T>(x + 2 * sizeof<T>()));
    l45 = f64x2.add(l45, loadPair<T>(x + 4 * sizeof<T>()));
    l67 = f64x2.add(l67, loadPair<T>(x + 6 * sizeof<T>()));
    x += LANES * sizeof<T>();
  }
  const rest = n & 7;
  if (rest > 1) l01 = f64x2.add(l01, loadPair<T>(x));
  if (rest > 3) l23 = f64x2.add(l23, loadPair<T>(x + 2 * sizeof<T>()));
  if (rest > 5) l45 = f64x2.add(l45, loadPair<T>(x + 4 * sizeof<T>()));
  if (rest & 1) {
    const last = loadSingle<T>(x + <usize>(rest - 1) * sizeof<T>());
    if (rest == 1) l01 = f64x2.add(l01, last);
    else if (rest == 3) l23 = f64x2.add(l23, last);
    else if (rest == 5) l45 = f64x2.add(l45, last);
    else l67 = f64x2.add(l67, last);
  }
  return joinLanes(l01, l23, l45, l67);
}

/** Σ over r of two neighbouring columns (or, single ≠ 0, of one) at stride `step` bytes. */
// @ts-ignore: decorator
@inline
function sumColumns<T>(single: i32, n: i32, x: usize, step: usize): v128 {
  let l0 = f64x2.splat(0), l1 = l0, l2 = l0, l3 = l0, l4 = l0, l5 = l0, l6 = l0, l7 = l0;
  for (let r = n >> 3; r > 0; r--) {
    l0 = f64x2.add(l0, loadColumns<T>(single, x));
    x += step;
    l1 = f64x2.add(l1, loadColumns<T>(single, x));
    x += step;
    l2 = f64x2.add(l2, loadColumns<T>(single, x));
    x += step;
    l3 = f64x2.add(l3, loadColumns<T>(single, x));
    x += step;
    l4 = f64x2.add(l4, loadColumns<T>(single, x));
    x += step;
    l5 = f64x2.add(l5, loadColumns<T>(single, x));
    x += step;
    l6 = f64x2.add(l6, loadColumns<T>(single, x));
    x += step;
    l7 = f64x2.add(l7, loadColumns<T>(single, x));
    x += step;
  }
  const rest = n & 7;
  if (rest > 0) l0 = f64x2.add(l0, loadColumns<T>(single, x));
  if (rest > 1) l1 = f64x2.add(l1, loadColumns<T>(single, x + step));
  if (rest > 2) l2 = f64x2.add(l2, loadColumns<T>(single, x + 2 * step));
  if (rest > 3) l3 = f64x2.add(l3, loadColumns<T>(single, x + 3 * step));
  if (rest > 4) l4 = f64x2.add(l4, loadColumns<T>(single, x + 4 * step));
  if (rest > 5) l5 = f64x2.add(l5, loadColumns<T>(single, x + 5 * step));
  if (rest > 6) l6 = f64x2.add(l6, loadColumns<T>(single, x + 6 * step));
  return f64x2.add(
    f64x2.add(f64x2.add(l0, l2), f64x2.add(l4, l6)),
    f64x2.add(f64x2.add(l1, l3), f64x2.add(l5, l7)),
  );
}

// @ts-ignore: decorator
@inline
function loadColumns<T>(single: i32, at: usize): v128 {
  return single ? loadSingle<T>(at) : loadPair<T>(at);
}

function sumPair<T>(n: i32, x: usize, step: usize, out: usize): void {
  const pair = sumColumns<T>(0, n, x, step);
  if (sizeof<T>() == 8) v128.store(out, pair);
  else v128.store64_lane(out, f32x4.demote_f64x2_zero(pair), 0);
}

function sumSingle<T>(n: i32, x: usize, step: usize, out: usize): void {
  store<T>(out, <T>f64x2.extract_lane(sumColumns<T>(1, n, x, step), 0));
}

/** out[o, i] ← Σ_r x[o, r, i]. */
function sumAxis<T>(outer: i32, reduce: i32, inner: i32, x: usize, out: usize): void {
  const step = <usize>inner * sizeof<T>();
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      store<T>(out, <T>sumRun<T>(reduce, x));
      out += sizeof<T>();
    } else {
      let i = 0;
      for (; i + 2 <= inner; i += 2) {
        sumPair<T>(reduce, x + <usize>i * sizeof<T>(), step, out);
        out += 2 * sizeof<T>();
      }
      if (i < inner) {
        sumSingle<T>(reduce, x + <usize>i * sizeof<T>(), step, out);
        out += sizeof<T>();
      }
    }
    x += <usize>reduce * step;
  }
}

/** Σ x·y; products and sum in f64 (f32 products are exact). */
function dotProduct<T>(n: i32, x: usize, y: usize): f64 {
  let l01 = f64x2.splat(0), l23 = l01, l45 = l01, l67 = l01;
  const mainEnd = x + <usize>(n & ~7) * sizeof<T>();
  while (x < mainEnd) {
    l01 = f64x2.add(l01, f64x2.mul(loadPair<T>(x), loadPair<T>(y)));
    l23 = f64x2.add(l23, f64x2.mul(loadPair<T>(x + 2 * sizeof<T>()), loadPair<T>(y + 2 * sizeof<T>())));
    l45 = f64x2.add(l45, f64x2.mul(loadPair<T>(x + 4 * sizeof<T>()), loadPair<T>(y + 4 * sizeof<T>())));
    l67 = f64x2.add(l67, f64x2.mul(loadPair<T>(x + 6 * sizeof<T>()), loadPair<T>(y + 6 * sizeof<T>())));
    x += LANES * sizeof<T>();
    y += LANES * sizeof<T>();
  }
  const rest = n & 7;
  if (rest > 1) l01 = f64x2.add(l01, f64x2.mul(loadPair<T>(x), loadPair<T>(y)));
  if (rest > 3) l23 = f64x2.add(l23, f64x2.mul(loadPair<T>(x + 2 * sizeof<T>()), loadPair<T>(y + 2 * sizeof<T>())));
  if (rest > 5) l45 = f64x2.add(l45, f64x2.mul(loadPair<T>(x + 4 * sizeof<T>()), loadPair<T>(y + 4 * sizeof<T>())));
  if (rest & 1) {
    const at = <usize>(rest - 1) * sizeof<T>();
    const last = f64x2.mul(loadSingle<T>(x + at), loadSingle<T>(y + at));
    if (rest == 1) l01 = f64x2.add(l01, last);
    else if (rest == 3) l23 = f64x2.add(l23, last);
    else if (rest == 5) l45 = f64x2.add(l45, last);
    else l67 = f64x2.add(l67, last);
  }
  return joinLanes(l01, l23, l45, l67);
}

export function sumF64(outer: i32, reduce: i32, inner: i32, xPtr: usize, outPtr: usize): void {
  sumAxis<f64>(outer, reduce, inner, xPtr, outPtr);
}

export function sumF32(outer: i32, reduce: i32, inner: i32, xPtr: usize, outPtr: usize): void {
  sumAxis<f32>(outer, reduce, inner, xPtr, outPtr);
}

export function dotF64(n: i32, xPtr: usize, yPtr: usize): f64 {
  return dotProduct<f64>(n, xPtr, yPtr);
}

export function dotF32(n: i32, xPtr: usize, yPtr: usize): f64 {
  return dotProduct<f32>(n, xPtr, yPtr);
}
