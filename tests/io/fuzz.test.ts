/**
 * Hostile files: truncations at every length, mutated real files, random bytes. Only a one-line TangedgeError may come out, in
 * bounded time; a result, when there is one, is no larger than the file allows.
 */

import fc from 'fast-check';
import { forward, importOnnx, loadRuntime, readNpy, readNpz, readSafetensors, TangedgeError, type Tensor, tensor } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { fixture } from './fixture.ts';

type Reader = (bytes: Uint8Array) => Iterable<Tensor> | Promise<Iterable<Tensor>>;

const npy: Reader = (bytes) => [readNpy(bytes)];
const npz: Reader = async (bytes) => (await readNpz(bytes)).values();
const safetensors: Reader = (bytes) => readSafetensors(bytes).tensors.values();
const onnx: Reader = (bytes) => importOnnx(bytes).parameters.map(({ value }) => value);

/** Elements of all results; −1 when the file was refused as it should be. */
async function outcome(read: Reader, bytes: Uint8Array): Promise<number> {
  try {
    let elements = 0;
    for (const { data } of await read(bytes)) elements += data.length;
    return elements;
  } catch (error) {
    if (!(error instanceof TangedgeError)) throw error;
    expect(error.message).not.toMatch(/[\r\n]/);
    expect(['ERR_FORMAT', 'ERR_UNSUPPORTED', ...(read === onnx ? ['ERR_SHAPE', 'ERR_DOMAIN', 'ERR_ARGUMENT'] : [])]).toContain(error.code);
    return -1;
  }
}

/** A real file with some bytes overwritten, cut, or a slice repeated. */
function mutated(files: readonly Uint8Array[], maxEdits = 6, cuts = true): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({ at: fc.nat(), byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 })) });
  return fc
    .record({
      file: fc.constantFrom(...files),
      edits: fc.array(edit, { maxLength: maxEdits }),
      cut: cuts ? fc.option(fc.nat(), { freq: 4 }) : fc.constant(null),
      repeat: cuts ? fc.option(fc.tuple(fc.nat(), fc.nat({ max: 64 })), { freq: 4 }) : fc.constant(null),
    })
    .map(({ file, edits, cut, repeat }) => {
      let bytes = new Uint8Array(file);
      for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
      if (repeat !== null) {
        const at = repeat[0] % bytes.length;
        bytes = Uint8Array.from([...bytes.subarray(0, at + repeat[1]), ...bytes.subarray(at)]);
      }
      return cut === null ? bytes : bytes.slice(0, cut % (bytes.length + 1));
    });
}

const cases: readonly [string, Reader, readonly string[], (fileBytes: number) => number][] = [
  [
    'npy',
    npy,
    ['npy/f8-2d.npy', 'npy/f2-be-fortran.npy', 'npy/i8-le-c.npy', 'npy/bool-c.npy', 'npy/f8-v3.npy', 'npy/refused-structured.npy'],
    (n) => n,
  ],
  // Deflate expands at most 1032-fold.
  ['npz', npz, ['npy/stored.npz', 'npy/deflated.npz', 'npy/streamed.npz'], (n) => 1032 * n],
  ['safetensors', safetensors, ['safetensors/every-dtype.safetensors'], (n) => n],
  [
    'onnx',
    onnx,
    [
      'arithmetic',
      'batchnorm-fresh',
      'mlp-folded',
      'pool-geometry',
      'tokens-opset17',
      'attention',
      'gru-last-state',
      'lstm-folded',
      'einsum',
      'vit-class-token',
      'embedding',
      'upsample-bilinear',
    ].map((name) => `onnx/small/${name}/model.onnx`),
    (n) => n,
  ],
];

describe.each(cases)('%s', (_, read, names, mostElements) => {
  const files = names.map(fixture);

  test('every truncation of a real file is refused', async () => {
    for (const file of files) {
      for (let length = 0; length < Math.min(file.length, 2000); length++) {
        expect(await outcome(read, file.subarray(0, length)), `${length} bytes`).toBe(-1);
      }
    }
  });

  test('mutated files: a one-line TangedgeError or a result no larger than the file', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(files), async (bytes) => {
        expect(await outcome(read, bytes)).toBeLessThanOrEqual(mostElements(bytes.length));
      }),
      { seed: 1, numRuns: 1500 },
    );
  });

  test('random bytes, with and without the right magic', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 12 }), async (noise, kept) => {
        await outcome(read, noise);
        const bytes = new Uint8Array([...files[0].subarray(0, kept), ...noise]);
        expect(await outcome(read, bytes)).toBeLessThanOrEqual(mostElements(bytes.length));
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

test('a mutated model that still imports also runs, or is refused for its memory or values', async () => {
  const rt = await loadRuntime({ memoryLimit: 1 << 26 });
  const files = [
    'conv-geometry',
    'conv1d',
    'reductions',
    'arithmetic',
    'pool-geometry',
    'attention-fixed-batch-folded',
    'rnn-relu-bidirectional',
    'einsum',
    'groupnorm',
    'vit-class-token-fixed-batch',
  ].map((name) => fixture(`onnx/small/${name}/model.onnx`));
  let ran = 0;
  fc.assert(
    fc.property(mutated(files, 2, false), (bytes) => {
      try {
        const model = importOnnx(bytes);
        const size = model.input.shape.reduce((product, extent) => product * extent, 1);
        if (size > 1e5) return;
        forward(rt, model, tensor([2, ...model.input.shape], new Float64Array(2 * size)));
        ran++;
      } catch (error) {
        if (!(error instanceof TangedgeError)) throw error;
      }
    }),
    { seed: 3, numRuns: 1000 },
  );
  expect(ran).toBeGreaterThan(100);
});
