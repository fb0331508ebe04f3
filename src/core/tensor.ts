/** @file Tensor: plain readonly data `{ shape, data }`, row-major, that structured clone keeps whole. */

import { TangedgeError } from './errors.ts';

/** Element type of a computation. `f64` is the default; `f32` is the fast path. */
export type Dtype = 'f64' | 'f32';

/** Spacing of the numbers of a type at 1. */
export const EPSILON: Readonly<Record<Dtype, number>> = { f64: Number.EPSILON, f32: 1.1920928955078125e-7 };

export type FloatArray = Float64Array | Float32Array;

/** A row-major array. The functions of this library never write to a Tensor they are given. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: FloatArray;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Bytes of one element. */
export function bytesOf(dtype: Dtype): number {
  return dtype === 'f64' ? 8 : 4;
}

/** `[2, 3]`, as errors and docs print a shape. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/**
 * A Tensor over `data` (no copy).
 *
 * @throws {TangedgeError} ERR_SHAPE when the shape's size is not the number of elements.
 */
export function tensor(shape: readonly number[], data: FloatArray | readonly number[]): Tensor {
  const array = Array.isArray(data) ? Float64Array.from(data) : (data as FloatArray);
  if (sizeOf(shape) !== array.length) {
    throw new TangedgeError('ERR_SHAPE', `tensor: shape ${formatShape(shape)} holds ${sizeOf(shape)} elements, but data has ${array.length}.`, {
      shape: [...shape],
      length: array.length,
    });
  }
  return { shape: [...shape], data: array };
}

/** New zeroed array of a dtype. */
export function emptyArray(dtype: Dtype, length: number): FloatArray {
  return dtype === 'f64' ? new Float64Array(length) : new Float32Array(length);
}

/** The dtype a Tensor is stored in. */
export function dtypeOf(t: Tensor): Dtype {
  return t.data instanceof Float32Array ? 'f32' : 'f64';
}

/** The same values in the given dtype: the Tensor itself when it already is, a rounded or widened copy when not. */
export function castTensor(t: Tensor, dtype: Dtype): Tensor {
  if (dtypeOf(t) === dtype) return t;
  return { shape: t.shape, data: dtype === 'f64' ? Float64Array.from(t.data) : Float32Array.from(t.data) };
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Σ values², in their order. A plain loop: over long arrays in V8 a tenth of an iterator's time. */
export function sumOfSquares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}

/** max |values|, NaN left out; 0 of none. */
export function largestMagnitude(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) > largest) largest = Math.abs(values[i]);
  return largest;
}

/** a − b in f64. */
export function differences(a: FloatArray, b: FloatArray): Float64Array {
  return new Float64Array(a).map((value, i) => value - b[i]);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}
