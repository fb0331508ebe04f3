/**
 * @file The safetensors format: named arrays behind one JSON header.
 *
 *   | n: u64 | header: n bytes of JSON, padded with spaces | data |
 *   0        8                                           8 + n
 *
 * Source: the format section of the safetensors README (huggingface/safetensors), version 0.4.
 */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import { duplicateKey } from './json-keys.ts';
import { quote } from './quote.ts';
import { decodeArray, type ElementType, littleEndianBytes, storedBytes } from './raw-array.ts';

/** A state dict: its arrays by name, and the strings that its writer added (`__metadata__`). */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The reference implementation's own limit. */
const MAX_HEADER_BYTES = 100_000_000;

const ELEMENT_TYPES: Readonly<Record<string, ElementType>> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  I8: 'i8',
  I16: 'i16',
  I32: 'i32',
  I64: 'i64',
  U8: 'u8',
  U16: 'u16',
  U32: 'u32',
  U64: 'u64',
  BOOL: 'bool',
};

interface Entry {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * The arrays of a safetensors file in the order of their data: F64, integers and BOOL → Float64Array; F32, F16, BF16 → Float32Array.
 *
 * The whole file is checked before any array is made: the header's size, offsets inside the file, sizes that are shape ×
 * dtype, neither overlaps nor holes, no name twice. Costs a copy of the data.
 *
 * @throws {TangedgeError} ERR_FORMAT where the file breaks one of these rules · ERR_UNSUPPORTED for a dtype that is not
 * read, and integers beyond ±2^53.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { header, dataOffset } = headerOf(bytes);
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') entries.push(entryOf(name, value));
    else for (const [key, text] of metadataOf(value)) metadata.set(key, text);
  }
  // Sorting by end as well puts empty tensors before the tensor that starts where they lie.
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, bytes.length - dataOffset);
  const tensors = new Map<string, Tensor>();
  for (const { name, type, shape, begin, end } of entries) {
    const raw = bytes.subarray(dataOffset + begin, dataOffset + end);
    tensors.set(name, decodeArray('readSafetensors', `tensor ${quote(name)}`, raw, { type, shape, byteOrder: 'little', axisOrder: 'row-major' }));
  }
  return { tensors, metadata };
}

/**
 * A safetensors file of these Tensors: Float64Array → F64, Float32Array → F32; F64 first, so that all data is aligned.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for a tensor named `__metadata__`, which the format reserves.
 */
export function writeSafetensors(tensors: ReadonlyMap<string, Tensor>, metadata: ReadonlyMap<string, string> = new Map()): Uint8Array {
  if (tensors.has('__metadata__')) {
    throw new TangedgeError('ERR_ARGUMENT', 'writeSafetensors: "__metadata__" is not a tensor name; the format reserves it.', {});
  }
  const inOrder = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  const entries: [string, unknown][] = metadata.size > 0 ? [['__metadata__', Object.fromEntries(metadata)]] : [];
  let end = 0;
  for (const [name, { shape, data }] of inOrder) {
    const begin = end;
    end += data.byteLength;
    entries.push([name, { dtype: data instanceof Float32Array ? 'F32' : 'F64', shape: [...shape], data_offsets: [begin, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + headerBytes + end).fill(0x20, 8, 8 + headerBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.set(json, 8);
  let at = 8 + headerBytes;
  for (const [, { data }] of inOrder) {
    out.set(littleEndianBytes(data), at);
    at += data.byteLength;
  }
  return out;
}

function refuse(what: string, info: Readonly<Record<string, unknown>>, cause?: unknown): never {
  throw new TangedgeError('ERR_FORMAT', `readSafetensors: ${what}. Save or copy the file again.`, info, { cause });
}

function headerOf(bytes: Uint8Array): { header: Record<string, unknown>; dataOffset: number } {
  if (bytes.length < 8) refuse(`the file has ${bytes.length} bytes, fewer than the 8 of its header's length`, { wanted: 8, got: bytes.length });
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > bytes.length) {
    refuse(
      `the header claims ${length} bytes from byte 8 on, the file has ${bytes.length - 8} (and ${MAX_HEADER_BYTES} is the format's limit); it is cut short or no safetensors file`,
      {
        offset: 8,
        wanted: length,
        got: bytes.length - 8,
      },
    );
  }
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length));
    header = JSON.parse(text);
  } catch (cause) {
    return refuse(`the header, bytes 8 to ${8 + length}, is not JSON`, { offset: 8, wanted: length }, cause);
  }
  if (!text.startsWith('{') || !isRecord(header)) return refuse('the header at byte 8 is not a JSON object', { offset: 8 });
  const twice = duplicateKey(text);
  if (twice !== undefined) refuse(`the header has the key ${quote(twice)} twice`, { name: twice });
  return { header, dataOffset: 8 + length };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function metadataOf(value: unknown): [string, string][] {
  if (!isRecord(value)) return refuse('"__metadata__" is not an object of strings', {});
  return Object.entries(value).map(([key, text]) => {
    if (typeof text !== 'string') refuse(`"__metadata__" has a ${typeof text} under ${quote(key)}; it may hold strings only`, { key });
    return [key, text as string];
  });
}

function entryOf(name: string, value: unknown): Entry {
  const label = `tensor ${quote(name)}`;
  if (!isRecord(value)) return refuse(`${label} is described by something that is no object`, { name });
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  const unknown = Object.keys(rest);
  if (unknown.length > 0) refuse(`${label} has the unknown field ${quote(unknown[0])}`, { name, field: unknown[0] });
  if (typeof dtype !== 'string') return refuse(`${label} has no dtype`, { name });
  if (!Object.hasOwn(ELEMENT_TYPES, dtype)) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `readSafetensors: ${label} has dtype ${quote(dtype)}; ${Object.keys(ELEMENT_TYPES).join(' ')} are read. Cast it before saving.`,
      { name, dtype },
    );
  }
  if (!isExtents(shape)) return refuse(`${label} has no shape of whole numbers`, { name });
  if (!isExtents(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return refuse(`${label} has no data_offsets [begin, end]`, { name });
  }
  const type = ELEMENT_TYPES[dtype];
  const wanted = storedBytes('readSafetensors', label, type, shape);
  const [begin, end] = offsets;
  if (end - begin !== wanted) {
    refuse(`${label} ${formatShape(shape)} of ${dtype} takes ${wanted} bytes, its data_offsets [${begin}, ${end}] hold ${end - begin}`, {
      name,
      wanted,
      got: end - begin,
    });
  }
  return { name, type, shape, begin, end };
}

function isExtents(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
}

/** The format wants the data covered by the tensors: each byte once, none left over. */
function checkLayout(entries: readonly Entry[], dataBytes: number): void {
  let covered = 0;
  let previous = '';
  for (const { name, begin, end } of entries) {
    if (end > dataBytes) {
      refuse(`tensor ${quote(name)} ends at byte ${end} of the data, which has ${dataBytes}: the file is cut short`, {
        name,
        wanted: end,
        got: dataBytes,
      });
    }
    if (begin < covered) refuse(`tensors ${quote(previous)} and ${quote(name)} overlap at byte ${begin} of the data`, { name, offset: begin });
    if (begin > covered) refuse(`no tensor covers bytes ${covered} to ${begin} of the data, before ${quote(name)}`, { name, offset: covered });
    covered = end;
    previous = name;
  }
  if (covered < dataBytes) {
    refuse(`the tensors cover ${covered} bytes of data, the file has ${dataBytes}`, { wanted: covered, got: dataBytes });
  }
}
