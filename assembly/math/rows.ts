/**
 * @file f(|x|), |x| ≤ 6, of a block of doubles, from a table with a row of coefficients for every c = k/8.
 *
 *   |x| = c + d, |d| ≤ 1/16          c = |x| rounded to eighths, found by adding 1.5·2^49: `shifted`, whose low bits are k
 *   f = c0 + (low + d·Σ c_(j + 1)·d^j)   c0 + low = f(c) to twice the precision: only the last sum rounds
 *
 * A row is low, c1 … c11, c0. Even and odd coefficients are the lanes of one vector, so a row is read as it stands, and
 * the sum over j is one polynomial in d² of vectors. The tables: erf.ts, gelu.ts, gelu-derivative.ts.
 */

import { SPACE, STRIDE } from "./passes";
import { step } from "./table";

/** Numbers of a row but low and c0, rows, bytes of a row. */
export const DEGREE: i32 = 11;
export const ROWS: i32 = 49;
export const ROW: usize = 104;
const LAST: f64 = 6.0;
const SHIFT: f64 = 844424930131968.0;

/** What of each element the next pass adds up; NaN counts as 6. Functions, so that tables share their code. */
export function rowsOfBlock(table: usize, x: usize, end: usize): void {
  rowSums(table, 6, x, end);
}

/** rowsOfBlock for results that are rounded to f32: fewer coefficients. */
export function rowsOfSingles(table: usize, x: usize, end: usize): void {
  rowSums(table, 4, x, end);
}

// @ts-ignore: decorator
@inline
function rowSums(table: usize, pairs: i32, x: usize, end: usize): void {
  const shift = f64x2.splat(SHIFT);
  const last = f64x2.splat(LAST);
  const stop = SPACE + ((end - x) >> 4) * STRIDE;
  for (let to = SPACE; to < stop; to += STRIDE, x += 16) {
    const a = f64x2.pmin(last, f64x2.abs(v128.load(x)));
    const shifted = f64x2.add(a, shift);
    const d = f64x2.sub(a, f64x2.sub(shifted, shift));
    const d2 = f64x2.mul(d, d);
    v128.store(to, d);
    v128.store(to, d2, 16);
    v128.store(to, f64x2.mul(d2, d2), 32);
    v128.store(to, shifted, 48);
  }
  for (let at = SPACE; at < stop; at += STRIDE) {
    const first = table + <usize>load<u32>(at, 48) * ROW;
    v128.store(at, sumOfRow(pairs, first, v128.load64_splat(at, 16), v128.load64_splat(at, 32)), 64);
    const second = table + <usize>load<u32>(at, 56) * ROW;
    v128.store(at, sumOfRow(pairs, second, v128.load64_splat(at, 24), v128.load64_splat(at, 40)), 80);
    store<f64>(at, load<f64>(first, ROW - 8), 48);
    store<f64>(at, load<f64>(second, ROW - 8), 56);
  }
}

/** The even coefficients' part in one lane, the odd ones' in the other. */
// @ts-ignore: decorator
@inline
function sumOfRow(pairs: i32, row: usize, d2: v128, d4: v128): v128 {
  const lowest = step<f64>(v128.load(row, 16), d2, v128.load(row));
  let higher = step<f64>(v128.load(row, 48), d2, v128.load(row, 32));
  if (pairs == 6) higher = step<f64>(step<f64>(v128.load(row, 80), d2, v128.load(row, 64)), d4, higher);
  return step<f64>(higher, d4, lowest);
}

/** c0 of both elements. */
// @ts-ignore: decorator
@inline
export function rowValue(at: usize): v128 {
  return v128.load(at, 48);
}

/** f(|x|) − c0 of both elements. */
// @ts-ignore: decorator
@inline
export function rowRest(at: usize): v128 {
  const first = v128.load(at, 64);
  const second = v128.load(at, 80);
  return step<f64>(v128.shuffle<i64>(first, second, 1, 3), v128.load(at), v128.shuffle<i64>(first, second, 0, 2));
}
