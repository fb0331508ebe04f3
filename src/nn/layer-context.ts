/** @file What a layer builder is given: the emitter, typed access to the layer's options, and its parameters by name. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sameShape, type Tensor } from '../core/tensor.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { ValueId } from '../graph/graph.ts';

/** One entry of a spec's `layers`: `type`, usually `name`, and options as torch.nn names them. */
export type LayerSpec = Readonly<Record<string, unknown>>;

export class LayerContext {
  readonly g: GraphBuilder;
  /** Names of parameters in the order the layers ask for them. */
  readonly requested: string[] = [];
  private readonly state: ReadonlyMap<string, Tensor>;
  private readonly ids = new Map<string, ValueId>();

  constructor(g: GraphBuilder, state: ReadonlyMap<string, Tensor>) {
    this.g = g;
    this.state = state;
  }

  /** The leaf of a parameter; the same name twice is the same parameter (tied weights). */
  parameter(name: string, shape: readonly number[]): ValueId {
    const known = this.ids.get(name);
    if (known !== undefined) {
      if (!sameShape(this.g.shapeOf(known), shape)) throw shapeError(name, this.g.shapeOf(known), shape);
      return known;
    }
    const value = this.stateEntry(name);
    if (!sameShape(value.shape, shape)) throw shapeError(name, value.shape, shape);
    const id = this.g.parameter(name, shape);
    this.ids.set(name, id);
    this.requested.push(name);
    return id;
  }

  /** The values of a buffer: part of the state dict, not a parameter. */
  buffer(name: string, shape: readonly number[]): Tensor {
    const value = this.stateEntry(name);
    if (!sameShape(value.shape, shape)) throw shapeError(name, value.shape, shape);
    return value;
  }

  idOf(name: string): ValueId {
    return this.ids.get(name) as ValueId;
  }

  valueOf(name: string): Tensor {
    return this.stateEntry(name);
  }

  private stateEntry(name: string): Tensor {
    const value = this.state.get(name);
    if (value === undefined) {
      const known = [...this.state.keys()];
      const shown = known.length > 12 ? `${known.slice(0, 12).join(', ')}, … (${known.length} in all)` : known.join(', ');
      throw new TangedgeError('ERR_FORMAT', `weights: there is no '${name}' in the state dict; it has ${shown || 'no entries'}.`, { name, known });
    }
    return value;
  }
}

function shapeError(name: string, actual: readonly number[], expected: readonly number[]): TangedgeError {
  return new TangedgeError('ERR_SHAPE', `weights: '${name}' is ${formatShape(actual)}, the model needs ${formatShape(expected)}.`, {
    name,
    shape: [...actual],
    expected: [...expected],
  });
}

function optionError(layer: LayerSpec, option: string, wanted: string): TangedgeError {
  return new TangedgeError('ERR_FORMAT', `spec: layer ${describe(layer)} has ${option} = ${JSON.stringify(layer[option])}; it must be ${wanted}.`, {
    type: layer.type,
    option,
    value: layer[option],
  });
}

/** `Linear 'fc1'`, for messages. */
export function describe(layer: LayerSpec): string {
  return typeof layer.name === 'string' ? `${layer.type} '${layer.name}'` : String(layer.type);
}

export function nameOption(layer: LayerSpec): string {
  if (typeof layer.name !== 'string') throw optionError(layer, 'name', 'a string, the prefix of its keys in the state dict');
  return layer.name;
}

export function integerOption(layer: LayerSpec, option: string, min: number): number {
  const value = layer[option];
  if (!(Number.isSafeInteger(value) && (value as number) >= min)) throw optionError(layer, option, `a whole number ≥ ${min}`);
  return value as number;
}

export function numberOption(layer: LayerSpec, option: string, fallback?: number): number {
  const value = layer[option] ?? fallback;
  if (!Number.isFinite(value)) throw optionError(layer, option, 'a finite number');
  return value as number;
}

export function booleanOption(layer: LayerSpec, option: string, fallback: boolean): boolean {
  const value = layer[option] ?? fallback;
  if (typeof value !== 'boolean') throw optionError(layer, option, 'true or false');
  return value;
}

export function choiceOption<T extends string>(layer: LayerSpec, option: string, choices: readonly T[], fallback: T): T {
  const value = layer[option] ?? fallback;
  if (!choices.includes(value as T)) throw optionError(layer, option, `one of ${choices.join(', ')}`);
  return value as T;
}

/** An int, or [h, w]. */
export function pairOption(layer: LayerSpec, option: string, min: number, fallback?: number | readonly number[]): [number, number] {
  const value = layer[option] ?? fallback;
  const pair = typeof value === 'number' ? [value, value] : value;
  if (!(Array.isArray(pair) && pair.length === 2 && pair.every((extent) => Number.isSafeInteger(extent) && extent >= min))) {
    throw optionError(layer, option, `a whole number ≥ ${min}, or two of them`);
  }
  return [pair[0], pair[1]];
}
