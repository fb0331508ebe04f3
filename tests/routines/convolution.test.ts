/** @file im2col and unfold against their definition, fold as the exact transpose of unfold. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { outputExtent, patchSources, type Windows } from '../oracle/images.ts';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const release = new Sandbox('release');
const debug = new Sandbox('debug');

interface Case extends Windows {
  readonly n: number;
  readonly c: number;
  readonly c0: number;
  readonly c1: number;
}

function geometry(
  q: Case,
): [number, number, number, number, number, number, number, number, number, number, number, number, number, number, number, number] {
  return [q.n, q.c, q.h, q.w, q.c0, q.c1, q.kh, q.kw, q.strideH, q.strideW, q.padTop, q.padLeft, q.dilationH, q.dilationW, q.oh, q.ow];
}

function gather(box: Sandbox, name: 'im2col' | 'unfold', dtype: Dtype, q: Case, x: ArrayLike<number>, entries: number): ArrayLike<number> {
  box.reset();
  const input = box.input(dtype, x, 1),
    out = box.output(dtype, entries);
  box.routines(dtype)[name](...geometry(q), input.ptr, out.ptr);
  box.check();
  return out.read();
}

function fold(box: Sandbox, dtype: Dtype, q: Case, taps: ArrayLike<number>, x: ArrayLike<number>): ArrayLike<number> {
  box.reset();
  const input = box.input(dtype, taps),
    out = box.input(dtype, x, 1);
  box.routines(dtype).fold(...geometry(q), input.ptr, out.ptr);
  box.check();
  return out.read();
}

/** Entries in im2col's order, [n, positions, taps], in unfold's, [n, taps, positions]. */
function byTap(q: Case, entries: ArrayLike<number>): number[] {
  const positions = q.oh * q.ow,
    taps = (q.c1 - q.c0) * q.kh * q.kw;
  return Array.from({ length: entries.length }, (_, at) => {
    const position = at % positions,
      tap = Math.floor(at / positions) % taps,
      image = Math.floor(at / (positions * taps));
    return entries[(image * positions + position) * taps + tap];
  });
}

function expectPatches(dtype: Dtype, q: Case): void {
  const sources = patchSources(q, q.n, q.c, q.c0, q.c1);
  const x = uniform(1, q.n * q.c * q.h * q.w),
    p = integers(2, sources.length),
    start = integers(3, x.length);
  const scattered = Float64Array.from(start);
  sources.forEach((at, entry) => {
    if (at >= 0) scattered[at] += p[entry];
  });
  for (const box of [release, debug]) {
    const what = `${dtype} ${JSON.stringify(q)}`;
    const patches = sources.map((at) => (at < 0 ? 0 : rounding(dtype)(x[at])));
    expectSameBits(gather(box, 'im2col', dtype, q, x, sources.length), patches, `im2col ${what}`);
    expectSameBits(gather(box, 'unfold', dtype, q, x, sources.length), byTap(q, patches), `unfold ${what}`);
    expectSameBits(fold(box, dtype, q, byTap(q, p), start), scattered, `fold ${what}`);
  }
}

const cases = fc
  .record({
    n: fc.integer({ min: 0, max: 2 }),
    c: fc.integer({ min: 1, max: 4 }),
    h: fc.integer({ min: 1, max: 9 }),
    w: fc.integer({ min: 1, max: 20 }),
    kh: fc.integer({ min: 1, max: 4 }),
    kw: fc.integer({ min: 1, max: 5 }),
    strideH: fc.integer({ min: 1, max: 3 }),
    strideW: fc.integer({ min: 1, max: 3 }),
    padTop: fc.nat(3),
    padLeft: fc.nat(3),
    padEnd: fc.nat(3),
    dilationH: fc.integer({ min: 1, max: 2 }),
    dilationW: fc.integer({ min: 1, max: 3 }),
    cut: fc.tuple(fc.nat(4), fc.nat(4)),
  })
  .map(({ padEnd, cut, ...g }): Case => {
    const [x, y] = cut.map((value) => Math.min(value, g.c));
    return {
      ...g,
      c0: Math.min(x, y),
      c1: Math.max(x, y),
      oh: outputExtent(g.h, g.kh, g.strideH, g.padTop, padEnd, g.dilationH),
      ow: outputExtent(g.w, g.kw, g.strideW, g.padLeft, padEnd, g.dilationW),
    };
  });

const square: Case = {
  n: 2,
  c: 3,
  h: 8,
  w: 8,
  c0: 0,
  c1: 3,
  kh: 3,
  kw: 3,
  strideH: 1,
  strideW: 1,
  padTop: 1,
  padLeft: 1,
  dilationH: 1,
  dilationW: 1,
  oh: 8,
  ow: 8,
};

describe.each(DTYPES)('convolution %s', (dtype) => {
  test('im2col, unfold and fold on random geometries: every entry, exactly (whole numbers in fold)', () => {
    fc.assert(
      fc.property(cases, (q) => expectPatches(dtype, q)),
      { seed: 9, numRuns: 150 },
    );
  });

  test('3 × 3 with padding, 1 × 1, a kernel as large as the image, a group of channels', () => {
    expectPatches(dtype, square);
    expectPatches(dtype, { ...square, w: 37, ow: 37, c0: 1, c1: 2 });
    expectPatches(dtype, { ...square, kh: 1, kw: 1, padTop: 0, padLeft: 0 });
    expectPatches(dtype, { ...square, c: 37, c0: 2, c1: 37, h: 5, w: 9, oh: 5, ow: 9, kh: 1, kw: 1, padTop: 0, padLeft: 0 });
    expectPatches(dtype, { ...square, kh: 8, kw: 8, padTop: 0, padLeft: 0, oh: 1, ow: 1 });
    expectPatches(dtype, { ...square, kh: 5, kw: 7, padTop: 2, padLeft: 3 });
    expectPatches(dtype, { ...square, strideH: 2, strideW: 2, oh: 4, ow: 4 });
    expectPatches(dtype, { ...square, kw: 2, dilationW: 4, padLeft: 2, ow: 8 });
  });

  test('adjoint: ⟨p, unfold x⟩ = ⟨fold p, x⟩ exactly, on whole numbers', () => {
    const sources = patchSources(square, 2, 3, 0, 3);
    const x = integers(4, 2 * 3 * 64),
      p = integers(5, sources.length);
    const inner = (u: ArrayLike<number>, v: ArrayLike<number>) => Array.from(u).reduce((sum, value, i) => sum + value * v[i], 0);
    const left = inner(p, gather(release, 'unfold', dtype, square, x, sources.length));
    expect(left).toBe(inner(fold(release, dtype, square, p, new Float64Array(x.length)), x));
    expect(left).not.toBe(0);
  });

  test("fold adds an element's taps in order of output position: mirror bits", () => {
    const sources = patchSources(square, 2, 3, 0, 3);
    const p = uniform(6, sources.length),
      start = uniform(7, 2 * 3 * 64),
      round = rounding(dtype);
    const expected = Float64Array.from(start);
    sources.forEach((at, entry) => {
      if (at >= 0) expected[at] = round(expected[at] + p[entry]);
    });
    for (const box of [release, debug]) expectSameBits(fold(box, dtype, square, byTap(square, p), start), expected, 'fold');
  });
});
