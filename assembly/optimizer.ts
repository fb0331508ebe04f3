/**
 * @file One step of an optimizer over n contiguous scalars: each element by itself, every product and sum rounded to T.
 *
 *   axpy          y ← y + alpha·x                                             gradient descent: alpha = −rate
 *   momentumStep  v ← mu·v + g;  p ← p − rate·v                               heavy ball, as torch.optim.SGD
 *                                p ← p − rate·(g + mu·v)                      Nesterov
 *   adamStep      m ← b1·m + (1 − b1)·g;  v ← b2·v + (1 − b2)·g²
 *                 p ← p − rate·m/(√v·scale + eps)                             rate = η/(1 − b1ᵗ), scale = 1/√(1 − b2ᵗ)
 *
 * The tail goes scalar by scalar through the same roundings, so that an element's bits do not depend on where it stands.
 *
 * Source: Kingma, Ba (2015). Adam. arXiv:1412.6980v9, algorithm 1; momentum as in Sutskever et al. (2013).
 */

import { axpy } from "./level1";

export function axpyF64(n: i32, alpha: f64, x: usize, y: usize): void { axpy<f64>(n, alpha, x, y); }
export function axpyF32(n: i32, alpha: f64, x: usize, y: usize): void { axpy<f32>(n, <f32>alpha, x, y); }
export function momentumStepF64(n: i32, rate: f64, mu: f64, nesterov: i32, g: usize, v: usize, p: usize): void { momentumStep<f64>(n, rate, mu, nesterov, g, v, p); }
export function momentumStepF32(n: i32, rate: f64, mu: f64, nesterov: i32, g: usize, v: usize, p: usize): void { momentumStep<f32>(n, rate, mu, nesterov, g, v, p); }
export function adamStepF64(n: i32, rate: f64, b1: f64, b2: f64, scale: f64, eps: f64, g: usize, m: usize, v: usize, p: usize): void { adamStep<f64>(n, rate, b1, b2, scale, eps, g, m, v, p); }
export function adamStepF32(n: i32, rate: f64, b1: f64, b2: f64, scale: f64, eps: f64, g: usize, m: usize, v: usize, p: usize): void { adamStep<f32>(n, rate, b1, b2, scale, eps, g, m, v, p); }

function momentumStep<T>(n: i32, rate: f64, mu: f64, nesterov: i32, g: usize, v: usize, p: usize): void {
  const vRate = v128.splat<T>(<T>rate);
  const vMu = v128.splat<T>(<T>mu);
  const tail = (<usize>n * sizeof<T>()) & 15;
  const end = g + (<usize>n * sizeof<T>() - tail);
  for (; g < end; g += 16, v += 16, p += 16) {
    const gradient = v128.load(g);
    const velocity = v128.add<T>(v128.mul<T>(vMu, v128.load(v)), gradient);
    const direction = nesterov ? v128.add<T>(gradient, v128.mul<T>(vMu, velocity)) : velocity;
    v128.store(v, velocity);
    v128.store(p, v128.sub<T>(v128.load(p), v128.mul<T>(vRate, direction)));
  }
  for (const last = g + tail; g < last; g += sizeof<T>(), v += sizeof<T>(), p += sizeof<T>()) {
    const gradient = load<T>(g);
    const velocity = <T>mu * load<T>(v) + gradient;
    const direction = nesterov ? gradient + <T>mu * velocity : velocity;
    store<T>(v, velocity);
    store<T>(p, load<T>(p) - <T>rate * direction);
  }
}

function adamStep<T>(n: i32, rate: f64, b1: f64, b2: f64, scale: f64, eps: f64, g: usize, m: usize, v: usize, p: usize): void {
  const vRate = v128.splat<T>(<T>rate);
  const vB1 = v128.splat<T>(<T>b1);
  const vB2 = v128.splat<T>(<T>b2);
  const vC1 = v128.splat<T>(<T>(1.0 - b1));
  const vC2 = v128.splat<T>(<T>(1.0 - b2));
  const vScale = v128.splat<T>(<T>scale);
  const vEps = v128.splat<T>(<T>eps);
  const tail = (<usize>n * sizeof<T>()) & 15;
  const end = g + (<usize>n * sizeof<T>() - tail);
  for (; g < end; g += 16, m += 16, v += 16, p += 16) {
    const gradient = v128.load(g);
    const first = v128.add<T>(v128.mul<T>(vB1, v128.load(m)), v128.mul<T>(vC1, gradient));
    const second = v128.add<T>(v128.mul<T>(vB2, v128.load(v)), v128.mul<T>(vC2, v128.mul<T>(gradient, gradient)));
    const divisor = v128.add<T>(v128.mul<T>(v128.sqrt<T>(second), vScale), vEps);
    v128.store(m, first);
    v128.store(v, second);
    v128.store(p, v128.sub<T>(v128.load(p), v128.div<T>(v128.mul<T>(vRate, first), divisor)));
  }
  for (const last = g + tail; g < last; g += sizeof<T>(), m += sizeof<T>(), v += sizeof<T>(), p += sizeof<T>()) {
    const gradient = load<T>(g);
    const first = <T>b1 * load<T>(m) + <T>(1.0 - b1) * gradient;
    const second = <T>b2 * load<T>(v) + <T>(1.0 - b2) * (gradient * gradient);
    store<T>(m, first);
    store<T>(v, second);
    store<T>(p, load<T>(p) - <T>rate * first / (sqrt<T>(second) * <T>scale + <T>eps));
  }
}
