/** @file `tangedge forward`: the model's outputs. */

import type { Command } from 'commander';
import { emptyArray, formatShape, sizeOf, type Tensor } from '../../core/tensor.ts';
import { estimate, evaluate } from '../../graph/execution.ts';
import type { Model } from '../../graph/model.ts';
import { writeNpy } from '../../io/npy.ts';
import { readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import { type ModelOptions, readModel } from '../model-files.ts';
import { once, plainText } from '../option-values.ts';
import { outputFile } from '../output-files.ts';
import type { Session } from '../session.ts';

interface ForwardOptions extends ModelOptions {
  readonly inputs: string;
  readonly out: string;
}

export function forwardCommand(): Command {
  return defineCommand<ForwardOptions>({
    name: 'forward',
    summary: "the model's outputs [n, c]",
    operands: { '<model>': '.onnx, or .json with --weights' },
    declare: (command) =>
      command
        .option('--inputs <X>', 'examples [n, …]: .npy, or .npz:NAME', once(plainText))
        .option('--out <FILE.npy>', 'where the outputs go', once(plainText))
        .option('--weights <FILE.safetensors>', 'state dict of a .json spec', once(plainText)),
    required: ['inputs', 'out'],
    acts: ['dtype', 'batch', 'output'],
    async run(session, options, path) {
      const out = outputFile(options.out);
      const model = readModel(path, options);
      const { x, n } = await readInputs(options.inputs, model);
      const outputs = forward(session, model, x, n);
      out.write(writeNpy(outputs));
      session.finish({ out: out.path, shape: outputs.shape, dtype: session.dtype }, [
        `${out.path}: outputs ${formatShape(outputs.shape)} ${session.dtype}`,
      ]);
    },
  });
}

/** Examples per sweep when --batch does not say: enough to keep the routines busy, little memory. */
const DEFAULT_BATCH = 256;

function forward({ rt, dtype, options, progress }: Session, model: Model, x: Tensor, n: number): Tensor {
  const batch = options.batch ?? fittingBatch(n, (size) => estimate(rt, model.graph, size, { dtype }).bytes <= rt.arena.limit - rt.arena.used);
  const parameters = Object.fromEntries(model.parameters.map(({ id, value }) => [model.graph.nodes[id].name, value]));
  const width = sizeOf(model.input.shape);
  const c = model.output.size;
  const data = emptyArray(dtype, n * c);
  const bar = progress('forward', 'examples');
  for (let start = 0; start < n; start += batch) {
    const end = Math.min(n, start + batch);
    const slice = { shape: [end - start, ...model.input.shape], data: x.data.subarray(start * width, end * width) };
    const [outputs] = evaluate(rt, model.graph, { ...parameters, [model.input.name]: slice }, { dtype });
    data.set(outputs.data, start * c);
    bar.update(end, n);
  }
  bar.end();
  return { shape: [n, c], data };
}

/** The default batch, halved until it fits; 1 when nothing fits, so that the refusal names the least that is needed. */
function fittingBatch(n: number, fits: (batch: number) => boolean): number {
  let batch = Math.min(n, DEFAULT_BATCH);
  while (batch > 1 && !fits(batch)) batch = Math.ceil(batch / 2);
  return batch;
}
