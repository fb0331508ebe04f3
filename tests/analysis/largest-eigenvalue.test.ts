/** @file The largest eigenvalue of the full kernel, formed or from products, against the kernel's decomposition; which way is taken. */

import { eigh, empiricalNtk, loadRuntime, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { largestNtkEigenvalueSteps, ntkEigenvalueByProducts } from '../../src/analysis/largest-eigenvalue.ts';
import { uniformArray } from '../../src/core/random.ts';
import { blockMatrix } from '../../src/linalg/block-matrix.ts';
import { stepsHere } from '../../src/wasm/tiled.ts';
import { smallNetwork } from '../report/example-report.ts';

const rt = await loadRuntime();
const model = smallNetwork(1);
const inputs = (n: number) => tensor([n, 6], uniformArray(9, 0, n * 6));

/** What the search gives, the fractions it reports, and whether it formed the kernel, whose tiles it reports. */
function search(n: number, memoryLimit?: number) {
  let formed = false;
  const fractions: number[] = [];
  const steps = largestNtkEigenvalueSteps(rt, model, inputs(n), { dtype: 'f64', memoryLimit }, (fraction, tiles) => {
    formed ||= tiles !== undefined;
    fractions.push(fraction);
  });
  return { value: stepsHere(rt, steps), formed, fractions };
}

describe.each([
  [30, 'one block of examples; formed', true],
  [150, 'three blocks, the last of them padded; by products', false],
])('%i examples: %s', (n, _, formed) => {
  const kernel = blockMatrix(empiricalNtk(rt, model, inputs(n), { outputs: 'full' }));
  const expected = eigh(rt, kernel, { vectors: false }).values.at(-1) as number;
  const isNear = (value: number) => expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-12 * expected);

  test('by products', () => isNear(stepsHere(rt, ntkEigenvalueByProducts(rt, model, inputs(n), { dtype: 'f64' }))));

  test('the way that takes less', () => {
    const found = search(n);
    isNear(found.value);
    expect(found.formed).toBe(formed);
    expect(found.fractions.length).toBeGreaterThan(formed ? 0 : 5);
    expect(found.fractions).toEqual([...found.fractions].sort((a, b) => a - b));
    expect(found.fractions.at(-1)).toBeLessThanOrEqual(1);
  });
});

test('a kernel for which the limit leaves no room is not formed', () => {
  expect(search(30, 2 ** 24).formed).toBe(true);
  expect(search(30, 2 ** 16).formed).toBe(false);
});
