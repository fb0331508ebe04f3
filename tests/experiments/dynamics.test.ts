import { experimentNamed, loadRuntime, runExperiment } from 'tangedge';
import { expect, test } from 'vitest';

const rt = await loadRuntime();
const names = ['linear-net', 'chebyshev', ...(process.env.TANGEDGE_TEST_CASES === 'all' ? ['central-flow'] : [])];

test.each(names)('every check of %s holds', { timeout: 240_000 }, async (name) => {
  const report = await runExperiment(rt, experimentNamed(name));
  expect(report.checks.length).toBeGreaterThan(5);
  expect(report.checks.filter(({ holds }) => !holds)).toEqual([]);
  expect(report.holds).toBe(true);
});
