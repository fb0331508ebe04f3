/** @file `tangedge ntk`: the empirical neural tangent kernel. */

import type { Command } from 'commander';
import { dtypeOf, emptyArray, formatShape, type Tensor } from '../../core/tensor.ts';
import { writeNpy } from '../../io/npy.ts';
import { explainNtk } from '../../ntk/explain.ts';
import type { ParameterKernel } from '../../ntk/ntk-job.ts';
import { NTK_IMPLEMENTATIONS, NTK_OUTPUTS, type NtkImplementation, type NtkOutputs } from '../../ntk/options.ts';
import { readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { addCheckpointOption, addModelOptions, MODEL_OPERAND, type ModelOptions, readModel } from '../model-files.ts';
import { once, oneOf, plainText } from '../option-values.ts';
import { outputFile } from '../output-files.ts';

interface NtkCommandOptions extends ModelOptions {
  readonly inputs: string;
  readonly inputs2?: string;
  readonly out: string;
  readonly outputs?: NtkOutputs;
  readonly implementation?: NtkImplementation;
  readonly perParameter?: boolean;
}

export function ntkCommand(): Command {
  return defineCommand<NtkCommandOptions>({
    name: 'ntk',
    summary: 'the empirical neural tangent kernel',
    operands: MODEL_OPERAND,
    declare: (command) =>
      addCheckpointOption(addModelOptions(command))
        .option('--inputs2 <X2>', 'other examples [m, …]: the kernel is then between X and X2', once(plainText))
        .option('--out <K.npy>', 'where the kernel goes', once(plainText))
        .option('--outputs <KIND>', 'full [n, m, c, c] (default), trace or mean [n, m], diagonal [n, m, c]', once(oneOf(NTK_OUTPUTS)))
        .option('--implementation <NAME>', `${NTK_IMPLEMENTATIONS.join(', ')} (default auto)`, once(oneOf(NTK_IMPLEMENTATIONS)))
        .option('--per-parameter', "one kernel per parameter, stacked on a first axis in the model's order"),
    required: ['inputs', 'out'],
    acts: ['dtype', 'workers', 'batch', 'parameters', 'freeze', 'output'],
    async run(session, options, path) {
      const { rt, dtype, pool, checkpoint } = session;
      const { outputs = 'full', perParameter = false, memoryLimit } = options;
      const out = outputFile(options.out);
      const model = readModel(path, options);
      const { x, n } = await readInputs(options.inputs, model);
      const second = options.inputs2 === undefined ? undefined : await readInputs(options.inputs2, model);
      const implementation =
        options.implementation === undefined || options.implementation === 'auto'
          ? explainNtk(rt, model, n, { n2: second?.n, outputs, dtype, memoryLimit }).chosen
          : options.implementation;
      const bar = session.progress('ntk', 'tiles');
      const onProgress = (progress: { readonly tilesDone: number; readonly tiles: number }) => bar.update(progress.tilesDone, progress.tiles);
      const request = { x2: second?.x, outputs, implementation, dtype, memoryLimit, tileSize: options.batch, onProgress, checkpoint };
      const kernels = perParameter ? await pool.empiricalNtkByParameter(model, x, request) : undefined;
      const kernel = kernels ? stack(kernels) : await pool.empiricalNtk(model, x, request);
      bar.end();
      out.write(writeNpy(kernel));
      session.finish({ out: out.path, shape: kernel.shape, outputs, implementation, dtype, parameters: kernels?.map(({ parameter }) => parameter) }, [
        `${out.path}: ${outputs} kernel ${formatShape(kernel.shape)} by ${implementation}`,
        ...(kernels ?? []).map(({ parameter }, index) => `  [${index}] ${parameter}`),
      ]);
    },
  });
}

function stack(kernels: readonly ParameterKernel[]): Tensor {
  const [{ kernel: first }] = kernels;
  const data = emptyArray(dtypeOf(first), kernels.length * first.data.length);
  kernels.forEach(({ kernel }, index) => {
    data.set(kernel.data, index * kernel.data.length);
  });
  return { shape: [kernels.length, ...first.shape], data };
}
