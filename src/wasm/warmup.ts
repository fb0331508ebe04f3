/**
 * @file Warm-up: engines run a module's first calls in code that is quick to compile and slow to run, and replace it function by
 * function once it was busy; matrix products start at a quarter of their speed.
 */

import { TangedgeError } from '../core/errors.ts';
import type { Dtype } from '../core/tensor.ts';
import type { Routines } from './abi.ts';
import { type Runtime, routinesOf } from './runtime.ts';

export interface WarmupOptions {
  /** No further round of products is begun after so many; default 25. Give it more where other work keeps the processors busy. */
  readonly milliseconds?: number;
}

/** What `warmup` saw. Rates are those of its small products in GFLOP/s; 0 where the host's clock stands still. */
export interface Warmth {
  readonly milliseconds: number;
  readonly first: Readonly<Record<Dtype, number>>;
  readonly last: Readonly<Record<Dtype, number>>;
}

/** Rows, columns and depth of the products: the smallest that are packed, with whole register tiles and edges. */
const [M, N, K] = [33, 33, 128];
/** Elements of the element-wise functions; operands of products, M·K, are their first. */
const ELEMENTS = 8192;
/** Side of the skinny products. */
const SIDE = 16;
/** Products that are so many times as fast as at first run in the engine's better code. */
const FASTER = 3;
/** The part of the time in which other routines run, unless products are fast before: what is called last is still being compiled at the end. */
const [OTHERS_FROM, OTHERS_UNTIL] = [0.5, 0.8];
const DTYPES = ['f32', 'f64'] as const;
/** Where the clock stands still while code runs, as in production on Cloudflare. */
const ROUNDS_WITHOUT_CLOCK = 16;

/**
 * Runs small matrix products, and once those run fast Gram matrices, skinny products, exp, tanh and relu, for some 30 ms, in which
 * engines replace their first code for them; later products, and all that is built on them, then run at full speed. Worth it before
 * the first request of a service, or before timing something. Not eigh, whose many functions would take as long again: the first
 * decomposition of n = 256 takes three times as long as later ones, after warmup too.
 *
 * Cost       some 30 ms, most of it computing; 0.3 MB of WebAssembly memory, given back
 * Numerics   changes no result
 *
 * @returns the rates before and after.
 * @throws {TangedgeError} ERR_ARGUMENT for a time that is not positive.
 * @example
 * const rt = await loadRuntime();
 * const { last } = await warmup(rt); // last.f32: GFLOP/s
 */
export async function warmup(rt: Runtime, options: WarmupOptions = {}): Promise<Warmth> {
  const { milliseconds = 25 } = options;
  if (!(milliseconds > 0)) {
    throw new TangedgeError('ERR_ARGUMENT', `warmup: milliseconds is ${milliseconds}; it must be a positive number.`, { milliseconds });
  }
  const start = performance.now();
  const first = round(rt);
  let last = first;
  for (let rounds = 1; performance.now() - start < milliseconds; rounds++) {
    if (first.f32 === 0 && rounds === ROUNDS_WITHOUT_CLOCK) break;
    // Compilers work in threads of their own, which need a processor.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const next = round(rt);
    last = { f64: Math.max(last.f64, next.f64), f32: Math.max(last.f32, next.f32) };
    // Compilers take up what was busy first: the products.
    const fast = last.f64 >= FASTER * first.f64 && last.f32 >= FASTER * first.f32;
    const passed = (performance.now() - start) / milliseconds;
    if ((fast || passed > OTHERS_FROM) && passed < OTHERS_UNTIL) for (const dtype of DTYPES) runOthers(rt, dtype);
  }
  return { milliseconds: performance.now() - start, first, last };
}

/**
 * Rates of a few products of each dtype. Engines count how much of a function has run and then compile it: short sums make that soon,
 * in all functions of a product at about the same time.
 */
function round(rt: Runtime): Record<Dtype, number> {
  return { f32: rate(rt, 'f32'), f64: rate(rt, 'f64') };
}

interface Operands {
  readonly routines: Routines;
  readonly xPtr: number;
  readonly yPtr: number;
  readonly outPtr: number;
  readonly scratchPtr: number;
}

/** In the current frame: x and y, in which [M, K] and [K, N] lie, of numbers at which no function leaves its usual path. */
function operands(rt: Runtime, dtype: Dtype): Operands {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  const [xPtr, yPtr, outPtr] = [ELEMENTS, ELEMENTS, M * N].map((length) => arena.allocateArray(dtype, length));
  const scratchPtr = arena.allocate(Math.max(routines.gemmScratchBytes(M, N, K) >>> 0, routines.gramScratchBytes(M, K) >>> 0));
  arena.view(dtype, xPtr, ELEMENTS).fill(0.5);
  arena.view(dtype, yPtr, ELEMENTS).fill(0.5);
  return { routines, xPtr, yPtr, outPtr, scratchPtr };
}

function rate(rt: Runtime, dtype: Dtype): number {
  return rt.arena.frame(() => {
    const { routines, xPtr, yPtr, outPtr, scratchPtr } = operands(rt, dtype);
    let best = Number.POSITIVE_INFINITY;
    for (let repeat = 0; repeat < 2; repeat++) {
      const start = performance.now();
      // Adding to C is a microkernel of its own, and either order of B is packed by code of its own.
      for (const beta of [0, 1]) {
        routines.gemm(M, N, K, 1, xPtr, K, 1, yPtr, N, 1, beta, outPtr, N, 1, scratchPtr);
        routines.gemm(M, N, K, 1, xPtr, K, 1, yPtr, 1, K, beta, outPtr, N, 1, scratchPtr);
      }
      best = Math.min(best, performance.now() - start);
    }
    return best > 0 ? (4 * 2 * M * N * K) / best / 1e6 : 0;
  });
}

/** What else much time is spent in. */
function runOthers(rt: Runtime, dtype: Dtype): void {
  rt.arena.frame(() => {
    const { routines, xPtr, yPtr, outPtr, scratchPtr } = operands(rt, dtype);
    routines.gram(M, K, 1, xPtr, K, 1, 0, outPtr, M, scratchPtr);
    routines.gemm(SIDE, SIDE, K, 1, xPtr, K, 1, yPtr, 1, K, 0, outPtr, SIDE, 1, scratchPtr);
    routines.gemm(SIDE, SIDE, K, 1, xPtr, 1, SIDE, yPtr, SIDE, 1, 0, outPtr, SIDE, 1, scratchPtr);
    routines.exp(ELEMENTS, xPtr, yPtr);
    routines.tanh(ELEMENTS, yPtr, yPtr);
    routines.relu(ELEMENTS, yPtr, yPtr);
  });
}
