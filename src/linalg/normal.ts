/** @file Standard normal numbers of a seeded stream, by Box and Muller's transform of its uniform numbers. */

import { checkInteger } from '../core/check.ts';
import { uniformArray } from '../core/random.ts';
import type { Runtime } from '../wasm/runtime.ts';

/** Pairs in WebAssembly memory at once. */
const CHUNK = 4096;
const TWO_PI = 6.283185307179586;

/**
 * Elements start, …, start + length − 1 of a stream of independent standard normal numbers: mean 0, variance 1.
 *
 *   z[2p] = ρ·cos θ,  z[2p + 1] = ρ·sin θ,   ρ = √(−2·log(1 − u[2p])),  θ = 2π·u[2p + 1],   u = uniformArray(seed, stream, …)
 *
 * An element depends on (seed, stream, its index) alone, so parts of a stream made anywhere fit together. |z| ≤ 8.58.
 *
 * Shapes     [length], f64
 * Cost       one Philox block and one log, sqrt, cos and sin per two elements; 96 kB of WebAssembly memory
 * Numerics   the same bits in every runtime
 *
 * @throws {TangedgeError} ERR_ARGUMENT unless seed, stream, length and start are whole numbers ≥ 0
 * @see Box, Muller (1958). A note on the generation of random normal deviates. Annals of Mathematical Statistics 29.
 * @example
 * const z = normalArray(rt, 7, 0, 1000);
 */
export function normalArray(rt: Runtime, seed: number, stream: number, length: number, start = 0): Float64Array {
  checkInteger('normalArray', 'seed', seed, 0);
  checkInteger('normalArray', 'stream', stream, 0);
  checkInteger('normalArray', 'start', start, 0);
  checkInteger('normalArray', 'length', length, 0, Number.MAX_SAFE_INTEGER - start - 1);
  const odd = start % 2;
  const out = new Float64Array(length);
  for (let from = -odd; from < length; from += 2 * CHUNK) {
    const pairs = Math.min(CHUNK, Math.ceil((length - from) / 2));
    const z = normalPairs(rt, uniformArray(seed, stream, 2 * pairs, start + from));
    const skip = from < 0 ? 1 : 0;
    out.set(z.subarray(skip, Math.min(2 * pairs, length - from)), from + skip);
  }
  return out;
}

/** Box–Muller of u[0], u[1] | u[2], u[3] | …, in place. */
function normalPairs(rt: Runtime, u: Float64Array): Float64Array {
  const { arena, f64 } = rt;
  const n = u.length / 2;
  return arena.frame(() => {
    const radiusPtr = arena.allocateArray('f64', n);
    const anglePtr = arena.allocateArray('f64', n);
    const sinePtr = arena.allocateArray('f64', n);
    const radius = arena.f64(radiusPtr, n);
    const angle = arena.f64(anglePtr, n);
    for (let p = 0; p < n; p++) {
      radius[p] = 1 - u[2 * p]; // in (0, 1], exact
      angle[p] = TWO_PI * u[2 * p + 1];
    }
    f64.log(n, radiusPtr, radiusPtr);
    f64.affine(n, -2, 0, radiusPtr, radiusPtr);
    f64.sqrt(n, radiusPtr, radiusPtr);
    f64.sin(n, anglePtr, sinePtr);
    f64.cos(n, anglePtr, anglePtr);
    const sine = arena.f64(sinePtr, n);
    for (let p = 0; p < n; p++) {
      u[2 * p] = radius[p] * angle[p];
      u[2 * p + 1] = radius[p] * sine[p];
    }
    return u;
  });
}
