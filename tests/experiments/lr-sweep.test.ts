/** @file The learning-rate sweep: its reference part against an independent float64 implementation, and the measures it is judged by. */

import { learningRateSweep, loadRuntime } from 'tangedge';
import { expect, test } from 'vitest';
import { referenceSweep } from '../../src/experiments/lr-sweep.ts';
import { concordance, type SweptRate } from '../../src/experiments/swept-rates.ts';

const rt = await loadRuntime();

test('MLP 20–48–48–1: steps, λ, KTA and eigenvector alignments of six rates, to the digits of numpy’s float64', async () => {
  const { checks } = await referenceSweep(rt, async (...sweep) => learningRateSweep(rt, ...sweep));
  expect(checks).toHaveLength(31);
  expect(checks.filter(({ holds }) => !holds)).toEqual([]);
});

test('concordance: 1 when every larger rate has the larger KTA, 0 when none has; diverged runs do not count', () => {
  const swept = (ktas: readonly (number | null)[]) =>
    ktas.map((kta, k) => ({ rate: k + 1, end: kta === null ? null : { kta } })) as unknown as SweptRate[];
  expect(concordance(swept([0.1, 0.2, 0.3, null]))).toBe(1);
  expect(concordance(swept([0.3, 0.2, 0.1]))).toBe(0);
  expect(concordance(swept([0.1, 0.3, 0.2]))).toBeCloseTo(2 / 3);
  expect(concordance(swept([0.1, null]))).toBeNaN();
});
