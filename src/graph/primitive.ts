/** @file What a primitive is: one row of rules, { infer, evaluate, jvp, vjp, flops }, and what the rules are given. */

import { type Dtype, sizeOf, type Tensor } from '../core/tensor.ts';
import type { Routines } from '../wasm/abi.ts';
import type { Arena } from '../wasm/arena.ts';
import type { Attributes, ValueId } from './graph.ts';

/** Where rules put new nodes. The builder implements it. */
export interface Emitter {
  emit(op: string, inputs: readonly ValueId[], attributes?: Attributes): ValueId;
  shapeOf(id: ValueId): readonly number[];
  isBatched(id: ValueId): boolean;
  /** A shared array whose values are part of the graph. */
  constantTensor(value: Tensor): ValueId;
  /** The same of one value everywhere. */
  constant(value: number, shape?: readonly number[]): ValueId;
  /** The op, inputs and attributes of a value: lets a constructor fuse with its operand. */
  definition(id: ValueId): { readonly op: string; readonly inputs: readonly ValueId[]; readonly attributes: Attributes };
}

/** The node a derivative rule is asked about. */
export interface Application {
  readonly id: ValueId;
  readonly inputs: readonly ValueId[];
  readonly attributes: Attributes;
}

/** An operand at run time: `batch` copies of `shape`, contiguous, at `ptr`. */
export interface Operand {
  readonly ptr: number;
  readonly batch: number;
  /** Consecutive entries of the output that read one entry of this operand. */
  readonly each: number;
  readonly shape: readonly number[];
  /** n > 0: entries b and b + n, cotangents of one example, are zero at the same places. */
  readonly sharedZeros?: number;
  /** Of an output whose entries are not one behind the other; each is contiguous all the same. */
  readonly spacing?: Spacing;
}

/** `run` entries are `step` elements apart, and the first of every `run` is `leap` elements behind that of the run before. */
export interface Spacing {
  readonly run: number;
  readonly step: number;
  readonly leap: number;
}

/** Elements between the first of an output's entries and entry b. */
export function entryOffset({ shape, spacing }: Operand, b: number): number {
  return spacing === undefined ? b * sizeOf(shape) : Math.floor(b / spacing.run) * spacing.leap + (b % spacing.run) * spacing.step;
}

/** The entry of an operand that entry b of the output reads. */
export function entryOf({ batch, each }: Operand, b: number): number {
  return Math.floor(b / each) % batch;
}

/**
 * What `evaluate` is given. Operands may have fewer batch entries than the output: entry b of the output reads entry
 * ⌊b / each⌋ mod batch of each operand. So shared operands have batch 1, and a block of cotangents [outputs × examples]
 * reads the forward values [examples] and what depends on the cotangent alone, [outputs], without copies.
 */
export interface Evaluation {
  readonly arena: Arena;
  readonly routines: Routines;
  readonly dtype: Dtype;
  readonly inputs: readonly Operand[];
  readonly output: Operand;
  /** The condition of a ReLU's derivative that alone reads the output, if `computesWanted`: where it is not > 0, the output must be +0. */
  readonly wanted?: Operand;
  readonly attributes: Attributes;
  /** What `make` returned in the first run of the node in its program: for what shapes alone decide. At most one use in an `evaluate`. */
  once<T>(make: () => T): T;
}

export interface Inferred {
  readonly shape: readonly number[];
  /** Default: whether any input is batched. */
  readonly batched?: boolean;
}

/** One primitive. Adding one: this row, and a line in the conformance suite. */
export interface Primitive {
  readonly name: string;
  /** Output shape from per-example input shapes; throws ERR_SHAPE. */
  infer(shapes: readonly (readonly number[])[], attributes: Attributes): Inferred;
  evaluate(e: Evaluation): void;
  /** Tangent of the output from the inputs' tangents (null: zero); null when it is zero. */
  jvp(g: Emitter, node: Application, tangents: readonly (ValueId | null)[]): ValueId | null;
  /**
   * Cotangents of the inputs from the output's: each has its input's per-example shape. For a shared input of a batched
   * node the result is per example; whoever asked sums it over the batch (or keeps it, for Jacobian rows). null: zero.
   */
  vjp(g: Emitter, node: Application, cotangent: ValueId): readonly (ValueId | null)[];
  /** Multiply-adds count 2; per batch entry of the output. */
  flops(shapes: readonly (readonly number[])[], output: readonly number[], attributes: Attributes): number;
  /** True when the output is the input's memory under another shape. */
  readonly alias?: boolean;
  /** True when the output may overwrite the first input (same shape, element by element). */
  readonly inPlace?: boolean;
  /** True when `evaluate` heeds the output's spacing. */
  readonly spacesEntries?: boolean;
  /** Whether `evaluate` applies a ReLU's derivative, whose condition has so many batch entries, to the output. */
  computesWanted?(e: Pick<Evaluation, 'attributes'> & { readonly inputs: readonly Pick<Operand, 'batch' | 'sharedZeros'>[] }, batch: number): boolean;
  /** Most arena bytes `evaluate` allocates for itself, for the memory plan. */
  scratchBytes?(e: Omit<Evaluation, 'arena' | 'once'>): number;
}

/** Attribute readers: attributes are plain data, these give them their types back. */
export function numberAttribute(attributes: Attributes, name: string): number {
  return attributes[name] as number;
}

export function listAttribute(attributes: Attributes, name: string): readonly number[] {
  return attributes[name] as readonly number[];
}
