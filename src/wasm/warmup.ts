/**
 * @file Warm-up: engines run a module's first calls in code that is quick to compile and slow to run, and replace it function by
 * function once it was busy; matrix products start at a quarter of their speed.
 */

import { TangedgeError } from '../core/errors.ts';
import type { Dtype } from '../core/tensor.ts';
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

/** Rows, columns and depth of the products: whole register tiles and edges, and as many steps in the first block of a sum as in the second. */
const [M, N, K] = [43, 45, 1024];
const CALLS = 6;
/** Where the clock stands still while code runs, as in production on Cloudflare. */
const ROUNDS_WITHOUT_CLOCK = 8;

/**
 * Runs small matrix products for some 30 ms, in which engines replace their first code for them; later products, and all that is
 * built on them, then run at full speed. Worth it before the first request of a service, or before timing something.
 *
 * Cost       some 30 ms, most of it computing; 1.5 MB of WebAssembly memory, given back
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
    // Compilers work in threads of their own; what they made is installed between two calls.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const next = round(rt);
    last = { f64: Math.max(last.f64, next.f64), f32: Math.max(last.f32, next.f32) };
  }
  return { milliseconds: performance.now() - start, first, last };
}

/** Best rate of a few products of each dtype. */
function round(rt: Runtime): Record<Dtype, number> {
  return { f64: rate(rt, 'f64'), f32: rate(rt, 'f32') };
}

function rate(rt: Runtime, dtype: Dtype): number {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  return arena.frame(() => {
    const [aPtr, bPtr, cPtr] = [M * K, K * N, M * N].map((length) => arena.allocateArray(dtype, length));
    const scratchPtr = arena.allocate(routines.gemmScratchBytes(M, N, K) >>> 0);
    arena.view(dtype, aPtr, M * K).fill(0);
    arena.view(dtype, bPtr, K * N).fill(0);
    let best = Number.POSITIVE_INFINITY;
    for (let call = 0; call < CALLS; call++) {
      const start = performance.now();
      routines.gemm(M, N, K, 1, aPtr, K, 1, bPtr, N, 1, 0, cPtr, N, 1, scratchPtr);
      best = Math.min(best, performance.now() - start);
    }
    return best > 0 ? (2 * M * N * K) / best / 1e6 : 0;
  });
}
