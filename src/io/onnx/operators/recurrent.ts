/**
 * @file RNN, GRU and LSTM nodes, both directions, zero initial state: [T, N, d] → Y [T, directions, N, h], Y_h [directions, N, h].
 *
 * ONNX stacks gates as z, r, h (GRU) and i, o, f, c (LSTM); they are put in PyTorch's order, which gives exported weights
 * back as they were.
 */

import { sizeOf } from '../../../core/tensor.ts';
import type { ValueId } from '../../../graph/graph.ts';
import { concat, reshape, transpose } from '../../../graph/primitives/table.ts';
import { type CellKind, type CellWeights, GATES, runCell } from '../../../nn/recurrent.ts';
import { isMerged, movedTo } from '../batch-axis.ts';
import { formatExtents } from '../extent.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import { mergedConcat, partOf } from '../rearrangement.ts';
import type { ArrayValue, Value } from '../value.ts';

/** Position, among ONNX's gates, of each of PyTorch's. */
const GATE_ORDER: Readonly<Record<CellKind, readonly number[]>> = {
  'rnn-tanh': [0],
  'rnn-relu': [0],
  gru: [1, 0, 2],
  lstm: [0, 2, 3, 1],
};

const ACTIVATIONS: Readonly<Record<CellKind, readonly string[]>> = {
  'rnn-tanh': ['tanh'],
  'rnn-relu': ['relu'],
  gru: ['sigmoid', 'tanh'],
  lstm: ['sigmoid', 'tanh', 'tanh'],
};

/** [T, d] per example, whichever of the two first axes is the batch. */
function sequence(l: Lowering): { readonly x: ValueId; readonly batchFirst: boolean } {
  const given = l.array(0);
  const { id, batch } = l.lostBatch(given) ? l.fail('has an input whose batch of one was merged with other axes; export with an open batch.') : given;
  const batchFirst = l.flag('layout');
  if (batch === undefined || isMerged(batch) || batch.axis !== (batchFirst ? 0 : 1) || l.rankOf(given) !== 3) {
    l.fail(`takes ${batchFirst ? '[N, T, d]' : '[T, N, d]'}; its input has the shape ${formatExtents(l.fileShape(given))}.`, 'ERR_SHAPE');
  }
  return { x: id, batchFirst };
}

function cellOf(l: Lowering, type: 'RNN' | 'GRU' | 'LSTM', directions: number): CellKind {
  const names = (l.strings('activations') ?? []).map((name) => name.toLowerCase());
  const kind: CellKind = type === 'RNN' ? (names[0] === 'relu' ? 'rnn-relu' : 'rnn-tanh') : type === 'GRU' ? 'gru' : 'lstm';
  const wanted = Array.from({ length: directions }, () => ACTIVATIONS[kind]).flat();
  if (names.length > 0 && names.join() !== wanted.join()) {
    l.fail(`has the activations ${names.slice(0, 8).join(', ').slice(0, 100)}; those of torch.nn.${type} are supported.`);
  }
  if (type === 'GRU' && !l.flag('linear_before_reset')) {
    l.fail('resets the state before its product (linear_before_reset = 0); torch.nn.GRU’s form (1) is supported.');
  }
  if (type === 'LSTM' && l.flag('input_forget')) l.fail('couples its input and forget gates; torch.nn.LSTM’s form is supported.');
  if (l.attribute('clip') !== undefined) l.fail('clips its gates, which is not supported.');
  return kind;
}

/** The slice of one direction, without the axis of directions. */
function ofDirection(l: Lowering, value: ArrayValue, direction: number): ValueId {
  const part = partOf(l.g, value.id, 0, direction, direction + 1);
  return unwrapped(l, part, l.g.shapeOf(value.id).slice(1));
}

/** Reshape through reshape, so that an exporter's Unsqueeze is undone and not covered. */
function unwrapped(l: Lowering, id: ValueId, shape: readonly number[]): ValueId {
  const { op, inputs } = l.g.definition(id);
  return op === 'reshape' ? unwrapped(l, inputs[0], shape) : reshape(l.g, id, shape);
}

/** Gates in PyTorch's order. */
function reordered(l: Lowering, id: ValueId, kind: CellKind, hidden: number): ValueId {
  const parts = GATE_ORDER[kind].map((gate) => partOf(l.g, id, 0, gate * hidden, (gate + 1) * hidden));
  return mergedConcat(l.g, parts, 0);
}

function weights(l: Lowering, kind: CellKind, direction: number, directions: number, inputs: number): CellWeights {
  const [w, r] = [l.shared(1), l.shared(2)];
  const hidden = l.shapeOf(r)[2];
  const rows = GATES[kind] * hidden;
  const check = (value: ArrayValue, name: string, wanted: readonly number[]) => {
    const shape = l.shapeOf(value);
    if (shape.join() !== wanted.join())
      l.fail(`has ${name} of shape ${formatExtents(shape)}, where ${formatExtents(wanted)} is wanted.`, 'ERR_SHAPE');
  };
  check(w, 'weights W', [directions, rows, inputs]);
  check(r, 'weights R', [directions, rows, hidden]);
  if (l.integer('hidden_size', hidden) !== hidden)
    l.fail(`has hidden_size ${l.integer('hidden_size', hidden)} and weights of ${hidden}.`, 'ERR_SHAPE');
  const [input, recurrent] = [w, r].map((value) => reordered(l, ofDirection(l, value, direction), kind, hidden));
  if (!l.has(3)) return { input, hidden: recurrent };
  const b = l.shared(3);
  check(b, 'biases B', [directions, 2 * rows]);
  const both = ofDirection(l, b, direction);
  const [inputBias, hiddenBias] = [0, 1].map((half) => reordered(l, partOf(l.g, both, 0, half * rows, (half + 1) * rows), kind, hidden));
  return { input, hidden: recurrent, inputBias, hiddenBias };
}

/** Initial states must be absent or zero: constants of the graph, or zeros that the exporter folded and named. */
function checkInitialState(l: Lowering, position: number): void {
  if (!l.has(position)) return;
  const value = l.value(position);
  const isZero = ({ data }: { readonly data: ArrayLike<number> }) => Array.from(data).every((element) => element === 0);
  if (value.kind === 'known' && value.elements.every((element) => element === 0)) return;
  if (value.kind === 'stored' && /^(onnx::|\/|_?\d+$)/.test(value.name) && isZero(value.value)) return;
  if (value.kind === 'array' && isZeroConstant(l, value.id)) return;
  l.fail('starts from a state that is not zero; only zero initial states are supported.');
}

function isZeroConstant(l: Lowering, id: ValueId): boolean {
  const { op, inputs, value } = l.g.definition(id);
  if (op === 'constant') return Array.from(value?.data ?? [1]).every((element) => element === 0);
  return (
    inputs.length > 0 && inputs.every((input) => isZeroConstant(l, input)) && ['broadcast', 'reshape', 'slice', 'concat', 'transpose'].includes(op)
  );
}

const recurrent = (type: 'RNN' | 'GRU' | 'LSTM'): OperatorRule => ({
  attributes: [
    'activations',
    'activation_alpha',
    'activation_beta',
    'clip',
    'direction',
    'hidden_size',
    'layout',
    'linear_before_reset',
    'input_forget',
  ],
  lower: (l) => {
    const { x, batchFirst } = sequence(l);
    const direction = l.string('direction', 'forward');
    if (!['forward', 'reverse', 'bidirectional'].includes(direction))
      l.fail(`has the direction ${JSON.stringify(direction.slice(0, 40))}.`, 'ERR_FORMAT');
    const directions = direction === 'bidirectional' ? 2 : 1;
    const kind = cellOf(l, type, directions);
    if (l.has(4)) l.fail('has sequence_lens; sequences of one length are supported.');
    checkInitialState(l, 5);
    checkInitialState(l, 6);
    if (l.has(7)) l.fail('has peepholes, which torch.nn.LSTM does not; they are not supported.');
    const inputs = l.g.shapeOf(x)[1];
    if (l.shapeOf(l.shared(2)).length !== 3) l.fail('has weights R that are not [directions, gates·h, h].', 'ERR_SHAPE');
    const states = Array.from({ length: directions }, (_, i) => {
      const backward = i === 1 || direction === 'reverse';
      return { backward, list: runCell(l.g, kind, x, weights(l, kind, i, directions, inputs), backward) };
    });
    return results(l, states, batchFirst);
  },
});

/** Y and Y_h; the batch is where the layout has it. */
function results(l: Lowering, states: readonly { readonly backward: boolean; readonly list: readonly ValueId[] }[], batchFirst: boolean): Value[] {
  const steps = states[0].list.length;
  const stacked = (ids: readonly ValueId[]) =>
    concat(
      l.g,
      ids.map((id) => reshape(l.g, id, [1, sizeOf(l.g.shapeOf(id))])),
      0,
    );
  // One array per direction, then side by side: [directions, T, h] → [T, directions, h].
  const perDirection = states.map(({ list }) => reshape(l.g, stacked(list), [1, steps, sizeOf(l.g.shapeOf(list[0]))]));
  const y = transpose(l.g, concat(l.g, perDirection, 0), [1, 0, 2]);
  const last = stacked(states.map(({ backward, list }) => list[backward ? 0 : steps - 1]));
  const batch = { axis: 0, outer: 1, inner: 1 };
  return [l.result(y, movedTo(batch, batchFirst ? 0 : 2)), l.result(last, movedTo(batch, batchFirst ? 0 : 1))];
}

export const recurrentOperators: Readonly<Record<string, OperatorRule>> = {
  RNN: recurrent('RNN'),
  GRU: recurrent('GRU'),
  LSTM: recurrent('LSTM'),
};
