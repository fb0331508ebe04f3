/** @file Lazy or rich: the verdict's votes, power-law fits against exact and noisy laws, the coordinate check, the falsifier's verdicts. */

import { coordinateCheck, falsifierVerdict, fitSlope, lazyRichVerdict, loadRuntime, normalArray } from 'tangedge';
import { describe, expect, test } from 'vitest';

const rt = await loadRuntime();

describe('lazyRichVerdict', () => {
  test('the median of the votes; thresholds are options; the numbers stay beside the verdict', () => {
    expect(lazyRichVerdict({ kernelDrift: 0.01, weightChange: 0.01, activationChange: 0.9 }).regime).toBe('lazy');
    expect(lazyRichVerdict({ kernelDrift: 0.9, weightChange: 0.9, activationChange: 0.01 }).regime).toBe('rich');
    expect(lazyRichVerdict({ kernelDrift: 0.3 }).regime).toBe('intermediate');
    expect(lazyRichVerdict({ kernelDrift: 0.9, weightChange: 0.01 }).regime).toBe('intermediate');
    expect(lazyRichVerdict({ kernelDrift: 0.3 }, { kernelDrift: { lazy: 0.4, rich: 0.5 } })).toEqual({
      regime: 'lazy',
      votes: [{ measure: 'kernelDrift', value: 0.3, vote: 'lazy' }],
    });
  });

  test('nothing measured, NaN and thresholds in the wrong order are refused', () => {
    expect(() => lazyRichVerdict({})).toThrow(/nothing was measured/);
    expect(() => lazyRichVerdict({ kernelDrift: Number.NaN })).toThrow(/kernelDrift is NaN/);
    expect(() => lazyRichVerdict({ kernelDrift: 1 }, { kernelDrift: { lazy: 2, rich: 1 } })).toThrow(/lazy 2 above rich 1/);
  });
});

describe('fitSlope', () => {
  const x = Float64Array.from({ length: 40 }, (_, i) => 1 + i);

  test('an exact power law: slope, coefficient, no error', () => {
    const { slope, coefficient, standardError } = fitSlope(
      rt,
      x,
      x.map((value) => 3 / (value * Math.sqrt(value))),
    );
    expect(slope).toBeCloseTo(-1.5, 12);
    expect(coefficient).toBeCloseTo(3, 11);
    expect(standardError).toBeLessThan(1e-12);
  });

  test('with noise, (slope − s)²/standardError² averages 38/36, Student’s t with 38 degrees, within 4 of its own errors', () => {
    const scores = Array.from({ length: 400 }, (_, seed) => {
      const noise = normalArray(rt, seed, 0, x.length);
      const y = x.map((value, i) => Math.exp(-0.5 * Math.log(value) + 0.1 * noise[i]));
      const { slope, standardError } = fitSlope(rt, x, y);
      return ((slope + 0.5) / standardError) ** 2;
    });
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    expect(Math.abs(mean - 38 / 36)).toBeLessThan((4 * Math.sqrt(2.4)) / Math.sqrt(scores.length));
  });

  test('what is no power law is refused', () => {
    expect(() => fitSlope(rt, [1, 2], [1, -1])).toThrow(/y\[1\] is -1/);
    expect(() => fitSlope(rt, [2, 2], [1, 3])).toThrow(/two different x/);
    expect(() => fitSlope(rt, [1, 2], [1])).toThrow(/2 entries and y 1/);
  });
});

test('coordinateCheck passes flat layers, fails growing and shrinking ones', () => {
  const widths = [64, 128, 256];
  const layers = [
    { layer: 'flat', widths, sizes: [1, 1.02, 0.99] },
    { layer: 'grows', widths, sizes: [1, 2, 4] },
    { layer: 'shrinks', widths, sizes: [1, 0.7, 0.5] },
  ];
  expect(coordinateCheck(rt, layers).map(({ passes }) => passes)).toEqual([true, false, false]);
  expect(() => coordinateCheck(rt, [{ layer: 'a', widths: [1, 2], sizes: [1, 1] }])).toThrow(/number of widths of a is 2/);
});

test('falsifierVerdict: needed, not needed, undecided, with Cohen’s d', () => {
  const verdict = (network: readonly number[], frozen: readonly number[]) => falsifierVerdict({ claim: 'c', network, frozen, better: 'lower' });
  expect(verdict([0.1, 0.12, 0.11], [0.5, 0.52, 0.48])).toMatchObject({ verdict: 'needs feature learning' });
  expect(verdict([0.1, 0.12], [0.11, 0.11])).toMatchObject({ verdict: 'already in the kernel limit' });
  expect(verdict([0.9, 0.1], [0.9, 0.8])).toMatchObject({ verdict: 'undecided' });
  // d by hand: means 2 and 4, variances 1 and 1
  expect(verdict([1, 2, 3], [3, 4, 5]).effectSize).toBeCloseTo(2, 12);
  expect(() => verdict([], [1])).toThrow(/at least one run/);
});
