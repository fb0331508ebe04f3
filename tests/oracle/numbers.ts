/** @file Seeded test numbers: uniform reals and small integers, the same in every run. */

/** A generator of 32-bit integers (mulberry32), for tests only. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Uniform in [−1, 1), exact in f32 (24 bits). */
export function uniform(seed: number, length: number): Float64Array {
  const next = generator(seed);
  return Float64Array.from({ length }, () => (next() >>> 8) / 8388608 - 1);
}

/** Whole numbers in [−8, 8]. */
export function integers(seed: number, length: number): Float64Array {
  const next = generator(seed);
  return Float64Array.from({ length }, () => (next() % 17) - 8);
}
