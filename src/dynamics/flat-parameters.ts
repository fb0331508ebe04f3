/** @file A model's trainable parameters as one flat vector θ [p], in the order of Jacobian columns. */

import { TangedgeError } from '../core/errors.ts';
import { type FloatArray, sizeOf } from '../core/tensor.ts';
import { type Model, parameterCount, trainableParameters } from '../graph/model.ts';

/**
 * The trainable parameters as one vector θ, in the model's order, row-major each: the order of Jacobian columns.
 *
 * Shapes     →  [p], f64, a fresh copy
 *
 * @example
 * const theta = flatParameters(model);
 */
export function flatParameters(model: Model): Float64Array {
  const flat = new Float64Array(parameterCount(model));
  let at = 0;
  for (const { value } of trainableParameters(model)) {
    flat.set(value.data, at);
    at += value.data.length;
  }
  return flat;
}

/**
 * The same model with the trainable parameters of a flat vector θ [p].
 *
 * @throws {TangedgeError} ERR_SHAPE when θ does not have p elements
 * @example
 * const moved = withFlatParameters(model, flatParameters(model).map((value) => 0.5 * value));
 */
export function withFlatParameters(model: Model, theta: FloatArray): Model {
  const p = parameterCount(model);
  if (theta.length !== p) {
    throw new TangedgeError('ERR_SHAPE', `withFlatParameters: theta has ${theta.length} elements; the model has ${p} trainable ones.`, {
      given: theta.length,
      needed: p,
    });
  }
  let at = 0;
  const parameters = model.parameters.map((parameter) => {
    if (!parameter.trainable) return parameter;
    const { shape } = parameter.value;
    const size = sizeOf(shape);
    const data = theta.slice(at, at + size);
    at += size;
    return { ...parameter, value: { shape, data } };
  });
  return { ...model, parameters };
}
