import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readNpy, writeNpy } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { expectedArrays, expectSameArray, fixture, patched, refusal } from './fixture.ts';

const expected = [...expectedArrays('npy/expected.json')].filter(([name]) => name.endsWith('.npy'));
const files = readdirSync(fileURLToPath(new URL('../golden/npy/', import.meta.url)));

/** A version 1 file with this header and this many zero bytes of data. */
function npyFile(header: string, dataBytes: number, major = 1): Uint8Array {
  const lengthBytes = major === 1 ? [header.length & 255, header.length >> 8] : [header.length & 255, header.length >> 8, 0, 0];
  const text = [...header].map((character) => character.charCodeAt(0));
  return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, major, 0, ...lengthBytes, ...text, ...new Array<number>(dataBytes).fill(0)]);
}

describe('readNpy', () => {
  test.each(expected)('%s has the shape and values that numpy reads', (name, array) => {
    expectSameArray(readNpy(fixture(`npy/${name}`)), array);
  });

  test('every fixture is either expected or refused', () => {
    const npy = files.filter((name) => name.endsWith('.npy') && !name.startsWith('refused-'));
    expect(npy.sort()).toEqual(expected.map(([name]) => name).sort());
  });

  test('f4 and f2 stay f32; everything else becomes f64', () => {
    for (const [name] of expected) {
      const single = name.startsWith('f4') || name.startsWith('f2');
      expect(readNpy(fixture(`npy/${name}`)).data.constructor, name).toBe(single ? Float32Array : Float64Array);
    }
  });

  test.each([
    ['refused-int64', '9007199254740993', '[1, 1]'],
    ['refused-uint64-fortran', '9223372036854775808', '[1, 0]'],
    ['refused-complex', '<c16', 'complex'],
    ['refused-bytes', '|S3', 'byte strings'],
    ['refused-string', '<U3', 'strings'],
    ['refused-structured', 'structured', "('a', '<i4')"],
    ['refused-date', '<M8[D]', 'dates'],
    ['refused-longdouble', '<f16', 'another width'],
    ['refused-object', '|O', 'pickled'],
  ])('%s: ERR_UNSUPPORTED names %s and %s', async (name, first, second) => {
    const { message } = await refusal(() => readNpy(fixture(`npy/${name}.npy`)), 'ERR_UNSUPPORTED');
    expect(message).toContain(first);
    expect(message).toContain(second);
  });

  test('a huge shape is refused before anything is allocated', async () => {
    for (const shape of ['(1000000000000,)', '(9007199254740991,)', '(4294967296, 4294967296)', '(1000000, 1000000, 1000000, 1000000)']) {
      const { message } = await refusal(() => readNpy(npyFile(`{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }\n`, 64)), 'ERR_FORMAT');
      expect(message).toMatch(/the file has 64|which no file can hold/);
    }
    const axes = '1, '.repeat(65);
    await refusal(() => readNpy(npyFile(`{'descr': '<f8', 'fortran_order': True, 'shape': (${axes}), }\n`, 8)), 'ERR_FORMAT');
  });

  test('an empty axis beside a huge one holds nothing', () => {
    const { shape, data } = readNpy(npyFile(`{'descr': '<f8', 'fortran_order': True, 'shape': (1000000000000, 0), }\n`, 0));
    expect([shape, data.length]).toEqual([[1e12, 0], 0]);
  });

  test('truncated and overlong data: both byte counts', async () => {
    const file = fixture('npy/f8-2d.npy');
    const short = await refusal(() => readNpy(file.subarray(0, file.length - 3)), 'ERR_FORMAT');
    expect(short.info).toMatchObject({ offset: 128, wanted: 48, got: 45 });
    const long = await refusal(() => readNpy(Uint8Array.from([...file, 0])), 'ERR_FORMAT');
    expect(long.info).toMatchObject({ wanted: 48, got: 49 });
  });

  test.each([
    ['no dict', '[1, 2]'],
    ['a key missing', "{'descr': '<f8', 'shape': (), }"],
    ['a key twice', "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (), }"],
    ['an unknown key', "{'descr': '<f8', 'fortran_order': False, 'shape': (), 'extra': 1}"],
    ['a number for a bool', "{'descr': '<f8', 'fortran_order': 0, 'shape': (), }"],
    ['a shape that is no tuple', "{'descr': '<f8', 'fortran_order': False, 'shape': (3), }"],
    ['a negative extent', "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"],
    ['a fraction', "{'descr': '<f8', 'fortran_order': False, 'shape': (1.0,), }"],
    ['an extent of 17 digits', "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000,), }"],
    ['an open string', "{'descr': '<f8"],
    ['an escape', "{'descr': '<f\\x38', 'fortran_order': False, 'shape': (), }"],
    ['text after the dict', "{'descr': '<f8', 'fortran_order': False, 'shape': (), } + f()"],
    ['an open dict', "{'descr': '<f8', 'fortran_order': False, 'shape': (), "],
    ['a line break in a key', "{'de\nscr': '<f8', 'fortran_order': False, 'shape': (), }"],
  ])('a header with %s is ERR_FORMAT', async (_, header) => {
    await refusal(() => readNpy(npyFile(header, 8)), 'ERR_FORMAT');
  });

  test('keys in any order, double quotes and Python 2 longs are read', () => {
    expect(readNpy(npyFile(`{"shape": (2L, 1), "fortran_order": False, "descr": "<f4"}`, 8))).toEqual({ shape: [2, 1], data: new Float32Array(2) });
  });

  test('another magic, version or byte in a bool array', async () => {
    await refusal(() => readNpy(new TextEncoder().encode('PK\x03\x04 a zip file')), 'ERR_FORMAT');
    await refusal(() => readNpy(new Uint8Array(0)), 'ERR_FORMAT');
    const file = fixture('npy/bool-fortran.npy');
    expect((await refusal(() => readNpy(patched(file, 6, [4])), 'ERR_UNSUPPORTED')).message).toContain('version 4.0');
    const { message } = await refusal(() => readNpy(patched(file, file.length - 1, [7])), 'ERR_FORMAT');
    expect(message).toContain('the byte 7');
    expect(message).toContain('index [1, 2]');
  });

  test('a view into a larger buffer at an odd offset', () => {
    const file = fixture('npy/f8-2d.npy');
    const shifted = new Uint8Array(file.length + 5);
    shifted.set(file, 3);
    expect(readNpy(shifted.subarray(3, 3 + file.length))).toEqual(readNpy(file));
  });
});

describe('writeNpy', () => {
  const rowMajor = expected.map(([name]) => name).filter((name) => /^f[48]-(0d|1d|2d|6d|ones|empty|v1|le-c)/.test(name));

  test.each(rowMajor)('%s: the same bytes as numpy.save', (name) => {
    const file = fixture(`npy/${name}`);
    expect(Buffer.from(writeNpy(readNpy(file))).equals(file)).toBe(true);
  });

  test('at least a dozen files are compared, with headers of one block and of two', () => {
    expect(rowMajor.length).toBeGreaterThanOrEqual(12);
    const dataOffsets = rowMajor.map((name) => fixture(`npy/${name}`)[8] + 10);
    expect(new Set(dataOffsets)).toEqual(new Set([128, 192]));
  });
});
