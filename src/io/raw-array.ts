/** @file Raw array bytes, as npy, safetensors and ONNX store them, decoded to a Tensor: every element type, byte order and axis order. */

import { unravelIndex } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { emptyArray, type FloatArray, formatShape, sizeOf, type Tensor } from '../core/tensor.ts';

/** Element types that a Tensor can take the values of. */
export type ElementType = 'f16' | 'bf16' | 'f32' | 'f64' | 'i8' | 'i16' | 'i32' | 'i64' | 'u8' | 'u16' | 'u32' | 'u64' | 'bool';

/** How an array lies in its bytes. */
export interface ArrayLayout {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly byteOrder: 'little' | 'big';
  /** `row-major` (C) or `column-major` (Fortran). */
  readonly axisOrder: 'row-major' | 'column-major';
}

const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  f16: 2,
  bf16: 2,
  f32: 4,
  f64: 8,
  i8: 1,
  i16: 2,
  i32: 4,
  i64: 8,
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  bool: 1,
};

/** Most axes an array file may declare; numpy's own limit is 64 (32 before numpy 2). */
export const MAX_RANK = 64;

/** Bytes of one element in the file. */
export function elementBytes(type: ElementType): number {
  return ELEMENT_BYTES[type];
}

/**
 * Bytes an array of this shape takes in a file, checked before anything is allocated.
 *
 * @throws {TangedgeError} ERR_FORMAT for an extent that is no whole number ≥ 0, more than 64 axes, or a size beyond 2^53.
 */
export function storedBytes(operation: string, name: string, type: ElementType, shape: readonly number[]): number {
  if (shape.length > MAX_RANK) {
    throw new TangedgeError('ERR_FORMAT', `${operation}: ${name} declares ${shape.length} axes; at most ${MAX_RANK} are read.`, {
      rank: shape.length,
    });
  }
  for (const extent of shape) {
    if (!(Number.isSafeInteger(extent) && extent >= 0)) {
      throw new TangedgeError('ERR_FORMAT', `${operation}: ${name} declares shape ${formatShape(shape)}; ${extent} is not an extent.`, {
        shape: [...shape],
      });
    }
  }
  const bytes = shape.includes(0) ? 0 : sizeOf(shape) * elementBytes(type);
  if (!Number.isSafeInteger(bytes)) {
    throw new TangedgeError('ERR_FORMAT', `${operation}: ${name} declares shape ${formatShape(shape)}, which no file can hold.`, {
      shape: [...shape],
    });
  }
  return bytes;
}

/**
 * The array in `bytes` as a row-major Tensor: f32, f16 and bf16 → Float32Array; everything else → Float64Array. Exact, or an error.
 *
 * `bytes` must be exactly `storedBytes` long. Costs one copy of the bytes and the result.
 *
 * @throws {TangedgeError} ERR_UNSUPPORTED for an integer beyond ±2^53, which f64 cannot hold exactly · ERR_FORMAT for a
 * bool that is neither 0 nor 1; both name the index.
 */
export function decodeArray(operation: string, name: string, bytes: Uint8Array, layout: ArrayLayout): Tensor {
  const { shape, axisOrder } = layout;
  const data = decodeElements(bytes, layout, (position, problem, code) => {
    const index = axisOrder === 'row-major' ? unravelIndex(position, shape) : unravelIndex(position, [...shape].reverse()).reverse();
    throw new TangedgeError(code, `${operation}: ${name} ${formatShape(shape)} ${problem} at index ${formatShape(index)}.`, { name, index });
  });
  return { shape: [...shape], data: axisOrder === 'row-major' || shape.length < 2 ? data : toRowMajor(data, shape) };
}

/** The bytes of a FloatArray, least significant first. */
export function littleEndianBytes(data: FloatArray): Uint8Array {
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (!hostIsLittleEndian()) reverseEach(bytes, data.BYTES_PER_ELEMENT);
  return bytes;
}

type Refuse = (position: number, problem: string, code: 'ERR_FORMAT' | 'ERR_UNSUPPORTED') => never;

function decodeElements(bytes: Uint8Array, layout: ArrayLayout, refuse: Refuse): FloatArray {
  const { type, byteOrder } = layout;
  const { buffer } = hostOrderCopy(bytes, elementBytes(type), byteOrder);
  switch (type) {
    case 'f64':
      return new Float64Array(buffer);
    case 'f32':
      return new Float32Array(buffer);
    case 'f16':
      return widenHalves(new Uint16Array(buffer));
    case 'bf16':
      return widenBrainFloats(new Uint16Array(buffer));
    case 'i8':
      return new Float64Array(new Int8Array(buffer));
    case 'i16':
      return new Float64Array(new Int16Array(buffer));
    case 'i32':
      return new Float64Array(new Int32Array(buffer));
    case 'u8':
      return new Float64Array(new Uint8Array(buffer));
    case 'u16':
      return new Float64Array(new Uint16Array(buffer));
    case 'u32':
      return new Float64Array(new Uint32Array(buffer));
    case 'i64':
      return exactIntegers(new BigInt64Array(buffer), refuse);
    case 'u64':
      return exactIntegers(new BigUint64Array(buffer), refuse);
    case 'bool':
      return truthValues(new Uint8Array(buffer), refuse);
    default:
      return type satisfies never;
  }
}

/** A copy that owns its buffer from byte 0, so that any typed array can view it. */
function hostOrderCopy(bytes: Uint8Array, size: number, byteOrder: 'little' | 'big'): { readonly buffer: ArrayBuffer } {
  const copy = new Uint8Array(bytes.length);
  copy.set(bytes);
  if (size > 1 && (byteOrder === 'little') !== hostIsLittleEndian()) reverseEach(copy, size);
  return copy;
}

function hostIsLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

function reverseEach(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.length; start += size) {
    for (let low = start, high = start + size - 1; low < high; low++, high--) {
      const byte = bytes[low];
      bytes[low] = bytes[high];
      bytes[high] = byte;
    }
  }
}

/** IEEE binary16 → binary32, exact: s eeeee mmmmmmmmmm. */
function widenHalves(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++) {
    const sign = (halves[i] & 0x8000) << 16;
    const exponent = (halves[i] >> 10) & 0x1f;
    const mantissa = halves[i] & 0x3ff;
    if (exponent === 0) {
      // Subnormal or zero: mantissa · 2^-24 is exact in binary32.
      out[i] = mantissa * 5.9604644775390625e-8;
      bits[i] |= sign;
    } else {
      // Rebias by 127 − 15; Inf and NaN take the largest exponent of binary32.
      bits[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (mantissa << 13);
    }
  }
  return out;
}

/** bfloat16 is the upper half of binary32. */
function widenBrainFloats(halves: Uint16Array): Float32Array {
  const out = new Float32Array(halves.length);
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return out;
}

function exactIntegers(values: BigInt64Array | BigUint64Array, refuse: Refuse): Float64Array {
  const limit = 1n << 53n;
  const out = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (values[i] > limit || values[i] < -limit) {
      refuse(i, `holds ${values[i]}, beyond the ±2^53 that f64 holds exactly,`, 'ERR_UNSUPPORTED');
    }
    out[i] = Number(values[i]);
  }
  return out;
}

function truthValues(bytes: Uint8Array, refuse: Refuse): Float64Array {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] > 1) refuse(i, `holds the byte ${bytes[i]}, which is no bool (0 or 1),`, 'ERR_FORMAT');
  }
  return new Float64Array(bytes);
}

/** Column-major → row-major: walks the output in order and steps the input by its strides. */
function toRowMajor(data: FloatArray, shape: readonly number[]): FloatArray {
  const out = emptyArray(data instanceof Float32Array ? 'f32' : 'f64', data.length);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const index = new Array<number>(shape.length).fill(0);
  for (let position = 0, from = 0; position < data.length; position++) {
    out[position] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}
