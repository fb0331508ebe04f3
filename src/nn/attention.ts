/** @file Multi-head self-attention and the transformer encoder layer, as torch.nn writes them (batch_first, no dropout). */

import { TangedgeError } from '../core/errors.ts';
import { formatShape } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import type { Emitter } from '../graph/primitive.ts';
import { add, affine, dense, matmul, mul, reshape, slice, softmax, transpose, transposeMatrix, unary } from '../graph/primitives/table.ts';
import { geluTanh, normalize } from './compositions.ts';
import { type InitialDistribution, ONES, uniformByFan, xavierUniform, ZEROS } from './initial-distribution.ts';
import {
  booleanOption,
  choiceOption,
  describe,
  integerOption,
  type LayerContext,
  type LayerSpec,
  nameOption,
  numberOption,
} from './layer-context.ts';

/** What an additive mask puts where attention may not look: e^(−1e9 − max) is exactly 0 in f32 and f64. */
const MASKED = -1e9;

/**
 * softmax(Q·Kᵀ·scale + mask)·V per head, heads side by side again: q [s, d], k and v [t, d] → [s, d].
 *
 * With `causal`, position i attends to positions ≤ i.
 */
export function attend(g: Emitter, q: ValueId, k: ValueId, v: ValueId, heads: number, scale: number, causal: boolean, mask?: ValueId): ValueId {
  const [s, d] = g.shapeOf(q);
  const t = g.shapeOf(k)[0];
  const perHead = (x: ValueId, tokens: number) => transpose(g, reshape(g, x, [tokens, heads, d / heads]), [1, 0, 2]);
  let scores = affine(g, matmul(g, perHead(q, s), transposeMatrix(g, perHead(k, t))), scale, 0);
  if (causal) scores = add(g, scores, g.constantTensor(causalMask(s, t)));
  if (mask !== undefined) scores = add(g, scores, mask);
  const mixed = matmul(g, softmax(g, scores), perHead(v, t));
  return reshape(g, transpose(g, mixed, [1, 0, 2]), [s, d]);
}

function causalMask(s: number, t: number): { shape: number[]; data: Float64Array } {
  const data = new Float64Array(s * t);
  for (let i = 0; i < s; i++) data.fill(MASKED, i * t + i + 1, (i + 1) * t);
  return { shape: [s, t], data };
}

function linear(c: LayerContext, x: ValueId, name: string, outputs: number, inputs: number, bias: InitialDistribution | null): ValueId {
  const y = dense(c.g, x, c.parameter(`${name}.weight`, [outputs, inputs], uniformByFan(inputs)));
  return bias === null ? y : add(c.g, y, c.parameter(`${name}.bias`, [outputs], bias));
}

function selfAttention(c: LayerContext, layer: LayerSpec, x: ValueId, name: string, d: number, heads: number): ValueId {
  const shape = c.g.shapeOf(x);
  if (shape.length !== 2 || shape[1] !== d || d % heads !== 0) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `spec: layer ${describe(layer)} with ${heads} heads takes [tokens, ${d}], not ${formatShape(shape)}; the width must be a multiple of the heads.`,
      {
        shape: [...shape],
        width: d,
        heads,
      },
    );
  }
  const bias = booleanOption(layer, 'bias', true);
  let projected = dense(c.g, x, c.parameter(`${name}in_proj_weight`, [3 * d, d], xavierUniform(d, 3 * d)));
  if (bias) projected = add(c.g, projected, c.parameter(`${name}in_proj_bias`, [3 * d], ZEROS));
  const [q, k, v] = [0, 1, 2].map((part) => slice(c.g, projected, [0, part * d], [shape[0], (part + 1) * d]));
  const mixed = attend(c.g, q, k, v, heads, 1 / Math.sqrt(d / heads), booleanOption(layer, 'causal', false));
  return linear(c, mixed, `${name}out_proj`, d, d, bias ? ZEROS : null);
}

/** torch.nn.MultiheadAttention(embed_dim, num_heads) on itself: query = key = value = x [tokens, embed_dim]. */
export function multiheadAttention(c: LayerContext, layer: LayerSpec, x: ValueId): ValueId {
  return selfAttention(c, layer, x, `${nameOption(layer)}.`, integerOption(layer, 'embed_dim', 1), integerOption(layer, 'num_heads', 1));
}

/** torch.nn.TransformerEncoderLayer(d_model, nhead, dim_feedforward, activation, norm_first, layer_norm_eps), x [tokens, d_model]. */
export function transformerEncoderLayer(c: LayerContext, layer: LayerSpec, x: ValueId): ValueId {
  const { g } = c;
  const name = nameOption(layer);
  const d = integerOption(layer, 'd_model', 1);
  const heads = integerOption(layer, 'nhead', 1);
  const width = integerOption(layer, 'dim_feedforward', 1);
  const activation = choiceOption(layer, 'activation', ['relu', 'gelu', 'gelu_tanh', 'silu'], 'relu');
  const eps = numberOption(layer, 'layer_norm_eps', 1e-5);
  const norm = (value: ValueId, key: string) =>
    add(g, mul(g, normalize(g, value, 1, eps), c.parameter(`${name}.${key}.weight`, [d], ONES)), c.parameter(`${name}.${key}.bias`, [d], ZEROS));
  const attention = (value: ValueId) => selfAttention(c, layer, value, `${name}.self_attn.`, d, heads);
  const feedforward = (value: ValueId) => {
    const hidden = linear(c, value, `${name}.linear1`, width, d, uniformByFan(d));
    const activated = activation === 'gelu_tanh' ? geluTanh(g, hidden) : unary(g, activation, hidden);
    return linear(c, activated, `${name}.linear2`, d, width, uniformByFan(width));
  };
  if (booleanOption(layer, 'norm_first', false)) {
    const attended = add(g, x, attention(norm(x, 'norm1')));
    return add(g, attended, feedforward(norm(attended, 'norm2')));
  }
  const attended = norm(add(g, x, attention(x)), 'norm1');
  return norm(add(g, attended, feedforward(attended)), 'norm2');
}
