/** @file The fields of an analysis, as the command line takes them: model, weights, initial, inputs, targets, and options. */

import type { AnalysisOptions, AnalysisRequest } from '../analysis/analyze.ts';
import { givenTargets } from '../analysis/given-targets.ts';
import type { Source } from '../analysis/report.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { batchSize, type Model } from '../graph/model.ts';
import { readNpy } from '../io/npy.ts';
import { importOnnx } from '../io/onnx/import.ts';
import { readSafetensors } from '../io/safetensors.ts';
import { importSpec } from '../nn/spec.ts';
import { NTK_IMPLEMENTATIONS, type NtkImplementation } from '../ntk/options.ts';

const FILES = ['model', 'weights', 'initial', 'inputs', 'targets'] as const;
const OPTIONS = ['dtype', 'implementation', 'class-names', 'title'] as const;

type FileField = (typeof FILES)[number];

export interface AnalysisForm {
  readonly request: AnalysisRequest;
  readonly options: AnalysisOptions;
}

/** An uploaded file. */
interface Upload {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * What a form asks for.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for fields that are missing, unknown, twice there or of a bad value · whatever the readers
 * say of a file, with its field in front
 */
export async function readAnalysisForm(form: FormData): Promise<AnalysisForm> {
  checkFields(form);
  const files = new Map<FileField, Upload>();
  for (const field of FILES) {
    const upload = await uploadOf(form, field);
    if (upload) files.set(field, upload);
  }
  const model = inField('model', () => readModel(required(files, 'model'), files.get('weights')));
  const inputs = inField('inputs', () => readNpy(required(files, 'inputs').bytes));
  const n = batchSize('inputs', model, 'x', inputs);
  const targets = files.get('targets');
  const initial = files.get('initial');
  return {
    request: {
      model,
      inputs,
      targets: targets && inField('targets', () => givenTargets(readNpy(targets.bytes), n, model.output.size).values),
      initial: initial && inField('initial', () => readInitial(initial, required(files, 'model'), files.has('weights'))),
    },
    options: { ...optionsOf(form, required(files, 'model').name), sources: await Promise.all([...files].map(sourceOf)) },
  };
}

function checkFields(form: FormData): void {
  const known: readonly string[] = [...FILES, ...OPTIONS];
  const seen = new Set<string>();
  form.forEach((_, name) => {
    if (!known.includes(name)) throw new TangedgeError('ERR_ARGUMENT', `there is no field '${name}'; the fields are ${known.join(', ')}.`, { name });
    if (seen.has(name)) throw new TangedgeError('ERR_ARGUMENT', `the field '${name}' is there twice.`, { name });
    seen.add(name);
  });
}

async function uploadOf(form: FormData, field: FileField): Promise<Upload | undefined> {
  const value = form.get(field) as string | File | null;
  if (value === null) return undefined;
  if (typeof value === 'string') {
    throw new TangedgeError('ERR_ARGUMENT', `the field '${field}' is text; it must be a file, as curl -F ${field}=@FILE sends it.`, { field });
  }
  return { name: value.name || field, bytes: new Uint8Array(await value.arrayBuffer()) };
}

function required(files: ReadonlyMap<FileField, Upload>, field: FileField): Upload {
  const upload = files.get(field);
  if (upload) return upload;
  throw new TangedgeError('ERR_ARGUMENT', `there is no field '${field}'. Send model and inputs, and targets if there are any.`, { field });
}

/** ONNX, or a JSON spec with its weights: by the first byte, since the file's name may be anything. */
function readModel({ bytes }: Upload, weights: Upload | undefined): Model {
  if (isJson(bytes)) {
    if (weights) return specModel(bytes, weights);
    throw new TangedgeError('ERR_ARGUMENT', 'a JSON spec needs its weights: send a safetensors file as the field weights.', {});
  }
  if (weights) throw new TangedgeError('ERR_ARGUMENT', 'an ONNX file holds its weights; leave the field weights out.', {});
  return importOnnx(bytes);
}

/** The same network before training: an ONNX file, or other weights of the same spec. */
function readInitial(initial: Upload, model: Upload, hasWeights: boolean): Model {
  return hasWeights ? specModel(model.bytes, initial) : importOnnx(initial.bytes);
}

function specModel(spec: Uint8Array, weights: Upload): Model {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(spec));
  } catch (cause) {
    throw new TangedgeError('ERR_FORMAT', `it is not JSON: ${(cause as Error).message}.`, {}, { cause });
  }
  const state: ReadonlyMap<string, Tensor> = readSafetensors(weights.bytes).tensors;
  return importSpec(parsed, state);
}

function isJson(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => byte > 0x20);
  return first === '{'.charCodeAt(0);
}

function optionsOf(form: FormData, modelName: string): AnalysisOptions {
  const choice = <T extends string>(name: string, choices: readonly T[]): T | undefined => {
    const value = textOf(form, name);
    if (value === undefined || choices.includes(value as T)) return value as T | undefined;
    throw new TangedgeError('ERR_ARGUMENT', `the field '${name}' is '${value}'; it must be one of ${choices.join(', ')}.`, { name, value });
  };
  return {
    dtype: choice('dtype', ['f64', 'f32'] as const),
    implementation: choice<NtkImplementation>('implementation', NTK_IMPLEMENTATIONS),
    classNames: textOf(form, 'class-names')?.split(','),
    title: textOf(form, 'title') ?? modelName,
  };
}

function textOf(form: FormData, name: string): string | undefined {
  const value = form.get(name) as string | File | null;
  if (value === null || typeof value === 'string') return value ?? undefined;
  throw new TangedgeError('ERR_ARGUMENT', `the field '${name}' is a file; it must be text.`, { name });
}

/** A file that went in, by its name and digest. */
export async function sourceOf([role, { name, bytes }]: readonly [FileField, Upload]): Promise<Source> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return { role, name, bytes: bytes.length, sha256: Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

/** The same error with its field in front. */
function inField<T>(field: FileField, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TangedgeError)) throw error;
    throw new TangedgeError(error.code, `${field}: ${error.message}`, { ...error.info, field }, { cause: error });
  }
}
