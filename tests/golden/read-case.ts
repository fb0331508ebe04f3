/**
 * @file Golden cases: a case's spec, inputs, weights and expected values as Tensors, read without any code of src.
 *
 * Formats: npy v1–v3 little-endian row-major, npz with stored entries, safetensors F32, F64 and I64. Every number is
 * widened to f64 (exactly). What each file and key means: PROVENANCE.md and FORMAT.md.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tensor } from 'tangedge';

export interface GoldenCase {
  readonly name: string;
  /** The parsed spec.json. */
  readonly spec: GoldenSpec;
  /** The case's own arrays by file name: `x`, `y`, `x_test`, `K`, `K2`, `f0`. */
  readonly arrays: ReadonlyMap<string, Tensor>;
  /** State dict; empty when the case has no network. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** State dict before training; undefined unless the case has one. */
  readonly initialWeights: ReadonlyMap<string, Tensor> | undefined;
  /** Paths for tests that read the files with the library's own readers. */
  readonly directory: string;
  /** Expected values; scalars have shape []; what is not defined there is NaN. */
  readonly expected: ReadonlyMap<string, Tensor>;
  /** Relative error of the reference computed in float32, per key. */
  readonly f32RelativeError: ReadonlyMap<string, number>;
  /** Response of the gradient descent trajectory to relative noise in the weights, per unit of noise; 1 when it was not measured. */
  readonly noiseAmplification: number;
}

export interface GoldenSpec {
  readonly name: string;
  readonly kind: 'network' | 'kernel' | 'analytic';
  readonly layers?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly tasks?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

const root = fileURLToPath(new URL('.', import.meta.url));

/** Names of the cases of a kind, sorted. */
export function goldenCaseNames(kind: GoldenSpec['kind'] = 'network'): string[] {
  return readdirSync(root)
    .filter((name) => existsSync(`${root}${name}/spec.json`))
    .filter((name) => (JSON.parse(readFileSync(`${root}${name}/spec.json`, 'utf8')) as GoldenSpec).kind === kind)
    .sort();
}

export function readGoldenCase(name: string): GoldenCase {
  const directory = `${root}${name}`;
  const arrays = new Map<string, Tensor>();
  for (const file of readdirSync(directory)) {
    if (file.endsWith('.npy')) arrays.set(file.slice(0, -'.npy'.length), parseNpy(readFileSync(`${directory}/${file}`)));
  }
  const { scalars, f32_relerr, gd_noise_amplification } = JSON.parse(readFileSync(`${directory}/expected.json`, 'utf8')) as {
    scalars: Record<string, number | null>;
    f32_relerr?: Record<string, number>;
    gd_noise_amplification?: number | null;
  };
  const expected = parseNpz(readFileSync(`${directory}/expected.npz`));
  for (const [key, value] of Object.entries(scalars)) {
    expected.set(key, { shape: [], data: Float64Array.of(value ?? Number.NaN) });
  }
  return {
    name,
    spec: JSON.parse(readFileSync(`${directory}/spec.json`, 'utf8')) as GoldenSpec,
    arrays,
    weights: readStateDict(`${directory}/weights.safetensors`) ?? new Map(),
    initialWeights: readStateDict(`${directory}/init.safetensors`),
    directory,
    expected,
    f32RelativeError: new Map(Object.entries(f32_relerr ?? {})),
    noiseAmplification: gd_noise_amplification ?? 1,
  };
}

/** An array of the case, or an error that lists what there is. */
export function goldenArray(golden: GoldenCase, name: string): Tensor {
  return required(golden.arrays, name, `${golden.name}: array`);
}

/** An expected value, or an error. */
export function goldenExpected(golden: GoldenCase, key: string): Tensor {
  return required(golden.expected, key, `${golden.name}: expected`);
}

/** An expected scalar. */
export function goldenScalar(golden: GoldenCase, key: string): number {
  return goldenExpected(golden, key).data[0];
}

/** max|actual − expected| / max|expected| (or / `scale`); Infinity when a shape differs or anything is NaN, so that it fails every bound. */
export function relativeError(actual: Tensor, expected: Tensor, scale = maxAbs(expected.data)): number {
  if (actual.shape.join() !== expected.shape.join() || actual.data.length !== expected.data.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const difference = Math.abs(actual.data[i] - expected.data[i]);
    if (!(difference <= Number.MAX_VALUE)) return Number.POSITIVE_INFINITY;
    if (difference > largest) largest = difference;
  }
  return scale > 0 ? largest / scale : largest;
}

export function maxAbs(data: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) if (!(Math.abs(data[i]) <= largest)) largest = Math.abs(data[i]);
  return largest;
}

function required(map: ReadonlyMap<string, Tensor>, key: string, what: string): Tensor {
  const value = map.get(key);
  if (value === undefined) throw new Error(`${what} ${key} is not there; there are ${[...map.keys()].join(', ')}`);
  return value;
}

function parseNpy(bytes: Buffer): Tensor {
  if (bytes.toString('latin1', 1, 6) !== 'NUMPY') throw new Error('not an npy file');
  const wide = bytes[6] > 1;
  const headerStart = wide ? 12 : 10;
  const dataStart = headerStart + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString('latin1', headerStart, dataStart);
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? '';
  if (!/'fortran_order':\s*False/.test(header)) throw new Error('npy: only row-major arrays');
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1].match(/\d+/g) ?? []).map(Number);
  return { shape, data: widen(bytes, dataStart, shape, { '<f8': 'F64', '<f4': 'F32', '<i8': 'I64' }[descr] ?? descr) };
}

/** The entries of a zip written by numpy.savez: found through the central directory, stored without compression. */
function parseNpz(bytes: Buffer): Map<string, Tensor> {
  const END_OF_CENTRAL_DIRECTORY = 0x06054b50;
  let end = bytes.length - 22;
  while (bytes.readUInt32LE(end) !== END_OF_CENTRAL_DIRECTORY) end--;
  const entries = bytes.readUInt16LE(end + 10);
  const out = new Map<string, Tensor>();
  for (let entry = 0, at = bytes.readUInt32LE(end + 16); entry < entries; entry++) {
    if (bytes.readUInt16LE(at + 10) !== 0) throw new Error('npz: only stored entries');
    const size = bytes.readUInt32LE(at + 20);
    const nameBytes = bytes.readUInt16LE(at + 28);
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    out.set(name.replace(/\.npy$/, ''), parseNpy(bytes.subarray(start, start + size)));
    at += 46 + nameBytes + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return out;
}

function readStateDict(path: string): Map<string, Tensor> | undefined {
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  const dataStart = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, dataStart)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const out = new Map<string, Tensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    out.set(name, { shape, data: widen(bytes, dataStart + data_offsets[0], shape, dtype) });
  }
  return out;
}

function widen(bytes: Buffer, start: number, shape: readonly number[], dtype: string): Float64Array {
  const data = new Float64Array(shape.reduce((size, extent) => size * extent, 1));
  for (let i = 0; i < data.length; i++) {
    switch (dtype) {
      case 'F64':
        data[i] = bytes.readDoubleLE(start + 8 * i);
        break;
      case 'F32':
        data[i] = bytes.readFloatLE(start + 4 * i);
        break;
      case 'I64':
        data[i] = Number(bytes.readBigInt64LE(start + 8 * i));
        break;
      default:
        throw new Error(`golden case: dtype ${dtype} is not read`);
    }
  }
  return data;
}
