/**
 * @file Seeded counter-based random numbers: element `index` of stream `stream` is a function of (seed, stream, index).
 *
 * There is no state, so any worker makes any element of any stream, in any order, and gets the same bits. The generator
 * is Philox-4x32 with 10 rounds; a block is 128 bits:
 *
 *   key      [ seed low | seed high ]                                  counter  [ block low | block high | stream low | stream high ]
 *
 * Streams of one seed are independent of each other; take one stream for one purpose. Seeds, streams and indices are
 * whole numbers in [0, 2⁵³).
 *
 * @see Salmon, Moraes, Dror, Shaw (2011). Parallel random numbers: as easy as 1, 2, 3. SC'11.
 */

import { checkInteger } from './check.ts';

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9; // golden ratio
const WEYL_1 = 0xbb67ae85; // √3 − 1
const WORD = 0x1_0000_0000; // 2³²
const TWO_21 = 0x20_0000;
const TWO_53 = 0x20_0000_0000_0000;
const SIGNS_PER_BLOCK = 128;

/** Four 32-bit words. */
export type PhiloxBlock = readonly [number, number, number, number];

/** Element `index` of a stream of uniform numbers in [0, 1): multiples of 2⁻⁵³, each equally likely. */
export function uniform(seed: number, stream: number, index: number): number {
  checkSource('uniform', seed, stream, index);
  const block = blockOf(seed, stream, Math.floor(index / 2));
  return index % 2 === 0 ? unitInterval(block[0], block[1]) : unitInterval(block[2], block[3]);
}

/**
 * Elements start, start + 1, …, start + length − 1 of a stream of uniform numbers in [0, 1).
 *
 * @example
 * const x = uniformArray(7, 0, 5);          // Float64Array(5); x[i] === uniform(7, 0, i)
 */
export function uniformArray(seed: number, stream: number, length: number, start = 0): Float64Array {
  checkRange('uniformArray', seed, stream, length, start);
  const out = new Float64Array(length);
  const odd = start % 2;
  for (let i = -odd; i < length; i += 2) {
    const block = blockOf(seed, stream, (start + i) / 2);
    if (i >= 0) out[i] = unitInterval(block[0], block[1]);
    if (i + 1 < length) out[i + 1] = unitInterval(block[2], block[3]);
  }
  return out;
}

/** Elements start … start + length − 1 of a stream of signs, −1 or +1 with equal probability. */
export function rademacherArray(seed: number, stream: number, length: number, start = 0): Float64Array {
  checkRange('rademacherArray', seed, stream, length, start);
  const out = new Float64Array(length);
  let block: PhiloxBlock = [0, 0, 0, 0];
  for (let i = 0; i < length; i++) {
    const bit = (start + i) % SIGNS_PER_BLOCK;
    if (i === 0 || bit === 0) block = blockOf(seed, stream, Math.floor((start + i) / SIGNS_PER_BLOCK));
    out[i] = ((block[bit >>> 5] >>> (bit & 31)) & 1) === 0 ? -1 : 1;
  }
  return out;
}

/** A random order of 0 … length − 1 (Fisher–Yates; no order is favoured by more than length·2⁻⁵³). */
export function permutation(seed: number, stream: number, length: number): Uint32Array {
  checkRange('permutation', seed, stream, length, 0);
  checkInteger('permutation', 'length', length, 0, WORD);
  const u = uniformArray(seed, stream, length);
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(u[i] * (i + 1));
    const moved = order[i];
    order[i] = order[j];
    order[j] = moved;
  }
  return order;
}

/** The Philox-4x32-10 block of a counter and a key (all words unsigned 32-bit). */
export function philox4x32(counter: PhiloxBlock, key: readonly [number, number]): PhiloxBlock {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

/** High word of the 64-bit product of two unsigned 32-bit words. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16); // < 2³²
  const cross = aLow * bHigh + (middle & 0xffff); // < 2³²
  return (aHigh * bHigh + (middle >>> 16) + (cross >>> 16)) | 0;
}

function blockOf(seed: number, stream: number, block: number): PhiloxBlock {
  return philox4x32([block >>> 0, highWord(block), stream >>> 0, highWord(stream)], [seed >>> 0, highWord(seed)]);
}

function highWord(value: number): number {
  return Math.floor(value / WORD) >>> 0;
}

/** The upper 53 of 64 bits, as a fraction. */
function unitInterval(upper: number, lower: number): number {
  return (upper * TWO_21 + (lower >>> 11)) / TWO_53;
}

function checkSource(operation: string, seed: number, stream: number, index: number): void {
  checkInteger(operation, 'seed', seed, 0);
  checkInteger(operation, 'stream', stream, 0);
  checkInteger(operation, 'index', index, 0);
}

function checkRange(operation: string, seed: number, stream: number, length: number, start: number): void {
  checkSource(operation, seed, stream, start);
  checkInteger(operation, 'length', length, 0, Number.MAX_SAFE_INTEGER - start);
}
