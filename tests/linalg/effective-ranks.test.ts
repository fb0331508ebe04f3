/** @file Effective ranks: the worked example, golden spectra, closed forms, and what is clamped or refused. */

import {
  clampRoundingNegatives,
  effectiveDimension,
  effectiveRank,
  eigh,
  intrinsicDimension,
  loadRuntime,
  participationRatio,
  rankAtThreshold,
  stableRank,
  tensor,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenArray, goldenCaseNames, goldenExpected, goldenScalar, readGoldenCase } from '../golden/read-case.ts';

const rt = await loadRuntime();
const ULP = 2 ** -52;

describe('effective ranks', () => {
  test('the worked example: K [4, 4] (numpy, float64)', () => {
    const k = tensor([4, 4], [2, 1, 0, 0.5, 1, 3, 0.2, 0, 0, 0.2, 1, 0.4, 0.5, 0, 0.4, 2]);
    const { values } = eigh(rt, k);
    expect(participationRatio(values)).toBeCloseTo(3.062201, 6);
    expect(stableRank(values)).toBeCloseTo(1.5416, 6);
    expect(intrinsicDimension(values)).toBeCloseTo(2.172715, 6);
    expect(effectiveRank(rt, values)).toBeCloseTo(3.433781, 6);
    expect(rankAtThreshold(values, { of: 'squares' })).toBe(3);
  });

  test('golden s14_kernel: participation ratio, entropy rank and Σλ/λmax to 1e-12', () => {
    const golden = readGoldenCase('s14_kernel');
    const { values } = eigh(rt, goldenArray(golden, 'K'));
    const pairs = [
      [participationRatio(values), 'trace/participation_ratio'],
      [effectiveRank(rt, values), 'trace/entropy_rank'],
      [intrinsicDimension(values), 'trace/stable_rank'],
    ] as const;
    for (const [actual, key] of pairs) {
      const expected = goldenScalar(golden, key);
      expect(Math.abs(actual - expected) <= 1e-12 * expected, `${key}: ${actual} for ${expected}`).toBe(true);
    }
  });

  const withRanks = goldenCaseNames().filter((name) => {
    const { expected } = readGoldenCase(name);
    return expected.has('trace/entropy_rank') && expected.has('ntk_trace');
  });

  test.each(withRanks)('golden %s: the ranks of its trace NTK to 1e-10', (name) => {
    const golden = readGoldenCase(name);
    const { values } = eigh(rt, goldenExpected(golden, 'ntk_trace'), { vectors: false });
    const ranks = [participationRatio(values), effectiveRank(rt, values), intrinsicDimension(values)];
    const expected = ['participation_ratio', 'entropy_rank', 'stable_rank'].map((key) => goldenScalar(golden, `trace/${key}`));
    ranks.forEach((rank, i) => {
      expect(Math.abs(rank - expected[i]) <= 1e-10 * expected[i], `${rank} for ${expected[i]}`).toBe(true);
    });
  });

  test('there are such cases', () => expect(withRanks.length).toBeGreaterThan(5));

  test('r equal eigenvalues and n − r zeros have rank r by every definition, at any scale', () => {
    for (const [n, r] of [
      [1, 1],
      [5, 5],
      [9, 4],
      [64, 1],
      [100, 37],
    ]) {
      for (const scale of [1, 3e-300, 5e300]) {
        const values = Float64Array.from({ length: n }, (_, i) => (i < r ? scale : 0));
        for (const rank of [participationRatio(values), stableRank(values), intrinsicDimension(values)]) expect(rank).toBe(r);
        expect(Math.abs(effectiveRank(rt, values) - r)).toBeLessThanOrEqual(16 * r * r * ULP);
        expect(rankAtThreshold(values, { threshold: 1 - 1e-9 })).toBe(r);
        expect(Math.abs(effectiveDimension(values, scale) - r / 2)).toBeLessThanOrEqual(r * ULP);
      }
    }
  });

  test('rankAtThreshold: values and squares differ, order does not matter, and kpflow interpolates beyond k', () => {
    const values = Float64Array.of(1, 8, 1);
    expect(rankAtThreshold(values, { threshold: 0.9 })).toBe(2);
    expect(rankAtThreshold(values, { threshold: 0.8 })).toBe(1);
    expect(rankAtThreshold(values, { threshold: 0.95, of: 'squares' })).toBe(1); // 64/66
    expect(rankAtThreshold(new Float64Array(20).fill(1))).toBe(19); // 19/20 is 95 % exactly
    expect(rankAtThreshold(new Float64Array(7).fill(0.1), { threshold: 1 })).toBe(7);
    // Shares of squares 64/66, 65/66, 1: kpflow's k = 1 for 0.5, plus the fraction 0.5/(64/66).
    expect(rankAtThreshold(values, { threshold: 0.5, of: 'squares', interpolation: 'kpflow' })).toBeCloseTo(1 + 0.5 / (64 / 66), 14);
  });

  test('effectiveDimension: Σ λ/(λ + λ₀), zero eigenvalues add nothing', () => {
    expect(effectiveDimension(Float64Array.of(0, 1, 3), 1)).toBe(1.25);
  });

  test('negative eigenvalues within rounding become 0 and are counted; larger ones are refused', () => {
    const rounding = Float64Array.of(-1e-17, -3e-16, 0.5, 1);
    expect(clampRoundingNegatives(rounding)).toEqual({ values: Float64Array.of(0, 0, 0.5, 1), clamped: 2, mostNegative: -3e-16 });
    expect(effectiveRank(rt, rounding)).toBe(effectiveRank(rt, Float64Array.of(0.5, 1)));
    expect(rankAtThreshold(rounding)).toBe(2);
    const indefinite = Float64Array.of(-0.1, 1);
    for (const rank of [() => effectiveRank(rt, indefinite), () => rankAtThreshold(indefinite), () => effectiveDimension(indefinite, 1)]) {
      expect(rank).toThrow(expect.objectContaining({ code: 'ERR_DOMAIN' }));
    }
    expect(participationRatio(indefinite)).toBeCloseTo(0.81 / 1.01, 15); // defined for any spectrum
  });

  test('empty, all-zero and NaN spectra, and bad options, are refused', () => {
    for (const values of [Float64Array.of(), Float64Array.of(0, 0), Float64Array.of(1, Number.NaN)]) {
      for (const rank of [participationRatio, stableRank, intrinsicDimension, rankAtThreshold]) {
        expect(() => rank(values)).toThrow(expect.objectContaining({ code: 'ERR_DOMAIN' }));
      }
      expect(() => effectiveRank(rt, values)).toThrow(expect.objectContaining({ code: 'ERR_DOMAIN' }));
    }
    for (const threshold of [0, 1.1, Number.NaN]) {
      expect(() => rankAtThreshold(Float64Array.of(1), { threshold })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    }
    expect(() => effectiveDimension(Float64Array.of(1), 0)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });
});
