/** @file `tangedge analyze`: the whole pipeline, from a model and data to a report. */

import { basename } from 'node:path';
import type { Command } from 'commander';
import { givenTargets } from '../../analysis/given-targets.ts';
import { TangedgeError } from '../../core/errors.ts';
import { NTK_IMPLEMENTATIONS, type NtkImplementation } from '../../ntk/options.ts';
import { REPORT_FILES, sourceOf, writeAnalysis } from '../analysis-output.ts';
import { arrayFile, readArray, readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import {
  addCheckpointOption,
  addInitialOptions,
  addModelOptions,
  type InitialOptions,
  MODEL_OPERAND,
  readInitialModel,
  readModel,
} from '../model-files.ts';
import { nameList, once, oneOf, plainText } from '../option-values.ts';
import { outputFolder } from '../output-files.ts';

interface AnalyzeOptions extends InitialOptions {
  readonly inputs: string;
  readonly targets?: string;
  readonly out?: string;
  readonly implementation?: NtkImplementation;
  readonly classNames?: readonly string[];
}

export function analyzeCommand(): Command {
  return defineCommand<AnalyzeOptions>({
    name: 'analyze',
    summary: 'the whole pipeline: report.json and index.html',
    operands: MODEL_OPERAND,
    declare: (command) =>
      addCheckpointOption(addInitialOptions(addModelOptions(command)))
        .option('--targets <Y>', 'targets [n, c], or class numbers [n]: .npy, or .npz:NAME', once(plainText))
        .option('--class-names <LIST>', 'names of the classes, separated by commas', once(nameList))
        .option('--implementation <NAME>', `of the NTK: ${NTK_IMPLEMENTATIONS.join(', ')} (default auto)`, once(oneOf(NTK_IMPLEMENTATIONS)))
        .option('--out <DIR>', 'folder of the report (default report)', once(plainText)),
    required: ['inputs'],
    acts: ['dtype', 'workers', 'parameters', 'freeze', 'output'],
    async run(session, options, path) {
      if (options.classNames && options.targets === undefined) {
        throw new TangedgeError('ERR_ARGUMENT', '--class-names names the classes of targets: add --targets Y.', {});
      }
      const folder = outputFolder(options.out ?? 'report', REPORT_FILES);
      const model = readModel(path, options);
      const initial = readInitialModel(path, options);
      const { x: inputs, n } = await readInputs(options.inputs, model);
      const targets = options.targets === undefined ? undefined : givenTargets(await readArray(options.targets), n, model.output.size);
      if (targets?.kind === 'labels') session.note(`the targets are class numbers; they were made one-hot, [${n}, ${model.output.size}].`);
      const sources = [
        sourceOf('model', path),
        ...(options.weights ? [sourceOf('weights', options.weights)] : []),
        ...(options.initial ? [sourceOf('initial', options.initialWeights ?? options.initial)] : []),
        sourceOf('inputs', arrayFile(options.inputs)),
        ...(options.targets ? [sourceOf('targets', arrayFile(options.targets))] : []),
      ];
      await writeAnalysis(
        session,
        folder,
        { model, inputs, targets: targets?.values, initial },
        { title: basename(path), sources, implementation: options.implementation, classNames: options.classNames },
      );
    },
  });
}
