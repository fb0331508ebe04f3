/** @file The data a network is trained on: inputs that fit the model, targets as the loss wants them. */

import { checkFinite } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { type FloatArray, formatShape, sizeOf, type Tensor } from '../core/tensor.ts';
import { batchSize, type Model } from '../graph/model.ts';
import type { LossName } from './loss-graph.ts';

/** What a network is trained on. */
export interface TrainingData {
  /** [n, …input] */
  readonly inputs: Tensor;
  /** [n, c]; [n] with one output. For cross-entropy probabilities [n, c], or [n] classes 0 … c − 1. */
  readonly targets: Tensor;
}

/** The same, checked: flat rows of inputs [n, d] and of targets [n, c]. */
export interface TrainingRows {
  readonly n: number;
  readonly d: number;
  readonly c: number;
  readonly inputs: FloatArray;
  readonly targets: FloatArray;
}

/**
 * Checks inputs and targets against a model and a loss.
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit the model or each other · ERR_DOMAIN for NaN, Inf, an empty
 *         batch, classes outside 0 … c − 1, negative probabilities.
 */
export function checkTrainingData(operation: string, model: Model, { inputs, targets }: TrainingData, loss: LossName): TrainingRows {
  const n = batchSize(operation, model, 'inputs', inputs);
  const c = model.output.size;
  checkFinite(operation, 'inputs', inputs);
  checkFinite(operation, 'targets', targets);
  const [rows, columns = 1] = targets.shape;
  const classes = loss === 'cross-entropy' && columns === 1;
  if (targets.shape.length < 1 || targets.shape.length > 2 || rows !== n || (columns !== c && !classes)) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: targets ${formatShape(targets.shape)} do not fit ${n} samples and ${c} outputs: they must be ${formatShape([n, c])}${
        loss === 'cross-entropy' ? `, or ${formatShape([n])} classes` : ''
      }.`,
      { targets: [...targets.shape], n, c },
    );
  }
  if (loss === 'cross-entropy') checkDistribution(operation, targets, classes ? 'classes' : 'probabilities', c);
  return { n, d: sizeOf(model.input.shape), c, inputs: inputs.data, targets: classes ? oneHotRows(targets.data, c) : targets.data };
}

function checkDistribution(operation: string, { data }: Tensor, kind: 'classes' | 'probabilities', c: number): void {
  if (c < 2) {
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: cross-entropy compares at least 2 outputs, the model has ${c}. Use loss 'mse'.`, { c });
  }
  const wrong = data.findIndex((value) => (kind === 'classes' ? !(Number.isInteger(value) && value >= 0 && value < c) : value < 0));
  if (wrong < 0) return;
  const wanted = kind === 'classes' ? `a class, a whole number from 0 to ${c - 1}` : 'a probability, at least 0';
  throw new TangedgeError('ERR_DOMAIN', `${operation}: target ${wrong} is ${data[wrong]}; with cross-entropy it must be ${wanted}.`, {
    index: wrong,
    value: data[wrong],
  });
}

function oneHotRows(classes: FloatArray, c: number): Float64Array {
  const rows = new Float64Array(classes.length * c);
  classes.forEach((label, i) => {
    rows[i * c + label] = 1;
  });
  return rows;
}
