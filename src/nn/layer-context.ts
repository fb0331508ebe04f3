/** @file What a layer builder is given: the emitter, typed access to the layer's options, and its parameters by name. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sameShape, type Tensor } from '../core/tensor.ts';
import type { GraphBuilder } from '../graph/builder.ts';
import type { ValueId } from '../graph/graph.ts';
import type { InitialDistribution } from './initial-distribution.ts';

/** One entry of a spec's `layers`: `type`, usually `name`, and options as torch.nn names them. */
export type LayerSpec = Readonly<Record<string, unknown>>;

/** Where the values of parameters and buffers come from: a state dict, or what makes a new one. */
export interface StateSource {
  /** The value under a key, which the model needs to be of `shape`; `initial` is how training would start it. */
  entry(name: string, shape: readonly number[], initial: InitialDistribution): Tensor;
}

/** The entries of a state dict. */
export function stateDictSource(state: ReadonlyMap<string, Tensor>): StateSource {
  return {
    entry(name) {
      const value = state.get(name);
      if (value !== undefined) return value;
      const known = [...state.keys()];
      const shown = known.length > 12 ? `${known.slice(0, 12).join(', ')}, … (${known.length} in all)` : known.join(', ');
      throw new TangedgeError('ERR_FORMAT', `weights: there is no '${name}' in the state dict; it has ${shown || 'no entries'}.`, { name, known });
    },
  };
}

export class LayerContext {
  readonly g: GraphBuilder;
  /** Names of parameters in the order the layers ask for them. */
  readonly requested: string[] = [];
  private readonly source: StateSource;
  private readonly leaves = new Map<string, { readonly id: ValueId; readonly value: Tensor }>();

  constructor(g: GraphBuilder, source: StateSource) {
    this.g = g;
    this.source = source;
  }

  /** The leaf of a parameter; the same name twice is the same parameter (tied weights). */
  parameter(name: string, shape: readonly number[], initial: InitialDistribution): ValueId {
    const known = this.leaves.get(name);
    if (known !== undefined) {
      if (!sameShape(known.value.shape, shape)) throw shapeError(name, known.value.shape, shape);
      return known.id;
    }
    const value = this.buffer(name, shape, initial);
    const id = this.g.parameter(name, shape);
    this.leaves.set(name, { id, value });
    this.requested.push(name);
    return id;
  }

  /** The values of a buffer: part of the state dict, not a parameter. */
  buffer(name: string, shape: readonly number[], initial: InitialDistribution): Tensor {
    const value = this.source.entry(name, shape, initial);
    if (!sameShape(value.shape, shape)) throw shapeError(name, value.shape, shape);
    return value;
  }

  /** The leaf and the value of a requested parameter. */
  leafOf(name: string): { readonly id: ValueId; readonly value: Tensor } {
    return this.leaves.get(name) as { readonly id: ValueId; readonly value: Tensor };
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
