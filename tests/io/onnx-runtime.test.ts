/** Forward passes in f32 against onnxruntime: every ONNX fixture that loads. */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { env, InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import { forward, importOnnx, loadRuntime, type Runtime, readNpy, tensor } from 'tangedge';
import { beforeAll, describe, expect, test } from 'vitest';
import { relativeError } from '../golden/read-case.ts';

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
