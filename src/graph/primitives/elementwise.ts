/**
 * @file Functions of one variable. Derivatives are graph arithmetic that does not cancel, or a primitive of their own whose derivative
 * is such: first derivatives are right to 2 ulp (docs/accuracy.md), and differentiate again to any order.
 */

import { sizeOf } from '../../core/tensor.ts';
import type { ValueId } from '../graph.ts';
import { type Application, type Emitter, type Evaluation, numberAttribute, type Primitive } from '../primitive.ts';
import { affine } from './affine.ts';
import { div, gate, mul, select, sub } from './arithmetic.ts';

export type UnaryOp =
  | 'relu'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'exp'
  | 'expm1'
  | 'log'
  | 'sqrt'
  | 'gelu'
  | 'silu'
  | 'softplus'
  | 'sin'
  | 'cos'
  | 'erfDerivative'
  | 'sechSquared'
  | 'sigmoidDerivative'
  | 'geluDerivative'
  | 'siluDerivative';

/** f(x), element by element. */
export function unary(g: Emitter, op: UnaryOp, x: ValueId): ValueId {
  return g.emit(op, [x]);
}

/** max(x, 0) + slope·min(x, 0). */
export function leakyRelu(g: Emitter, x: ValueId, slope: number): ValueId {
  return g.emit('leakyRelu', [x], { slope });
}

/** x > 0 ? x : alpha·(eˣ − 1). */
export function elu(g: Emitter, x: ValueId, alpha: number): ValueId {
  return g.emit('elu', [x], { alpha });
}

/** x², x³, …: exponent a whole number ≥ 1. */
export function integerPower(g: Emitter, x: ValueId, exponent: number): ValueId {
  if (exponent === 1) return x;
  const half = integerPower(g, x, Math.floor(exponent / 2));
  const square = mul(g, half, half);
  return exponent % 2 === 0 ? square : mul(g, square, x);
}

const QUARTER_SQRT_HALF_PI = 0.3133285343288751; // √(π/2)/4

/** One row: a routine, and the derivative applied to t. */
function row(name: UnaryOp, times: (g: Emitter, node: Application, t: ValueId) => ValueId, flopsPerElement: number): Primitive {
  return {
    name,
    inPlace: true,
    infer: ([x]) => ({ shape: x }),
    evaluate: (e: Evaluation) => {
      const [x] = e.inputs;
      e.routines[name](x.batch * sizeOf(x.shape), x.ptr, e.output.ptr);
    },
    jvp: (g, node, [tangent]) => (tangent === null ? null : times(g, node, tangent)),
    vjp: (g, node, cotangent) => [times(g, node, cotangent)],
    flops: (_, output) => flopsPerElement * sizeOf(output),
  };
}

const scaled = (g: Emitter, x: ValueId, factor: number) => affine(g, x, factor, 0);

const tanhOfHalf = (g: Emitter, x: ValueId) => unary(g, 'tanh', scaled(g, x, 0.5));

/** φ(x) = e^(−x²/2)/√(2π), by the square of erf′(x/2) = 2/√π·e^(−x²/4): x/2 is exact. */
function normalDensity(g: Emitter, x: ValueId): ValueId {
  const root = unary(g, 'erfDerivative', scaled(g, x, 0.5));
  return scaled(g, mul(g, root, root), QUARTER_SQRT_HALF_PI);
}

const leakyReluRow: Primitive = {
  name: 'leakyRelu',
  inPlace: true,
  infer: ([x]) => ({ shape: x }),
  evaluate: (e) => {
    const [x] = e.inputs;
    e.routines.leakyRelu(x.batch * sizeOf(x.shape), numberAttribute(e.attributes, 'slope'), x.ptr, e.output.ptr);
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : gate(g, node.inputs[0], tangent, numberAttribute(node.attributes, 'slope'))),
  vjp: (g, node, cotangent) => [gate(g, node.inputs[0], cotangent, numberAttribute(node.attributes, 'slope'))],
  flops: (_, output) => sizeOf(output),
};

/** elu′(x) = x > 0 ? 1 : alpha·eˣ, the power of min(x, 0), which does not overflow. */
function eluTimes(g: Emitter, node: Application, t: ValueId): ValueId {
  const [x] = node.inputs;
  const power = unary(g, 'exp', select(g, x, g.constant(0), x));
  return mul(g, t, select(g, x, g.constant(1), scaled(g, power, numberAttribute(node.attributes, 'alpha'))));
}

const eluRow: Primitive = {
  name: 'elu',
  inPlace: true,
  infer: ([x]) => ({ shape: x }),
  evaluate: (e) => {
    const [x] = e.inputs;
    e.routines.elu(x.batch * sizeOf(x.shape), numberAttribute(e.attributes, 'alpha'), x.ptr, e.output.ptr);
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : eluTimes(g, node, tangent)),
  vjp: (g, node, cotangent) => [eluTimes(g, node, cotangent)],
  flops: (_, output) => 20 * sizeOf(output),
};

/** log(1 + eˣ). */
export function softplus(g: Emitter, x: ValueId): ValueId {
  return unary(g, 'softplus', x);
}

export const elementwisePrimitives: readonly Primitive[] = [
  row('relu', (g, node, t) => gate(g, node.inputs[0], t), 1),
  leakyReluRow,
  eluRow,
  row('tanh', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'sechSquared', x)), 30),
  row('sigmoid', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'sigmoidDerivative', x)), 25),
  row('erf', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'erfDerivative', x)), 40),
  row('exp', (g, node, t) => mul(g, t, node.id), 20),
  row('expm1', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'exp', x)), 25),
  row('log', (g, node, t) => div(g, t, node.inputs[0]), 25),
  row('sqrt', (g, node, t) => div(g, scaled(g, t, 0.5), node.id), 4),
  row('gelu', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'geluDerivative', x)), 45),
  row('silu', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'siluDerivative', x)), 28),
  row('softplus', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'sigmoid', x)), 60),
  row('sin', (g, { inputs: [x] }, t) => mul(g, t, unary(g, 'cos', x)), 40),
  row('cos', (g, { inputs: [x] }, t) => mul(g, t, scaled(g, unary(g, 'sin', x), -1)), 40),
  // erf″ = −2x·erf′
  row('erfDerivative', (g, node, t) => mul(g, t, scaled(g, mul(g, node.inputs[0], node.id), -2)), 25),
  // (sech²)′ = −2·tanh·sech²
  row('sechSquared', (g, node, t) => mul(g, t, scaled(g, mul(g, unary(g, 'tanh', node.inputs[0]), node.id), -2)), 40),
  // σ″ = −tanh(x/2)·σ′
  row('sigmoidDerivative', (g, node, t) => mul(g, t, scaled(g, mul(g, tanhOfHalf(g, node.inputs[0]), node.id), -1)), 40),
  // gelu″ = 2φ(x) − x·(x·φ(x)), 0 where x² overflows
  row(
    'geluDerivative',
    (g, { inputs: [x] }, t) => {
      const density = normalDensity(g, x);
      return mul(g, t, sub(g, scaled(g, density, 2), mul(g, x, mul(g, x, density))));
    },
    80,
  ),
  // silu″ = σ′(x)·(2 − x·tanh(x/2))
  row(
    'siluDerivative',
    (g, { inputs: [x] }, t) => {
      const bend = affine(g, mul(g, x, tanhOfHalf(g, x)), -1, 2);
      return mul(g, t, mul(g, unary(g, 'sigmoidDerivative', x), bend));
    },
    90,
  ),
];
