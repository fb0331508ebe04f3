/** @file Activations with torch.nn's definitions, those without parameters: one row per layer type. */

import type { ValueId } from '../graph/graph.ts';
import type { Emitter } from '../graph/primitive.ts';
import { affine, div, elu, leakyRelu, mul, select, softmax, softplus, sub, type UnaryOp, unary } from '../graph/primitives/table.ts';
import { geluTanh } from './compositions.ts';
import { choiceOption, type LayerSpec, numberOption } from './layer-context.ts';

export type Activation = (g: Emitter, layer: LayerSpec, x: ValueId) => ValueId;

/** min(max(x, low), high); the derivative is 0 at the bounds, as torch's hardtanh. */
export function clamp(g: Emitter, x: ValueId, low: number, high: number): ValueId {
  const above = select(g, affine(g, x, 1, -low), x, g.constant(low));
  return select(g, affine(g, x, -1, high), above, g.constant(high));
}

/** |x|, with derivative −1 at 0. */
export function abs(g: Emitter, x: ValueId): ValueId {
  return select(g, x, x, affine(g, x, -1, 0));
}

/** log(1 + e^(βx))/β; the identity where βx > threshold. */
export function softplusBeta(g: Emitter, x: ValueId, beta: number, threshold: number): ValueId {
  const scaled = affine(g, x, beta, 0);
  return select(g, affine(g, scaled, 1, -threshold), x, affine(g, softplus(g, scaled), 1 / beta, 0));
}

// Klambauer et al. 2017, arXiv:1706.02515: the fixed point of zero mean and unit variance.
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

const plain =
  (op: UnaryOp): Activation =>
  (g, _layer, x) =>
    unary(g, op, x);

/** One row per activation. */
export const activations: Readonly<Record<string, Activation>> = {
  ReLU: plain('relu'),
  Tanh: plain('tanh'),
  Erf: plain('erf'),
  Sigmoid: plain('sigmoid'),
  SiLU: plain('silu'),
  Sin: plain('sin'),
  LeakyReLU: (g, layer, x) => leakyRelu(g, x, numberOption(layer, 'negative_slope', 0.01)),
  ELU: (g, layer, x) => elu(g, x, numberOption(layer, 'alpha', 1)),
  SELU: (g, _layer, x) => affine(g, elu(g, x, SELU_ALPHA), SELU_SCALE, 0),
  CELU: (g, layer, x) => {
    const alpha = numberOption(layer, 'alpha', 1);
    return affine(g, elu(g, affine(g, x, 1 / alpha, 0), 1), alpha, 0);
  },
  GELU: (g, layer, x) => (choiceOption(layer, 'approximate', ['none', 'tanh'], 'none') === 'none' ? unary(g, 'gelu', x) : geluTanh(g, x)),
  Mish: (g, _layer, x) => mul(g, x, unary(g, 'tanh', softplus(g, x))),
  Softplus: (g, layer, x) => softplusBeta(g, x, numberOption(layer, 'beta', 1), numberOption(layer, 'threshold', 20)),
  LogSigmoid: (g, _layer, x) => affine(g, softplus(g, affine(g, x, -1, 0)), -1, 0),
  Softsign: (g, _layer, x) => div(g, x, affine(g, abs(g, x), 1, 1)),
  Tanhshrink: (g, _layer, x) => sub(g, x, unary(g, 'tanh', x)),
  Hardtanh: (g, layer, x) => clamp(g, x, numberOption(layer, 'min_val', -1), numberOption(layer, 'max_val', 1)),
  ReLU6: (g, _layer, x) => clamp(g, x, 0, 6),
  Hardsigmoid: (g, _layer, x) => affine(g, clamp(g, affine(g, x, 1, 3), 0, 6), 1 / 6, 0),
  Hardswish: (g, _layer, x) => mul(g, x, affine(g, clamp(g, affine(g, x, 1, 3), 0, 6), 1 / 6, 0)),
  Softmax: (g, layer, x) => {
    const dim = numberOption(layer, 'dim', -1);
    const rank = g.shapeOf(x).length;
    // dim counts the batch axis: the last axis is −1 or the per-example rank.
    if (dim === -1 || dim === rank) return softmax(g, x);
    return softmaxOver(g, x, dim < 0 ? rank + dim : dim - 1);
  },
  Identity: (_g, _layer, x) => x,
  // torch.nn.Dropout does nothing in evaluation mode, the only mode there is here.
  Dropout: (_g, _layer, x) => x,
};

/** softmax over another axis than the last, by exchanging the two. */
export function softmaxOver(g: Emitter, x: ValueId, axis: number): ValueId {
  const rank = g.shapeOf(x).length;
  const exchanged = Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
  const swap = (value: ValueId) => g.emit('transpose', [value], { permutation: exchanged });
  return axis === rank - 1 ? softmax(g, x) : swap(softmax(g, swap(x)));
}

/** x > 0 ? x : w·x with w broadcast to x: torch's PReLU. */
export function prelu(g: Emitter, x: ValueId, w: ValueId): ValueId {
  return select(g, x, x, mul(g, x, w));
}
