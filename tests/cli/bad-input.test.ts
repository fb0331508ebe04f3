/** @file Bad input: one line on stderr that says what to do, status 2, no stack trace, and no file written. */

import { mkdirSync, truncateSync } from 'node:fs';
import { tensor, writeSafetensors } from 'tangedge';
import { beforeAll, expect, test } from 'vitest';
import { writeLinearModel } from './linear-model.ts';
import { expectFailure, useScratch } from './run-program.ts';

const scratch = useScratch();
let model: string[];

beforeAll(() => {
  model = writeLinearModel(scratch);
  scratch.writeArray('x.npy', tensor([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
  mkdirSync(scratch.path('folder'));
});

/** Runs `forward` with some arguments replaced; nothing may be written. */
async function expectRefusal(options: { model?: readonly string[]; inputs?: string; out?: string; more?: readonly string[] }, message: RegExp) {
  const { inputs = 'x.npy', out = 'f.npy', more = [] } = options;
  const present = scratch.list();
  expectFailure(await scratch.run('forward', ...(options.model ?? model), '--inputs', inputs, '--out', out, ...more), 2, message);
  expect(scratch.list()).toEqual(present);
}

test('a missing file is named', async () => {
  await expectRefusal({ inputs: 'none.npy' }, /none\.npy: .*no such file/);
  await expectRefusal({ model: ['none.json', '--weights', 'model.safetensors'] }, /none\.json: .*no such file/);
  await expectRefusal({ model: ['model.json', '--weights', 'none.safetensors'] }, /none\.safetensors: .*no such file/);
  await expectRefusal({ inputs: 'folder' }, /folder: .*not a file/);
});

test('wrong magic', async () => {
  scratch.write('text.npy', 'not an array');
  await expectRefusal({ inputs: 'text.npy' }, /text\.npy: .*NUMPY/);
  scratch.write('text.npz', 'not an archive');
  await expectRefusal({ inputs: 'text.npz:x' }, /text\.npz: /);
});

test('an archive whose member is not named', async () => {
  await expectRefusal({ inputs: 'some.npz' }, /some\.npz: name the array .*some\.npz:x/);
});

test('a truncated npy: the bytes it needs and has', async () => {
  scratch.writeArray('cut.npy', tensor([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]));
  truncateSync(scratch.path('cut.npy'), 128 + 60);
  await expectRefusal({ inputs: 'cut.npy' }, /cut\.npy: .*64 bytes.*60/);
});

test('safetensors with offsets outside the file, overlapping tensors, or cut short', async () => {
  const file = (header: object, dataBytes: number) => {
    const json = new TextEncoder().encode(JSON.stringify(header));
    const bytes = new Uint8Array(8 + json.length + dataBytes);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
    bytes.set(json, 8);
    return bytes;
  };
  const entry = (shape: number[], begin: number, end: number) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });
  const weights = ['model.json', '--weights', 'bad.safetensors'];
  scratch.write('bad.safetensors', file({ 'fc.weight': entry([3, 2], 0, 24), 'fc.bias': entry([3], 24, 36) }, 30));
  await expectRefusal({ model: weights }, /bad\.safetensors: .*36/);
  scratch.write('bad.safetensors', file({ 'fc.weight': entry([3, 2], 0, 24), 'fc.bias': entry([3], 20, 32) }, 32));
  await expectRefusal({ model: weights }, /bad\.safetensors: .*(overlap|fc\.)/);
  scratch.write('bad.safetensors', 'short');
  await expectRefusal({ model: weights }, /bad\.safetensors: /);
});

test('a weight missing from the state dict, or of another shape, is named', async () => {
  scratch.write('part.safetensors', writeSafetensors(new Map([['fc.weight', tensor([3, 2], [1, 2, 3, 4, 5, 6])]])));
  await expectRefusal({ model: ['model.json', '--weights', 'part.safetensors'] }, /fc\.bias/);
  const state = new Map([
    ['fc.weight', tensor([2, 3], [1, 2, 3, 4, 5, 6])],
    ['fc.bias', tensor([3], [1, 2, 3])],
  ]);
  scratch.write('turned.safetensors', writeSafetensors(state));
  await expectRefusal({ model: ['model.json', '--weights', 'turned.safetensors'] }, /fc\.weight.*\[2, 3\].*\[3, 2\]|fc\.weight.*\[3, 2\].*\[2, 3\]/);
});

test('a spec that is no spec', async () => {
  scratch.write('broken.json', '{ "layers": [');
  await expectRefusal({ model: ['broken.json', '--weights', 'model.safetensors'] }, /broken\.json: it is not JSON/);
  scratch.write('list.json', '[]');
  await expectRefusal({ model: ['list.json', '--weights', 'model.safetensors'] }, /list\.json: .*input_shape/);
  await expectRefusal({ model: ['model.json'] }, /model\.json: .*--weights/);
});

test('inputs whose shape does not fit the model: both shapes', async () => {
  scratch.writeArray('wide.npy', tensor([2, 3], [1, 2, 3, 4, 5, 6]));
  await expectRefusal({ inputs: 'wide.npy' }, /wide\.npy: .*\[2, 3\].*\[n, 2\]/);
});

test('an empty batch', async () => {
  scratch.writeArray('empty.npy', tensor([0, 2], []));
  await expectRefusal({ inputs: 'empty.npy' }, /empty\.npy: .*empty batch.*at least one/);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s in the inputs: its index', async (value) => {
  scratch.writeArray('nan.npy', tensor([2, 2], [1, 2, value, 4]));
  await expectRefusal({ inputs: 'nan.npy' }, new RegExp(`nan\\.npy: .*${value} at index \\[1, 0\\]`));
});

test('an output that cannot be written, before anything is computed', async () => {
  await expectRefusal({ out: 'none/f.npy' }, /none\/f\.npy: cannot be written: its folder does not exist/);
  await expectRefusal({ out: 'folder' }, /folder: cannot be written: it is a folder/);
  await expectRefusal({ out: 'x.npy/f.npy' }, /x\.npy\/f\.npy: cannot be written: .*not a folder/);
});

test('a memory limit too small: bytes needed and given', async () => {
  await expectRefusal({ more: ['--memory-limit', '100'] }, /\d{3,} bytes.* are needed, the limit is 100\./);
});

test('parameters the model does not have, or none left', async () => {
  await expectRefusal({ more: ['--parameters', 'fc.wieght'] }, /'fc\.wieght'.*fc\.weight, fc\.bias/);
  await expectRefusal({ more: ['--freeze', 'fc.weight,fc.bias'] }, /no trainable parameter is left/);
});

test('an output the model does not have', async () => {
  await expectRefusal({ more: ['--output', 'logits'] }, /logits.*output/);
});
