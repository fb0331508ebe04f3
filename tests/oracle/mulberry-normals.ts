/** @file The seeded normal numbers of the reference experiments: mulberry32, then Box and Muller's pairs, cosine first. */

import { generator } from './numbers.ts';

export function mulberryNormals(seed: number, length: number): Float64Array {
  const next = generator(seed);
  const uniform = () => next() / 4294967296;
  const out = new Float64Array(length);
  for (let i = 0; i < length; i += 2) {
    const [u1, u2] = [uniform(), uniform()];
    const radius = Math.sqrt(-2 * Math.log(u1));
    out[i] = radius * Math.cos(2 * Math.PI * u2);
    if (i + 1 < length) out[i + 1] = radius * Math.sin(2 * Math.PI * u2);
  }
  return out;
}
