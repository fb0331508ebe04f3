/**
 * @file Element-wise maths over n contiguous elements: out[i] ← f(x[i]); out may be x.
 */

import { elu, erf, gelu, leakyRelu, relu, sigmoid, silu } from "./math/activations";

export function expArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, NativeMath.exp(at<T>(x, i)));
}

export function expm1Array<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, NativeMath.expm1(at<T>(x, i)));
}

export function logArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, NativeMath.log(at<T>(x, i)));
}

export function sqrtArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, sqrt<f64>(at<T>(x, i)));
}

export function tanhArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, NativeMath.tanh(at<T>(x, i)));
}

export function sigmoidArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, sigmoid(at<T>(x, i)));
}

export function erfArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, erf(at<T>(x, i)));
}

export function geluArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, gelu(at<T>(x, i)));
}

export function siluArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, silu(at<T>(x, i)));
}

export function reluArray<T>(n: i32, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, relu(at<T>(x, i)));
}

export function leakyReluArray<T>(n: i32, slope: f64, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, leakyRelu(at<T>(x, i), <f64>(<T>slope)));
}

export function eluArray<T>(n: i32, alpha: f64, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) put<T>(out, i, elu(at<T>(x, i), <f64>(<T>alpha)));
}

export function affineArray<T>(n: i32, scale: f64, shift: f64, x: usize, out: usize): void {
  for (let i = 0; i < n; i++) {
    const product = <T>scale * load<T>(x + (<usize>i) * sizeof<T>());
    store<T>(out + (<usize>i) * sizeof<T>(), <T>(product + <T>shift));
  }
}

// @ts-ignore: decorator
@inline
function at<T>(x: usize, i: i32): f64 {
  return <f64>load<T>(x + (<usize>i) * sizeof<T>());
}

// @ts-ignore: decorator
@inline
function put<T>(out: usize, i: i32, value: f64): void {
  store<T>(out + (<usize>i) * sizeof<T>(), <T>value);
}
