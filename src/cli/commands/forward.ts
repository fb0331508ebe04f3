/** @file `tangedge forward`: the model's outputs. */

import type { Command } from 'commander';
import { formatShape } from '../../core/tensor.ts';
import { writeNpy } from '../../io/npy.ts';
import { readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { addModelOptions, MODEL_OPERAND, type ModelOptions, readModel } from '../model-files.ts';
import { once, plainText } from '../option-values.ts';
import { outputFile } from '../output-files.ts';

interface ForwardOptions extends ModelOptions {
  readonly inputs: string;
  readonly out: string;
}

export function forwardCommand(): Command {
  return defineCommand<ForwardOptions>({
    name: 'forward',
    summary: "the model's outputs [n, c]",
    operands: MODEL_OPERAND,
    declare: (command) => addModelOptions(command).option('--out <F.npy>', 'where the outputs go', once(plainText)),
    required: ['inputs', 'out'],
    acts: ['dtype', 'workers', 'batch', 'output'],
    async run({ pool, dtype, finish }, options, path) {
      const out = outputFile(options.out);
      const model = readModel(path, options);
      const { x } = await readInputs(options.inputs, model);
      const outputs = await pool.forward(model, x, { dtype, batch: options.batch });
      out.write(writeNpy(outputs));
      finish({ out: out.path, shape: outputs.shape, dtype }, [`${out.path}: outputs ${formatShape(outputs.shape)} ${dtype}`]);
    },
  });
}
