/** Forward passes in f32 against onnxruntime: every ONNX fixture that loads. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import { forward, importOnnx, loadRuntime, type Runtime, readNpy, tensor } from 'tangedge';
import { beforeAll, describe, expect, test } from 'vitest';
import { relativeError } from '../golden/read-case.ts';
import { floats, type GraphParts, integers, node, onnxFile, valueInfo } from './onnx-file.ts';

const golden = fileURLToPath(new URL('../golden/onnx/', import.meta.url));
const small = readdirSync(`${golden}small`).map((name) => `small/${name}`);
const trained = readdirSync(golden).filter((name) =>
  readdirSync(golden, { withFileTypes: true }).some((entry) => entry.name === name && entry.isDirectory()),
);
const cases = [...trained.filter((name) => name !== 'small' && name !== 'refused'), ...small];

/** Both compute in f32, with sums of up to a few hundred terms in different orders: some 100·ε of the largest output. */
const TOLERANCE = 1e-5;

let rt: Runtime;
beforeAll(async () => {
  rt = await loadRuntime();
  env.wasm.numThreads = 1;
});

describe.each(cases)('%s', (name) => {
  test('outputs as onnxruntime computes them', async () => {
    const file = new Uint8Array(readFileSync(`${golden}${name}/model.onnx`));
    const x = readNpy(readFileSync(`${golden}${name}/x.npy`));
    const session = await InferenceSession.create(file, { executionProviders: ['wasm'] });
    const [input] = session.inputMetadata;
    if (!input.isTensor) throw new Error(`${name}: the input is no tensor`);
    // A fixed batch is run one example at a time.
    const n = x.shape[0];
    const batch = typeof input.shape[0] === 'number' ? input.shape[0] : n;
    const size = x.data.length / n;
    const outputs: number[] = [];
    for (let first = 0; first < n; first += batch) {
      const part = x.data.slice(first * size, (first + batch) * size);
      const data = input.type === 'int64' ? BigInt64Array.from(part, (value) => BigInt(value)) : Float32Array.from(part);
      const { [session.outputNames[0]]: result } = await session.run({ [input.name]: new OrtTensor(data, [batch, ...x.shape.slice(1)]) });
      outputs.push(...(result.data as Float32Array));
    }
    const ours = forward(rt, importOnnx(file), x, { dtype: 'f32' });
    expect(relativeError(ours, tensor(ours.shape, outputs))).toBeLessThan(TOLERANCE);
    await session.release();
  });
});

/** What newer exporters write; PyTorch 1.13 stops at opset 17. */
const newer: readonly [string, GraphParts][] = [
  ['Gelu', { nodes: [node('Gelu', ['x'], ['y'])], opset: 20 }],
  ['Gelu by tanh', { nodes: [node('Gelu', ['x'], ['y'], { approximate: 'tanh' })], opset: 20 }],
  ['Mish', { nodes: [node('Mish', ['x'], ['y'])], opset: 18 }],
  ['HardSwish', { nodes: [node('HardSwish', ['x'], ['y'])], opset: 18 }],
  ['HardSigmoid by its defaults', { nodes: [node('HardSigmoid', ['x'], ['y'])], opset: 18 }],
  ['Selu by its defaults', { nodes: [node('Selu', ['x'], ['y'])], opset: 18 }],
  [
    'Split into unequal parts',
    {
      nodes: [
        node('Split', ['x'], ['a', 'b'], { axis: -1, num_outputs: 2 }),
        node('ReduceSum', ['a', 'last'], ['s']),
        node('Mul', ['s', 'b'], ['y']),
      ],
      initializers: [integers('last', [1], [-1])],
      opset: 18,
    },
  ],
  [
    'ReduceMean and ReduceMax by an input',
    {
      nodes: [node('ReduceMean', ['x', 'last'], ['m']), node('ReduceMax', ['x', 'last'], ['h']), node('Sub', ['h', 'm'], ['y'])],
      initializers: [integers('last', [1], [1])],
      opset: 18,
    },
  ],
  [
    'GroupNormalization, scale and shift per group',
    {
      nodes: [node('GroupNormalization', ['x', 'w', 'b'], ['y'], { num_groups: 3 })],
      initializers: [floats('w', [3], [1, 2, 3]), floats('b', [3], [1, 0, 2])],
      inputs: [valueInfo('x', ['n', 6, 2])],
      opset: 18,
    },
  ],
  [
    'Pad by axes',
    { nodes: [node('Pad', ['x', 'p', '', 'axes'], ['y'])], initializers: [integers('p', [2], [1, 2]), integers('axes', [1], [-1])], opset: 18 },
  ],
  ['LogSoftmax', { nodes: [node('LogSoftmax', ['x'], ['y'])], opset: 13 }],
  [
    'Min and Max of three',
    {
      nodes: [node('Max', ['x', 'c', 'd'], ['m']), node('Min', ['m', 'e'], ['y'])],
      initializers: [floats('c', [3], [0, 0.5, -1]), floats('d', [], [-0.2]), floats('e', [1], [0.7])],
    },
  ],
  ['one-sided Clip', { nodes: [node('Clip', ['x', '', 'c'], ['y'])], initializers: [floats('c', [], [0.3])] }],
  [
    'Where by a comparison',
    {
      nodes: [node('LessOrEqual', ['x', 'c'], ['l']), node('Not', ['l'], ['g']), node('Where', ['g', 'x', 'c'], ['y'])],
      initializers: [floats('c', [1], [0.1])],
    },
  ],
];

describe('operators that PyTorch 1.13 does not export', () => {
  test.each(newer)('%s', async (_, parts) => {
    const file = onnxFile(parts);
    const model = importOnnx(file);
    const [n, size] = [2, sizeOf(model.input.shape)];
    const x = Float32Array.from({ length: n * size }, (_, i) => ((i * 7) % 11) / 4 - 1.2);
    const shape = [n, ...model.input.shape];
    const session = await InferenceSession.create(file, { executionProviders: ['wasm'] });
    const { y } = await session.run({ x: new OrtTensor(x, shape) });
    const ours = forward(rt, model, tensor(shape, x), { dtype: 'f32' });
    expect(relativeError(ours, tensor(ours.shape, y.data as Float32Array))).toBeLessThan(TOLERANCE);
    await session.release();
  });
});

const sizeOf = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);
