/**
 * @file Protocol-buffer wire format: the fields of one message, every length checked against the message it lies in.
 *
 *   key = number << 3 | type     type 0: varint   1: 8 bytes   2: length (varint), then that many bytes   5: 4 bytes
 *
 * Nothing recurses: a field of type 2 is a view that the caller may read as a message in turn.
 * Source: protobuf.dev, Encoding. Groups (types 3 and 4) are long deprecated and refused.
 */

import { TangedgeError } from '../../core/errors.ts';

/** The file that messages lie in, and how many records may still be read from it: what an import costs stays bounded. */
export interface WireSource {
  readonly file: Uint8Array;
  readonly decoder: TextDecoder;
  recordsLeft: number;
}

/** A message: its bytes, a view into the file, and what it is called in errors. */
export interface WireMessage {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly source: WireSource;
}

/** One field: an integer for type 0, and its bytes for the others. Integers beyond 2^53 are rounded to f64. */
export type WireField =
  | { readonly number: number; readonly offset: number; readonly type: 'varint'; readonly value: number }
  | { readonly number: number; readonly offset: number; readonly type: 'bytes' | 'fixed32' | 'fixed64'; readonly bytes: Uint8Array };

/** Where a message begins in its file. */
export function offsetOf({ bytes, source }: WireMessage): number {
  return bytes.byteOffset - source.file.byteOffset;
}

/**
 * The fields of a message in file order.
 *
 * @throws {TangedgeError} ERR_FORMAT with the file offset where a key, varint or length does not fit.
 */
export function* wireFields(message: WireMessage): Generator<WireField, void, undefined> {
  const start = offsetOf(message);
  const cursor = { message, at: 0 };
  while (cursor.at < message.bytes.length) {
    const offset = start + cursor.at;
    const key = readVarint(cursor);
    const number = Math.floor(key / 8);
    if (!(number >= 1 && number < 0x20000000)) fail(message, offset, `has the field number ${number}`);
    switch (key % 8) {
      case 0:
        yield { number, offset, type: 'varint', value: readVarint(cursor) };
        break;
      case 1:
        yield { number, offset, type: 'fixed64', bytes: take(cursor, 8) };
        break;
      case 2:
        yield { number, offset, type: 'bytes', bytes: take(cursor, readVarint(cursor)) };
        break;
      case 5:
        yield { number, offset, type: 'fixed32', bytes: take(cursor, 4) };
        break;
      default:
        fail(message, offset, `has a field of wire type ${key % 8}`);
    }
  }
}

/** Adds the varints that a packed field holds to `values`. */
export function unpackVarints(message: WireMessage, values: number[]): void {
  const cursor = { message, at: 0 };
  while (cursor.at < message.bytes.length) values.push(readVarint(cursor));
}

/** @throws {TangedgeError} ERR_FORMAT: the message cannot be read any further. */
export function fail(message: WireMessage, offset: number, problem: string): never {
  throw new TangedgeError(
    'ERR_FORMAT',
    `importOnnx: the ${message.name} ${problem} at byte ${offset}. The file is damaged or no ONNX model; export it again.`,
    { offset, message: message.name },
  );
}

interface Cursor {
  readonly message: WireMessage;
  at: number;
}

/** 7 bits a byte, least significant first; negative numbers take ten bytes. */
function readVarint(cursor: Cursor): number {
  const { message } = cursor;
  const start = cursor.at;
  let low = 0;
  // Seven bytes make 49 bits, which a number holds; the rest goes on as bigint.
  for (let scale = 1; scale < 0x2000000000000; scale *= 128) {
    const byte = nextByte(cursor, start);
    low += (byte & 127) * scale;
    if (byte < 128) return low;
  }
  let value = BigInt(low);
  for (let shift = 49n; shift < 70n; shift += 7n) {
    const byte = nextByte(cursor, start);
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return Number(BigInt.asIntN(64, value));
  }
  return fail(message, offsetOf(message) + start, 'has an integer of more than ten bytes');
}

function nextByte(cursor: Cursor, start: number): number {
  const { message } = cursor;
  if (cursor.at >= message.bytes.length) fail(message, offsetOf(message) + start, 'ends within an integer');
  return message.bytes[cursor.at++];
}

function take(cursor: Cursor, length: number): Uint8Array {
  const { message, at } = cursor;
  if (!(length >= 0 && length <= message.bytes.length - at)) {
    fail(message, offsetOf(message) + at, `declares a field of ${length} bytes where ${message.bytes.length - at} are left`);
  }
  cursor.at += length;
  return message.bytes.subarray(at, at + length);
}
