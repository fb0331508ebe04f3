/** @file Argument checks that every public function shares: finite values, whole numbers, matrix shapes. */

import { TangedgeError } from './errors.ts';
import { type FloatArray, formatShape, type Tensor } from './tensor.ts';

/**
 * Throws when a Tensor holds NaN or Inf, and names the first index.
 *
 * @throws {TangedgeError} ERR_DOMAIN with info.index (per axis) and info.value.
 */
export function checkFinite(operation: string, name: string, t: Tensor): void {
  const { data, shape } = t;
  if (areFinite(data)) return;
  const position = data.findIndex((value) => !Number.isFinite(value));
  const index = unravelIndex(position, shape);
  throw new TangedgeError(
    'ERR_DOMAIN',
    `${operation}: ${name} ${formatShape(shape)} holds ${data[position]} at index ${formatShape(index)}. Remove or replace it.`,
    { name, index, value: data[position] },
  );
}

/** A loop of its own, over a length known before: in V8 a third of the time of one that also throws. */
function areFinite(data: FloatArray): boolean {
  const { length } = data;
  for (let i = 0; i < length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}

/** Per-axis index of a row-major position. */
export function unravelIndex(position: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  let rest = position;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

/**
 * Throws unless `value` is a whole number in [min, max].
 *
 * @throws {TangedgeError} ERR_ARGUMENT
 */
export function checkInteger(operation: string, name: string, value: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
  if (!(Number.isSafeInteger(value) && value >= min && value <= max)) {
    const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: ${name} is ${value}; it must be a whole number, ${range}.`, { name, value });
  }
}

/**
 * Throws unless `t` is a matrix; returns its two extents.
 *
 * @throws {TangedgeError} ERR_SHAPE
 */
export function checkMatrix(operation: string, name: string, t: Tensor): readonly [number, number] {
  if (t.shape.length !== 2) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: ${name} has shape ${formatShape(t.shape)}; it must be a matrix.`, {
      name,
      shape: [...t.shape],
    });
  }
  return [t.shape[0], t.shape[1]];
}

/**
 * Throws unless `t` is a square matrix; returns n.
 *
 * @throws {TangedgeError} ERR_SHAPE
 */
export function checkSquare(operation: string, name: string, t: Tensor): number {
  const [rows, columns] = checkMatrix(operation, name, t);
  if (rows !== columns) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: ${name} has shape ${formatShape(t.shape)}; it must be square: ${rows} ≠ ${columns}.`, {
      name,
      shape: [...t.shape],
    });
  }
  return rows;
}
