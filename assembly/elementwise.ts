/**
 * @file Element-wise maths over n contiguous elements: out[i] ← f(x[i]); out may be x.
 *
 *   x:  | v0 v1 | v2 v3 | …     | tail 0 0 0 |       a vector is 16 bytes: 2 × f64 or 4 × f32
 *
 * Two vectors a turn, because a formula is one long chain of dependent operations. The tail is padded with zeros and goes
 * through the same loop: an element's result depends on its value alone, not on where it stands. NaN gives NaN. Doubles, and
 * f32 where that is faster than one loop, go through blocks.ts.
 *
 * Largest errors known, in units in the last place (tests/routines/elementwise.accuracy.test.ts bounds them; where they are: docs/accuracy.md):
 *
 *         exp   expm1  log   sin, cos  tanh  sigmoid  silu  erf   gelu
 *   f64   0.75  1.07   1.84  1.75      1.86  2.0      1.96  1.74  1.95
 *   f32   0.95  1.45   0.95  1.58      1.13  2.0      2.0   1.49  0.7
 *
 *         softplus  erfDerivative  sechSquared, sigmoidDerivative  siluDerivative  geluDerivative
 *   f64   1.22      0.72           1.75                            1.01            1.44
 *   f32   1.67      0.5            1.93                            0.5             0.5
 */

import { Blocked, blockedArray } from "./blocks";
import { erf } from "./math/erf";
import { expm1, isRareExp } from "./math/exp";
import { isRareLog, log, rareLog } from "./math/log-f32";
import { BLOCK, DOUBLES } from "./math/passes";
import { rareSoftplus, softplus } from "./math/sigmoid";
import { circularOfSingles, isRareCircular, rareCircular } from "./math/sincos-f32";
import { tanh } from "./math/tanh";

/** Where the tail is padded: one memory per instance, so no other thread writes it. */
const TAIL = memory.data(32, 16);
/** expm1 of a block. */
const POWERS = memory.data(<i32>BLOCK, 16);

/** What a map does to each vector; a literal at every call, so each map compiles to one loop around its formula. */
const enum Op { Expm1, Log, Sin, Cos, Sqrt, Tanh, Softplus, Erf, Relu, LeakyRelu, Elu, Affine }

export function expArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.Exp, n, x, out); }
export function expm1Array<T>(n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) blockedArray<T>(Blocked.Expm1, n, x, out);
  else map<T>(Op.Expm1, n, x, out);
}
export function logArray<T>(n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) blockedArray<T>(Blocked.Log, n, x, out);
  else map<T>(Op.Log, n, x, out);
}
export function tanhArray<T>(n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) blockedArray<T>(Blocked.Tanh, n, x, out);
  else map<T>(Op.Tanh, n, x, out);
}
export function sigmoidArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.Sigmoid, n, x, out); }
export function siluArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.Silu, n, x, out); }
export function softplusArray<T>(n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) blockedArray<T>(Blocked.Softplus, n, x, out);
  else map<T>(Op.Softplus, n, x, out);
}
export function erfArray<T>(n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) blockedArray<T>(Blocked.Erf, n, x, out);
  else map<T>(Op.Erf, n, x, out);
}
export function sinArray<T>(n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) blockedArray<T>(Blocked.Sin, n, x, out);
  else map<T>(Op.Sin, n, x, out);
}
export function cosArray<T>(n: i32, x: usize, out: usize): void {
  if (sizeof<T>() == 8) blockedArray<T>(Blocked.Cos, n, x, out);
  else map<T>(Op.Cos, n, x, out);
}
export function geluArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.Gelu, n, x, out); }
export function erfDerivativeArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.ErfDerivative, n, x, out); }
export function sechSquaredArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.SechSquared, n, x, out); }
export function sigmoidDerivativeArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.SigmoidDerivative, n, x, out); }
export function siluDerivativeArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.SiluDerivative, n, x, out); }
export function geluDerivativeArray<T>(n: i32, x: usize, out: usize): void { blockedArray<T>(Blocked.GeluDerivative, n, x, out); }
export function sqrtArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Sqrt, n, x, out); }
export function reluArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Relu, n, x, out); }

/** x > 0 ? x : slope·x. */
export function leakyReluArray<T>(n: i32, slope: f64, x: usize, out: usize): void { map<T>(Op.LeakyRelu, n, x, out, slope); }

/** x > 0 ? x : alpha·expm1(x). */
export function eluArray<T>(n: i32, alpha: f64, x: usize, out: usize): void {
  if (sizeof<T>() == 4) {
    map<T>(Op.Elu, n, x, out, alpha);
    return;
  }
  const factor = f64x2.splat(alpha);
  const zero = f64x2.splat(0);
  for (; n > 0; n -= DOUBLES, x += BLOCK, out += BLOCK) {
    const count = min(n, DOUBLES);
    expm1Array<f64>(count, x, POWERS);
    const size = <usize>(count >> 1) << 4;
    for (let i: usize = 0; i < size; i += 16) v128.store(out + i, eluFrom(v128.load(POWERS + i), v128.load(x + i), factor, zero));
    if (count & 1) v128.store64_lane(out + size, eluFrom(v128.load64_zero(POWERS + size), v128.load64_zero(x + size), factor, zero), 0);
  }
}

// @ts-ignore: decorator
@inline
function eluFrom(power: v128, x: v128, alpha: v128, zero: v128): v128 {
  return v128.bitselect(x, f64x2.mul(alpha, power), f64x2.gt(x, zero));
}

/** scale·x + shift, rounded twice; scale and shift are rounded to T first. */
export function affineArray<T>(n: i32, scale: f64, shift: f64, x: usize, out: usize): void { map<T>(Op.Affine, n, x, out, scale, shift); }

// @ts-ignore: decorator
@inline
function map<T>(op: Op, n: i32, x: usize, out: usize, a: f64 = 0.0, b: f64 = 0.0): void {
  const va = v128.splat<T>(<T>a);
  const vb = v128.splat<T>(<T>b);
  const tail = (<usize>n * sizeof<T>()) & 31;
  let end = x + (<usize>n * sizeof<T>() - tail);
  let tailOut = out;
  while (true) {
    while (x < end) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      if (mayBeRare(op) && v128.any_true(v128.or(isRare<T>(op, x0), isRare<T>(op, x1)))) {
        applyRare(op, x, out);
      } else {
        const y0 = apply<T>(op, x0, va, vb);
        const y1 = apply<T>(op, x1, va, vb);
        v128.store(out, y0);
        v128.store(out, y1, 16);
      }
      x += 32;
      out += 32;
    }
    if (tail == 0) return;
    if (end == TAIL + 32) {
      memory.copy(tailOut, TAIL, tail);
      return;
    }
    // The same loop once more, over the padded tail.
    v128.store(TAIL, i64x2.splat(0));
    v128.store(TAIL, i64x2.splat(0), 16);
    memory.copy(TAIL, x, tail);
    tailOut = out;
    x = TAIL;
    out = TAIL;
    end = TAIL + 32;
  }
}

/** Maps that leave rare arguments to a call, so that the loop has no branch within a formula. */
// @ts-ignore: decorator
@inline
function mayBeRare(op: Op): bool {
  return op == Op.Log || op == Op.Sin || op == Op.Cos || op == Op.Softplus;
}

// @ts-ignore: decorator
@inline
function isRare<T>(op: Op, x: v128): v128 {
  if (op == Op.Log) return isRareLog(x);
  return op == Op.Sin || op == Op.Cos ? isRareCircular(x) : isRareExp<T>(x);
}

/** Two vectors from x to out. */
// @ts-ignore: decorator
@inline
function applyRare(op: Op, x: usize, out: usize): void {
  if (op == Op.Log) rareLog(x, out);
  else if (op == Op.Sin) rareCircular(0, x, out);
  else if (op == Op.Cos) rareCircular(1, x, out);
  else rareSoftpluses(x, out);
}

function rareSoftpluses(x: usize, out: usize): void {
  const first = rareSoftplus(v128.load(x));
  const second = rareSoftplus(v128.load(x, 16));
  v128.store(out, first);
  v128.store(out, second, 16);
}

// @ts-ignore: decorator
@inline
function apply<T>(op: Op, x: v128, a: v128, b: v128): v128 {
  const zero = v128.splat<T>(<T>0);
  if (op == Op.Expm1) return expm1<T>(x);
  if (op == Op.Log) return log(x);
  if (op == Op.Sin) return circularOfSingles(0, x);
  if (op == Op.Cos) return circularOfSingles(1, x);
  if (op == Op.Sqrt) return v128.sqrt<T>(x);
  if (op == Op.Tanh) return tanh(x);
  if (op == Op.Softplus) return softplus(x);
  if (op == Op.Erf) return erf(x);
  if (op == Op.Relu) return v128.andnot(x, v128.le<T>(x, zero)); // NaN is not ≤ 0 and stays
  if (op == Op.LeakyRelu) return v128.bitselect(x, v128.mul<T>(a, x), v128.gt<T>(x, zero));
  if (op == Op.Elu) return v128.bitselect(x, v128.mul<T>(a, expm1<T>(x)), v128.gt<T>(x, zero));
  return v128.add<T>(v128.mul<T>(a, x), b);
}
