/**
 * @file Finished tiles, kept and found again: keyed by the SHA-256 of everything a tile's bits depend on (version, kind, plan
 * with model, inputs, options, dtype and tiling), each with a checksum. What is torn, foreign or damaged is computed again.
 *
 *   offset    0   SHA-256 of the rest             32 bytes
 *            32   magic "TANGTILE"                 8
 *            40   bytes per element, 4 or 8        u32
 *            44   tile                             u32
 *            48   elements                         f64
 *            56   reserved, 0                      8
 *            64   SHA-256 of the job              32
 *            96   elements, little-endian
 */

import { TangedgeError } from '../core/errors.ts';
import type { FloatArray } from '../core/tensor.ts';
import type { TileStore } from '../core/tile-store.ts';
import { VERSION } from '../core/version.ts';
import type { TiledJob } from '../wasm/tiled.ts';

const MAGIC = 'TANGTILE';
const HEADER = 96;
const FORMAT = 1;

/** The tiles of one job in a store. */
export interface Checkpoint {
  /** The tile's values; undefined unless every bit is as it was put. */
  read(tile: number): Promise<FloatArray | undefined>;
  /** Copies the values at once, then stores them. Parts that are no float arrays are not kept. */
  write(tile: number, part: unknown): Promise<void>;
}

/** @param fused whether the tiles are computed in fused mode, whose bits are others */
export async function openCheckpoint(store: TileStore, job: TiledJob<unknown>, fused: boolean): Promise<Checkpoint> {
  const digest = await digestOf([FORMAT, VERSION, job.kind.name, job.tiles, job.plan, ...(fused ? ['fused'] : [])]);
  const name = hex(digest);
  return {
    async read(tile) {
      const bytes = await store.get(`${name}/${tile}`);
      return bytes && decodeTile(bytes, digest, tile);
    },
    async write(tile, part) {
      if (!(part instanceof Float64Array || part instanceof Float32Array)) return;
      await store.put(`${name}/${tile}`, await encodeTile(part, digest, tile));
    },
  };
}

async function encodeTile(values: FloatArray, digest: Uint8Array, tile: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(HEADER + values.byteLength);
  const header = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[32 + i] = MAGIC.charCodeAt(i);
  header.setUint32(40, values.BYTES_PER_ELEMENT, true);
  header.setUint32(44, tile, true);
  header.setFloat64(48, values.length, true);
  bytes.set(digest, 64);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), HEADER);
  bytes.set(await sha256(bytes.subarray(32)), 0);
  return bytes;
}

async function decodeTile(stored: Uint8Array, digest: Uint8Array, tile: number): Promise<FloatArray | undefined> {
  const bytes = stored.slice(); // aligned, and of this thread alone
  if (bytes.length < HEADER || !equal(await sha256(bytes.subarray(32)), bytes.subarray(0, 32))) return undefined;
  const header = new DataView(bytes.buffer);
  const element = header.getUint32(40, true);
  const length = header.getFloat64(48, true);
  const ours = equal(bytes.subarray(64, HEADER), digest) && header.getUint32(44, true) === tile && bytes.length === HEADER + element * length;
  if (!ours) return undefined;
  return element === 8 ? new Float64Array(bytes.buffer, HEADER, length) : new Float32Array(bytes.buffer, HEADER, length);
}

/** SHA-256 of plain data: its JSON, with every typed array as the hash of its bytes. */
async function digestOf(data: unknown): Promise<Uint8Array> {
  const views = new Map<ArrayBufferView, string>();
  collectViews(data, views, new Set());
  for (const view of views.keys()) {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    views.set(view, `${view.constructor.name} ${hex(await sha256(bytes))}`);
  }
  const text = JSON.stringify(data, (_, value: unknown) => {
    if (ArrayBuffer.isView(value)) return views.get(value);
    if (value instanceof Map || value instanceof Set) return [value.constructor.name, ...value];
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) return `number ${Object.is(value, -0) ? '-0' : value}`;
    return value;
  });
  return sha256(new TextEncoder().encode(text));
}

function collectViews(value: unknown, views: Map<ArrayBufferView, string>, seen: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) views.set(value, '');
  else for (const child of value instanceof Map || value instanceof Set ? [...value].flat() : Object.values(value)) collectViews(child, views, seen);
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle === undefined) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      'checkpoint: this runtime has no crypto.subtle (browsers have it over HTTPS and on localhost only).',
      {},
    );
  }
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : bytes.slice();
  return new Uint8Array(await subtle.digest('SHA-256', own as Uint8Array<ArrayBuffer>));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
