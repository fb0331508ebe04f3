/** @file `tangedge demo`: the report of a real network on real data, both of which come with the package. */

import type { Command } from 'commander';
import { DEMO } from '../../analysis/demo.ts';
import { givenTargets } from '../../analysis/given-targets.ts';
import { REPORT_FILES, sourceOf, writeAnalysis } from '../analysis-output.ts';
import { readArray, readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { readModel } from '../model-files.ts';
import { once, plainText } from '../option-values.ts';
import { outputFolder } from '../output-files.ts';
import { packagedFile } from '../packaged-files.ts';

interface DemoOptions {
  readonly out?: string;
}

export function demoCommand(): Command {
  return defineCommand<DemoOptions>({
    name: 'demo',
    summary: 'analyze a network trained on handwritten digits, before and after training',
    operands: {},
    declare: (command) => command.option('--out <DIR>', 'folder of the report (default report)', once(plainText)),
    acts: ['dtype', 'workers'],
    async run(session, options) {
      const folder = outputFolder(options.out ?? 'report', REPORT_FILES);
      const [modelPath, initialPath, digits] = [DEMO.model, DEMO.initial, DEMO.digits].map(packagedFile);
      const model = readModel(modelPath, {});
      const { x: inputs, n } = await readInputs(`${digits}:x`, model);
      const { values: targets } = givenTargets(await readArray(`${digits}:y`), n, model.output.size);
      await writeAnalysis(
        session,
        folder,
        { model, inputs, targets, initial: readModel(initialPath, {}) },
        {
          ...DEMO.options,
          sources: [sourceOf('model', modelPath), sourceOf('initial', initialPath), sourceOf('inputs', digits), sourceOf('targets', digits)],
        },
      );
    },
  });
}
