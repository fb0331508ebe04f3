/**
 * @file The part of the zip format that numpy writes: members stored or deflated, found through the central directory.
 *
 *   | local header, name, extra, data | … | central directory | end record, comment |
 *
 * Source: PKWARE APPNOTE 6.3. Zip64, encryption, archives in several parts and other compressions are refused.
 */

import { type ErrorInfo, TangedgeError } from '../core/errors.ts';
import { quote } from './quote.ts';

/** One file of an archive; its data is still as stored. */
export interface ZipMember {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly crc32: number;
  readonly size: number;
  readonly stored: Uint8Array;
}

const END_RECORD = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_HEADER = 0x04034b50;
/** Deflate cannot shrink further than this (RFC 1951: a block of 258-byte matches at 2 bits each). */
const MOST_EXPANSION = 1032;

/**
 * The members of an archive in directory order. Reads the directory alone; data is not touched or copied.
 *
 * @throws {TangedgeError} ERR_FORMAT where an offset leaves the file, two members overlap, or a record is not where it is
 * said to be · ERR_UNSUPPORTED for zip64, encryption, parts, and compressions other than stored and deflated.
 */
export function zipMembers(operation: string, bytes: Uint8Array): ZipMember[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fail = failure(operation);
  const end = endRecord(view, fail);
  const count = view.getUint16(end + 10, true);
  const directoryBytes = view.getUint32(end + 12, true);
  const directory = view.getUint32(end + 16, true);
  if (count === 0xffff || directoryBytes === 0xffffffff || directory === 0xffffffff) {
    fail('ERR_UNSUPPORTED', 'the archive is zip64 (over 4 GiB or 65534 members). Save the arrays as separate .npy files', {});
  }
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count) {
    fail('ERR_UNSUPPORTED', 'the archive is one of several parts. Save it as one file', {});
  }
  if (directory + directoryBytes > end) {
    fail('ERR_FORMAT', `the directory, bytes ${directory} to ${directory + directoryBytes}, runs past its end record at byte ${end}`, {
      offset: directory,
      wanted: directoryBytes,
      got: end - directory,
    });
  }
  const members: ZipMember[] = [];
  const extents: { name: string; start: number; end: number }[] = [];
  let at = directory;
  for (let entry = 0; entry < count; entry++) {
    if (at + 46 > directory + directoryBytes || view.getUint32(at, true) !== DIRECTORY_ENTRY) {
      fail('ERR_FORMAT', `the directory has no entry ${entry} of ${count} at byte ${at}`, { offset: at, entry, count });
    }
    const next = at + 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > directory + directoryBytes) fail('ERR_FORMAT', `entry ${entry} at byte ${at} runs past the directory's end`, { offset: at, entry });
    const member = memberAt(bytes, view, at, directory, fail);
    members.push(member);
    extents.push({
      name: member.name,
      start: view.getUint32(at + 42, true),
      end: member.stored.byteOffset - bytes.byteOffset + member.stored.length,
    });
    at = next;
  }
  refuseOverlaps(extents, fail);
  return members;
}

/**
 * The contents of a member, inflated if need be; its declared size and CRC-32 are checked, and inflating stops at the first
 * byte beyond that size.
 *
 * @throws {TangedgeError} ERR_FORMAT when the data is not what the directory declares.
 */
export async function memberContents(operation: string, member: ZipMember): Promise<Uint8Array> {
  const fail = failure(operation);
  const contents = member.method === 'stored' ? member.stored : await inflate(member, fail);
  if (contents.length !== member.size) {
    fail('ERR_FORMAT', `member ${quote(member.name)} declares ${member.size} bytes and holds ${contents.length}`, {
      wanted: member.size,
      got: contents.length,
    });
  }
  const sum = crc32(contents);
  if (sum !== member.crc32) {
    fail('ERR_FORMAT', `member ${quote(member.name)} has CRC-32 ${hex(sum)}, the directory says ${hex(member.crc32)}: it is damaged`, {
      wanted: member.crc32,
      got: sum,
    });
  }
  return contents;
}

type Fail = (code: 'ERR_FORMAT' | 'ERR_UNSUPPORTED', what: string, info: ErrorInfo, cause?: unknown) => never;

function failure(operation: string): Fail {
  return (code, what, info, cause) => {
    throw new TangedgeError(code, `${operation}: ${what}.${code === 'ERR_FORMAT' ? ' Save or copy the archive again.' : ''}`, info, { cause });
  };
}

/** The end record is the last thing in the file but for a comment whose length it states. */
function endRecord(view: DataView, fail: Fail): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= 0 && at >= last - 0xffff; at--) {
    if (view.getUint32(at, true) === END_RECORD && view.getUint16(at + 20, true) === last - at) return at;
  }
  return fail('ERR_FORMAT', 'the file has no zip end record, so it is no .npz archive or it is cut short', { length: view.byteLength });
}

function memberAt(bytes: Uint8Array, view: DataView, entry: number, directory: number, fail: Fail): ZipMember {
  const decoder = new TextDecoder();
  const nameBytes = bytes.subarray(entry + 46, entry + 46 + view.getUint16(entry + 28, true));
  const name = decoder.decode(nameBytes);
  const method = view.getUint16(entry + 10, true);
  const storedSize = view.getUint32(entry + 20, true);
  const size = view.getUint32(entry + 24, true);
  const local = view.getUint32(entry + 42, true);
  if (view.getUint16(entry + 8, true) & 1) fail('ERR_UNSUPPORTED', `member ${quote(name)} is encrypted. Save it without a password`, { name });
  if (method !== 0 && method !== 8) {
    fail('ERR_UNSUPPORTED', `member ${quote(name)} has compression method ${method}; stored (0) and deflated (8) are read. Save with numpy.savez`, {
      name,
      method,
    });
  }
  if (storedSize === 0xffffffff || size === 0xffffffff || local === 0xffffffff) {
    fail('ERR_UNSUPPORTED', `member ${quote(name)} is zip64 (over 4 GiB). Save it as a .npy file`, { name });
  }
  if (local + 30 > directory || view.getUint32(local, true) !== LOCAL_HEADER) {
    fail('ERR_FORMAT', `member ${quote(name)} has no local header at byte ${local}`, { name, offset: local });
  }
  const localName = local + 30;
  const start = localName + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  if (start + storedSize > directory) {
    fail('ERR_FORMAT', `member ${quote(name)} takes ${storedSize} bytes from byte ${start} on, past the directory at byte ${directory}`, {
      name,
      offset: start,
      wanted: storedSize,
      got: directory - start,
    });
  }
  const sameName = view.getUint16(local + 26, true) === nameBytes.length && nameBytes.every((byte, i) => bytes[localName + i] === byte);
  if (!sameName) fail('ERR_FORMAT', `member ${quote(name)} has another name in its local header at byte ${local}`, { name, offset: local });
  if (size > (method === 0 ? storedSize : storedSize * MOST_EXPANSION)) {
    fail(
      'ERR_FORMAT',
      `member ${quote(name)} declares ${size} bytes, more than ${storedSize} ${method === 0 ? 'stored' : 'deflated'} bytes can hold`,
      {
        name,
        wanted: size,
        got: storedSize,
      },
    );
  }
  const stored = bytes.subarray(start, start + storedSize);
  return { name, method: method === 0 ? 'stored' : 'deflated', crc32: view.getUint32(entry + 16, true), size, stored };
}

/** Members that share data could make a small archive inflate to any size. */
function refuseOverlaps(extents: { name: string; start: number; end: number }[], fail: Fail): void {
  extents.sort((a, b) => a.start - b.start);
  for (let i = 1; i < extents.length; i++) {
    if (extents[i].start < extents[i - 1].end) {
      fail('ERR_FORMAT', `members ${quote(extents[i - 1].name)} and ${quote(extents[i].name)} overlap at byte ${extents[i].start}`, {
        offset: extents[i].start,
      });
    }
  }
}

async function inflate(member: ZipMember, fail: Fail): Promise<Uint8Array> {
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  // Errors of the write side come out of the read side as well; here they only must not go unhandled.
  const written = writer.write(member.stored as Uint8Array<ArrayBuffer>).then(() => writer.close());
  written.catch(() => undefined);
  const reader = stream.readable.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      chunks.push(next.value);
      length += next.value.length;
      if (length > member.size) break;
    }
  } catch (cause) {
    fail(
      'ERR_FORMAT',
      `member ${quote(member.name)} does not inflate past byte ${length} of ${member.size}`,
      { wanted: member.size, got: length },
      cause,
    );
  }
  if (length > member.size) {
    await reader.cancel().catch(() => undefined);
    fail('ERR_FORMAT', `member ${quote(member.name)} inflates to more than the ${member.size} bytes it declares`, { wanted: member.size });
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** CRC-32 of zip: reflected, polynomial 0xEDB88320, one table look-up a byte. */
function crc32(bytes: Uint8Array): number {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    table[byte] = value;
  }
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) sum = table[(sum ^ bytes[i]) & 0xff] ^ (sum >>> 8);
  return ~sum >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
