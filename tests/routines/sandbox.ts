/** @file The compiled module under test, raw: poisoned outputs, guard bands on every array, release and debug builds. */

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Routines } from '../../src/wasm/abi.ts';

export type Dtype = 'f64' | 'f32';
export type Floats = Float64Array | Float32Array;
export type Target = 'release' | 'debug' | 'wide';

export const DTYPES: readonly Dtype[] = ['f64', 'f32'];

const GUARD = 64;
const GUARD_BYTE = 0xa5;

/** Rounds a double to the dtype: the mirrors' arithmetic is `round(operation)` after every operation. */
export function rounding(dtype: Dtype): (x: number) => number {
  return dtype === 'f64' ? (x) => x : Math.fround;
}

/** One array in the module's memory. */
export interface Region {
  readonly ptr: number;
  /** Copy of the content. */
  read(): Floats;
}

/** A module instance whose every array stands between two guard bands; `check` verifies all of them. */
export class Sandbox {
  readonly memory: WebAssembly.Memory;
  readonly exports: Record<string, (...args: number[]) => number>;
  private readonly base: number;
  private top: number;
  private bands: number[] = [];

  constructor(target: Target | 'fused' | 'wide-fused', megabytes = 64) {
    const file = target === 'release' ? 'routines.wasm' : `routines.${target}.wasm`;
    const bytes = readFileSync(new URL(`../../build/${file}`, import.meta.url));
    this.memory = new WebAssembly.Memory({ initial: megabytes * 16 });
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: this.memory } });
    this.exports = instance.exports as Record<string, (...args: number[]) => number>;
    this.base = this.exports.arenaBase();
    this.top = this.base;
  }

  /** The routines of a dtype, under their ABI names. */
  routines(dtype: Dtype): Routines {
    const suffix = dtype.toUpperCase();
    const routines: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(this.exports)) {
      if (name.endsWith(suffix)) routines[name.slice(0, -3)] = value;
    }
    return routines as unknown as Routines;
  }

  /** Forgets all arrays. */
  reset(): void {
    this.top = this.base;
    this.bands = [];
  }

  /** Bytes between guard bands, each byte 0xff: NaN in both dtypes. */
  bytes(length: number): number {
    this.band();
    const ptr = this.top;
    new Uint8Array(this.memory.buffer, ptr, length).fill(0xff);
    this.top = Math.ceil((ptr + length) / 8) * 8;
    this.band(ptr + length);
    this.top = Math.ceil(this.top / 64) * 64;
    return ptr;
  }

  /** An input: a copy of `values`, `shift` elements after a 64-byte boundary (operands may be only element-aligned). */
  input(dtype: Dtype, values: ArrayLike<number>, shift = 0): Region {
    const region = this.output(dtype, values.length, shift);
    this.view(dtype, region.ptr, values.length).set(values);
    return region;
  }

  /** An output filled with NaN. */
  output(dtype: Dtype, length: number, shift = 0): Region {
    const size = dtype === 'f64' ? 8 : 4;
    const ptr = this.bytes((length + shift) * size) + shift * size;
    return { ptr, read: () => this.view(dtype, ptr, length).slice() };
  }

  /** i32 values: a layout descriptor. */
  descriptor(values: readonly number[]): number {
    const ptr = this.bytes(values.length * 4);
    new Int32Array(this.memory.buffer, ptr, values.length).set(values);
    return ptr;
  }

  private view(dtype: Dtype, ptr: number, length: number): Floats {
    return dtype === 'f64' ? new Float64Array(this.memory.buffer, ptr, length) : new Float32Array(this.memory.buffer, ptr, length);
  }

  private band(start = this.top): void {
    new Uint8Array(this.memory.buffer, start, GUARD).fill(GUARD_BYTE);
    this.bands.push(start);
    this.top = Math.max(this.top, start + GUARD);
  }

  /** Fails when any guard band was written. */
  check(): void {
    const memory = new Uint8Array(this.memory.buffer);
    for (const start of this.bands) {
      for (let i = start; i < start + GUARD; i++) {
        if (memory[i] !== GUARD_BYTE) expect.fail(`guard band at ${start} was written at offset ${i - start}`);
      }
    }
  }
}

/** Fails at the first element whose bits differ (NaN differs from everything but NaN, −0 from +0). */
export function expectSameBits(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  if (actual.length !== expected.length) expect.fail(`${what}: ${actual.length} elements, expected ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) expect.fail(`${what}: element ${i} is ${actual[i]}, expected ${expected[i]}`);
  }
}
