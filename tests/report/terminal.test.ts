/** @file The summary in a terminal: short, aligned, and free of what moves a cursor. */

import { expect, test } from 'vitest';
import { terminalSummary } from '../../src/report/terminal.ts';
import { exampleReport } from './example-report.ts';

test.each([[[]], [['targets']], [['initial']], [['targets', 'initial']]] as const)(
  'at most 25 lines of at most 100 characters, missing %j',
  async (missing) => {
    const lines = terminalSummary(await exampleReport(missing));
    expect(lines.length).toBeLessThanOrEqual(25);
    expect(lines.filter((line) => line.length > 100 || line !== line.trimEnd())).toEqual([]);
    expect(lines.join('\n')).not.toMatch(/NaN|undefined|Infinity/);
  },
);

test('many weights are cut short, and control characters of names are replaced', async () => {
  const report = await exampleReport();
  const features = Array.from({ length: 40 }, (_, k) => ({ ...report.features[0], weight: `layer\u001b[2J${k}` }));
  const lines = terminalSummary({ ...report, title: 'a\nb\u0007', features });
  expect(lines.length).toBeLessThanOrEqual(25);
  expect(lines.join('')).not.toMatch(/\p{Cc}/u);
});
