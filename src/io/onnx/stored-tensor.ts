/** @file TensorProto → Tensor: the data types that carry numbers, from raw bytes or from the typed fields. */

import { TangedgeError } from '../../core/errors.ts';
import { formatShape, type Tensor } from '../../core/tensor.ts';
import { quote } from '../quote.ts';
import { decodeArray, type ElementType, elementBytes, storedBytes } from '../raw-array.ts';
import type { OnnxTensor } from './messages.ts';

/** TensorProto.DataType → element type. Missing: 8 string, 14 and 15 complex. */
const ELEMENT_TYPES: ReadonlyMap<number, ElementType> = new Map([
  [1, 'f32'],
  [2, 'u8'],
  [3, 'i8'],
  [4, 'u16'],
  [5, 'i16'],
  [6, 'i32'],
  [7, 'i64'],
  [9, 'bool'],
  [10, 'f16'],
  [11, 'f64'],
  [12, 'u32'],
  [13, 'u64'],
  [16, 'bf16'],
]);

/** What a tensor's or input's numbers are; undefined for strings, complex numbers and unknown codes. */
export function elementTypeOf(dataType: number): ElementType | undefined {
  return ELEMENT_TYPES.get(dataType);
}

export function isFloat(type: ElementType): boolean {
  return type === 'f16' || type === 'bf16' || type === 'f32' || type === 'f64';
}

/** The element type of a stored tensor. */
export function typeOfTensor(stored: OnnxTensor): ElementType {
  const type = elementTypeOf(stored.dataType);
  if (type === undefined) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `importOnnx: tensor ${quote(stored.name)} has data type ${stored.dataType}, which holds no real numbers.`,
      {
        name: stored.name,
        dataType: stored.dataType,
      },
    );
  }
  return type;
}

/**
 * The values of a stored tensor: f32, f16 and bf16 → Float32Array; everything else → Float64Array. 64-bit integers are rounded to
 * f64: what exceeds 2^53 in a model stands for "to the end" (a slice to INT64_MAX), never for a size.
 *
 * @throws {TangedgeError} ERR_FORMAT when the data is not shape × type · ERR_UNSUPPORTED for data in another file.
 */
export function readStoredTensor(stored: OnnxTensor): Tensor {
  const name = `tensor ${quote(stored.name)}`;
  if (stored.external !== undefined) {
    throw new TangedgeError('ERR_UNSUPPORTED', `importOnnx: ${name} keeps its data in another file. Save the model as one file.`, {
      name: stored.name,
    });
  }
  const type = typeOfTensor(stored);
  const wanted = storedBytes('importOnnx', name, type, stored.dims);
  const count = wanted / elementBytes(type);
  const refuse = (got: number): never => {
    throw new TangedgeError(
      'ERR_FORMAT',
      `importOnnx: ${name} ${formatShape(stored.dims)} of ${type} takes ${wanted} bytes, it has ${got} (byte ${stored.offset} of the file).`,
      { name: stored.name, wanted, got, offset: stored.offset },
    );
  };
  if (stored.integers.length > 0) {
    if (stored.integers.length !== count) refuse(stored.integers.length * elementBytes(type));
    return fromIntegers(name, type, stored);
  }
  if (stored.raw.length !== wanted) refuse(stored.raw.length);
  if (count > 0 && stored.dataField !== 9 && stored.dataField !== rawFieldOf(type)) refuseField(name, type, stored);
  if (type === 'i64' || type === 'u64') return { shape: [...stored.dims], data: rounded64(stored.raw, type) };
  return decodeArray('importOnnx', name, stored.raw, { type, shape: stored.dims, byteOrder: 'little', axisOrder: 'row-major' });
}

/** The typed field whose packed bytes are raw bytes, besides raw_data itself. */
function rawFieldOf(type: ElementType): number {
  return type === 'f32' ? 4 : type === 'f64' ? 10 : 9;
}

/** int32_data holds integers up to 32 bits, bool, and the bits of f16 and bf16; the other two hold what they are called. */
function integerFieldOf(type: ElementType): number {
  return type === 'i64' ? 7 : type === 'u64' || type === 'u32' ? 11 : 5;
}

function refuseField(name: string, type: ElementType, { dataField }: OnnxTensor): never {
  throw new TangedgeError('ERR_FORMAT', `importOnnx: ${name} of ${type} has its data in field ${dataField}, which is not for this type.`, {
    dataField,
    type,
  });
}

function fromIntegers(name: string, type: ElementType, stored: OnnxTensor): Tensor {
  if (type === 'f32' || type === 'f64' || stored.dataField !== integerFieldOf(type)) refuseField(name, type, stored);
  if (type === 'f16' || type === 'bf16') {
    const bytes = new Uint8Array(2 * stored.integers.length);
    const view = new DataView(bytes.buffer);
    stored.integers.forEach((bits, i) => {
      view.setUint16(2 * i, bits, true);
    });
    return decodeArray('importOnnx', name, bytes, { type, shape: stored.dims, byteOrder: 'little', axisOrder: 'row-major' });
  }
  // A varint of 64 bits is read as signed.
  const wrap = type === 'u64' ? Number(1n << 64n) : 0;
  return { shape: [...stored.dims], data: Float64Array.from(stored.integers, (value) => (value < 0 ? value + wrap : value)) };
}

function rounded64(bytes: Uint8Array, type: 'i64' | 'u64'): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out = new Float64Array(bytes.length / 8);
  for (let i = 0; i < out.length; i++) out[i] = Number(type === 'i64' ? view.getBigInt64(8 * i, true) : view.getBigUint64(8 * i, true));
  return out;
}
