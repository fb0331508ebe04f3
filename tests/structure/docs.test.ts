/** @file Every @example of a docstring is run, and what its comment says of the result is checked. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import * as tangedge from 'tangedge';
import { importSpec, loadRuntime, readNpy, readSafetensors, type Tensor } from 'tangedge';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import { ROOT, readSource, sourceFiles } from './source-files.ts';

interface Example {
  readonly file: string;
  readonly line: number;
  readonly code: string;
}

/** A line that ends in `// value`: the value of the variable that it binds, or of the expression that it is. */
interface Claim {
  readonly code: string;
  readonly text: string;
}

const examples = sourceFiles('src').flatMap(examplesIn);

/** Names that an example may use without saying where they come from. */
let fixtures: Record<string, unknown>;

beforeAll(async () => {
  const golden = join(ROOT, 'tests/golden');
  const read = (name: string) => readFileSync(join(golden, name));
  const rt = await loadRuntime();
  const model = importSpec(JSON.parse(read('s01_mlp_relu/spec.json').toString()), readSafetensors(read('s01_mlp_relu/weights.safetensors')).tensors);
  const [x, y] = ['x', 'y'].map((name) => readNpy(read(`s01_mlp_relu/${name}.npy`)));
  const file = new Blob([read('onnx/mlp-relu/model.onnx')]);
  fixtures = { rt, model, x, y, file, bytes: read('s01_mlp_relu/x.npy') };
});

describe('examples', () => {
  test('there are some', () => {
    expect(examples.length).toBeGreaterThan(10);
  });

  test.each(examples.map((example) => [`${example.file}:${example.line}`, example] as const))('%s', async (_, { code }) => {
    const { body, claims } = instrument(code);
    const values: unknown[] = [];
    await (await compiled(body))(tangedge, fixtures, (value) => values.push(value));
    expect(values).toHaveLength(claims.length);
    for (const [index, { text, code: line }] of claims.entries()) expect(holds(values[index], text), `${line} // ${text}`).toBe(true);
  });

  test('a wrong claim fails', () => {
    const identity: Tensor = { shape: [2, 2], data: Float64Array.of(1, 0, 0, 1) };
    expect([
      holds(3, '3'),
      holds(3, '4'),
      holds(identity, '[[1, 0], [0, 1]]'),
      holds(identity, '[[1, 0], [0, 2]]'),
      holds(identity, '[1, 0, 0, 1]'),
    ]).toEqual([true, false, true, false, false]);
    expect([holds([6.9314], '[6.93…]'), holds([6.95], '[6.93…]'), holds(Number.NaN, '0'), holds(identity, '[n, n]'), holds(identity, '[n]')]).toEqual(
      [true, false, false, true, false],
    );
  });
});

function examplesIn(file: string): Example[] {
  const found: Example[] = [];
  let code: string[] | undefined;
  for (const [index, line] of readSource(file).split('\n').entries()) {
    const text = /^\s*\* ?(.*)$/.exec(line)?.[1];
    if (text?.startsWith('@example')) {
      code = [];
    } else if (code && (text === undefined || text === '/' || text.startsWith('@'))) {
      found.push({ file, line: index + 1 - code.length, code: code.join('\n') });
      code = undefined;
    } else if (code && text !== undefined) {
      code.push(text);
    }
  }
  return found;
}

/** The example as the body of an async function that reports the value of every line with a claim. */
function instrument(code: string): { body: string; claims: Claim[] } {
  const claims: Claim[] = [];
  const lines = code.split('\n').map((line) => {
    const [, statement, text] = /^(.*;)\s*\/\/ (.+)$/.exec(line) ?? [];
    if (statement === undefined || !/^[[\d-]/.test(text)) return line;
    claims.push({ code: statement, text });
    const bound = /^const (?:\{ *)?(\w+)/.exec(statement)?.[1];
    return bound ? `${statement} report(${bound});` : `report(${statement.slice(0, -1)});`;
  });
  return { body: lines.join('\n'), claims };
}

type Run = (api: typeof tangedge, given: Record<string, unknown>, report: (value: unknown) => void) => Promise<void>;

/** Every export of the package and every fixture is in scope; the example may declare its own of the same name. */
async function compiled(body: string): Promise<Run> {
  const names = [...Object.keys(tangedge), ...Object.keys(fixtures)].join(', ');
  const source = `export async function run(api, given, report) { const { ${names} } = { ...api, ...given }; { ${body}\n } }`;
  const { diagnostics = [] } = ts.transpileModule(source, { reportDiagnostics: true });
  expect(diagnostics.map(({ messageText }) => messageText)).toEqual([]);
  const { outputFiles } = await build({ stdin: { contents: source, loader: 'ts' }, write: false, format: 'esm', logLevel: 'silent' });
  const url = `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`;
  return ((await import(/* @vite-ignore */ url)) as { run: Run }).run;
}

/** `3`, `[1, 0]`, `[[2, 0], [1, 2]]`, `[13.86…, 6.93…]` are values; `[n, n]` is a shape, equal letters equal extents. */
function holds(value: unknown, text: string): boolean {
  if (/[a-z]/.test(text)) return shapeHolds((value as Tensor).shape, text.replace(/[^\w,]/g, '').split(','));
  const digits = [...text.matchAll(/\.(\d+)…/g)].map(([, decimals]) => decimals.length);
  const tolerance = digits.length > 0 ? () => 10 ** -Math.min(...digits) : (claimed: number) => 1e-12 * Math.max(1, Math.abs(claimed));
  return close(nested(value), JSON.parse(text.replaceAll('…', '')), tolerance);
}

function shapeHolds(shape: readonly number[], letters: readonly string[]): boolean {
  const extents = new Map<string, number>();
  for (const [axis, letter] of letters.entries()) {
    const extent = extents.get(letter) ?? shape[axis];
    if (extent !== shape[axis]) return false;
    extents.set(letter, extent);
  }
  return shape.length === letters.length;
}

/** Tensors as nested lists, typed arrays as lists. */
function nested(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  if (typeof value !== 'object' || value === null || !('shape' in value)) return value;
  const { shape, data } = value as Tensor;
  const level = (axis: number, start: number, size: number): unknown =>
    axis === shape.length
      ? data[start]
      : Array.from({ length: shape[axis] }, (_, i) => level(axis + 1, start + (i * size) / shape[axis], size / shape[axis]));
  return level(0, 0, data.length);
}

function close(actual: unknown, claimed: unknown, tolerance: (claimed: number) => number): boolean {
  if (Array.isArray(actual) && Array.isArray(claimed)) {
    return actual.length === claimed.length && actual.every((entry, index) => close(entry, claimed[index], tolerance));
  }
  return typeof actual === 'number' && typeof claimed === 'number' && Math.abs(actual - claimed) <= tolerance(claimed);
}
