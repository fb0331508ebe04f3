/** @file `tangedge agop`: the average gradient outer product of the model's input, or of a weight's. */

import type { Command } from 'commander';
import { TangedgeError } from '../../core/errors.ts';
import { formatShape } from '../../core/tensor.ts';
import { featureWeights } from '../../features/weight.ts';
import type { Model } from '../../graph/model.ts';
import { writeNpy } from '../../io/npy.ts';
import { readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { addCheckpointOption, addModelOptions, MODEL_OPERAND, type ModelOptions, readModel } from '../model-files.ts';
import { once, plainText } from '../option-values.ts';
import { outputFile } from '../output-files.ts';

interface AgopOptions extends ModelOptions {
  readonly inputs: string;
  readonly out: string;
  readonly layer?: string;
}

export function agopCommand(): Command {
  return defineCommand<AgopOptions>({
    name: 'agop',
    summary: 'the average gradient outer product: mean over examples, sum over outputs',
    operands: MODEL_OPERAND,
    declare: (command) =>
      addCheckpointOption(addModelOptions(command))
        .option('--layer <NAME>', "a layer or weight, for the gradients at its input (default: the model's input)", once(plainText))
        .option('--out <G.npy>', 'where the matrix goes', once(plainText)),
    required: ['inputs', 'out'],
    acts: ['dtype', 'workers', 'batch', 'output'],
    async run({ pool, dtype, checkpoint, progress, finish }, options, path) {
      const out = outputFile(options.out);
      const model = readModel(path, options);
      const weight = options.layer === undefined ? undefined : weightOf(model, options.layer);
      const { x } = await readInputs(options.inputs, model);
      const bar = progress('agop', 'tiles');
      const matrix = await pool.agop(model, x, {
        weight,
        dtype,
        memoryLimit: options.memoryLimit,
        tileSize: options.batch,
        checkpoint,
        onProgress: ({ tilesDone, tiles }) => bar.update(tilesDone, tiles),
      });
      bar.end();
      out.write(writeNpy(matrix));
      finish({ out: out.path, shape: matrix.shape, weight: weight ?? null, dtype }, [
        `${out.path}: AGOP ${formatShape(matrix.shape)} of ${weight === undefined ? "the model's input" : `the input of ${weight}`}`,
      ]);
    },
  });
}

/** A weight by its own name, or by that of the layer it is the only weight of. */
function weightOf(model: Model, name: string): string {
  const weights = featureWeights(model).map(({ name }) => name);
  if (weights.includes(name)) return name;
  const inLayer = model.layers
    .filter((layer) => layer.name === name)
    .flatMap(({ parameters }) => parameters.filter((parameter) => weights.includes(parameter)));
  if (inLayer.length === 1) return inLayer[0];
  throw new TangedgeError('ERR_ARGUMENT', `--layer ${name}: name one of the weights ${weights.join(', ')}, or the layer of one.`, { name, weights });
}
