/** @file The memory arena: stack frames over one WebAssembly memory; views are local, nothing escapes a frame. */

import { TangedgeError } from '../core/errors.ts';
import type { Dtype, FloatArray } from '../core/tensor.ts';
import type { LinearMemory } from './webassembly.ts';

const ALIGNMENT = 64;
const PAGE = 65536;
/** One page less than 4 GiB: the end of an array is an address too, and must not wrap to 0 in the routines' loops. */
const MAX_BYTES = 65535 * PAGE;

/**
 * Bump allocator with frames.
 *
 *   base            top                    memory end
 *    | frame 0 | frame 1 | free … … … … … … |
 *
 * Allocations are 64-byte aligned and not cleared. Growing the memory detaches every typed-array view, so take a view
 * (`f64`, `f32`, `i32`) where it is used and never keep it across an allocation.
 */
export class Arena {
  readonly memory: LinearMemory;
  /** Largest number of bytes this arena may hold; allocation beyond it throws ERR_MEMORY. */
  readonly limit: number;
  private readonly base: number;
  private top: number;
  private peak: number;

  constructor(memory: LinearMemory, base: number, limit: number) {
    this.memory = memory;
    this.base = base;
    this.top = base;
    this.peak = base;
    this.limit = Math.min(limit, MAX_BYTES);
  }

  /** Bytes now allocated. */
  get used(): number {
    return this.top - this.base;
  }

  /** Most bytes ever allocated at once. */
  get peakBytes(): number {
    return this.peak - this.base;
  }

  /**
   * Address of `bytes` fresh bytes, 64-byte aligned, valid until the enclosing frame ends.
   *
   * @throws {TangedgeError} ERR_MEMORY with info.needed and info.limit, before anything is allocated.
   */
  allocate(bytes: number): number {
    const address = this.top;
    const end = address + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    if (!(end - this.base <= this.limit) || end > MAX_BYTES) {
      throw new TangedgeError(
        'ERR_MEMORY',
        `arena: ${end - this.base} bytes of WebAssembly memory are needed, the limit is ${this.limit}. Raise the memory limit or use smaller tiles.`,
        { needed: end - this.base, limit: this.limit },
      );
    }
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / PAGE));
      } catch (cause) {
        throw new TangedgeError(
          'ERR_MEMORY',
          `arena: the host refused to grow WebAssembly memory to ${end} bytes (now ${this.memory.buffer.byteLength}).`,
          { needed: end, limit: this.memory.buffer.byteLength },
          { cause },
        );
      }
    }
    this.top = end;
    if (end > this.peak) this.peak = end;
    return address;
  }

  /** Address of `length` elements of a dtype. */
  allocateArray(dtype: Dtype, length: number): number {
    return this.allocate(length * (dtype === 'f64' ? 8 : 4));
  }

  /** Runs `body`; everything it allocates is released when it returns or throws. */
  frame<T>(body: () => T): T {
    const mark = this.top;
    try {
      return body();
    } finally {
      this.top = mark;
    }
  }

  /** Opens a frame that outlives a call; pass the mark to `release`. Frames nest: release the last opened first. */
  mark(): number {
    return this.top;
  }

  release(mark: number): void {
    if (mark < this.base || mark > this.top) {
      throw new TangedgeError('ERR_ARGUMENT', `arena: release(${mark}) does not name an open frame (top ${this.top}).`, { mark });
    }
    this.top = mark;
  }

  f64(address: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, address, length);
  }

  f32(address: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, length);
  }

  i32(address: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, address, length);
  }

  /** View of `length` elements of a dtype. */
  view(dtype: Dtype, address: number, length: number): FloatArray {
    return dtype === 'f64' ? this.f64(address, length) : this.f32(address, length);
  }

  /** Copies an array in (rounding or widening to `dtype`) and returns its address. */
  load(dtype: Dtype, data: FloatArray): number {
    const address = this.allocateArray(dtype, data.length);
    this.view(dtype, address, data.length).set(data);
    return address;
  }

  /** A fresh copy of `length` elements. */
  read(dtype: Dtype, address: number, length: number): FloatArray {
    return this.view(dtype, address, length).slice();
  }
}
