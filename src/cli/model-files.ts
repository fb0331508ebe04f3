/** @file Models on the command line: an `.onnx` file, or a `.json` spec with its weights in a `.safetensors` file. */

import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { TangedgeError } from '../core/errors.ts';
import type { Dtype, Tensor } from '../core/tensor.ts';
import { type Model, withTrainable } from '../graph/model.ts';
import { importOnnx } from '../io/onnx/import.ts';
import { readSafetensors } from '../io/safetensors.ts';
import { initializeSpec } from '../nn/initialize.ts';
import { importSpec } from '../nn/spec.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { readBytes } from './array-files.ts';
import { inFile } from './failure.ts';
import { once, plainText } from './option-values.ts';

export interface ModelOptions {
  /** State dict of a `.json` spec. */
  readonly weights?: string;
  readonly parameters?: readonly string[];
  readonly freeze?: readonly string[];
  readonly output?: string;
}

export const MODEL_OPERAND = { '<model>': '.onnx, or a .json spec with --weights' } as const;

/** Options of every command that runs a model. */
export function addModelOptions(command: Command): Command {
  return addWeightsOption(command.option('--inputs <X>', 'examples [n, …]: .npy, or .npz:NAME', once(plainText)));
}

export function addWeightsOption(command: Command): Command {
  return command.option('--weights <FILE.safetensors>', 'state dict of a .json spec', once(plainText));
}

/** The option of commands whose finished tiles can be kept. */
export function addCheckpointOption(command: Command): Command {
  return command.option('--checkpoint <DIR>', 'keep finished tiles there: the same command computes only what is missing', once(plainText));
}

export interface InitialOptions extends ModelOptions {
  readonly initial?: string;
  readonly initialWeights?: string;
}

/** Options of the commands that compare with the model before training. */
export function addInitialOptions(command: Command): Command {
  return command
    .option('--initial <MODEL0>', 'the model before training; for a .json spec, its .safetensors of then', once(plainText))
    .option('--initial-weights <FILE.safetensors>', 'state dict of a .json MODEL0', once(plainText));
}

/** The model before training, when one is named. `FILE.safetensors` is the same spec with other weights. */
export function readInitialModel(path: string, options: InitialOptions): Model | undefined {
  const { initial, initialWeights } = options;
  if (initial?.endsWith('.safetensors') && path.endsWith('.json')) return readModel(path, { ...options, weights: initial });
  if (initial === undefined && initialWeights !== undefined) {
    throw new TangedgeError('ERR_ARGUMENT', '--initial-weights needs --initial MODEL0.json beside it.', {});
  }
  if (initial?.endsWith('.json') && initialWeights === undefined) {
    throw new TangedgeError('ERR_ARGUMENT', `${initial}: a .json spec needs its weights: add --initial-weights FILE.safetensors.`, { path: initial });
  }
  return initial === undefined ? undefined : readModel(initial, { ...options, weights: initialWeights });
}

/**
 * The model in `path`, with the parameters that `--parameters` and `--freeze` leave trainable.
 *
 * @throws {TangedgeError} ERR_IO when a file cannot be read · ERR_ARGUMENT for options that do not fit the kind of file ·
 * whatever its importer says
 */
export function readModel(path: string, options: ModelOptions): Model {
  return chooseParameters(path.endsWith('.json') ? specModel(path, options) : onnxModel(path, options), options);
}

/** readModel, but a `.json` spec may come without --weights: with initial ones, for what depends on shapes alone. */
export function readModelForShapes(rt: Runtime, path: string, options: ModelOptions): Model {
  if (!path.endsWith('.json') || options.weights !== undefined) return readModel(path, options);
  const spec = parseJson(path);
  return chooseParameters(
    buildSpecModel(path, spec, () => initializeSpec(rt, spec), options),
    options,
  );
}

/** A model to be trained, and the rest of its state dict, so that what is written can be read with the spec again. */
export interface ModelToTrain {
  readonly model: Model;
  /** Of a `.json` spec: its state dict. Of an `.onnx` file: its parameters. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** The parsed `.json` spec. */
  readonly spec: unknown;
  /** Whether the weights were drawn because none were given. */
  readonly initialized: boolean;
}

/** readModel, but a `.json` spec may come without --weights: then with the initial ones of a seed. */
export function readModelToTrain(
  rt: Runtime,
  path: string,
  options: ModelOptions & { readonly seed?: number; readonly dtype?: Dtype },
): ModelToTrain {
  if (!path.endsWith('.json')) {
    const model = readModel(path, options);
    return { model, state: new Map(model.parameters.map(({ name, value }) => [name, value])), spec: undefined, initialized: false };
  }
  const { weights, seed, dtype } = options;
  const spec = parseJson(path);
  const state =
    weights === undefined
      ? attempt(path, () => initializeSpec(rt, spec, { seed, dtype }))
      : attempt(weights, () => readSafetensors(readBytes(weights)).tensors);
  const model = chooseParameters(
    buildSpecModel(path, spec, () => state, options),
    options,
  );
  return { model, state, spec, initialized: weights === undefined };
}

function chooseParameters(model: Model, options: ModelOptions): Model {
  if (options.parameters === undefined && options.freeze === undefined) return model;
  return withTrainable(model, { only: options.parameters, frozen: options.freeze });
}

function onnxModel(path: string, { weights, output }: ModelOptions): Model {
  if (!path.endsWith('.onnx'))
    throw new TangedgeError('ERR_ARGUMENT', `${path}: a model is an .onnx file, or a .json spec with --weights.`, { path });
  if (weights !== undefined) throw new TangedgeError('ERR_ARGUMENT', `${path}: an .onnx file holds its weights; leave --weights out.`, { path });
  // The importer lets no location leave the model's folder.
  const external = (location: string) => readBytes(join(dirname(path), location));
  return attempt(path, () => importOnnx(readBytes(path), { output, external }));
}

function specModel(path: string, options: ModelOptions): Model {
  const { weights } = options;
  if (weights === undefined) {
    throw new TangedgeError('ERR_ARGUMENT', `${path}: a .json spec needs its weights: add --weights FILE.safetensors.`, { path });
  }
  const spec = parseJson(path);
  const { tensors } = attempt(weights, () => readSafetensors(readBytes(weights)));
  return buildSpecModel(path, spec, () => tensors, options);
}

function buildSpecModel(path: string, spec: unknown, state: () => ReadonlyMap<string, Tensor>, { output }: ModelOptions): Model {
  const model = attempt(path, () => importSpec(spec, state()));
  if (output !== undefined && output !== model.output.name) {
    throw new TangedgeError('ERR_ARGUMENT', `--output ${output}: a spec has one output, named ${model.output.name}.`, { output });
  }
  return model;
}

function parseJson(path: string): unknown {
  const text = new TextDecoder().decode(attempt(path, () => readBytes(path)));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TangedgeError('ERR_FORMAT', `${path}: it is not JSON: ${(cause as Error).message}.`, { path }, { cause });
  }
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw inFile(path, error);
  }
}
