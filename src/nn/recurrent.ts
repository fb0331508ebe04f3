/**
 * @file RNN, GRU and LSTM as torch.nn writes them (batch_first, zero initial state): several layers, both directions.
 *
 * The input-side product covers all time steps at once; the hidden side has one product per step with the same weight,
 * which the sweeps see as one site with as many positions as steps.
 */

import { TangedgeError } from '../core/errors.ts';
import { formatShape } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import type { Emitter } from '../graph/primitive.ts';
import { add, affine, broadcast, concat, dense, mul, reshape, slice, unary } from '../graph/primitives/table.ts';
import { uniformByFan } from './initial-distribution.ts';
import { booleanOption, choiceOption, describe, integerOption, type LayerContext, type LayerSpec, nameOption } from './layer-context.ts';

/** Weights of one layer in one direction; gates stacked as torch stacks them. */
export interface CellWeights {
  readonly input: ValueId;
  readonly hidden: ValueId;
  readonly inputBias?: ValueId;
  readonly hiddenBias?: ValueId;
}

export type CellKind = 'rnn-tanh' | 'rnn-relu' | 'gru' | 'lstm';

/** Gates of a cell: the rows of its weights are this many times the hidden size. */
export const GATES: Readonly<Record<CellKind, number>> = { 'rnn-tanh': 1, 'rnn-relu': 1, gru: 3, lstm: 4 };

/** Rows [from, to) of the first axis of x [n, d], or elements of x [n]. */
function rows(g: Emitter, x: ValueId, from: number, to: number): ValueId {
  const rest = g.shapeOf(x).slice(1);
  return slice(g, x, [from, ...rest.map(() => 0)], [to, ...rest]);
}

/**
 * Hidden states of one layer in one direction over x [t, d]: a list of [h], in the order of time whatever the direction.
 *
 * Gate orders: GRU r, z, n with n = tanh(x-side + r∘(h-side)); LSTM i, f, g, o.
 */
export function runCell(g: Emitter, kind: CellKind, x: ValueId, weights: CellWeights, backward: boolean): ValueId[] {
  const steps = g.shapeOf(x)[0];
  const hidden = g.shapeOf(weights.hidden)[1];
  const gates = GATES[kind] * hidden;
  let inputSide = dense(g, x, weights.input);
  if (weights.inputBias !== undefined) inputSide = add(g, inputSide, weights.inputBias);
  // Zero, but batched: the first step is a position of the hidden weight's site like any other.
  const zero = broadcast(g, affine(g, reshape(g, slice(g, x, [0, 0], [1, 1]), [1]), 0, 0), [hidden]);
  const states = new Array<ValueId>(steps);
  let state: State = { h: zero, cell: zero };
  for (let i = 0; i < steps; i++) {
    const t = backward ? steps - 1 - i : i;
    const fromInput = reshape(g, rows(g, inputSide, t, t + 1), [gates]);
    const product = dense(g, state.h, weights.hidden);
    const fromHidden = weights.hiddenBias === undefined ? product : add(g, product, weights.hiddenBias);
    state = STEP[kind](g, fromInput, fromHidden, state, hidden);
    states[t] = state.h;
  }
  return states;
}

interface State {
  readonly h: ValueId;
  /** LSTM only. */
  readonly cell: ValueId;
}

type Step = (g: Emitter, fromInput: ValueId, fromHidden: ValueId, state: State, hidden: number) => State;

const plainStep =
  (activation: 'tanh' | 'relu'): Step =>
  (g, fromInput, fromHidden, { cell }) => ({ h: unary(g, activation, add(g, fromInput, fromHidden)), cell });

const gruStep: Step = (g, fromInput, fromHidden, { h, cell }, hidden) => {
  const part = (x: ValueId, index: number) => rows(g, x, index * hidden, (index + 1) * hidden);
  const [r, z] = [0, 1].map((index) => unary(g, 'sigmoid', add(g, part(fromInput, index), part(fromHidden, index))));
  const n = unary(g, 'tanh', add(g, part(fromInput, 2), mul(g, r, part(fromHidden, 2))));
  // h′ = (1 − z)∘n + z∘h
  return { h: add(g, mul(g, affine(g, z, -1, 1), n), mul(g, z, h)), cell };
};

const lstmStep: Step = (g, fromInput, fromHidden, state, hidden) => {
  const total = add(g, fromInput, fromHidden);
  const gate = (index: number, op: 'sigmoid' | 'tanh') => unary(g, op, rows(g, total, index * hidden, (index + 1) * hidden));
  const cell = add(g, mul(g, gate(1, 'sigmoid'), state.cell), mul(g, gate(0, 'sigmoid'), gate(2, 'tanh')));
  return { h: mul(g, gate(3, 'sigmoid'), unary(g, 'tanh', cell)), cell };
};

const STEP: Readonly<Record<CellKind, Step>> = { 'rnn-tanh': plainStep('tanh'), 'rnn-relu': plainStep('relu'), gru: gruStep, lstm: lstmStep };

/** States [t, h·directions] of all layers' last, from x [t, d]. `weightsOf(layer, direction)` names the weights. */
export function runRecurrent(
  g: Emitter,
  kind: CellKind,
  x: ValueId,
  layers: number,
  directions: number,
  weightsOf: (layer: number, direction: number, inputs: number) => CellWeights,
): ValueId {
  let sequence = x;
  for (let layer = 0; layer < layers; layer++) {
    const inputs = g.shapeOf(sequence)[1];
    const perDirection = Array.from({ length: directions }, (_, direction) =>
      runCell(g, kind, sequence, weightsOf(layer, direction, inputs), direction === 1),
    );
    const together = perDirection[0].map((_, t) =>
      concat(
        g,
        perDirection.map((states) => states[t]),
        0,
      ),
    );
    sequence = concat(
      g,
      together.map((state) => reshape(g, state, [1, ...g.shapeOf(state)])),
      0,
    );
  }
  return sequence;
}

/** torch.nn.RNN, GRU or LSTM: x [t, input_size] → [t, hidden_size·directions], the whole sequence of the last layer. */
export function recurrent(cell: 'rnn' | 'gru' | 'lstm') {
  return (c: LayerContext, layer: LayerSpec, x: ValueId): ValueId => {
    const name = nameOption(layer);
    const hidden = integerOption(layer, 'hidden_size', 1);
    const inputSize = integerOption(layer, 'input_size', 1);
    const shape = c.g.shapeOf(x);
    if (shape.length !== 2 || shape[1] !== inputSize) {
      throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)} takes [time, ${inputSize}], not ${formatShape(shape)}.`, {
        shape: [...shape],
        inputSize,
      });
    }
    if (!booleanOption(layer, 'batch_first', true)) {
      throw new TangedgeError(
        'ERR_UNSUPPORTED',
        `spec: layer ${describe(layer)} has batch_first false; only [batch, time, features] is supported.`,
        {},
      );
    }
    const kind: CellKind = cell === 'rnn' ? `rnn-${choiceOption(layer, 'nonlinearity', ['tanh', 'relu'], 'tanh')}` : cell;
    const layers = layer.num_layers === undefined ? 1 : integerOption(layer, 'num_layers', 1);
    const directions = booleanOption(layer, 'bidirectional', false) ? 2 : 1;
    const bias = booleanOption(layer, 'bias', true);
    const gates = GATES[kind] * hidden;
    const initial = uniformByFan(hidden);
    return runRecurrent(c.g, kind, x, layers, directions, (index, direction, inputs) => {
      const suffix = `l${index}${direction === 1 ? '_reverse' : ''}`;
      const [input, recurrentWeight] = [
        c.parameter(`${name}.weight_ih_${suffix}`, [gates, inputs], initial),
        c.parameter(`${name}.weight_hh_${suffix}`, [gates, hidden], initial),
      ];
      if (!bias) return { input, hidden: recurrentWeight };
      const [inputBias, hiddenBias] = [
        c.parameter(`${name}.bias_ih_${suffix}`, [gates], initial),
        c.parameter(`${name}.bias_hh_${suffix}`, [gates], initial),
      ];
      return { input, hidden: recurrentWeight, inputBias, hiddenBias };
    });
  };
}
