/** @file Arithmetic and indexing on the small arrays known at import, by numpy's rules; nothing larger than 4096 elements. */

import { sizeOf, stridesOf } from '../../core/tensor.ts';
import { broadcastShape } from '../../graph/primitives/table.ts';
import { type Arithmetic, combine, type Extent } from './extent.ts';
import type { KnownValue } from './value.ts';

/** Most elements of a known array: far more than any shape, small enough that no file makes import slow. */
export const MAX_KNOWN = 4096;

export function known(type: KnownValue['type'], shape: readonly number[], elements: readonly Extent[]): KnownValue {
  return { kind: 'known', type, shape: [...shape], elements };
}

/** The same elements under another shape of the same size. */
export function withShape(value: KnownValue, shape: readonly number[]): KnownValue {
  return { ...value, shape: [...shape] };
}

/** Elements of a and b that meet where both are broadcast to `shape`, in row-major order. */
export function pairsOf(a: KnownValue, b: KnownValue, shape: readonly number[]): (readonly [Extent, Extent])[] {
  const [fromA, fromB] = [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)];
  return [...indices(shape)].map((index) => [a.elements[dot(index, fromA)], b.elements[dot(index, fromB)]]);
}

/** Element-wise with broadcasting; undefined where shapes do not fit, or an element is not linear in N. */
export function combineKnown(operation: Arithmetic, a: KnownValue, b: KnownValue): KnownValue | undefined {
  const shape = broadcastShape(a.shape, b.shape);
  if (shape === null || !(sizeOf(shape) <= MAX_KNOWN)) return undefined;
  const integers = a.type === 'integer' && b.type === 'integer';
  const elements: Extent[] = [];
  for (const [p, q] of pairsOf(a, b, shape)) {
    const element = combine(operation, p, q, integers);
    if (element === undefined) return undefined;
    elements.push(element);
  }
  return known(integers ? 'integer' : 'float', shape, elements);
}

/** Repeated to `shape`, numpy's rule. */
export function broadcastKnown(value: KnownValue, shape: readonly number[]): KnownValue {
  const from = broadcastStrides(value.shape, shape);
  return known(
    value.type,
    shape,
    [...indices(shape)].map((index) => value.elements[dot(index, from)]),
  );
}

/** output axis i is input axis permutation[i]. */
export function transposeKnown(value: KnownValue, permutation: readonly number[]): KnownValue {
  const strides = stridesOf(value.shape);
  const shape = permutation.map((axis) => value.shape[axis]);
  const from = permutation.map((axis) => strides[axis]);
  return known(
    value.type,
    shape,
    [...indices(shape)].map((index) => value.elements[dot(index, from)]),
  );
}

/** start + step·i for i < count on one axis; steps may be negative. */
export function sliceKnown(value: KnownValue, axis: number, start: number, step: number, count: number): KnownValue {
  return takeKnown(
    value,
    axis,
    Array.from({ length: count }, (_, i) => start + step * i),
    [count],
  );
}

/** Entries `positions` of one axis; the axis is replaced by `axes`, whose size is the number of positions. */
export function takeKnown(value: KnownValue, axis: number, positions: readonly number[], axes: readonly number[]): KnownValue {
  const strides = stridesOf(value.shape);
  const picked = value.shape.map((extent, i) => (i === axis ? positions.length : extent));
  const elements = [...indices(picked)].map((index) => {
    const from = index.map((position, i) => (i === axis ? positions[position] : position));
    return value.elements[dot(from, strides)];
  });
  return known(value.type, [...value.shape.slice(0, axis), ...axes, ...value.shape.slice(axis + 1)], elements);
}

/** Values side by side along an axis; undefined where shapes differ outside it, or the result is too large. */
export function concatKnown(values: readonly KnownValue[], axis: number): KnownValue | undefined {
  const [first] = values;
  const fits = values.every(
    ({ shape }) => shape.length === first.shape.length && shape.every((extent, i) => i === axis || extent === first.shape[i]),
  );
  if (!fits) return undefined;
  const shape = first.shape.map((extent, i) => (i === axis ? values.reduce((sum, value) => sum + value.shape[i], 0) : extent));
  if (!(sizeOf(shape) <= MAX_KNOWN)) return undefined;
  const outer = sizeOf(shape.slice(0, axis));
  const elements: Extent[] = [];
  for (let row = 0; row < outer; row++) {
    for (const value of values) {
      const length = value.elements.length / outer;
      elements.push(...value.elements.slice(row * length, (row + 1) * length));
    }
  }
  return known(values.every(({ type }) => type === 'integer') ? 'integer' : 'float', shape, elements);
}

/** Every index of a shape in row-major order. */
function* indices(shape: readonly number[]): Generator<readonly number[]> {
  const index = shape.map(() => 0);
  for (let remaining = sizeOf(shape); remaining > 0; remaining--) {
    yield [...index];
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from);
  const missing = to.length - from.length;
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]));
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
