/** @file `tangedge info`: layers, parameters, sites, and what each NTK implementation would cost. */

import type { Command } from 'commander';
import { formatShape, sizeOf } from '../../core/tensor.ts';
import { type Model, parameterCount } from '../../graph/model.ts';
import { explainNtk, type ImplementationCost, type NtkExplanation } from '../../ntk/explain.ts';
import { NTK_OUTPUTS, type NtkOutputs } from '../../ntk/options.ts';
import { formatBytes, formatFlops } from '../../report/format.ts';
import { defineCommand } from '../command.ts';
import { addWeightsOption, type ModelOptions, readModelForShapes } from '../model-files.ts';
import { once, oneOf, wholeNumber } from '../option-values.ts';
import { textTable } from '../text-table.ts';

interface InfoOptions extends ModelOptions {
  readonly examples?: number;
  readonly outputs?: NtkOutputs;
}

export function infoCommand(): Command {
  return defineCommand<InfoOptions>({
    name: 'info',
    summary: 'layers, parameters, sites, and the cost of each NTK implementation',
    operands: { '<model>': '.onnx, or a .json spec; --weights need not be given' },
    declare: (command) =>
      addWeightsOption(command)
        .option('--examples <N>', 'the examples whose kernel the costs are for (default 100)', once(wholeNumber(1)))
        .option('--outputs <KIND>', 'and its outputs: full, trace (default), mean, diagonal', once(oneOf(NTK_OUTPUTS))),
    acts: ['dtype', 'parameters', 'freeze', 'output'],
    async run({ rt, dtype, finish }, options, path) {
      const model = readModelForShapes(rt, path, options);
      const { examples = 100, outputs = 'trace', memoryLimit } = options;
      const explanation = explainNtk(rt, model, examples, { outputs, dtype, memoryLimit });
      finish(
        {
          input: { name: model.input.name, shape: model.input.shape },
          output: { name: model.output.name, size: model.output.size },
          parameterCount: parameterCount(model),
          layers: model.layers,
          parameters: model.parameters.map(({ name, value, trainable }) => ({ name, shape: value.shape, size: sizeOf(value.shape), trainable })),
          sites: explanation.sites,
          ntk: { examples, outputs, dtype, chosen: explanation.chosen, costs: explanation.costs },
        },
        [
          `${path}: input ${formatShape(model.input.shape)} → output [${model.output.size}], ${parameterCount(model)} trainable parameters`,
          '',
          'Layers',
          ...textTable(model.layers.map(({ name, type, shape, parameters }) => [name, type, formatShape(shape), parameters.join(', ')])),
          '',
          'Parameters and their sites',
          ...textTable(parameterRows(model, explanation)),
          '',
          `NTK of ${examples} examples, ${outputs}, ${dtype}`,
          ...textTable(explanation.costs.map((cost) => costRow(cost, explanation))),
        ],
      );
    },
  });
}

function parameterRows(model: Model, { sites }: NtkExplanation): string[][] {
  return model.parameters.map(({ name, value, trainable }) => {
    const site = sites.find(({ parameter }) => parameter === name);
    const use = site
      ? `${site.kind}, ${site.positions} position${site.positions === 1 ? '' : 's'}, by ${site.chosen}${site.outputs === 'each' ? '' : `, outputs ${site.outputs}`}`
      : '';
    return [name, formatShape(value.shape), String(sizeOf(value.shape)), trainable ? use : 'frozen'];
  });
}

function costRow({ implementation, flops, bytes, fits }: ImplementationCost, { chosen }: NtkExplanation): string[] {
  const verdict = fits ? (implementation === chosen ? '← auto takes this' : '') : 'does not fit the memory limit';
  return [implementation, Number.isFinite(flops) ? formatFlops(flops) : '', formatBytes(bytes), verdict];
}
