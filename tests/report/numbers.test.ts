/** @file Numbers of the page: formats, scales against Math.log10, and images that zlib and the PNG rules accept. */

import { crc32, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatFixed, formatNumber, formatPercent, formatShapeText } from '../../src/report/format.ts';
import { grayscalePng } from '../../src/report/grayscale-png.ts';
import { linearScale, log10, logScale } from '../../src/report/scale.ts';

describe('formats', () => {
  test.each([
    [0, '0'],
    [0.012345, '0.0123'],
    [0.99951, '1.00'],
    [-2.5, '−2.50'],
    [1797, '1797'],
    [26122, '26\u202F122'],
    [610363.4, '6.10×10⁵'],
    [0.00065535, '6.55×10⁻⁴'],
    [-1e-300, '−1.00×10⁻³⁰⁰'],
    [null, '–'],
    [Number.POSITIVE_INFINITY, '∞'],
  ])('number %s is %s', (value, expected) => expect(formatNumber(value)).toBe(expected));

  test.each([
    [0, '0\u202F%'],
    [0.0004, '<\u202F0.1\u202F%'],
    [0.0051, '0.5\u202F%'],
    [0.58, '58\u202F%'],
    [0.9998, '99.98\u202F%'],
    [1, '100\u202F%'],
  ])('share %s is %s', (share, expected) => expect(formatPercent(share)).toBe(expected));

  test('counts, bytes, shapes and fixed decimals', () => {
    expect([999, 1000, 10000, 1234567].map(formatCount)).toEqual(['999', '1000', '10\u202F000', '1\u202F234\u202F567']);
    expect([999, 15721088, 3.17e6, 4294967296].map(formatBytes)).toEqual(['999 B', '15.7 MB', '3.17 MB', '4.29 GB']);
    expect(formatShapeText([128, 64])).toBe('128\u202F×\u202F64');
    expect([formatFixed(0.41021, 2), formatFixed(-0.0001, 2), formatFixed(null, 2)]).toEqual(['0.41', '0.00', '–']);
  });
});

describe('scales', () => {
  test('log10 is Math.log10 to 1e-9, far below a hundredth of a unit on the page', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (value) => {
        expect(Math.abs(log10(value) - Math.log10(value))).toBeLessThanOrEqual(1e-9 + 4 * Number.EPSILON * Math.abs(Math.log10(value)));
      }),
      { seed: 5 },
    );
  });

  test('a log scale maps its ends to its range and decades to equal steps', () => {
    const x = logScale([1, 1000], [0, 300]);
    expect([1, 10, 100, 1000].map(x)).toEqual([0, 100, 200, 300]);
    expect(x.ticks.filter(({ label }) => label).map(({ value }) => value)).toEqual([1, 10, 100, 1000]);
  });

  test('linear ticks are round numbers inside the domain', () => {
    expect(linearScale([0, 1], [0, 1], 4).ticks.map(({ label }) => label)).toEqual(['0', '0.25', '0.5', '0.75', '1']);
    expect(linearScale([-3, 7], [0, 1]).ticks.map(({ value }) => value)).toEqual([-2, 0, 2, 4, 6]);
  });
});

test('PNG: the header, the checksums and the pixels, read by the rules of the format', () => {
  const [width, height] = [300, 250]; // more than one stored block
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => (i * 7) % 256);
  const file = Buffer.from(grayscalePng(width, height, pixels).replace('data:image/png;base64,', ''), 'base64');
  expect(file.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
  const chunks: [string, Buffer][] = [];
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    expect(file.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.push([body.toString('latin1', 0, 4), body.subarray(4)]);
    at += 12 + length;
  }
  expect(chunks.map(([type]) => type)).toEqual(['IHDR', 'IDAT', 'IEND']);
  expect([chunks[0][1].readUInt32BE(0), chunks[0][1].readUInt32BE(4)]).toEqual([width, height]);
  const rows = inflateSync(chunks[1][1]); // checks the Adler checksum
  for (let row = 0; row < height; row++) {
    expect(rows[row * (width + 1)]).toBe(0);
    expect(rows.subarray(row * (width + 1) + 1, (row + 1) * (width + 1)).equals(Buffer.from(pixels.subarray(row * width, (row + 1) * width)))).toBe(
      true,
    );
  }
});
