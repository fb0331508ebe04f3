/** @file The roof beside which GFLOP/s are read: the peak of 128-bit multiply and add, measured in this process, now. */

import { readFileSync } from 'node:fs';
import type { Dtype } from '../src/index.ts';

/** Runs the loops of bench/roof/roof.ts; compiled before any engine flag is set, so that its vectors stay 128 bits wide. */
export class Roof {
  private readonly loops: Record<string, (steps: number, p: number) => void>;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const module = new WebAssembly.Module(readFileSync('build/bench/roof.wasm'));
    this.loops = new WebAssembly.Instance(module, { env: { memory } }).exports as typeof this.loops;
    for (let warm = 0; warm < 50; warm++) for (const dtype of ['f32', 'f64'] as const) this.gigaflops(dtype);
  }

  /** GFLOP/s of the faster loop, from two milliseconds of each. */
  gigaflops(dtype: Dtype): number {
    const suffix = dtype === 'f32' ? 'F32' : 'F64';
    return Math.max(this.rate(`chains${suffix}`, dtype), this.rate(`products${suffix}`, dtype));
  }

  private rate(loop: string, dtype: Dtype): number {
    const steps = 100_000;
    const start = performance.now();
    // Address 1024: zeros, which no rounding or overflow slows down.
    this.loops[loop](steps, 1024);
    const seconds = (performance.now() - start) / 1000;
    return (steps * 24 * (dtype === 'f32' ? 4 : 2)) / seconds / 1e9;
  }
}
