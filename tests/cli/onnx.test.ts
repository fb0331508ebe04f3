/** @file The command line on ONNX files as PyTorch exports them: against PyTorch's own float64 results (tests/golden/onnx/PROVENANCE.md). */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readNpy, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { relativeError } from '../golden/read-case.ts';
import { expectFailure, useScratch } from './run-program.ts';

const scratch = useScratch();
const TOLERANCE = 1e-10;
const folder = (name: string) => fileURLToPath(new URL(`../golden/onnx/${name}`, import.meta.url));

describe.each(['mlp-relu', 'mlp-tanh-nobias', 'cnn-gap', 'cnn-maxpool', 'vgg-bn', 'vit-meanpool', 'gru', 'rnn-tanh'])('%s', (name) => {
  const golden = folder(name);

  test.each([
    ['outputs.npy', ['forward']],
    ['ntk.npy', ['ntk']],
    ['ntk-trace.npy', ['ntk', '--outputs', 'trace']],
    ['input-agop.npy', ['agop']],
  ])('%s by tangedge %j', async (file, [command, ...options]) => {
    const outcome = await scratch.run(command, `${golden}/model.onnx`, '--inputs', `${golden}/x.npy`, '--out', 'out.npy', ...options);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const result = scratch.readArray('out.npy');
    const reference = readNpy(readFileSync(`${golden}/${file}`));
    expect(result.shape).toEqual(reference.shape);
    expect(relativeError(result, reference)).toBeLessThanOrEqual(TOLERANCE);
  });
});

describe('what an ONNX file is refused for', () => {
  const model = readFileSync(`${folder('mlp-relu')}/model.onnx`);
  const inputs = ['--inputs', `${folder('mlp-relu')}/x.npy`, '--out', 'none.npy'];

  test('an operator that is not supported: its name, its node, and what is', async () => {
    scratch.write('loop.onnx', Buffer.from(model.toString('latin1').replaceAll('Relu', 'Loop'), 'latin1'));
    expectFailure(await scratch.run('ntk', 'loop.onnx', ...inputs), 2, /loop\.onnx: .*Loop.*supported.*Gemm.*Relu/);
  });

  test('a file cut short, or none at all', async () => {
    scratch.write('cut.onnx', model.subarray(0, 5000));
    expectFailure(await scratch.run('ntk', 'cut.onnx', ...inputs), 2, /cut\.onnx: /);
    scratch.write('text.onnx', 'not a model');
    expectFailure(await scratch.run('ntk', 'text.onnx', ...inputs), 2, /text\.onnx: /);
  });

  test('--weights, an output that is not there, and inputs of another width', async () => {
    const path = `${folder('mlp-relu')}/model.onnx`;
    expectFailure(await scratch.run('ntk', path, ...inputs, '--weights', 'w.safetensors'), 2, /model\.onnx: .*leave --weights out/);
    expectFailure(await scratch.run('ntk', path, ...inputs, '--output', 'probabilities'), 2, /probabilities/);
    scratch.writeArray('wide.npy', tensor([1, 65], new Float64Array(65)));
    expectFailure(await scratch.run('ntk', path, '--inputs', 'wide.npy', '--out', 'none.npy'), 2, /wide\.npy: .*\[1, 65\].*\[n, 64\]/);
    expect(scratch.list()).not.toContain('none.npy');
  });

  test('a file of another kind', async () => {
    expectFailure(await scratch.run('ntk', 'model.pt', ...inputs), 2, /model\.pt: a model is an \.onnx file, or a \.json spec/);
  });
});
