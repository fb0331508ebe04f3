/** @file An 8-bit grayscale PNG with stored (uncompressed) data: what a heat map is made of, without a script or a library. */

import { base64OfBytes } from '../core/base64.ts';

/**
 * A PNG file as a data URI. Black is 0, white 255, rows from the top.
 *
 * @see W3C, Portable Network Graphics (PNG) Specification; RFC 1950 (zlib), RFC 1951 (stored blocks).
 */
export function grayscalePng(width: number, height: number, pixels: Uint8Array): string {
  const rows = new Uint8Array(height * (width + 1));
  for (let row = 0; row < height; row++) {
    rows.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1); // byte 0: no filter
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits per pixel; the rest 0: grayscale, deflate, no interlace
  const file = concatenate([SIGNATURE, chunk('IHDR', header), chunk('IDAT', storedZlib(rows)), chunk('IEND', new Uint8Array(0))]);
  return `data:image/png;base64,${base64OfBytes(file)}`;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** length, type, data, CRC of type and data */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** A zlib stream of stored blocks: 2 bytes of header, then blocks of at most 65535 bytes, then the checksum. */
function storedZlib(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let start = 0; start < data.length; start += 0xffff) {
    const block = data.subarray(start, start + 0xffff);
    const last = start + block.length === data.length ? 1 : 0;
    parts.push(Uint8Array.of(last, block.length & 255, block.length >> 8, ~block.length & 255, (~block.length >> 8) & 255), block);
  }
  const checksum = new Uint8Array(4);
  new DataView(checksum.buffer).setUint32(0, adler32(data));
  parts.push(checksum);
  return concatenate(parts);
}

function adler32(data: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}

/** CRC-32 (polynomial 0xEDB88320), bit by bit over a nibble table. */
function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    crc = (crc >>> 4) ^ CRC_NIBBLES[crc & 15];
    crc = (crc >>> 4) ^ CRC_NIBBLES[crc & 15];
  }
  return ~crc >>> 0;
}

const CRC_NIBBLES = Uint32Array.from({ length: 16 }, (_, nibble) => {
  let crc = nibble;
  for (let bit = 0; bit < 4; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
