/**
 * @file Products of cotangents that are the same for all examples but for a ReLU that switches units off, as behind the last hidden
 * layer: δ[n, o, i] = e[n, i]·u[o, i] with e 0 or 1.
 *
 *   C[(n, o), (m, q)] ← Σ over i with e[n, i] ≠ 0 and e[m, i] ≠ 0 of u[o, i]·u[q, i]      n < n1, m < n2, o and q < outputs
 *
 * The products of u are made once, of pairs q ≤ o alone; two examples add those of the units that are on in both. No multiplication,
 * half of the pairs, a quarter of the terms where half of the units are on: and gemm's bits for the rows δ, where u is finite, since a sum that
 * begins at +0 is never −0. Blocks of i and their order are gemm's.
 *
 * lower ≠ 0: both sides are the same, and only pairs with n ≥ m are written.
 */

import { KC } from "./gemm";
import { padded } from "./memory";

/** Sums of one pass: as many vectors as x64 has registers for beside their terms, which V8 loads first. */
const VECTORS: i32 = 7;
const STEP: usize = 16 * VECTORS;
/** Words of 64 units whose products stay in L1. */
const WORDS: i32 = 4;
const WORD_BYTES: usize = 8;

/** Sums of one pass. */
// @ts-ignore: decorator
@inline
function LANES<T>(): i32 {
  return <i32>(STEP / sizeof<T>());
}

function wordsOf(units: i32): i32 {
  return (units + 63) / 64;
}

/** Places of the pairs of outputs, bits of both sides, products of one pass, and the sums of an example with all others. */
function scratchBytes<T>(n1: i32, n2: i32, outputs: i32, k: i32): usize {
  const kc = min(k, KC);
  const bits = <usize>(n1 + n2) * <usize>wordsOf(kc) * WORD_BYTES;
  return padded(<usize>(outputs * (outputs + 1)) * 4) + padded(bits) + <usize>kc * STEP + <usize>n2 * STEP;
}

function multiply<T>(
  n1: i32, n2: i32, outputs: i32, k: i32, e1: usize, e2: usize, u: usize, c: usize, rsc: i32, lower: i32, places: usize,
): void {
  const kcMax = min(k, KC), pairs = outputs * (outputs + 1) / 2;
  const bits1 = places + padded(<usize>pairs * 8);
  const products = bits1 + padded(<usize>(n1 + n2) * <usize>wordsOf(kcMax) * WORD_BYTES);
  const sums = products + <usize>kcMax * STEP;
  const exampleBytes = <usize>outputs * <usize>rsc * sizeof<T>(), outputBytes = <usize>outputs * sizeof<T>();
  listPlaces<T>(outputs, <usize>rsc * sizeof<T>(), places);
  for (let pc = 0; pc < k; pc += KC) {
    const kc = min(KC, k - pc), words = wordsOf(kc);
    const from = <usize>pc * sizeof<T>(), rowBytes = <usize>words * WORD_BYTES;
    const bits2 = bits1 + <usize>n1 * rowBytes;
    packBits<T>(n1, kc, e1 + from, k, bits1);
    packBits<T>(n2, kc, e2 + from, k, bits2);
    for (let pair = 0; pair < pairs; pair += LANES<T>()) {
      const place = places + <usize>pair * 8;
      const live = min(LANES<T>(), pairs - pair);
      multiplyOutputs<T>(outputs, pair, live, kc, u + from, <usize>k * sizeof<T>(), products);
      for (let n = 0; n < n1; n++) {
        const others = lower ? n + 1 : n2;
        const corner = c + <usize>n * exampleBytes;
        memory.fill(sums, 0, <usize>others * STEP);
        for (let word = 0; word < words; word += WORDS) {
          const count = min(WORDS, words - word), at = <usize>word * WORD_BYTES;
          const bits = bits1 + <usize>n * rowBytes + at, terms = products + <usize>(word * 64) * STEP;
          for (let m = 0; m < others; m++) {
            const sum = sums + <usize>m * STEP, other = bits2 + <usize>m * rowBytes + at;
            if (sizeof<T>() == 8) addSwitchedF64(count, bits, other, terms, sum);
            else addSwitchedF32(count, bits, other, terms, sum);
          }
        }
        for (let m = 0; m < others; m++) placeSums<T>(live, sums + <usize>m * STEP, place, pc, corner + <usize>m * outputBytes);
      }
    }
  }
}

/** The two places of every pair of outputs in a block of C, as offsets (u32). */
function listPlaces<T>(outputs: i32, rowBytes: usize, place: usize): void {
  for (let o: usize = 0; o < <usize>outputs; o++) {
    for (let q: usize = 0; q <= o; q++) {
      store<u32>(place, <u32>(o * rowBytes + q * sizeof<T>()));
      store<u32>(place, <u32>(q * rowBytes + o * sizeof<T>()), 4);
      place += 8;
    }
  }
}

/** A bit for every unit that is on, in whole words. */
function packBits<T>(n: i32, kc: i32, e: usize, k: i32, bits: usize): void {
  for (let i = 0; i < n; i++) {
    for (let word = 0; word < kc; word += 64) {
      const end = min(64, kc - word);
      let value: u64 = 0;
      for (let unit = 0; unit < end; unit++) value |= <u64>(load<T>(e + <usize>(word + unit) * sizeof<T>()) != <T>0) << <u64>unit;
      store<u64>(bits, value);
      bits += WORD_BYTES;
    }
    e += <usize>k * sizeof<T>();
  }
}

/** u[o, i]·u[q, i] of `live` pairs from the given one on: [kc, LANES]. */
function multiplyOutputs<T>(outputs: i32, first: i32, live: i32, kc: i32, u: usize, rowBytes: usize, products: usize): void {
  let pair = 0;
  for (let o: usize = 0; o < <usize>outputs; o++) {
    for (let q: usize = 0; q <= o; q++, pair++) {
      if (<u32>(pair - first) >= <u32>live) continue;
      const a = u + o * rowBytes, b = u + q * rowBytes;
      let to = products + <usize>(pair - first) * sizeof<T>();
      for (let i: usize = 0; i < <usize>kc * sizeof<T>(); i += sizeof<T>()) {
        store<T>(to, load<T>(a + i) * load<T>(b + i));
        to += STEP;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function placeSums<T>(live: i32, sums: usize, place: usize, adds: i32, c: usize): void {
  for (const end = sums + <usize>live * sizeof<T>(); sums < end; sums += sizeof<T>()) {
    const at = c + <usize>load<u32>(place);
    const value = adds ? load<T>(at) + load<T>(sums) : load<T>(sums);
    store<T>(at, value);
    store<T>(c + <usize>load<u32>(place, 4), value);
    place += 8;
  }
}

/** sums [VECTORS] ← sums + the terms [64·words, VECTORS] whose bits are set in x and in y. */
// @ts-ignore: decorator
@inline
function addSwitched<T>(words: i32, x: usize, y: usize, terms: usize, sums: usize): void {
  let c0 = v128.load(sums), c1 = v128.load(sums, 16), c2 = v128.load(sums, 32), c3 = v128.load(sums, 48);
  let c4 = v128.load(sums, 64), c5 = v128.load(sums, 80), c6 = v128.load(sums, 96);
  for (const end = x + <usize>words * WORD_BYTES; x < end; x += WORD_BYTES) {
    let bits = load<u64>(x) & load<u64>(y);
    while (bits != 0) {
      const at = terms + <usize>ctz(bits) * STEP;
      c0 = v128.add<T>(c0, v128.load(at));
      c1 = v128.add<T>(c1, v128.load(at, 16));
      c2 = v128.add<T>(c2, v128.load(at, 32));
      c3 = v128.add<T>(c3, v128.load(at, 48));
      c4 = v128.add<T>(c4, v128.load(at, 64));
      c5 = v128.add<T>(c5, v128.load(at, 80));
      c6 = v128.add<T>(c6, v128.load(at, 96));
      bits &= bits - 1;
    }
    y += WORD_BYTES;
    terms += 64 * STEP;
  }
  v128.store(sums, c0);
  v128.store(sums, c1, 16);
  v128.store(sums, c2, 32);
  v128.store(sums, c3, 48);
  v128.store(sums, c4, 64);
  v128.store(sums, c5, 80);
  v128.store(sums, c6, 96);
}

export function addSwitchedF64(words: i32, x: usize, y: usize, terms: usize, sums: usize): void {
  addSwitched<f64>(words, x, y, terms, sums);
}

export function addSwitchedF32(words: i32, x: usize, y: usize, terms: usize, sums: usize): void {
  addSwitched<f32>(words, x, y, terms, sums);
}

export function switchedProductsF64(
  n1: i32, n2: i32, outputs: i32, k: i32, e1Ptr: usize, e2Ptr: usize, uPtr: usize, cPtr: usize, rsc: i32, lower: i32, scratchPtr: usize,
): void {
  multiply<f64>(n1, n2, outputs, k, e1Ptr, e2Ptr, uPtr, cPtr, rsc, lower, scratchPtr);
}

export function switchedProductsF32(
  n1: i32, n2: i32, outputs: i32, k: i32, e1Ptr: usize, e2Ptr: usize, uPtr: usize, cPtr: usize, rsc: i32, lower: i32, scratchPtr: usize,
): void {
  multiply<f32>(n1, n2, outputs, k, e1Ptr, e2Ptr, uPtr, cPtr, rsc, lower, scratchPtr);
}

export function switchedProductsScratchBytesF64(n1: i32, n2: i32, outputs: i32, k: i32): usize {
  return scratchBytes<f64>(n1, n2, outputs, k);
}

export function switchedProductsScratchBytesF32(n1: i32, n2: i32, outputs: i32, k: i32): usize {
  return scratchBytes<f32>(n1, n2, outputs, k);
}
