import { readNpz, readNpzMember } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { expectedArrays, expectSameArray, fixture, patched, refusal } from './fixture.ts';

const expected = [...expectedArrays('npy/expected.json')].filter(([name]) => name.includes(':'));

/** Byte offset of the `n`-th record with this signature. */
function recordAt(bytes: Uint8Array, signature: readonly number[], n = 0): number {
  for (let at = 0; at < bytes.length; at++) if (signature.every((byte, i) => bytes[at + i] === byte) && n-- === 0) return at;
  throw new Error('no such record');
}
const localHeader = [0x50, 0x4b, 3, 4];
const directoryEntry = [0x50, 0x4b, 1, 2];
const endRecord = [0x50, 0x4b, 5, 6];

describe('readNpz', () => {
  test.each(expected)('%s has the shape and values that numpy reads', async (path, array) => {
    const [file, name] = path.split(':');
    expectSameArray(await readNpzMember(fixture(`npy/${file}`), name), array);
    expectSameArray((await readNpz(fixture(`npy/${file}`))).get(name), array);
  });

  test('names in the archive’s order; files that are no arrays are left alone; an empty archive is empty', async () => {
    expect([...(await readNpz(fixture('npy/deflated.npz'))).keys()]).toEqual(['x', 'targets', 'zeros']);
    expect([...(await readNpz(fixture('npy/streamed.npz'))).keys()]).toEqual(['x']);
    expect((await readNpz(fixture('npy/empty.npz'))).size).toBe(0);
  });

  test('a member that is not there: the names that are', async () => {
    const { message, info } = await refusal(() => readNpzMember(fixture('npy/stored.npz'), 'y'), 'ERR_ARGUMENT');
    expect(message).toContain('"x", "targets", "zeros"');
    expect(info.names).toEqual(['x', 'targets', 'zeros']);
    await refusal(() => readNpzMember(fixture('npy/empty.npz'), 'y'), 'ERR_ARGUMENT');
  });

  test('an error inside a member names the member', async () => {
    const file = fixture('npy/stored.npz');
    const at = recordAt(file, [...new TextEncoder().encode("'<f4'")]);
    const damaged = patched(file, at, new TextEncoder().encode("'<c8'"));
    expect((await refusal(() => readNpzMember(damaged, 'x'), 'ERR_FORMAT')).message).toMatch(/member "x.npy" has CRC-32 [0-9a-f]{8}/);
  });

  test.each(['stored.npz', 'deflated.npz'])('%s: one flipped data byte is found', async (name) => {
    const file = fixture(`npy/${name}`);
    const at = recordAt(file, localHeader) + 60;
    const error = await refusal(() => readNpzMember(patched(file, at, [file[at] ^ 1]), 'x'), 'ERR_FORMAT');
    expect(error.message).toContain('"x.npy"');
  });

  test('a deflated member that declares too much or too little is refused', async () => {
    const file = fixture('npy/deflated.npz');
    const size = recordAt(file, directoryEntry, 2) + 24;
    const view = new DataView(file.buffer, file.byteOffset, file.length);
    const declared = view.getUint32(size, true);
    const little = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
    expect((await refusal(() => readNpzMember(patched(file, size, little(declared - 1)), 'zeros'), 'ERR_FORMAT')).message).toContain(
      'inflates to more',
    );
    expect((await refusal(() => readNpzMember(patched(file, size, little(declared + 1)), 'zeros'), 'ERR_FORMAT')).message).toContain(
      `holds ${declared}`,
    );
    expect((await refusal(() => readNpzMember(patched(file, size, little(0xfffffffe)), 'zeros'), 'ERR_FORMAT')).message).toContain('more than');
  });

  test('two members over the same bytes are refused', async () => {
    const file = fixture('npy/stored.npz');
    const first = file.subarray(recordAt(file, directoryEntry), recordAt(file, directoryEntry, 1));
    // Let the second entry be a copy of the first, under a name of the same length in the directory alone.
    const copy = new Uint8Array(first);
    const end = recordAt(file, endRecord);
    const directory = recordAt(file, directoryEntry);
    const forged = Uint8Array.from([...file.subarray(0, directory), ...first, ...copy, ...file.subarray(end)]);
    const at = directory + first.length * 2;
    const size = first.length * 2;
    const archive = patched(forged, at + 8, [2, 0, 2, 0, size & 255, size >> 8, 0, 0]);
    expect((await refusal(() => readNpz(archive), 'ERR_FORMAT')).message).toContain('overlap');
  });

  test('no zip, zip64, encryption, other compression and parts: refused by name', async () => {
    const file = fixture('npy/stored.npz');
    const end = recordAt(file, endRecord);
    const entry = recordAt(file, directoryEntry);
    expect((await refusal(() => readNpz(fixture('npy/f8-2d.npy')), 'ERR_FORMAT')).message).toContain('no .npz archive');
    expect((await refusal(() => readNpz(patched(file, end + 16, [255, 255, 255, 255])), 'ERR_UNSUPPORTED')).message).toContain('zip64');
    expect((await refusal(() => readNpz(patched(file, entry + 24, [255, 255, 255, 255])), 'ERR_UNSUPPORTED')).message).toContain('zip64');
    expect((await refusal(() => readNpz(patched(file, end + 4, [1])), 'ERR_UNSUPPORTED')).message).toContain('parts');
    expect((await refusal(() => readNpz(patched(file, entry + 8, [1])), 'ERR_UNSUPPORTED')).message).toContain('encrypted');
    expect((await refusal(() => readNpz(fixture('npy/refused-bzip2.npz')), 'ERR_UNSUPPORTED')).message).toContain('method 12');
  });

  test('offsets that leave the file: where and how much', async () => {
    const file = fixture('npy/stored.npz');
    const end = recordAt(file, endRecord);
    const entry = recordAt(file, directoryEntry);
    await refusal(() => readNpz(patched(file, end + 16, [0, 0, 0, 127])), 'ERR_FORMAT');
    await refusal(() => readNpz(patched(file, end + 10, [4, 0])), ['ERR_FORMAT', 'ERR_UNSUPPORTED']);
    await refusal(() => readNpz(patched(file, entry + 42, [0, 0, 0, 127])), 'ERR_FORMAT');
    await refusal(() => readNpz(patched(file, entry + 20, [0, 0, 0, 127])), 'ERR_FORMAT');
    expect((await refusal(() => readNpz(patched(file, recordAt(file, localHeader) + 30, [0x7a])), 'ERR_FORMAT')).message).toContain('another name');
  });
});
