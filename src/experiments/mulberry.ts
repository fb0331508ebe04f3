/**
 * @file The generator that published set-ups of this field's examples share: mulberry32 and Box–Muller pairs.
 *
 * For those set-ups only, whose tables name it by seed; everything else draws from the counter-based streams of core.
 */

import type { Runtime } from '../wasm/runtime.ts';

const TWO_PI = 6.283185307179586;
const WORD = 0x1_0000_0000; // 2³²

/** `length` numbers of mulberry32(seed), in [0, 1): multiples of 2⁻³². */
export function mulberryUniforms(seed: number, length: number): Float64Array {
  let state = seed | 0;
  return Float64Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / WORD;
  });
}

/**
 * `length` standard normal numbers: z[2p] = √(−2·ln u[2p])·cos 2πu[2p+1], z[2p+1] the same with sin.
 *
 * An odd length drops the last partner. The values agree with other implementations to rounding.
 */
export function mulberryNormals(rt: Runtime, seed: number, length: number): Float64Array {
  const pairs = Math.ceil(length / 2);
  const u = mulberryUniforms(seed, 2 * pairs);
  const { arena, f64 } = rt;
  return arena.frame(() => {
    const radiusPtr = arena.load(
      'f64',
      Float64Array.from({ length: pairs }, (_, p) => u[2 * p]),
    );
    const anglePtr = arena.load(
      'f64',
      Float64Array.from({ length: pairs }, (_, p) => TWO_PI * u[2 * p + 1]),
    );
    const sinePtr = arena.allocateArray('f64', pairs);
    f64.log(pairs, radiusPtr, radiusPtr);
    f64.affine(pairs, -2, 0, radiusPtr, radiusPtr);
    f64.sqrt(pairs, radiusPtr, radiusPtr);
    f64.sin(pairs, anglePtr, sinePtr);
    f64.cos(pairs, anglePtr, anglePtr);
    const [radius, cosine, sine] = [radiusPtr, anglePtr, sinePtr].map((ptr) => arena.f64(ptr, pairs));
    return Float64Array.from({ length }, (_, i) => radius[i >> 1] * (i % 2 === 0 ? cosine : sine)[i >> 1]);
  });
}
