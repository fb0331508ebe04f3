import fc from 'fast-check';
import { permutation, rademacherArray, TangedgeError, uniform, uniformArray } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { type PhiloxBlock, philox4x32 } from '../../src/core/random.ts';
import { philoxOracle } from '../oracle/philox.ts';

const hex = (words: readonly number[]) => words.map((w) => w.toString(16).padStart(8, '0')).join(' ');
const word = fc.integer({ min: 0, max: 0xffffffff });
const seed = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe('philox4x32', () => {
  // Published with the generator (Random123, kat_vectors, philox 4x32 10).
  test.each<[readonly number[], [number, number], string]>([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [Array(4).fill(0xffffffff), [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], 'd16cfe09 94fdcceb 5001e420 24126ea1'],
  ])('known answer of counter %j, key %j', (counter, key, expected) => {
    expect(hex(philox4x32(counter as unknown as PhiloxBlock, key))).toBe(expected);
  });

  test('equals the BigInt oracle on any counter and key', () => {
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
        const expected = philoxOracle(counter.map(BigInt), key.map(BigInt)).map(Number);
        expect(hex(philox4x32(counter, key))).toBe(hex(expected));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe('uniform', () => {
  test('is the upper 53 of 64 Philox bits: counter (block, stream), key seed', () => {
    fc.assert(
      fc.property(seed, seed, seed, (s, stream, index) => {
        const split = (x: number) => [BigInt(x) & 0xffffffffn, BigInt(x) >> 32n];
        const block = philoxOracle([...split(Math.floor(index / 2)), ...split(stream)], split(s));
        const [upper, lower] = index % 2 === 0 ? block.slice(0, 2) : block.slice(2);
        expect(uniform(s, stream, index)).toBe(Number(((upper << 32n) | lower) >> 11n) / 2 ** 53);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  test('uniformArray holds the elements of the stream wherever it starts', () => {
    for (const start of [0, 1, 2, 7, 2 ** 33 + 1]) {
      for (const length of [0, 1, 2, 3, 10]) {
        const expected = Array.from({ length }, (_, i) => uniform(5, 3, start + i));
        expect([...uniformArray(5, 3, length, start)], `start ${start} length ${length}`).toEqual(expected);
      }
    }
  });

  test('first two moments and neighbour correlation of 20 000 elements are within 5 σ', () => {
    const n = 20_000;
    const u = uniformArray(11, 0, n);
    const centred = Array.from(u, (x) => x - 0.5);
    const mean = centred.reduce((s, x) => s + x, 0) / n;
    const variance = centred.reduce((s, x) => s + x * x, 0) / n;
    const lagged = centred.slice(1).reduce((s, x, i) => s + x * centred[i], 0) / n;
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n)); // var((u − ½)²) = 1/180
    expect(Math.abs(lagged)).toBeLessThan((5 / 12) * Math.sqrt(1 / n));
  });

  test.each([
    ['seed', () => uniform(-1, 0, 0)],
    ['stream', () => uniformArray(0, 0.5, 1)],
    ['length', () => rademacherArray(0, 0, -1)],
    ['length', () => permutation(0, 0, Number.NaN)],
  ])('refuses a bad %s with ERR_ARGUMENT', (name, call) => {
    let error: unknown;
    try {
      call();
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(TangedgeError);
    expect((error as TangedgeError).code).toBe('ERR_ARGUMENT');
    expect((error as TangedgeError).info.name).toBe(name);
  });
});

describe('rademacherArray', () => {
  test('sign i is bit i mod 128 of Philox block ⌊i / 128⌋, wherever the array starts', () => {
    for (const start of [0, 1, 127, 128, 300]) {
      const signs = rademacherArray(9, 4, 260, start);
      for (let i = 0; i < signs.length; i++) {
        const at = start + i;
        const block = philoxOracle([BigInt(at >> 7), 0n, 4n, 0n], [9n, 0n]);
        const bit = (block[(at & 127) >> 5] >> BigInt(at & 31)) & 1n;
        expect(signs[i], `start ${start} i ${i}`).toBe(bit === 1n ? 1 : -1);
      }
    }
  });

  test('the mean of 20 000 signs is within 5 σ', () => {
    const mean = rademacherArray(1, 0, 20_000).reduce((s, x) => s + x, 0) / 20_000;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(20_000));
  });
});

describe('permutation', () => {
  test('holds each of 0 … length − 1 once, and depends on seed and stream', () => {
    for (const length of [0, 1, 2, 17, 1000]) {
      expect([...permutation(3, 1, length)].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i));
    }
    expect(permutation(3, 1, 100)).not.toEqual(permutation(3, 2, 100));
    expect(permutation(3, 1, 100)).not.toEqual(permutation(4, 1, 100));
  });

  test('all 24 orders of 4 come equally often (χ² of 24 000 draws, 23 degrees of freedom, below its 1 − 10⁻⁶ quantile)', () => {
    const counts = new Map<string, number>();
    for (let s = 0; s < 24_000; s++) {
      const order = permutation(s, 0, 4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(70.5);
  });
});
