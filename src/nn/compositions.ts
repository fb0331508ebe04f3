/** @file Functions made of primitives: normalization over trailing axes, tanh-GELU, softmax. */

import { sizeOf } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import type { Emitter } from '../graph/primitive.ts';
import { add, affine, div, integerPower, mul, reshape, sub, sum, unary } from '../graph/primitives/table.ts';

/** (x − mean)/√(variance + eps) over the last `axes` axes, variance biased, as torch's LayerNorm. */
export function normalize(g: Emitter, x: ValueId, axes: number, eps: number): ValueId {
  const shape = g.shapeOf(x);
  const reduced = shape.map((_, axis) => axis).slice(shape.length - axes);
  const kept = shape.map((extent, axis) => (axis < shape.length - axes ? extent : 1));
  const count = sizeOf(shape.slice(shape.length - axes));
  const mean = (value: ValueId) => affine(g, reshape(g, sum(g, value, reduced), kept), 1 / count, 0);
  const centered = sub(g, x, mean(x));
  const deviation = unary(g, 'sqrt', affine(g, mean(mul(g, centered, centered)), 1, eps));
  return div(g, centered, deviation);
}

const SQRT_2_OVER_PI = 0.7978845608028654; // √(2/π)

/** ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
export function geluTanh(g: Emitter, x: ValueId): ValueId {
  const inner = affine(g, add(g, x, affine(g, integerPower(g, x, 3), 0.044715, 0)), SQRT_2_OVER_PI, 0);
  return mul(g, x, affine(g, unary(g, 'tanh', inner), 0.5, 0.5));
}

/** x/√(mean(x²) + eps) over the last `axes` axes, as torch's RMSNorm. */
export function rootMeanSquare(g: Emitter, x: ValueId, axes: number, eps: number): ValueId {
  const shape = g.shapeOf(x);
  const reduced = shape.map((_, axis) => axis).slice(shape.length - axes);
  const kept = shape.map((extent, axis) => (axis < shape.length - axes ? extent : 1));
  const mean = affine(g, reshape(g, sum(g, mul(g, x, x), reduced), kept), 1 / sizeOf(shape.slice(shape.length - axes)), eps);
  return div(g, x, unary(g, 'sqrt', mean));
}
