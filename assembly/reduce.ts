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

/** Columns that are summed together: 8 lanes of them stay in L1, and a row of x is read a cache line and more at a time. */
const COLUMNS: i32 = 32;
const LANE_BYTES: i32 = COLUMNS * 8;
/** lanes[l][c]: lane l of column c. */
const lanes: usize = memory.data(2048, 16);

/** out[c] ← Σ_r x[r, c] for `count` ≤ COLUMNS columns; rows are `step` bytes apart. */
function sumColumns<T>(count: i32, reduce: i32, x: usize, step: usize, out: usize): void {
  memory.fill(lanes, 0, LANES * LANE_BYTES);
  for (let r = 0; r < reduce; r++) {
    addRow<T>(count, x, lanes + <usize>((r & 7) * LANE_BYTES));
    x += step;
  }
  const end = lanes + (<usize>count << 3);
  let at = lanes;
  for (; at + 16 <= end; at += 16) {
    const pair = joinedPair(at);
    if (sizeof<T>() == 8) v128.store(out, pair);
    else v128.store64_lane(out, f32x4.demote_f64x2_zero(pair), 0);
    out += 2 * sizeof<T>();
  }
  if (at < end) store<T>(out, <T>f64x2.extract_lane(joinedPair(at), 0));
}

/** The joined lanes of two columns; COLUMNS is even, so both are inside the table. */
// @ts-ignore: decorator
@inline
function joinedPair(at: usize): v128 {
  const even = f64x2.add(
    f64x2.add(v128.load(at), v128.load(at, 2 * LANE_BYTES)),
    f64x2.add(v128.load(at, 4 * LANE_BYTES), v128.load(at, 6 * LANE_BYTES)),
  );
  const odd = f64x2.add(
    f64x2.add(v128.load(at, LANE_BYTES), v128.load(at, 3 * LANE_BYTES)),
    f64x2.add(v128.load(at, 5 * LANE_BYTES), v128.load(at, 7 * LANE_BYTES)),
  );
  return f64x2.add(even, odd);
}

/** One row into one lane. */
// @ts-ignore: decorator
@inline
function addRow<T>(count: i32, x: usize, to: usize): void {
  const end = to + (<usize>count << 3);
  while (to + 64 <= end) {
    v128.store(to, f64x2.add(v128.load(to), loadPair<T>(x)));
    v128.store(to, f64x2.add(v128.load(to, 16), loadPair<T>(x + 2 * sizeof<T>())), 16);
    v128.store(to, f64x2.add(v128.load(to, 32), loadPair<T>(x + 4 * sizeof<T>())), 32);
    v128.store(to, f64x2.add(v128.load(to, 48), loadPair<T>(x + 6 * sizeof<T>())), 48);
    x += 8 * sizeof<T>();
    to += 64;
  }
  while (to < end) {
    store<f64>(to, load<f64>(to) + <f64>load<T>(x));
    x += sizeof<T>();
    to += 8;
  }
}

/** out[o, i] ← Σ_r x[o, r, i]. */
function sumAxis<T>(outer: i32, reduce: i32, inner: i32, x: usize, out: usize): void {
  const step = <usize>inner * sizeof<T>();
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      store<T>(out, <T>sumRun<T>(reduce, x));
      out += sizeof<T>();
    } else {
      for (let i = 0; i < inner; i += COLUMNS) {
        const count = min(COLUMNS, inner - i);
        sumColumns<T>(count, reduce, x + <usize>i * sizeof<T>(), step, out);
        out += <usize>count * sizeof<T>();
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
