/** @file Every layer type and its options against PyTorch in float64: outputs, Jacobian, full NTK (golden/layers/make.py). */

import { readFileSync } from 'node:fs';
import { empiricalNtk, forward, importSpec, jacobian, loadRuntime, type NtkImplementation, readNpy, supportedLayers, type Tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { relativeError } from '../golden/read-case.ts';

interface LayerCase {
  readonly name: string;
  readonly spec: { readonly layers: readonly LayerEntry[]; readonly [key: string]: unknown };
  /** Offset into values.npy, and shape. */
  readonly arrays: Readonly<Record<string, readonly [number, readonly number[]]>>;
}

type LayerEntry = { readonly type: string } & Readonly<Record<string, unknown>>;

const folder = new URL('../golden/layers/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as { cases: LayerCase[] };
const values = readNpy(readFileSync(new URL('values.npy', folder)));
const rt = await loadRuntime();
const IMPLEMENTATIONS: NtkImplementation[] = ['structured-derivatives', 'jacobian-contraction', 'ntk-vector-products'];

function arrayOf(entry: LayerCase, key: string): Tensor {
  const [offset, shape] = entry.arrays[key];
  const size = shape.reduce((product, extent) => product * extent, 1);
  return { shape: [...shape], data: values.data.slice(offset, offset + size) };
}

function stateOf(entry: LayerCase): Map<string, Tensor> {
  const keys = Object.keys(entry.arrays).filter((key) => key.startsWith('state/'));
  return new Map(keys.map((key) => [key.slice('state/'.length), arrayOf(entry, key)]));
}

/** Σ_o (o + 1)·J[n, o, p]: what the larger cases store instead of J. */
function weightedGradient({ shape: [n, outputs, p], data }: Tensor): Tensor {
  const gradient = new Float64Array(n * p);
  for (let i = 0; i < n; i++) {
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < p; k++) gradient[i * p + k] += (o + 1) * data[(i * outputs + o) * p + k];
    }
  }
  return { shape: [n, p], data: gradient };
}

/** Layer types of a spec, those inside residuals and branches too. */
function typesOf(layers: unknown): string[] {
  if (Array.isArray(layers)) return layers.flatMap(typesOf);
  const { type, layers: body, shortcut, branches } = layers as LayerEntry;
  return [type, ...[body, shortcut, branches].flatMap((inner) => (inner === undefined ? [] : typesOf(inner)))];
}

test('every supported layer type has a case', () => {
  const covered = new Set(cases.flatMap(({ spec }) => typesOf(spec.layers)));
  expect(supportedLayers().filter((type) => !covered.has(type))).toEqual([]);
});

describe.each(cases.map((entry) => [entry.name, entry] as const))('%s', (_name, entry) => {
  const model = importSpec(entry.spec, stateOf(entry));
  const x = arrayOf(entry, 'x');

  test('outputs to 1e-12', () => {
    expect(relativeError(forward(rt, model, x), arrayOf(entry, 'f'))).toBeLessThan(1e-12);
  });

  test('Jacobian to 1e-10', () => {
    const actual = jacobian(rt, model, x);
    if ('jacobian' in entry.arrays) expect(relativeError(actual, arrayOf(entry, 'jacobian'))).toBeLessThan(1e-10);
    else expect(relativeError(weightedGradient(actual), arrayOf(entry, 'gradient'))).toBeLessThan(1e-10);
  });

  test.each(IMPLEMENTATIONS)('full NTK by %s to 1e-10', (implementation) => {
    expect(relativeError(empiricalNtk(rt, model, x, { implementation }), arrayOf(entry, 'ntk'))).toBeLessThan(1e-10);
  });

  // Largest error seen: a few hundred float32 roundings, 2⁻²⁴ each, in the deepest cases.
  test('f32: outputs and NTK to 2⁻¹⁴', () => {
    expect(relativeError(forward(rt, model, x, { dtype: 'f32' }), arrayOf(entry, 'f'))).toBeLessThan(2 ** -14);
    expect(relativeError(empiricalNtk(rt, model, x, { dtype: 'f32' }), arrayOf(entry, 'ntk'))).toBeLessThan(2 ** -14);
  });
});
