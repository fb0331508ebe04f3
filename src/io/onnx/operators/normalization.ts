/** @file BatchNormalization in evaluation mode, LayerNormalization, InstanceNormalization, GroupNormalization. */

import { sizeOf } from '../../../core/tensor.ts';
import type { ValueId } from '../../../graph/graph.ts';
import { add, mul, reshape, sub } from '../../../graph/primitives/table.ts';
import { normalize } from '../../../nn/compositions.ts';
import { BATCH_FIRST } from '../batch-axis.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { Value } from '../value.ts';

/** x·scale + shift per channel, axis 0 of an example. */
function channelAffine(l: Lowering, x: ValueId, scale: number, shift: number): Value {
  const [channels, ...rest] = l.g.shapeOf(x);
  const perChannel = (position: number) => {
    const { id } = l.shared(position);
    if (sizeOf(l.g.shapeOf(id)) !== channels) l.fail(`has ${sizeOf(l.g.shapeOf(id))} numbers for ${channels} channels.`, 'ERR_SHAPE');
    return reshape(l.g, id, [channels, ...rest.map(() => 1)]);
  };
  return l.result(add(l.g, mul(l.g, x, perChannel(scale)), perChannel(shift)), BATCH_FIRST);
}

/** Evaluation mode: (x − mean)/√(variance + ε) by the stored statistics, then scale and shift, which are trained. */
function batchNormalization(l: Lowering): Value {
  if (l.flag('training_mode') || l.node.outputs.slice(1).some((name) => name !== '')) {
    l.failBatchCoupled(
      'is in training mode: it normalizes by the batch, which couples the examples, so no kernel between two of them is defined. Call model.eval() before export.',
    );
  }
  const x = l.examples(0);
  const shape = l.shapeOf(x);
  if (shape.length === 0) l.fail('takes [N, channels, …].', 'ERR_SHAPE');
  const perChannel = [shape[0], ...shape.slice(1).map(() => 1)];
  const [mean, variance] = [l.tensor(3).data, l.tensor(4).data];
  for (const { length } of [mean, variance]) {
    if (length !== shape[0]) l.fail(`has statistics of ${length} channels for an input of ${shape[0]}.`, 'ERR_SHAPE');
  }
  const epsilon = l.float('epsilon', 1e-5);
  variance.forEach((value, channel) => {
    if (!(value + epsilon > 0))
      l.fail(`has the running variance ${value} in channel ${channel}; it must be above −epsilon.`, 'ERR_DOMAIN', { channel, value });
  });
  const constant = (values: Float64Array): ValueId => l.g.constantTensor({ shape: perChannel, data: values });
  const centered = sub(l.g, x.id, constant(Float64Array.from(mean)));
  const normalized = mul(l.g, centered, constant(Float64Array.from(variance, (value) => 1 / Math.sqrt(value + epsilon))));
  return channelAffine(l, normalized, 1, 2);
}

/** Over the axes from `axis` on, biased variance, then scale and shift. */
function layerNormalization(l: Lowering): Value {
  if (l.node.outputs.slice(1).some((name) => name !== '')) l.fail('returns its statistics as well; only the normalized value is supported.');
  const x = l.array(0);
  const rank = l.rankOf(x);
  const first = l.axis(l.integer('axis', -1), rank);
  for (let axis = first; axis < rank; axis++) l.ownAxis(x, axis);
  const normalized = normalize(l.g, x.id, rank - first, l.float('epsilon', 1e-5));
  const scaled = mul(l.g, normalized, l.shared(1).id);
  return l.result(l.has(2) ? add(l.g, scaled, l.shared(2).id) : scaled, x.batch);
}

/** Each channel of each example over its positions. */
function instanceNormalization(l: Lowering): Value {
  const x = l.examples(0);
  const positions = l.shapeOf(x).length - 1;
  if (positions < 1) l.fail(`takes [N, channels, …]; its input has ${l.rankOf(x)} axes.`, 'ERR_SHAPE');
  return channelAffine(l, normalize(l.g, x.id, positions, l.float('epsilon', 1e-5)), 1, 2);
}

/** Groups of channels over channels and positions. Before opset 21 scale and shift are per group, as the file has them. */
function groupNormalization(l: Lowering): Value {
  const x = l.examples(0);
  const shape = l.shapeOf(x);
  const groups = l.integer('num_groups', 0);
  if (!(groups >= 1) || shape.length === 0 || shape[0] % groups !== 0) l.fail(`has ${groups} groups for an input ${shape[0]} channels.`, 'ERR_SHAPE');
  const grouped = normalize(l.g, reshape(l.g, x.id, [groups, shape[0] / groups, ...shape.slice(1)]), shape.length, l.float('epsilon', 1e-5));
  if (l.state.opset >= 21) return channelAffine(l, reshape(l.g, grouped, shape), 1, 2);
  const { id } = channelAffine(l, grouped, 1, 2) as { readonly id: ValueId };
  return l.result(reshape(l.g, id, shape), BATCH_FIRST);
}

export const normalizationOperators: Readonly<Record<string, OperatorRule>> = {
  BatchNormalization: { attributes: ['epsilon', 'momentum', 'training_mode', 'spatial'], lower: batchNormalization },
  LayerNormalization: { attributes: ['axis', 'epsilon', 'stash_type'], lower: layerNormalization },
  InstanceNormalization: { attributes: ['epsilon'], lower: instanceNormalization },
  GroupNormalization: { attributes: ['num_groups', 'epsilon', 'stash_type'], lower: groupNormalization },
};
