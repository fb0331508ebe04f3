/** @file Every experiment, at its default size and seed, holds; TANGEDGE_TEST_CASES=all, for they take minutes together. */

import { readFileSync } from 'node:fs';
import { experiments, loadRuntime, renderExperiment, runExperiment } from 'tangedge';
import { describe, expect, test } from 'vitest';

const ALL = process.env.TANGEDGE_TEST_CASES === 'all';
/** Those that take a second or two. */
const FAST = ['nfa-early', 'fort-velocity'];

test('each has a name of its own, a claim and a source', () => {
  const names = experiments.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, claim, source, title } of experiments) {
    expect(name).toMatch(/^[a-z-]+$/);
    expect(Math.min(claim.length, source.length, title.length)).toBeGreaterThan(10);
  }
});

describe.each(experiments.filter(({ name }) => ALL || FAST.includes(name)).map((experiment) => [experiment.name, experiment] as const))(
  '%s',
  (_, experiment) => {
    test('every check holds, and the page shows them', { timeout: 300_000 }, async () => {
      const rt = await loadRuntime();
      const dataFile = (name: string) => readFileSync(new URL(`../../demo/${name}`, import.meta.url));
      const report = await runExperiment(rt, experiment, { dataFile });
      expect(report.checks.length).toBeGreaterThan(2);
      expect(report.checks.filter(({ holds }) => !holds)).toEqual([]);
      const page = renderExperiment(report);
      for (const { title } of report.figures) expect(page).toContain(title.replace(/&/g, '&amp;').replace(/'/g, '&#39;'));
    });
  },
);
