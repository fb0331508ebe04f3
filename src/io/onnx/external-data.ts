/** @file Weights that an ONNX model keeps in files beside it, as exporters write models of more than 2 GB. */

import { TangedgeError } from '../../core/errors.ts';
import { quote } from '../quote.ts';
import type { OnnxTensor } from './messages.ts';

/** The bytes of a file beside the model; `location` is a relative path that stays in the model's folder. */
export type ExternalData = (location: string) => Uint8Array;

/** Reads each file once. */
export function remembered(read: ExternalData | undefined): ExternalData | undefined {
  if (read === undefined) return undefined;
  const files = new Map<string, Uint8Array>();
  return (location) => {
    const file = files.get(location) ?? read(location);
    files.set(location, file);
    return file;
  };
}

/**
 * The tensor with its data, wherever the file keeps it.
 *
 * @throws {TangedgeError} ERR_UNSUPPORTED when there is no way to read it · ERR_FORMAT when its place is outside the model's
 * folder, or outside the file · whatever `read` throws.
 */
export function withExternalData(stored: OnnxTensor, read: ExternalData | undefined): OnnxTensor {
  const { external } = stored;
  if (external?.location === undefined) return stored;
  const { location } = external;
  const name = `importOnnx: tensor ${quote(stored.name)}`;
  const info = { name: stored.name, location };
  // No drive letters, no roots, no steps upwards, no separators of another system.
  const inside = location !== '' && !/[\\:\0]/.test(location) && location.split('/').every((part) => part !== '' && part !== '..');
  if (!inside) {
    throw new TangedgeError('ERR_FORMAT', `${name} keeps its data in ${quote(location)}, which is not a file in the model's folder.`, info);
  }
  if (read === undefined) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `${name} keeps its data in another file, ${quote(location)}. Read it by the option external, or save the model as one file.`,
      info,
    );
  }
  const file = read(location);
  const offset = external.offset ?? 0;
  const length = external.length ?? file.length - offset;
  if (![offset, length].every((value) => Number.isSafeInteger(value) && value >= 0) || offset + length > file.length) {
    throw new TangedgeError(
      'ERR_FORMAT',
      `${name} has its data at ${offset} + ${length} of ${quote(location)}, which has ${file.length} bytes.`,
      info,
    );
  }
  return { ...stored, external: undefined, dataField: 9, integers: [], raw: file.subarray(offset, offset + length), offset };
}
