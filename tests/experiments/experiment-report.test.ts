/** @file An experiment's report: its schema is its type, its page is whole, its checks can fail, and the program says so. */

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type ExperimentReport, experimentNamed, experiments, loadRuntime, renderExperiment, runExperiment, TangedgeError } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { above, below, near } from '../../src/experiments/check.ts';
import { expectFailure, useScratch } from '../cli/run-program.ts';
import { schemaFromTypes } from '../report/schema-from-types.ts';

const rt = await loadRuntime();
const report = await runExperiment(rt, experimentNamed('nfa-early'));
const scratch = useScratch();

const SCHEMA = new URL('../../schema/experiment.schema.json', import.meta.url);
const TYPES = new URL('../../src/experiments/experiment-report.ts', import.meta.url);

test('schema/experiment.schema.json says what the types say (vitest -u writes it anew), and reports are valid', async () => {
  const schema = schemaFromTypes(readFileSync(TYPES, 'utf8'), 'ExperimentReport', 'urn:tangedge:experiment:1');
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(JSON.parse(readFileSync(SCHEMA, 'utf8')));
  validate(JSON.parse(JSON.stringify(report)));
  expect(validate.errors).toBeNull();
  expect(validate({ ...report, holds: 'yes' })).toBe(false);
});

test('a check holds on its side of the expected value only, and never for NaN', () => {
  expect([near('', 1.01, 1, 0.02).holds, near('', 1.03, 1, 0.02).holds, near('', Number.NaN, 1, 9).holds]).toEqual([true, false, false]);
  expect([above('', 2, 1, 0.5).holds, above('', 1.4, 1, 0.5).holds, above('', Number.NaN, 1).holds]).toEqual([true, false, false]);
  expect([below('', 0, 1, 0.5).holds, below('', 0.6, 1, 0.5).holds, below('', Number.NaN, 1).holds]).toEqual([true, false, false]);
  expect(near('', Number.POSITIVE_INFINITY, 1, 1).measured).toBeNull();
});

test('one failed check is the report’s verdict', async () => {
  const experiment = {
    ...experiments[0],
    run: () => ({ settings: [], checks: [near('a', 1, 1, 0), near('b', 2, 1, 0)], conclusion: '', figures: [] }),
  };
  const failed = await runExperiment(rt, experiment);
  expect(failed.holds).toBe(false);
  expect(renderExperiment(failed)).toContain('1 of 2 checks fails');
});

describe('the page', () => {
  const page = renderExperiment(report);

  test('is the same for the report and for its JSON', () => {
    expect(renderExperiment(JSON.parse(JSON.stringify(report)) as ExperimentReport)).toBe(page);
  });

  test('shows no number that is none, and escapes what it is given', () => {
    expect(page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '')).not.toMatch(/NaN|Infinity|undefined|\[object/);
    const hostile = '"><script>alert(1)</script>';
    const curve = { name: hostile, mark: 'line' as const, x: [1, 2], y: [1, null] };
    const figure = {
      ...report.figures[0],
      title: hostile,
      curves: [curve, curve],
      levels: [{ name: hostile, value: 1 }],
      bands: [{ name: hostile, from: 1, to: 2 }],
    };
    const html = renderExperiment({ ...report, title: hostile, claim: hostile, conclusion: hostile, figures: [figure] });
    expect(html.match(/<script/g)).toHaveLength(1);
  });
});

test('an unknown name lists those there are', () => {
  expect(() => experimentNamed('nfa')).toThrow(TangedgeError);
  expect(() => experimentNamed('nfa')).toThrow(/nfa-early/);
});

describe('tangedge reproduce', () => {
  test('writes the report and the page, prints both numbers, status 0', async () => {
    const { status, stdout } = await scratch.run('reproduce', 'nfa-early', '--seed', '3', '--out', 'r');
    expect(status).toBe(0);
    expect(stdout).toMatch(/claim: .*\n[\s\S]*✓ {2}C-NFA of fc0.weight[\s\S]*It holds: 5 of 5 checks\./);
    expect(scratch.list()).toEqual(expect.arrayContaining(['r/index.html', 'r/report.json']));
    const { seed, holds } = JSON.parse(readFileSync(scratch.path('r/report.json'), 'utf8')) as ExperimentReport;
    expect({ seed, holds }).toEqual({ seed: 3, holds: true });
  });

  test('--json prints one object', async () => {
    const { stdout } = await scratch.run('reproduce', 'nfa-early', '--json', '--out', 'j');
    expect(JSON.parse(stdout)).toMatchObject({ command: 'reproduce', experiment: 'nfa-early', holds: true });
  });

  test('an unknown experiment: one line, status 2, nothing written', async () => {
    expectFailure(await scratch.run('reproduce', 'nothing', '--out', 'n'), 2, /no experiment 'nothing'; there are .*nfa-early/);
    expect(scratch.list()).not.toContain('n');
  });
});
