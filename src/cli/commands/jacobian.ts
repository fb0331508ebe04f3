/** @file `tangedge jacobian`: the Jacobian of the outputs with respect to the parameters. */

import type { Command } from 'commander';
import type { Progress } from '../../core/computation.ts';
import { formatShape } from '../../core/tensor.ts';
import { trainableParameters } from '../../graph/model.ts';
import { writeNpy } from '../../io/npy.ts';
import { readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { addModelOptions, MODEL_OPERAND, type ModelOptions, readModel } from '../model-files.ts';
import { once, plainText } from '../option-values.ts';
import { outputFile } from '../output-files.ts';

interface JacobianOptions extends ModelOptions {
  readonly inputs: string;
  readonly out: string;
}

export function jacobianCommand(): Command {
  return defineCommand<JacobianOptions>({
    name: 'jacobian',
    summary: "the Jacobian [n, c, p]: parameters in the model's order, row-major each",
    operands: MODEL_OPERAND,
    declare: (command) => addModelOptions(command).option('--out <J.npy>', 'where the Jacobian goes', once(plainText)),
    required: ['inputs', 'out'],
    acts: ['dtype', 'workers', 'parameters', 'freeze', 'output'],
    async run({ pool, dtype, progress, finish }, options, path) {
      const out = outputFile(options.out);
      const model = readModel(path, options);
      const { x } = await readInputs(options.inputs, model);
      const bar = progress('jacobian', 'tiles');
      const onProgress = ({ tilesDone, tiles }: Progress) => bar.update(tilesDone, tiles);
      const rows = await pool.jacobian(model, x, { dtype, memoryLimit: options.memoryLimit, onProgress });
      bar.end();
      out.write(writeNpy(rows));
      const parameters = trainableParameters(model).map(({ name, value }) => ({ name, shape: value.shape }));
      finish({ out: out.path, shape: rows.shape, dtype, parameters }, [`${out.path}: Jacobian ${formatShape(rows.shape)}`]);
    },
  });
}
