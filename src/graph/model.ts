/** @file Model: a graph with one batched input and one flat output, and the values of its parameters. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sameShape, sizeOf, type Tensor } from '../core/tensor.ts';
import type { Graph, ValueId } from './graph.ts';

export interface Parameter {
  /** The name in the file it came from (PyTorch's state-dict key). */
  readonly name: string;
  readonly value: Tensor;
  /** Its leaf in the graph. */
  readonly id: ValueId;
  /** Whether gradients are taken with respect to it: only these appear in Jacobians and kernels. */
  readonly trainable: boolean;
}

/** A layer as its file names it, for people: what `info` prints and reports group by. */
export interface Layer {
  readonly name: string;
  readonly type: string;
  /** Per-example shape of what it returns. */
  readonly shape: readonly number[];
  /** Names of the parameters it owns. */
  readonly parameters: readonly string[];
}

/**
 * A network: `graph` maps the batched leaf `input` to `output` [c], one value per example and output. Plain data; the
 * graph's other leaves are the parameters.
 */
export interface Model {
  readonly graph: Graph;
  readonly input: { readonly name: string; readonly id: ValueId; readonly shape: readonly number[] };
  readonly output: { readonly name: string; readonly id: ValueId; readonly size: number };
  readonly parameters: readonly Parameter[];
  readonly layers: readonly Layer[];
}

/** The trainable parameters in the model's order: the order of Jacobian columns. */
export function trainableParameters(model: Model): readonly Parameter[] {
  return model.parameters.filter((parameter) => parameter.trainable);
}

/** Number of trainable scalars, p. */
export function parameterCount(model: Model): number {
  return trainableParameters(model).reduce((count, { value }) => count + sizeOf(value.shape), 0);
}

/**
 * The batch size of an input array; it may be given flat, [n, size], when the model's input is an image.
 *
 * @throws {TangedgeError} ERR_SHAPE when it does not fit the model · ERR_DOMAIN when the batch is empty.
 */
export function batchSize(operation: string, model: Model, name: string, x: Tensor): number {
  const expected = model.input.shape;
  const [n, ...rest] = x.shape;
  const flat = rest.length === 1 && rest[0] === sizeOf(expected);
  if (x.shape.length === 0 || !(sameShape(rest, expected) || flat)) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: ${name} ${formatShape(x.shape)} does not fit the model's input ${formatShape(expected)}: it must be [n, ${expected.join(', ')}].`,
      { name, shape: [...x.shape], expected: [...expected] },
    );
  }
  if (n === 0)
    throw new TangedgeError('ERR_DOMAIN', `${operation}: ${name} ${formatShape(x.shape)} is an empty batch; give at least one example.`, { name });
  return n;
}

/**
 * The same model with other parameters trained. `only` keeps just the named ones; `frozen` then removes.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when a name is not a parameter, or nothing is left.
 */
export function withTrainable(model: Model, choice: { readonly only?: readonly string[]; readonly frozen?: readonly string[] }): Model {
  const names = model.parameters.map(({ name }) => name);
  for (const name of [...(choice.only ?? []), ...(choice.frozen ?? [])]) {
    if (!names.includes(name)) {
      throw new TangedgeError('ERR_ARGUMENT', `parameters: the model has no parameter '${name}'; it has ${names.join(', ')}.`, { name, names });
    }
  }
  const parameters = model.parameters.map((parameter) => ({
    ...parameter,
    trainable: (choice.only ? choice.only.includes(parameter.name) : parameter.trainable) && !choice.frozen?.includes(parameter.name),
  }));
  if (!parameters.some(({ trainable }) => trainable)) {
    throw new TangedgeError('ERR_ARGUMENT', 'parameters: no trainable parameter is left; choose at least one.', { names });
  }
  return { ...model, parameters };
}
