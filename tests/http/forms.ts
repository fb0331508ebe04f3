/** @file Requests to the service, made of the files of golden cases. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeNpy } from 'tangedge';
import { ROOT } from '../structure/source-files.ts';

export type Fields = Readonly<Record<string, string | { readonly name: string; readonly bytes: Uint8Array }>>;

/** A file of tests/golden, as a field. */
export function golden(path: string) {
  return { name: path.split('/').at(-1) as string, bytes: new Uint8Array(readFileSync(join(ROOT, 'tests/golden', path))) };
}

/** Zeros of a shape as a `.npy`, as a field; `value` at every place. */
export function array(shape: readonly number[], value = 0) {
  const data = new Float64Array(shape.reduce((product, extent) => product * extent, 1)).fill(value);
  return { name: 'array.npy', bytes: writeNpy({ shape, data }) };
}

export function formOf(fields: Fields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.set(name, value);
    else form.set(name, new Blob([value.bytes as Uint8Array<ArrayBuffer>]), value.name);
  }
  return form;
}

export function post(fields: Fields, headers: Readonly<Record<string, string>> = {}): Request {
  return new Request('http://localhost/', { method: 'POST', body: formOf(fields), headers });
}
