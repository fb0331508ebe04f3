/** @file What an operator's rule is given: the node's inputs as values, its attributes with types, the graph builder, and errors that name the node. */

import { type ErrorCode, type ErrorInfo, TangedgeError } from '../../core/errors.ts';
import { formatShape, sizeOf, type Tensor } from '../../core/tensor.ts';
import type { GraphBuilder } from '../../graph/builder.ts';
import { reshape } from '../../graph/primitives/table.ts';
import { quote } from '../quote.ts';
import { type BatchAxis, fileShape, graphAxes, isMerged } from './batch-axis.ts';
import { batchCoupledSignature } from './batch-coupled.ts';
import { type Extent, formatExtents } from './extent.ts';
import { formulaConstant } from './formula-constant.ts';
import { known, MAX_KNOWN } from './known.ts';
import type { OnnxAttribute, OnnxNode } from './messages.ts';
import type { ArrayValue, KnownValue, StoredValue, Value } from './value.ts';

/** Largest extent, stride, padding: what the routines' 32-bit sizes hold. */
const MAX_EXTENT = 0x7fffffff;

/** What all nodes of one import share. */
export interface ImportState {
  readonly g: GraphBuilder;
  readonly opset: number;
  /** Whether the model's input holds whole numbers: indices of an embedding. */
  readonly integerInput: boolean;
  /** The batch size written into the file; undefined when it is open. */
  readonly fixedBatch: number | undefined;
  /** The graph's parameters so far, by name. */
  readonly parameters: Map<string, { readonly id: number; readonly stored: StoredValue }>;
}

export class Lowering {
  readonly g: GraphBuilder;
  readonly state: ImportState;
  readonly node: OnnxNode;
  private readonly values: readonly (Value | undefined)[];
  private readonly attributes: ReadonlyMap<string, OnnxAttribute>;

  constructor(state: ImportState, node: OnnxNode, values: readonly (Value | undefined)[]) {
    this.g = state.g;
    this.state = state;
    this.node = node;
    this.values = values;
    this.attributes = new Map(node.attributes.map((attribute) => [attribute.name, attribute]));
  }

  /** @throws {TangedgeError} naming the node. */
  fail(problem: string, code: ErrorCode = 'ERR_UNSUPPORTED', info: ErrorInfo = {}): never {
    throw new TangedgeError(code, `importOnnx: ${nodeTitle(this.node)} ${problem}`, { node: this.node.name, type: this.node.type, ...info });
  }

  /** @throws {TangedgeError} the same for a node in training mode, with the signature `BATCH_COUPLED` in its info. */
  failBatchCoupled(problem: string): never {
    const { name, type } = this.node;
    this.fail(problem, 'ERR_UNSUPPORTED', { signature: batchCoupledSignature([{ name, type, training: true }]) });
  }

  // ── inputs ─────────────────────────────────────────────────────────────────────────────────────────────────────

  get inputCount(): number {
    return this.values.length;
  }

  has(position: number): boolean {
    return this.values[position] !== undefined;
  }

  value(position: number): Value {
    return this.values[position] ?? this.fail(`has no input ${position}.`, 'ERR_FORMAT');
  }

  /** The input as a value of the graph: stored values become parameters, known ones constants. */
  array(position: number): ArrayValue {
    return this.toArray(this.value(position));
  }

  toArray(value: Value): ArrayValue {
    if (value.kind === 'array') return value;
    const id =
      value.kind === 'stored' ? this.parameter(value) : this.g.constantTensor({ shape: value.shape, data: Float64Array.from(this.numbersOf(value)) });
    return { kind: 'array', id, batch: undefined };
  }

  /** The input as layers take it: [N, …], the batch alone on axis 0. */
  examples(position: number): ArrayValue {
    const value = this.array(position);
    const { id, batch } = value;
    if (batch?.axis === 0 && !isMerged(batch)) return value;
    const [first, ...rest] = this.shapeOf(value);
    if (this.lostBatch(value) && first === 1) return { ...value, id: reshape(this.g, id, rest), batch: { axis: 0, outer: 1, inner: 1 } };
    return this.fail(
      batch === undefined && !this.g.isBatched(id)
        ? `has an input ${position} that does not depend on the model's input.`
        : `takes [N, …], and its input ${position} has the shape ${formatExtents(this.fileShape(value))}; export the model with the batch first.`,
    );
  }

  /** The input as a value that all examples share: a weight or a function of weights. */
  shared(position: number): ArrayValue {
    const value = this.array(position);
    if (value.batch !== undefined || this.g.isBatched(value.id)) {
      this.fail(`has an input ${position} that depends on the example, where a weight is wanted.`);
    }
    return value;
  }

  /** Whether the value depends on the example and its batch axis, of one, is no longer followed. */
  lostBatch(value: ArrayValue): boolean {
    return value.batch === undefined && this.g.isBatched(value.id);
  }

  /** The value of a file with a fixed batch of one, its batch axis an axis like the others. */
  withoutBatch(value: ArrayValue): ArrayValue {
    if (value.batch === undefined) return value;
    const shape = fileShape(this.shapeOf(value), value.batch).map((extent) => (typeof extent === 'number' ? extent : extent.perExample));
    return this.result(reshape(this.g, value.id, shape), undefined);
  }

  /** A stored or known input as numbers, for what is not differentiated. */
  tensor(position: number): Tensor {
    const value = this.value(position);
    if (value.kind === 'stored') return value.value;
    return { shape: this.known(position).shape, data: Float64Array.from(this.numbersOf(this.known(position))) };
  }

  /** The input as an array known at import. */
  known(position: number): KnownValue {
    return this.toKnown(this.value(position)) ?? this.fail(`has an input ${position} that is not known at import; it must be constant.`);
  }

  toKnown(value: Value): KnownValue | undefined {
    if (value.kind === 'known') return value;
    if (value.kind === 'array' || value.value.data.length > MAX_KNOWN) return undefined;
    return known('float', value.value.shape, Array.from(value.value.data));
  }

  /** A known input's elements, none of them depending on the batch size. */
  numbers(position: number): number[] {
    return this.numbersOf(this.known(position));
  }

  numbersOf(value: KnownValue): number[] {
    return value.elements.map((element) =>
      typeof element === 'number' ? element : this.fail(`would make numbers of the batch size: ${formatExtents(value.elements)}.`),
    );
  }

  private parameter(stored: StoredValue): number {
    const made = this.state.parameters.get(stored.name);
    if (made !== undefined) return made.id;
    const id = this.g.parameter(stored.name, stored.value.shape);
    this.state.parameters.set(stored.name, { id, stored });
    return id;
  }

  // ── shapes ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Shape without the batch axis. */
  shapeOf(value: ArrayValue): readonly number[] {
    return this.g.shapeOf(value.id);
  }

  /** Shape as the file has it. */
  fileShape(value: ArrayValue): Extent[] {
    return fileShape(this.shapeOf(value), value.batch);
  }

  /** Number of axes as the file counts them. */
  rankOf(value: ArrayValue): number {
    return this.fileShape(value).length;
  }

  /** An axis in [−rank, rank) as one in [0, rank). */
  axis(axis: number, rank: number): number {
    const normal = axis < 0 ? axis + rank : axis;
    if (!(Number.isInteger(normal) && normal >= 0 && normal < rank))
      this.fail(`names the axis ${axis} of a value with ${rank} axes.`, 'ERR_FORMAT', { axis, rank });
    return normal;
  }

  /** The axis of the graph's value that an axis of the file is; the batch axis is refused. */
  ownAxis(value: ArrayValue, axis: number): number {
    const normal = this.axis(axis, this.rankOf(value));
    if (normal === value.batch?.axis) {
      this.fail(
        `works along axis ${normal}, the batch: every example must be computed by itself. Export the model without operations across examples.`,
      );
    }
    return graphAxes(value.batch, normal)[0];
  }

  result(id: number, batch: BatchAxis | undefined): ArrayValue {
    return { kind: 'array', id, batch };
  }

  // ── attributes ─────────────────────────────────────────────────────────────────────────────────────────────────

  integer(name: string, fallback: number): number {
    const attribute = this.attributes.get(name);
    if (attribute === undefined) return fallback;
    return attribute.integer ?? this.fail(`has an attribute ${quote(name)} that is no integer.`, 'ERR_FORMAT');
  }

  /** 0 or 1. */
  flag(name: string, fallback: 0 | 1 = 0): boolean {
    const value = this.integer(name, fallback);
    if (value !== 0 && value !== 1) this.fail(`has ${name} = ${value}; it must be 0 or 1.`, 'ERR_FORMAT');
    return value === 1;
  }

  /** The number that the exporter rounded to f32. */
  float(name: string, fallback: number): number {
    const attribute = this.attributes.get(name);
    if (attribute === undefined) return fallback;
    const value = attribute.float ?? this.fail(`has an attribute ${quote(name)} that is no float.`, 'ERR_FORMAT');
    if (!Number.isFinite(value)) this.fail(`has ${name} = ${value}.`, 'ERR_FORMAT');
    return formulaConstant(value);
  }

  string(name: string, fallback: string): string {
    const attribute = this.attributes.get(name);
    if (attribute === undefined) return fallback;
    return attribute.string ?? this.fail(`has an attribute ${quote(name)} that is no string.`, 'ERR_FORMAT');
  }

  integers(name: string): readonly number[] | undefined {
    return this.attributes.get(name)?.integers;
  }

  strings(name: string): readonly string[] | undefined {
    return this.attributes.get(name)?.strings;
  }

  attribute(name: string): OnnxAttribute | undefined {
    return this.attributes.get(name);
  }

  /** A list attribute of `length` whole numbers from `min` on. */
  extents(name: string, length: number, min: number, fallback: number): readonly number[] {
    const values = this.integers(name) ?? new Array<number>(length).fill(fallback);
    if (values.length !== length || !values.every((value) => Number.isInteger(value) && value >= min && value <= MAX_EXTENT)) {
      this.fail(`has ${name} = ${formatShape(values.slice(0, 16))}; it must be ${length} whole numbers ≥ ${min}.`, 'ERR_FORMAT', {
        [name]: [...values],
      });
    }
    return values;
  }

  /** Axes given as the attribute `axes`, or from opset 13 on as an input; undefined when given by neither. */
  axes(position: number): readonly number[] | undefined {
    return this.has(position) ? this.numbers(position) : this.integers('axes');
  }
}

/** `node "fc1" (Gemm)`, for messages. */
export function nodeTitle(node: OnnxNode): string {
  const type = node.domain === '' || node.domain === 'ai.onnx' ? node.type : `${node.domain}.${node.type}`;
  return `node ${quote(node.name || node.outputs[0] || '')} (${quote(type).slice(1, -1)})`;
}

/** An operator: the attributes it may have, and what its outputs become; most have one. */
export interface OperatorRule {
  readonly attributes?: readonly string[];
  readonly lower: (l: Lowering) => Value | readonly Value[];
}

/** Whether a shape fits the routines: at most 6 axes per example, 32-bit extents, bytes that a number counts exactly. */
export function fitsRoutines(shape: readonly number[]): boolean {
  return (
    shape.length <= 6 &&
    shape.every((extent) => Number.isInteger(extent) && extent >= 0 && extent <= MAX_EXTENT) &&
    Number.isSafeInteger(8 * sizeOf(shape))
  );
}
