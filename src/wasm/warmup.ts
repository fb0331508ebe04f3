/**
 * @file Warm-up: engines run a module's first calls in code that is quick to compile and slow to run, and replace it function by
 * function once it was busy; matrix products start at a quarter of their speed.
 */

import { TangedgeError } from '../core/errors.ts';
import type { Dtype } from '../core/tensor.ts';
import type { Routines } from './abi.ts';
import { type Runtime, routinesOf } from './runtime.ts';

export interface WarmupOptions {
  /** No further round of products is begun after so many; default 27. Give it more where other work keeps the processors busy. */
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
const CALLS = 2;
/** Products that are so many times as fast as at first run in the engine's better code. */
const FASTER = 2.2;
/** Elements of the element-wise functions, and for how many milliseconds each other routine is repeated in a round. */
const ELEMENTS = 8192;
const OTHERS_TURN = 0.25;
/** Where the clock stands still while code runs, as in production on Cloudflare. */
const ROUNDS_WITHOUT_CLOCK = 8;

/**
 * Runs small matrix products, and once those run fast Gram matrices, skinny products, exp, tanh and relu, for some 30 ms, in which
 * engines replace their first code for them; later products, and all that is built on them, then run at full speed. Worth it before
 * the first request of a service, or before timing something.
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
  const { milliseconds = 27 } = options;
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
    if (fast || performance.now() - start > milliseconds / 2) runOthers(rt, start + milliseconds);
  }
  return { milliseconds: performance.now() - start, first, last };
}

/** Best rate of a few products of each dtype. */
function round(rt: Runtime): Record<Dtype, number> {
  return { f64: rate(rt, 'f64'), f32: rate(rt, 'f32') };
}

interface Operands {
  readonly routines: Routines;
  readonly xPtr: number;
  readonly yPtr: number;
  readonly outPtr: number;
  readonly scratchPtr: number;
}

/** In the current frame: x [M, K], y [K, N], zeros. */
function operands(rt: Runtime, dtype: Dtype): Operands {
  const { arena } = rt;
  const routines = routinesOf(rt, dtype);
  const [xPtr, yPtr, outPtr] = [M * K, K * N, M * N].map((length) => arena.allocateArray(dtype, length));
  const scratchPtr = arena.allocate(Math.max(routines.gemmScratchBytes(M, N, K) >>> 0, routines.gramScratchBytes(M, K) >>> 0));
  arena.view(dtype, xPtr, M * K).fill(0);
  arena.view(dtype, yPtr, K * N).fill(0);
  return { routines, xPtr, yPtr, outPtr, scratchPtr };
}

function rate(rt: Runtime, dtype: Dtype): number {
  return rt.arena.frame(() => {
    const { routines, xPtr, yPtr, outPtr, scratchPtr } = operands(rt, dtype);
    let best = Number.POSITIVE_INFINITY;
    for (let call = 0; call < 2 * CALLS; call++) {
      const [rsy, csy] = call % 2 === 0 ? [N, 1] : [1, K];
      const start = performance.now();
      routines.gemm(M, N, K, 1, xPtr, K, 1, yPtr, rsy, csy, 0, outPtr, N, 1, scratchPtr);
      best = Math.min(best, performance.now() - start);
    }
    return best > 0 ? (2 * M * N * K) / best / 1e6 : 0;
  });
}

/** What else much time is spent in, each for a moment, until `end`. */
function runOthers(rt: Runtime, end: number): void {
  for (const dtype of ['f64', 'f32'] as const) {
    rt.arena.frame(() => {
      const { routines, xPtr, yPtr, outPtr, scratchPtr } = operands(rt, dtype);
      const side = 16;
      const others = [
        () => routines.gram(M, K, 1, xPtr, K, 1, 0, outPtr, M, scratchPtr),
        () => routines.gemm(side, side, K, 1, xPtr, K, 1, yPtr, 1, K, 0, outPtr, side, 1, scratchPtr),
        () => routines.gemm(side, side, K, 1, xPtr, 1, side, yPtr, side, 1, 0, outPtr, side, 1, scratchPtr),
        () => routines.exp(ELEMENTS, xPtr, xPtr),
        () => routines.tanh(ELEMENTS, yPtr, yPtr),
        () => routines.relu(ELEMENTS, yPtr, yPtr),
      ];
      for (const run of others) {
        const start = performance.now();
        for (let now = start; now < end && now - start < OTHERS_TURN; now = performance.now()) {
          run();
          if (performance.now() === now) break; // the clock stands still
        }
      }
    });
  }
}
