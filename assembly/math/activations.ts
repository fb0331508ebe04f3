/**
 * @file Scalar activation functions in f64.
 */

export function sigmoid(x: f64): f64 {
  const z = NativeMath.exp(-abs(x));
  return x < 0.0 ? z / (1.0 + z) : 1.0 / (1.0 + z);
}

export function silu(x: f64): f64 {
  return x == -Infinity ? -0.0 : x * sigmoid(x);
}

export function relu(x: f64): f64 {
  return x <= 0.0 ? 0.0 : x;
}

export function leakyRelu(x: f64, slope: f64): f64 {
  return x > 0.0 ? x : slope * x;
}

export function elu(x: f64, alpha: f64): f64 {
  return x > 0.0 ? x : alpha * NativeMath.expm1(x);
}

export function erf(x: f64): f64 {
  const a = abs(x);
  if (a < 2.5) return 2.0 * series(x * x) * x * 0.56418958354775628695;
  return copysign<f64>(1.0 - erfcTail(a), x);
}

/** x·Φ(x); below −1.5 through the tail of erfc, so that nothing cancels. */
export function gelu(x: f64): f64 {
  const a = abs(x) * 0.70710678118654752440;
  if (x == -Infinity) return -0.0;
  if (a < 1.0) return x * (0.5 + 0.5 * erf(x * 0.70710678118654752440));
  const tail = 0.5 * (a < 2.5 ? 1.0 - erf(a) : erfcTail(a));
  return x < 0.0 ? x * tail : x * (1.0 - tail);
}

/** e^(−z)·Σ (2z)^k / (2k + 1)!!, all terms positive. */
function series(z: f64): f64 {
  let sum = 1.0;
  let term = 1.0;
  for (let k = 1; k < 100 && term > 1e-18 * sum; k++) {
    term *= 2.0 * z / <f64>(2 * k + 1);
    sum += term;
  }
  return NativeMath.exp(-z) * sum;
}

/** erfc(a), a ≥ 2.5, by its continued fraction. */
function erfcTail(a: f64): f64 {
  let c = a;
  for (let k = 60; k >= 1; k--) c = a + 0.5 * <f64>k / c;
  const h = reinterpret<f64>(reinterpret<u64>(a) & 0xFFFFFFFF00000000);
  return a > 28.0 ? 0.0 : NativeMath.exp(-h * h) * NativeMath.exp(-(a - h) * (a + h)) * 0.56418958354775628695 / c;
}
