/** @file ONNX networks in f32: outputs and trace kernel against PyTorch in float64, to 1e-4. */

import { readdirSync, readFileSync } from 'node:fs';
import { empiricalNtk, forward, importOnnx, loadRuntime, readNpy } from 'tangedge';
import { expect, test } from 'vitest';
import { relativeError } from '../golden/read-case.ts';

const rt = await loadRuntime();
const root = new URL('../golden/onnx/', import.meta.url);
const names = readdirSync(root).filter(holdsModel);

function holdsModel(name: string): boolean {
  try {
    return readdirSync(new URL(`${name}/`, root)).includes('ntk-trace.npy');
  } catch {
    return false; // a file, not a folder
  }
}

test('all eight trained networks are here', () => {
  expect(names).toEqual(['cnn-gap', 'cnn-maxpool', 'gru', 'mlp-relu', 'mlp-tanh-nobias', 'rnn-tanh', 'vgg-bn', 'vit-meanpool']);
});

test.each(names)('%s', (name) => {
  const bytes = (file: string) => readFileSync(new URL(`${name}/${file}`, root));
  const model = importOnnx(bytes('model.onnx'));
  const x = readNpy(bytes('x.npy'));
  expect(relativeError(forward(rt, model, x, { dtype: 'f32' }), readNpy(bytes('outputs.npy')))).toBeLessThan(1e-4);
  const kernel = empiricalNtk(rt, model, x, { outputs: 'trace', dtype: 'f32' });
  expect(relativeError(kernel, readNpy(bytes('ntk-trace.npy')))).toBeLessThan(1e-4);
});
