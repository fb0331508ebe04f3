/** @file `tangedge reproduce`: one published claim, run again: expected beside measured, and the plot of the figure. */

import type { Command } from 'commander';
import { runExperiment } from '../../experiments/experiment.ts';
import type { ExperimentReport } from '../../experiments/experiment-report.ts';
import { experimentNamed, experiments } from '../../experiments/experiments.ts';
import { expectation, renderExperiment } from '../../report/experiment-page.ts';
import { formatNumber } from '../../report/format.ts';
import { REPORT_FILES } from '../analysis-output.ts';
import { readBytes } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { once, plainText } from '../option-values.ts';
import { outputFolder } from '../output-files.ts';
import { packagedFile } from '../packaged-files.ts';
import { textTable } from '../text-table.ts';

interface ReproduceOptions {
  readonly out?: string;
  readonly full?: boolean;
}

export function reproduceCommand(): Command {
  return defineCommand<ReproduceOptions>({
    name: 'reproduce',
    summary: 'run one published experiment again: the claim, what was expected, what was measured; status 1 when a check fails',
    operands: { '<experiment>': experiments.map(({ name }) => name).join(', ') },
    declare: (command) =>
      command
        .option('--out <DIR>', 'folder of the report (default report/EXPERIMENT)', once(plainText))
        .option('--full', 'at the size of the source; takes minutes to hours'),
    acts: ['seed', 'workers'],
    async run(session, options, name) {
      const experiment = experimentNamed(name);
      if (options.workers !== undefined && !experiment.sweeps) session.note(`--workers has no effect in ${name}: it is one run after another.`);
      const folder = outputFolder(options.out ?? `report/${name}`, REPORT_FILES);
      const bar = session.progress(name);
      const report = await runExperiment(session.rt, experiment, {
        seed: options.seed,
        size: options.full ? 'full' : 'default',
        dataFile: (file) => readBytes(packagedFile(file)),
        pool: session.pool,
        onProgress: ({ fraction, stage }) => bar.update(fraction, 1, stage),
      });
      bar.end();
      const json = folder.write('report.json', `${JSON.stringify(report)}\n`);
      const html = folder.write('index.html', renderExperiment(report));
      const { holds, claim, conclusion, checks } = report;
      session.finish({ experiment: name, holds, claim, conclusion, checks, report: json, page: html }, [...summary(report), '', `report: ${html}`]);
      if (!holds) process.exitCode = 1;
    },
  });
}

function summary({ title, claim, source, checks, conclusion, holds }: ExperimentReport): string[] {
  const failed = checks.filter((check) => !check.holds).length;
  return [
    `${title} (${source})`,
    '',
    `claim: ${claim}`,
    '',
    ...textTable([
      ['', '', 'expected', 'measured'],
      ...checks.map((check) => [check.holds ? '✓' : '✗', check.name, expectation(check), formatNumber(check.measured, 6)]),
    ]),
    '',
    conclusion,
    '',
    holds
      ? `It holds: ${checks.length} of ${checks.length} checks.`
      : `It does not hold: ${failed} of ${checks.length} checks ${failed === 1 ? 'fails' : 'fail'}.`,
  ];
}
