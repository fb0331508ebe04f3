/**
 * @file σ′(x) of a block of doubles, and sech² x = 4·σ′(2x).
 *
 *   |x| = n/32 + t, |t| ≤ 1/64     n found by adding 1.5·2^47; s = e^(−n/32), rounded: the power is s·e^lack
 *   σ′ = s/d                       d = e^(t − lack) + 2s + s²·e^(lack − t), s being the numerator so that e^(−|x|) itself never rounds
 *   e^(±r) = 1 + even ± odd        r = lack − t
 *
 * The table of s is made when first needed, by products of e^(−1/32) that are twice as precise.
 *
 * Coefficients: scripts/coefficients/coefficients.py derivatives.
 */

import { PART, SPACE, isBeyondLimit, magnitudes } from "./math/passes";
import { lackOf } from "./math/power";
import { splatFrom, step } from "./math/table";

const CONSTANTS = memory.data<f64>([
  211106232532992.0, 1.0, 0.5000000000000001, 0.041666666665013834, 0.001388900543780159, 0.16666666666055274, 0.008333405595271376,
]);
/** 1.5·2^47, 1, the coefficients of even and odd. */
const enum Constant { Shift, One, Even0, Even1, Even2, Odd0, Odd1 }

/** What the passes know: |x| below it. */
export const SIGMOID_DERIVATIVE_LIMIT: f64 = 40.0;
export const SECH_LIMIT: f64 = 20.0;

/** lack and s of n = 0 … 1280, 32 times the limit; one memory per instance. */
const TABLE = memory.data(1281 * 16, 16);
const TABLE_END = TABLE + 1281 * 16;
/** e^(−1/32): 26 bits, the rest of a double, the rest. */
const STEP_UPPER: f64 = 0.9692332297563553;
const STEP_LOWER: f64 = 4.719988844215095e-09;
const STEP_REST: f64 = -4.801151707083219e-17;

/** False, and nothing written, where |x| ≥ SIGMOID_DERIVATIVE_LIMIT. */
export function sigmoidDerivativeOfBlock(x: usize, end: usize, out: usize): bool {
  return densityOfBlock(false, SIGMOID_DERIVATIVE_LIMIT, x, end, out);
}

/** |x| < SECH_LIMIT */
export function sechSquaredOfBlock(x: usize, end: usize, out: usize): bool {
  return densityOfBlock(true, SECH_LIMIT, x, end, out);
}

/** The first loop leaves −t, and where s is, the second makes the results. */
// @ts-ignore: decorator
@inline
function densityOfBlock(doubled: bool, limit: f64, x: usize, end: usize, out: usize): bool {
  const shift = constant(Constant.Shift);
  const stop = SPACE + (end - x);
  const toX = x - SPACE;
  let largest = i32x4.splat(0);
  for (let at = SPACE; at < stop; at += 32) {
    const x0 = v128.load(at + toX);
    const x1 = v128.load(at + toX, 16);
    largest = i32x4.max_u(largest, magnitudes(x0, x1));
    const a0 = f64x2.abs(doubled ? f64x2.add(x0, x0) : x0);
    const a1 = f64x2.abs(doubled ? f64x2.add(x1, x1) : x1);
    const shifted0 = f64x2.add(a0, shift);
    const shifted1 = f64x2.add(a1, shift);
    v128.store(at, f64x2.sub(f64x2.sub(shifted0, shift), a0));
    v128.store(at, f64x2.sub(f64x2.sub(shifted1, shift), a1), 16);
    v128.store(at, i32x4.shl(v128.shuffle<i32>(shifted0, shifted1, 0, 2, 4, 6), 4), PART);
  }
  if (isBeyondLimit(largest, limit)) return false;
  if (load<f64>(TABLE, 8) == 0) makeTable();
  const one = constant(Constant.One);
  const even0 = constant(Constant.Even0);
  const even1 = constant(Constant.Even1);
  const even2 = constant(Constant.Even2);
  const odd0 = constant(Constant.Odd0);
  const odd1 = constant(Constant.Odd1);
  const toOut = out - SPACE;
  for (let at = SPACE; at < stop; at += 32) {
    const first0 = v128.load(<usize>load<u32>(at, PART), TABLE);
    const second0 = v128.load(<usize>load<u32>(at, PART + 4), TABLE);
    const s0 = v128.shuffle<i64>(first0, second0, 1, 3);
    v128.store(at + toOut, density(doubled, v128.load(at), lackOf(first0, second0), s0, one, even0, even1, even2, odd0, odd1));

    const first1 = v128.load(<usize>load<u32>(at, PART + 8), TABLE);
    const second1 = v128.load(<usize>load<u32>(at, PART + 12), TABLE);
    const s1 = v128.shuffle<i64>(first1, second1, 1, 3);
    v128.store(at + toOut, density(doubled, v128.load(at, 16), lackOf(first1, second1), s1, one, even0, even1, even2, odd0, odd1), 16);
  }
  return true;
}

/** s/d or 4s/d; the powers beyond the first of −t are without lack, which is too small for them. */
// @ts-ignore: decorator
@inline
function density(
  doubled: bool, minusT: v128, lack: v128, s: v128, one: v128, even0: v128, even1: v128, even2: v128, odd0: v128, odd1: v128,
): v128 {
  const square = f64x2.mul(minusT, minusT);
  const even = f64x2.mul(square, step<f64>(step<f64>(even2, square, even1), square, even0));
  const odd = f64x2.add(f64x2.add(minusT, lack), f64x2.mul(f64x2.mul(square, minusT), step<f64>(odd1, square, odd0)));
  const s2 = f64x2.mul(s, s);
  const twice = f64x2.add(s, s);
  // From the smallest summands to 1, so that one sum rounds near d.
  const rest = f64x2.add(f64x2.sub(even, odd), f64x2.mul(s2, f64x2.add(even, odd)));
  const d = f64x2.add(one, f64x2.add(twice, f64x2.add(s2, rest)));
  return f64x2.div(doubled ? f64x2.add(twice, twice) : s, d);
}

function makeTable(): void {
  let s = 1.0, low = 0.0;
  for (let at = TABLE; at < TABLE_END; at += 16) {
    store<f64>(at, low / s);
    store<f64>(at, s, 8);
    const upper = reinterpret<f64>(reinterpret<u64>(s) & 0xfffffffff8000000);
    const lower = s - upper;
    const product = upper * STEP_UPPER; // exact
    const rest = upper * STEP_LOWER + lower * STEP_UPPER + (lower * STEP_LOWER + (s * STEP_REST + low * STEP_UPPER));
    s = product + rest;
    low = rest - (s - product);
  }
}

// @ts-ignore: decorator
@inline
function constant(index: Constant): v128 {
  return splatFrom<f64>(CONSTANTS, CONSTANTS, index);
}
