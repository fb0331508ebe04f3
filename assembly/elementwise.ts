/**
 * @file Element-wise maths over n contiguous elements: out[i] ← f(x[i]); out may be x.
 *
 *   x:  | v0      | v1      | …       | tail 0 0 |       a vector is 16 bytes: 2 × f64 or 4 × f32
 *
 * The tail is padded with zeros into a vector of its own: every element goes through the same instructions, so its result
 * depends on its value alone, not on where it stands. NaN gives NaN.
 */

import { erf } from "./math/erf";
import { exp, expm1 } from "./math/exp";
import { gelu } from "./math/gelu";
import { log } from "./math/log";
import { cos, sin } from "./math/sincos";
import { sigmoid, silu, tanh } from "./math/tanh";

/** What a map does to each vector; a literal at every call, so each map compiles to one loop around its formula. */
const enum Op { Exp, Expm1, Log, Sqrt, Sin, Cos, Tanh, Sigmoid, Erf, Gelu, Silu, Relu, LeakyRelu, Elu, Affine }

export function expArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Exp, n, x, out); }
export function expm1Array<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Expm1, n, x, out); }
export function logArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Log, n, x, out); }
export function sqrtArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Sqrt, n, x, out); }
export function sinArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Sin, n, x, out); }
export function cosArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Cos, n, x, out); }
export function tanhArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Tanh, n, x, out); }
export function sigmoidArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Sigmoid, n, x, out); }
export function erfArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Erf, n, x, out); }
export function geluArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Gelu, n, x, out); }
export function siluArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Silu, n, x, out); }
export function reluArray<T>(n: i32, x: usize, out: usize): void { map<T>(Op.Relu, n, x, out); }

/** x > 0 ? x : slope·x. */
export function leakyReluArray<T>(n: i32, slope: f64, x: usize, out: usize): void { map<T>(Op.LeakyRelu, n, x, out, slope); }

/** x > 0 ? x : alpha·expm1(x). */
export function eluArray<T>(n: i32, alpha: f64, x: usize, out: usize): void { map<T>(Op.Elu, n, x, out, alpha); }

/** scale·x + shift, rounded twice; scale and shift are rounded to T first. */
export function affineArray<T>(n: i32, scale: f64, shift: f64, x: usize, out: usize): void { map<T>(Op.Affine, n, x, out, scale, shift); }

// @ts-ignore: decorator
@inline
function map<T>(op: Op, n: i32, x: usize, out: usize, a: f64 = 0.0, b: f64 = 0.0): void {
  const lanes: i32 = 16 / sizeof<T>();
  const va = v128.splat<T>(<T>a);
  const vb = v128.splat<T>(<T>b);
  for (let left = n; left > 0; left -= lanes) {
    const whole = left >= lanes;
    const y = apply<T>(op, whole ? v128.load(x) : loadTail<T>(x, left), va, vb);
    if (whole) v128.store(out, y);
    else storeTail<T>(out, left, y);
    x += 16;
    out += 16;
  }
}

// @ts-ignore: decorator
@inline
function apply<T>(op: Op, x: v128, a: v128, b: v128): v128 {
  const zero = v128.splat<T>(<T>0);
  if (op == Op.Exp) return exp<T>(x);
  if (op == Op.Expm1) return expm1<T>(x);
  if (op == Op.Log) return log<T>(x);
  if (op == Op.Sqrt) return v128.sqrt<T>(x);
  if (op == Op.Sin) return sin<T>(x);
  if (op == Op.Cos) return cos<T>(x);
  if (op == Op.Tanh) return tanh<T>(x);
  if (op == Op.Sigmoid) return sigmoid<T>(x);
  if (op == Op.Erf) return erf<T>(x);
  if (op == Op.Gelu) return gelu<T>(x);
  if (op == Op.Silu) return silu<T>(x);
  if (op == Op.Relu) return v128.andnot(x, v128.le<T>(x, zero)); // NaN is not ≤ 0 and stays
  if (op == Op.LeakyRelu) return v128.bitselect(x, v128.mul<T>(a, x), v128.gt<T>(x, zero));
  if (op == Op.Elu) return v128.bitselect(x, v128.mul<T>(a, expm1<T>(x)), v128.gt<T>(x, zero));
  return v128.add<T>(v128.mul<T>(a, x), b);
}

/** 0 < left < lanes elements, zeros after them. */
function loadTail<T>(x: usize, left: i32): v128 {
  if (sizeof<T>() == 8) return v128.load64_zero(x);
  let v = v128.load32_zero(x);
  if (left > 1) v = v128.load_lane<f32>(x, v, 1, 4);
  if (left > 2) v = v128.load_lane<f32>(x, v, 2, 8);
  return v;
}

function storeTail<T>(out: usize, left: i32, v: v128): void {
  if (sizeof<T>() == 8) {
    v128.store_lane<f64>(out, v, 0);
    return;
  }
  v128.store_lane<f32>(out, v, 0);
  if (left > 1) v128.store_lane<f32>(out, v, 1, 4);
  if (left > 2) v128.store_lane<f32>(out, v, 2, 8);
}
