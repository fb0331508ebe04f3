/** @file The published schema and the Report type are one; reports of every kind are valid, and what is not a report is refused. */

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { exampleReport } from './example-report.ts';
import { schemaFromTypes } from './schema-from-types.ts';

const SCHEMA = new URL('../../schema/report.schema.json', import.meta.url);
const TYPES = new URL('../../src/analysis/report.ts', import.meta.url);

test('schema/report.schema.json says what src/analysis/report.ts says (vitest -u writes it anew)', async () => {
  const schema = schemaFromTypes(readFileSync(TYPES, 'utf8'), 'Report');
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
});

describe('validation by ajv, strict', () => {
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(JSON.parse(readFileSync(SCHEMA, 'utf8')));

  test.each([
    ['everything', []],
    ['no targets', ['targets']],
    ['no initial checkpoint', ['initial']],
    ['neither', ['targets', 'initial']],
  ] as const)('a report with %s, as JSON', async (_, missing) => {
    validate(JSON.parse(JSON.stringify(await exampleReport(missing))));
    expect(validate.errors).toBeNull();
  });

  test('a report from f32 sweeps', async () => {
    validate(JSON.parse(JSON.stringify(await exampleReport([], { dtype: 'f32' }))));
    expect(validate.errors).toBeNull();
  });

  test('a missing section, an unknown one, a wrong type and another format are refused', async () => {
    const report = JSON.parse(JSON.stringify(await exampleReport()));
    const { kernel: _, ...withoutKernel } = report;
    expect(validate(withoutKernel)).toBe(false);
    expect(validate({ ...report, extra: 1 })).toBe(false);
    expect(validate({ ...report, title: 3 })).toBe(false);
    expect(validate({ ...report, format: 'tangedge-report/2' })).toBe(false);
  });
});
