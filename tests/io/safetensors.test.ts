import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { readSafetensors, type Tensor, writeSafetensors } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { goldenCaseNames, readGoldenCase } from '../golden/read-case.ts';
import { expectedArrays, expectSameArray, fixture, refusal } from './fixture.ts';

/** A file with this header text and this many data bytes. */
function safetensorsFile(header: unknown, dataBytes: number, text = JSON.stringify(header)): Uint8Array {
  const json = new TextEncoder().encode(text);
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('readSafetensors', () => {
  const file = fixture('safetensors/every-dtype.safetensors');

  test.each([...expectedArrays('safetensors/expected.json')])('dtype %s: the shape and values that numpy and torch have', (name, array) => {
    expectSameArray(readSafetensors(file).tensors.get(name), array);
  });

  test('F32, F16 and BF16 stay f32; metadata is kept; names come in the order of the data', () => {
    const { tensors, metadata } = readSafetensors(file);
    for (const [name, { data }] of tensors) {
      expect(data.constructor, name).toBe(['f32', 'f16', 'bf16', 'empty'].includes(name) ? Float32Array : Float64Array);
    }
    expect([...tensors.keys()]).toEqual([...expectedArrays('safetensors/expected.json').keys()].sort().reverse());
    expect([...metadata]).toEqual([
      ['format', 'pt'],
      ['note', 'naïve ✓'],
    ]);
  });

  test('the golden cases’ state dicts, against a reader that shares no code with this one', () => {
    for (const name of goldenCaseNames('network')) {
      const { weights, directory } = readGoldenCase(name);
      const { tensors } = readSafetensors(readFileSync(`${directory}/weights.safetensors`));
      expect([...tensors.keys()].sort()).toEqual([...weights.keys()].sort());
      for (const [key, { shape, data }] of weights) {
        expect(tensors.get(key)?.shape).toEqual(shape);
        expect(Array.from(tensors.get(key)?.data ?? [])).toEqual(Array.from(data));
      }
    }
  });

  test.each([
    ['a file of 7 bytes', new Uint8Array(7), /7 bytes/],
    ['a header longer than the file', safetensorsFile({}, 0).fill(9, 0, 1), /claims 9 bytes/],
    ['a header over the format’s limit', Uint8Array.of(0, 225, 245, 5, 1, 0, 0, 0, 123, 125), /limit/],
    ['a header that is no JSON', safetensorsFile(0, 0, '{"a":'), /not JSON/],
    ['a header that is no object', safetensorsFile([], 0), /not a JSON object/],
    ['bytes that are no UTF-8', safetensorsFile(0, 0, '{"a":0}').fill(0xff, 10, 11), /not JSON/],
    ['deep nesting', safetensorsFile(0, 0, '['.repeat(100_000)), /not JSON/],
    ['a tensor twice', safetensorsFile(0, 4, `{"a":${JSON.stringify(f32(0, 4))},"\\u0061":${JSON.stringify(f32(0, 4))}}`), /"a" twice/],
    ['a field twice', safetensorsFile(0, 4, '{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}'), /"shape" twice/],
    ['overlapping tensors', safetensorsFile({ a: f32(0, 8), b: f32(4, 12) }, 12), /"a" and "b" overlap at byte 4/],
    ['a tensor inside another', safetensorsFile({ a: f32(0, 12), b: f32(4, 8) }, 12), /overlap/],
    ['a hole', safetensorsFile({ a: f32(0, 4), b: f32(8, 12) }, 12), /no tensor covers bytes 4 to 8/],
    ['data before the first tensor', safetensorsFile({ a: f32(4, 8) }, 8), /no tensor covers bytes 0 to 4/],
    ['data after the last tensor', safetensorsFile({ a: f32(0, 4) }, 8), /cover 4 bytes of data, the file has 8/],
    ['an end beyond the file', safetensorsFile({ a: f32(0, 8) }, 4), /ends at byte 8 of the data, which has 4/],
    ['a size that is not shape × dtype', safetensorsFile({ a: f32(0, 8, [3]) }, 8), /takes 12 bytes, its data_offsets \[0, 8\] hold 8/],
    ['a shape no file can hold', safetensorsFile({ a: f32(0, 8, [2 ** 40, 2 ** 40]) }, 8), /no file can hold/],
    ['a negative extent', safetensorsFile({ a: f32(0, 4, [-1]) }, 4), /no shape of whole numbers/],
    ['offsets backwards', safetensorsFile({ a: { dtype: 'F32', shape: [0], data_offsets: [4, 0] } }, 4), /no data_offsets/],
    ['offsets that are no integers', safetensorsFile({ a: { dtype: 'F32', shape: [1], data_offsets: [0.5, 4.5] } }, 5), /no data_offsets/],
    ['an unknown field', safetensorsFile({ a: { ...f32(0, 4), strides: [1] } }, 4), /unknown field "strides"/],
    ['metadata that is no text', safetensorsFile({ __metadata__: { n: 1 } }, 0), /number under "n"/],
    ['an entry that is no object', safetensorsFile({ a: 3 }, 0), /"a" is described by something/],
  ])('%s is ERR_FORMAT', async (_, bytes, message) => {
    expect((await refusal(() => readSafetensors(bytes), 'ERR_FORMAT')).message).toMatch(message);
  });

  test('a dtype that is not read, and an integer beyond 2^53, are ERR_UNSUPPORTED', async () => {
    const f8 = safetensorsFile({ 'layer.weight': { dtype: 'F8_E4M3', shape: [1], data_offsets: [0, 1] } }, 1);
    expect((await refusal(() => readSafetensors(f8), 'ERR_UNSUPPORTED')).message).toMatch(/"layer.weight".*"F8_E4M3"/);
    const i64 = safetensorsFile({ a: { dtype: 'I64', shape: [2], data_offsets: [0, 16] } }, 16).fill(1, -8);
    expect((await refusal(() => readSafetensors(i64), 'ERR_UNSUPPORTED')).message).toContain('index [1]');
  });

  test('names that JavaScript treats specially are names like others', () => {
    const text = `{"__proto__":${JSON.stringify(f32(0, 4))},"1":${JSON.stringify(f32(4, 8))},"0":${JSON.stringify(f32(8, 12))}}`;
    expect([...readSafetensors(safetensorsFile(0, 12, text)).tensors.keys()]).toEqual(['__proto__', '1', '0']);
  });
});

describe('writeSafetensors', () => {
  const anyTensor: fc.Arbitrary<Tensor> = fc
    .tuple(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }), fc.boolean(), fc.infiniteStream(fc.double()))
    .map(([shape, single, values]) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      const data = Array.from({ length: size }, () => values.next().value as number);
      return { shape, data: single ? Float32Array.from(data) : Float64Array.from(data) };
    });

  test('what is written is read back, bit for bit, with the data aligned to 8 bytes', () => {
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, anyTensor), { maxLength: 5 }), fc.dictionary(names, fc.string()), (entries, texts) => {
        const tensors = new Map(entries);
        const file = writeSafetensors(tensors, new Map(Object.entries(texts)));
        expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
        const back = readSafetensors(file);
        expect(new Map(back.tensors)).toEqual(tensors);
        expect(Object.fromEntries(back.metadata)).toEqual({ ...texts });
      }),
      { seed: 20261123, numRuns: 200 },
    );
  });

  test('the reserved name is refused', async () => {
    await refusal(() => writeSafetensors(new Map([['__metadata__', { shape: [0], data: new Float64Array(0) }]])), 'ERR_ARGUMENT');
  });
});
