/**
 * @file The product of a merge: out [count, columns] ← S·G, where S holds the eigenvectors of the secular equation as rows.
 *
 *   S[k, j] = scale[k]·ŵ[j]/(p[j] − λ[k])        k: all roots       j: the poles of one half, ascending, G [poles, columns] their rows
 *
 * Away from where roots and poles interlace, S is smooth, and numerically of low rank. So the poles are halved again and again, and
 * the roots with them; the blocks off the diagonal are factored, S ≈ L·U with ranks of 20 to 30, and only those on it are made:
 *
 *             poles →                     out of the roots of one leaf = [ L of all its blocks ]·[ U·G of each, one below the other ] + S·G
 *     roots  | S  LU|  LU   |
 *       ↓    | LU  S|       |             U·G is made once per block, on the way down to the leaves
 *            |------+-------|
 *            |  LU  | S  LU |             two thirds of the multiplications are saved for 512 poles a half
 *            |      | LU  S |
 *
 * A block is factored by Gaussian elimination with pivots that are the largest of their row and column. What is left of it after a
 * pivot (a, b) is again f[k]·g[j]/(p[j] − λ[k]), to full relative accuracy:
 *
 *   f[k] ← f[k]·(λ[k] − λ[a])/(λ[k] − p[b])        g[j] ← g[j]·(p[j] − p[b])/(p[j] − λ[a])
 *
 * It ends when a bound on all that is left is below NEGLIGIBLE; the rows of S have norm 1. A block of higher rank than MOST is
 * multiplied as it is. Rows of `out` do not meet: the bits of one do not depend on which others are wanted.
 *
 * Scheme: Gohberg, Kailath, Olshevsky, Math. Comp. 64 (1995), for the elimination; Li, Liao, Liu, Jiang, Numer. Linear Algebra
 * Appl. 23 (2016), for low ranks in divide and conquer.
 */

import { multiply, multiplyScratchBytes } from "./gemm";
import { addLanes } from "./level1";
import { at, index, padded, put } from "./memory";

/** Poles from which on a block is halved. */
const SPLIT: i32 = 96;
/** Most steps of elimination. */
const MOST: i32 = 48;
/** Entries of S below this are zero: 2^−56. */
const NEGLIGIBLE: f64 = 1.3877787807814457e-17;
/** Rows of S made at a time. */
const CHUNK: i32 = 256;

/** Where everything is. Arrays are f64 unless said otherwise. */
// @ts-ignore: decorator
@unmanaged
export class SecularProduct {
  /** Per root: λ = origin − offset, origin the nearer pole; 1 / norm of (ŵ[j]/(p[j] − λ)). */
  origins: usize;
  offsets: usize;
  scales: usize;
  /** Per pole of the half: p, ŵ, and (i32) how many roots lie below it. */
  poles: usize;
  weights: usize;
  positions: usize;
  /** Of a block being factored: f and 1/(distance to the nearest pole) per root, g per pole; 1/(p − λ) of the pivot's column and row. */
  f: usize;
  reach: usize;
  g: usize;
  columnInverse: usize;
  rowInverse: usize;
  /** U of one block; L of all roots, `leftRow` a row; U·G of the blocks above a leaf, one below the other; rows of S; GEMM's scratch. */
  u: usize;
  left: usize;
  stack: usize;
  chunk: usize;
  gemm: usize;
  leftRow: i32;
  /** The roots whose rows are wanted, first … last − 1, and the half's extents and addresses. */
  first: i32;
  last: i32;
  columns: i32;
  rowOut: i32;
  gathered: usize;
  out: usize;
}

const HEADER_BYTES: usize = 192;
const ARRAYS: i32 = 11;

/** Elements of a row of L: a merge of n has n/2 poles a half. */
function leftRowOf(n: i32): i32 {
  let levels = 0;
  for (let poles = (n + 1) >> 1; poles >= SPLIT; poles = (poles + 1) >> 1) levels++;
  return levels * MOST;
}

export function secularProductScratchBytes(n: i32): usize {
  const row = <usize>n << 3, half = <usize>((n + 1) >> 1);
  return HEADER_BYTES + <usize>ARRAYS * padded(row) + padded(<usize>MOST * row) + padded(<usize>leftRowOf(n) * row)
    + padded((<usize>leftRowOf(n) * half) << 3) + padded(<usize>min(CHUNK, n) * row) + multiplyScratchBytes<f64>(n, n, n);
}

export function layOutSecularProduct(n: i32, scratchPtr: usize): SecularProduct {
  const work = changetype<SecularProduct>(scratchPtr);
  const row = <usize>n << 3, step = padded(row), half = <usize>((n + 1) >> 1);
  work.origins = scratchPtr + HEADER_BYTES;
  work.offsets = work.origins + step;
  work.scales = work.offsets + step;
  work.poles = work.scales + step;
  work.weights = work.poles + step;
  work.positions = work.weights + step;
  work.f = work.positions + step;
  work.reach = work.f + step;
  work.g = work.reach + step;
  work.columnInverse = work.g + step;
  work.rowInverse = work.columnInverse + step;
  work.u = work.rowInverse + step;
  work.left = work.u + padded(<usize>MOST * row);
  work.leftRow = leftRowOf(n);
  work.stack = work.left + padded(<usize>work.leftRow * row);
  work.chunk = work.stack + padded((<usize>work.leftRow * half) << 3);
  work.gemm = work.chunk + padded(<usize>min(CHUNK, n) * row);
  return work;
}

/** The roots, from their differences p − λ, row k of deltas [count, count], row stride `row` bytes, and ŵ. */
export function describeRoots(count: i32, polesPtr: usize, weightsPtr: usize, deltasPtr: usize, row: usize, work: SecularProduct): void {
  for (let k = 0; k < count; k++) {
    const delta = deltasPtr + <usize>k * row;
    const nearer = k + 1 < count && abs<f64>(at(delta, k + 1)) < abs<f64>(at(delta, k)) ? k + 1 : k;
    put(work.origins, k, at(polesPtr, nearer));
    put(work.offsets, k, at(delta, nearer));
    put(work.scales, k, 1 / sqrt<f64>(sumOfSquares(count, weightsPtr, delta)));
  }
}

/** Σ (w[j]/delta[j])². */
function sumOfSquares(count: i32, w: usize, d: usize): f64 {
  let squares0 = v128.splat<f64>(0), squares1 = squares0;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const entry0 = v128.div<f64>(v128.load(w), v128.load(d)), entry1 = v128.div<f64>(v128.load(w, 16), v128.load(d, 16));
    squares0 = v128.add<f64>(squares0, v128.mul<f64>(entry0, entry0));
    squares1 = v128.add<f64>(squares1, v128.mul<f64>(entry1, entry1));
    w += 32;
    d += 32;
  }
  let squares = addLanes<f64>(v128.add<f64>(squares0, squares1));
  for (; j < count; j++) {
    const entry = load<f64>(w) / load<f64>(d);
    squares += entry * entry;
    w += 8;
    d += 8;
  }
  return squares;
}

/**
 * Rows first … last − 1 of out, `rowOut` elements a row, ← S·G: the caller has described the roots, set first and last, and put
 * in place p, ŵ and positions of `poles` poles, ascending, and G at `gathered`.
 */
export function multiplySecular(count: i32, poles: i32, columns: i32, gathered: usize, out: usize, rowOut: i32, work: SecularProduct): void {
  work.columns = columns;
  work.gathered = gathered;
  work.out = out;
  work.rowOut = rowOut;
  multiplyBlock(0, count, 0, poles, 0, work);
}

/** Roots from … to − 1 and poles low … high − 1, which interlace: out ← [L, S]·[stack; G] with `used` columns of L. */
function multiplyBlock(from: i32, to: i32, low: i32, high: i32, used: i32, work: SecularProduct): void {
  if (high - low < SPLIT) {
    multiplyWhole(from, to, low, high, used, work);
    return;
  }
  const middle = (low + high) >> 1;
  const between = index(work.positions, middle);
  multiplyPart(from, between, low, middle, middle, high, middle, used, work);
  multiplyPart(between, to, middle, high, low, middle, middle - 1, used, work);
}

/** Roots from … to − 1: poles low … high − 1 interlace with them; farLow … farHigh − 1, `nearest` first, lie on one side. */
function multiplyPart(from: i32, to: i32, low: i32, high: i32, farLow: i32, farHigh: i32, nearest: i32, used: i32, work: SecularProduct): void {
  if (to <= work.first || from >= work.last) return;
  const rank = factor(from, to, farLow, farHigh, nearest, used, work);
  if (rank < 0) {
    multiplyWhole(from, to, min(low, farLow), max(high, farHigh), used, work);
    return;
  }
  const columns = work.columns;
  multiply<f64>(
    rank, columns, farHigh - farLow, 1, work.u, farHigh - farLow, 1, work.gathered + ((<usize>farLow * <usize>columns) << 3), columns, 1,
    0, work.stack + ((<usize>used * <usize>columns) << 3), columns, 1, work.gemm,
  );
  multiplyBlock(from, to, low, high, used + rank, work);
}

/** The same, with S made. */
function multiplyWhole(from: i32, to: i32, low: i32, high: i32, used: i32, work: SecularProduct): void {
  const columns = work.columns, rowOut = work.rowOut;
  const poles = high - low;
  const g = work.gathered + ((<usize>low * <usize>columns) << 3);
  from = max(from, work.first);
  to = min(to, work.last);
  if (from >= to) return;
  const out = work.out + ((<usize>from * <usize>rowOut) << 3);
  if (used > 0) {
    const left = work.left + ((<usize>from * <usize>work.leftRow) << 3);
    multiply<f64>(to - from, columns, used, 1, left, work.leftRow, 1, work.stack, columns, 1, 0, out, rowOut, 1, work.gemm);
  }
  for (let k = from; k < to; k += CHUNK) {
    const rows = min(CHUNK, to - k);
    for (let r = 0; r < rows; r++) makeRow(k + r, low, poles, work.chunk + ((<usize>r * <usize>poles) << 3), work);
    multiply<f64>(
      rows, columns, poles, 1, work.chunk, poles, 1, g, columns, 1,
      used > 0 ? 1 : 0, work.out + ((<usize>k * <usize>rowOut) << 3), rowOut, 1, work.gemm,
    );
  }
}

/** out [poles] ← row k of S from pole `low` on. */
function makeRow(k: i32, low: i32, poles: i32, out: usize, work: SecularProduct): void {
  const origin = at(work.origins, k), offset = at(work.offsets, k), scale = at(work.scales, k);
  const origins = v128.splat<f64>(origin), offsets = v128.splat<f64>(offset), scales = v128.splat<f64>(scale);
  let p = work.poles + (<usize>low << 3), w = work.weights + (<usize>low << 3);
  const end = out + (<usize>poles << 3);
  while (out + 16 <= end) {
    const delta = v128.add<f64>(v128.sub<f64>(v128.load(p), origins), offsets);
    v128.store(out, v128.mul<f64>(v128.div<f64>(v128.load(w), delta), scales));
    p += 16;
    w += 16;
    out += 16;
  }
  if (out < end) store<f64>(out, load<f64>(w) / (load<f64>(p) - origin + offset) * scale);
}

/**
 * Roots from … to − 1, poles low … high − 1, all on one side, `nearest` first. L at column `used`, U [rank, poles]. Returns the
 * rank, or −1 when it would exceed MOST.
 */
function factor(from: i32, to: i32, low: i32, high: i32, nearest: i32, used: i32, work: SecularProduct): i32 {
  const roots = to - from, poles = high - low;
  const f = work.f, g = work.g, reach = work.reach, columnInverse = work.columnInverse, rowInverse = work.rowInverse;
  const p = work.poles + (<usize>low << 3);
  memory.copy(f, work.scales + (<usize>from << 3), <usize>roots << 3);
  memory.copy(g, work.weights + (<usize>low << 3), <usize>poles << 3);
  invertColumn(from, roots, at(work.poles, nearest), reach, work);
  for (let rank = 0; rank <= MOST; rank++) {
    let a = indexOfLargest(roots, f, reach);
    const bound = abs<f64>(at(f, a) * at(reach, a)) * largest(poles, g);
    if (bound <= NEGLIGIBLE) return rank;
    if (rank == MOST) break;
    invertRow(from + a, poles, p, rowInverse, work);
    const b = indexOfLargest(poles, g, rowInverse);
    const pole = at(p, b);
    invertColumn(from, roots, pole, columnInverse, work);
    const c = indexOfLargest(roots, f, columnInverse);
    if (c != a) invertRow(from + c, poles, p, rowInverse, work);
    a = c;
    const fa = at(f, a);
    eliminateRow(poles, fa, pole, p, work.u + ((<usize>rank * <usize>poles) << 3), work);
    eliminateColumn(from, roots, 1 / (fa * at(columnInverse, a)), from + a, used + rank, work);
  }
  return -1;
}

/** Index of the largest |x·y|. */
function indexOfLargest(count: i32, x: usize, y: usize): i32 {
  let index = 0, most: f64 = -1;
  for (let i = 0; i < count; i++) {
    const size = abs<f64>(at(x, i) * at(y, i));
    if (size > most) {
      most = size;
      index = i;
    }
  }
  return index;
}

function largest(count: i32, x: usize): f64 {
  let most: f64 = 0;
  for (let i = 0; i < count; i++) most = max<f64>(most, abs<f64>(at(x, i)));
  return most;
}

/** out [roots] ← 1/(pole − λ). */
function invertColumn(from: i32, roots: i32, pole: f64, out: usize, work: SecularProduct): void {
  const poles = v128.splat<f64>(pole), one = v128.splat<f64>(1);
  let origin = work.origins + (<usize>from << 3), offset = work.offsets + (<usize>from << 3);
  const end = out + (<usize>roots << 3);
  while (out + 16 <= end) {
    v128.store(out, v128.div<f64>(one, v128.add<f64>(v128.sub<f64>(poles, v128.load(origin)), v128.load(offset))));
    origin += 16;
    offset += 16;
    out += 16;
  }
  if (out < end) store<f64>(out, 1 / (pole - load<f64>(origin) + load<f64>(offset)));
}

/** out [poles] ← 1/(p − λ[k]). */
function invertRow(k: i32, poles: i32, p: usize, out: usize, work: SecularProduct): void {
  const origin = at(work.origins, k), offset = at(work.offsets, k);
  const origins = v128.splat<f64>(origin), offsets = v128.splat<f64>(offset), one = v128.splat<f64>(1);
  const end = out + (<usize>poles << 3);
  while (out + 16 <= end) {
    v128.store(out, v128.div<f64>(one, v128.add<f64>(v128.sub<f64>(v128.load(p), origins), offsets)));
    p += 16;
    out += 16;
  }
  if (out < end) store<f64>(out, 1 / (load<f64>(p) - origin + offset));
}

/** A row of U: u ← f[a]·g/(p − λ[a]); then g ← g·(p − pole)/(p − λ[a]). */
function eliminateRow(poles: i32, fa: f64, pole: f64, p: usize, u: usize, work: SecularProduct): void {
  const g = work.g, rowInverse = work.rowInverse;
  for (let j = 0; j < poles; j++) {
    const quotient = at(g, j) * at(rowInverse, j);
    put(u, j, fa * quotient);
    put(g, j, quotient * (at(p, j) - pole));
  }
}

/** A column of L, divided by the pivot: f/(pole − λ)·inverse; then f ← f·(λ[a] − λ)/(pole − λ). */
function eliminateColumn(from: i32, roots: i32, inverse: f64, a: i32, column: i32, work: SecularProduct): void {
  const f = work.f, columnInverse = work.columnInverse;
  const origin = at(work.origins, a), offset = at(work.offsets, a);
  const step = <usize>work.leftRow << 3;
  let left = work.left + <usize>from * step + (<usize>column << 3);
  for (let k = 0; k < roots; k++) {
    const quotient = at(f, k) * at(columnInverse, k);
    store<f64>(left, quotient * inverse);
    // The difference of two roots from their origins: to full relative accuracy however close they are.
    put(f, k, quotient * (origin - at(work.origins, from + k) + (at(work.offsets, from + k) - offset)));
    left += step;
  }
}
