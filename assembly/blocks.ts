/**
 * @file Element-wise maths by blocks of 256 doubles or 512 f32: out[i] ← f(x[i]), n contiguous elements of T; out may be x. Functions of f32
 * that have no passes of their own (exponentials-f32.ts) are computed in f64 and rounded.
 *
 * A block is a whole number of turns of two vectors. The first pass of a formula, or a test before, tells whether all of it is within
 * the range of the passes. In a block that is not, the others are gone through with a 1 in the place of each element beyond, which takes a
 * formula of its own: an element's bits depend on its value alone.
 */

import { ERF_DERIVATIVE_LIMIT, erfDerivativeOfBlock, erfDerivativeOfSingles } from "./erf-derivative";
import {
  POWER_LIMIT, expOfBlock, expm1OfBlock, farExpm1, farSigmoid, farSilu, farSoftplus, sigmoidOfBlock, siluOfBlock, softplusOfBlock, tanhOfBlock,
} from "./exponentials";
import { densityOfBlockF32, expOfBlockF32, sigmoidOfBlockF32, siluOfBlockF32 } from "./exponentials-f32";
import { farErfDerivative, farGelu, farGeluDerivative, farSechSquared, farSigmoidDerivative, farSiluDerivative } from "./far";
import { GELU_DERIVATIVE_LIMIT, geluDerivativeOfBlock, geluDerivativeOfSingles } from "./gelu-derivative";
import { erfOfBlock } from "./math/erf";
import { rareExp } from "./math/exp";
import { GELU_LIMIT, geluOfBlock, geluOfSingles } from "./math/gelu";
import { farLog, logOfBlock } from "./math/log";
import { BLOCK, DOUBLES, isBeyondLimit, magnitudes } from "./math/passes";
import { rareSigmoid, rareSilu } from "./math/sigmoid";
import { CIRCULAR_LIMIT, QUARTER, circularOfBlock, farCircular } from "./math/sincos";
import { SECH_LIMIT, SIGMOID_DERIVATIVE_LIMIT, sechSquaredOfBlock, sigmoidDerivativeOfBlock } from "./sigmoid-derivative";
import { siluDerivativeOfBlock, siluDerivativeOfSingles } from "./silu-derivative";

/** A literal at the call of blockedArray, so that each function compiles to loops around its formula. */
export const enum Blocked {
  Exp, Expm1, Tanh, Sigmoid, Silu, Softplus, Log, Sin, Cos, Erf, Gelu, ErfDerivative, SechSquared, SigmoidDerivative, SiluDerivative, GeluDerivative
}

/** A block with elements beyond, and one such vector; f32 as doubles, and the last f32; the last doubles. One memory per instance. */
const SCRATCH = memory.data(<i32>BLOCK, 16);
const WIDENED = memory.data(<i32>BLOCK, 16);
const SINGLES = memory.data(DOUBLES * 4, 16);
const TAIL = memory.data(32, 16);
const FAR = memory.data(16, 16);
/** Bytes of the pieces of a block of f32. */
const PIECE: usize = 128;

// @ts-ignore: decorator
@inline
export function blockedArray<T>(op: Blocked, n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) turns<f64>(op, n, x, out);
  else if (hasOwnSingles(op)) turns<f32>(op, n, x, out);
  else singles(op, n, x, out);
}

/** Functions of f32 that are computed in f32. */
// @ts-ignore: decorator
@inline
function hasOwnSingles(op: Blocked): bool {
  return op == Blocked.Exp || op == Blocked.Sigmoid || op == Blocked.Silu || op == Blocked.SechSquared || op == Blocked.SigmoidDerivative;
}

// @ts-ignore: decorator
@inline
function turns<T>(op: Blocked, n: i32, x: usize, out: usize): void {
  const size = <usize>n * sizeof<T>(), rest = size & 31, end = x + (size - rest);
  for (; x < end; x += BLOCK, out += BLOCK) blockOf<T>(op, x, min<usize>(end, x + BLOCK), out);
  if (rest == 0) return;
  out -= x - end;
  v128.store(TAIL, f64x2.splat(0));
  v128.store(TAIL, f64x2.splat(0), 16);
  memory.copy(TAIL, end, rest);
  blockOf<T>(op, TAIL, TAIL + 32, TAIL);
  memory.copy(out, TAIL, rest);
}

// @ts-ignore: decorator
@inline
function blockOf<T>(op: Blocked, x: usize, end: usize, out: usize): void {
  if (sizeof<T>() == 8) block(op, false, x, end, out);
  else if (!passesF32(op, x, end, out)) anyOfBlockF32(op, x, end, out);
}

// @ts-ignore: decorator
@inline
function passesF32(op: Blocked, x: usize, end: usize, out: usize): bool {
  if (op == Blocked.Exp) return expOfBlockF32(x, end, out);
  if (op == Blocked.SechSquared) return densityOfBlockF32(2, x, end, out);
  if (op == Blocked.SigmoidDerivative) return densityOfBlockF32(1, x, end, out);
  return op == Blocked.Silu ? siluOfBlockF32(x, end, out) : sigmoidOfBlockF32(x, end, out);
}

/** A block of f32 with elements beyond: the pieces that have some by formulas for any; one function for all. */
function anyOfBlockF32(op: Blocked, x: usize, end: usize, out: usize): void {
  while (x < end) {
    const stop = min<usize>(end, x + PIECE);
    if (passesF32(op, x, stop, out)) {
      x += PIECE;
      out += PIECE;
    } else for (; x < stop; x += 16, out += 16) v128.store(out, ofAnyF32(op, v128.load(x)));
  }
}

// @ts-ignore: decorator
@inline
function ofAnyF32(op: Blocked, x: v128): v128 {
  if (op == Blocked.Exp) return rareExp<f32>(x);
  return op == Blocked.Silu ? rareSilu(x) : rareSigmoid(x);
}

// @ts-ignore: decorator
@inline
function singles(op: Blocked, n: i32, x: usize, out: usize): void {
  for (; n > 0; n -= DOUBLES, x += BLOCK / 2, out += BLOCK / 2) {
    const count = min(n, DOUBLES);
    const whole = count == DOUBLES;
    const size = <usize>((count + 3) >> 2) << 4;
    if (!whole) memory.copy(SINGLES, x, <usize>count << 2);
    widen(whole ? x : SINGLES, size);
    block(op, true, WIDENED, WIDENED + (size << 1), WIDENED);
    narrow(whole ? out : SINGLES, size);
    if (!whole) memory.copy(out, SINGLES, <usize>count << 2);
  }
}

/** size bytes of f32 to WIDENED. */
function widen(x: usize, size: usize): void {
  for (let i: usize = 0; i < size; i += 16) {
    const value = v128.load(x + i);
    v128.store(WIDENED + (i << 1), f64x2.promote_low_f32x4(value));
    v128.store(WIDENED + (i << 1), f64x2.promote_low_f32x4(v128.shuffle<i64>(value, value, 1, 1)), 16);
  }
}

/** WIDENED to size bytes of f32. */
function narrow(out: usize, size: usize): void {
  for (let i: usize = 0; i < size; i += 16) {
    const low = f32x4.demote_f64x2_zero(v128.load(WIDENED + (i << 1)));
    const high = f32x4.demote_f64x2_zero(v128.load(WIDENED + (i << 1), 16));
    v128.store(out + i, v128.shuffle<i64>(low, high, 0, 2));
  }
}

// @ts-ignore: decorator
@inline
function block(op: Blocked, single: bool, x: usize, end: usize, out: usize): void {
  if (!passes(op, single, x, end, out)) anyOfBlock(op, single, x, end, out);
}

function allWithin(limit: f64, x: usize, end: usize): bool {
  let largest = i32x4.splat(0);
  for (; x < end; x += 32) largest = i32x4.max_u(largest, magnitudes(v128.load(x), v128.load(x, 16)));
  return !isBeyondLimit(largest, limit);
}

/** The passes know |x| < limit; its lower word is 0. For log x is positive and normal too. */
// @ts-ignore: decorator
@inline
function limit(op: Blocked, single: bool): f64 {
  if (op == Blocked.Log) return Infinity;
  if (op == Blocked.GeluDerivative && single) return GELU_DERIVATIVE_LIMIT;
  if (op == Blocked.Gelu || op == Blocked.GeluDerivative) return GELU_LIMIT;
  if (op == Blocked.ErfDerivative) return ERF_DERIVATIVE_LIMIT;
  if (op == Blocked.SechSquared) return SECH_LIMIT;
  if (op == Blocked.SigmoidDerivative) return SIGMOID_DERIVATIVE_LIMIT;
  return op == Blocked.Sin || op == Blocked.Cos ? CIRCULAR_LIMIT : POWER_LIMIT;
}

// @ts-ignore: decorator
@inline
function isBeyond(isLog: bool, bound: v128, x: v128): v128 {
  if (!isLog) return v128.not(f64x2.lt(f64x2.abs(x), bound));
  return v128.not(v128.and(f64x2.ge(x, f64x2.splat(2.2250738585072014e-308)), f64x2.lt(x, bound)));
}

/** One function for all: what takes longer here than with a literal is little beside the formulas of elements beyond. */
function anyOfBlock(op: Blocked, single: bool, x: usize, end: usize, out: usize): void {
  const isLog = op == Blocked.Log, bound = f64x2.splat(limit(op, single));
  const size = end - x;
  for (let i: usize = 0; i < size; i += 16) {
    const value = v128.load(x + i);
    v128.store(SCRATCH + i, v128.bitselect(f64x2.splat(1.0), value, isBeyond(isLog, bound, value)));
  }
  passes(op, single, SCRATCH, SCRATCH + size, SCRATCH);
  for (let i: usize = 0; i < size; i += 16) {
    let result = v128.load(SCRATCH + i);
    const beyond = isBeyond(isLog, bound, v128.load(x + i));
    if (v128.any_true(beyond)) {
      far(op, x + i, FAR);
      result = v128.bitselect(v128.load(FAR), result, beyond);
    }
    v128.store(out + i, result);
  }
}

/** False, and nothing written, where an element is beyond. */
// @ts-ignore: decorator
@inline
function passes(op: Blocked, single: bool, x: usize, end: usize, out: usize): bool {
  if (op == Blocked.Exp) return expOfBlock(x, end, out);
  if (op == Blocked.Expm1) return expm1OfBlock(x, end, out);
  if (op == Blocked.Sigmoid) return sigmoidOfBlock(x, end, out);
  if (op == Blocked.Silu) return siluOfBlock(x, end, out);
  if (op == Blocked.Softplus) return softplusOfBlock(x, end, out);
  if (op == Blocked.Log) return logOfBlock(x, end, out);
  if (op == Blocked.ErfDerivative) return single ? erfDerivativeOfSingles(x, end, out) : erfDerivativeOfBlock(x, end, out);
  if (op == Blocked.SechSquared) return sechSquaredOfBlock(x, end, out);
  if (op == Blocked.SigmoidDerivative) return sigmoidDerivativeOfBlock(x, end, out);
  if (op == Blocked.SiluDerivative) return single ? siluDerivativeOfSingles(x, end, out) : siluDerivativeOfBlock(x, end, out);
  if (op == Blocked.Sin) return circularOfBlock(0, x, end, out);
  if (op == Blocked.Cos) return circularOfBlock(QUARTER, x, end, out);
  if (op == Blocked.GeluDerivative && single) return geluDerivativeOfSingles(x, end, out);
  if (op == Blocked.Tanh) tanhOfBlock(x, end, out);
  else if (op == Blocked.Erf) erfOfBlock(x, end, out);
  else if (!allWithin(limit(op, single), x, end)) return false;
  else if (op == Blocked.Gelu) single ? geluOfSingles(x, end, out) : geluOfBlock(x, end, out);
  else geluDerivativeOfBlock(x, end, out);
  return true;
}

/** f where isBeyond, of one vector. */
// @ts-ignore: decorator
@inline
function far(op: Blocked, x: usize, out: usize): void {
  if (op == Blocked.Exp) v128.store(out, rareExp<f64>(v128.load(x)));
  else if (op == Blocked.Expm1) farExpm1(x, out);
  else if (op == Blocked.Sigmoid) farSigmoid(x, out);
  else if (op == Blocked.Silu) farSilu(x, out);
  else if (op == Blocked.Softplus) farSoftplus(x, out);
  else if (op == Blocked.Log) farLog(x, out);
  else if (op == Blocked.Gelu) farGelu(x, out);
  else if (op == Blocked.ErfDerivative) farErfDerivative(x, out);
  else if (op == Blocked.SechSquared) farSechSquared(x, out);
  else if (op == Blocked.SigmoidDerivative) farSigmoidDerivative(x, out);
  else if (op == Blocked.SiluDerivative) farSiluDerivative(x, out);
  else if (op == Blocked.GeluDerivative) farGeluDerivative(x, out);
  else farCircular(op == Blocked.Cos ? QUARTER : 0, x, out);
}
