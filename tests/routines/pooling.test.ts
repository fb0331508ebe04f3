/** @file Pooling against its definition: padding, ties, negative values, shared x planes, and the transposes. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argmaxOffset, type Windows, windowOffsets } from '../oracle/images.ts';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const release = new Sandbox('release');
const debug = new Sandbox('debug');

interface Case extends Windows {
  readonly planes: number;
  readonly xPlanes: number;
}

const cases = fc
  .record({
    planes: fc.integer({ min: 1, max: 7 }),
    xPlanes: fc.integer({ min: 1, max: 3 }),
    h: fc.integer({ min: 1, max: 9 }),
    w: fc.integer({ min: 1, max: 12 }),
    kh: fc.integer({ min: 1, max: 4 }),
    kw: fc.integer({ min: 1, max: 4 }),
    strideH: fc.integer({ min: 1, max: 3 }),
    strideW: fc.integer({ min: 1, max: 3 }),
    padTop: fc.nat(2),
    padLeft: fc.nat(2),
    dilationH: fc.integer({ min: 1, max: 2 }),
    dilationW: fc.integer({ min: 1, max: 2 }),
    oh: fc.integer({ min: 1, max: 6 }),
    ow: fc.integer({ min: 1, max: 6 }),
  })
  .map((g): Case => ({ ...g, xPlanes: Math.min(g.xPlanes, g.planes) }));

function geometry(q: Case): [number, number, number, number, number, number, number, number, number, number, number, number, number, number] {
  return [q.planes, q.xPlanes, q.h, q.w, q.kh, q.kw, q.strideH, q.strideW, q.padTop, q.padLeft, q.dilationH, q.dilationW, q.oh, q.ow];
}

/** Visits every window: plane, its offsets inside the plane, its position in the output. */
function forEachWindow(q: Case, visit: (plane: number, offsets: number[], position: number) => void): void {
  for (let plane = 0; plane < q.planes; plane++) {
    for (let oy = 0; oy < q.oh; oy++) {
      for (let ox = 0; ox < q.ow; ox++) visit(plane, windowOffsets(q, oy, ox), (plane * q.oh + oy) * q.ow + ox);
    }
  }
}

function expectMaxPool(dtype: Dtype, q: Case, seed: number): void {
  const area = q.h * q.w,
    round = rounding(dtype);
  // Few distinct, mostly negative values: ties everywhere, and 0 of padding would win if it took part.
  const x = integers(seed, q.xPlanes * area).map((v) => Math.floor(v / 4) - 2);
  const t = uniform(seed + 1, q.planes * area),
    d = uniform(seed + 2, q.planes * q.oh * q.ow);
  const selected = new Float64Array(d.length),
    scattered = new Float64Array(t.length);
  forEachWindow(q, (plane, offsets, position) => {
    const at = argmaxOffset(x.subarray((plane % q.xPlanes) * area, (plane % q.xPlanes) * area + area), offsets);
    if (at < 0) return;
    selected[position] = t[plane * area + at];
    scattered[plane * area + at] = round(scattered[plane * area + at] + d[position]);
  });
  for (const box of [release, debug]) {
    box.reset();
    const routines = box.routines(dtype),
      xPtr = box.input(dtype, x).ptr;
    const out = box.output(dtype, d.length),
      back = box.output(dtype, t.length);
    routines.maxPoolSelect(...geometry(q), xPtr, box.input(dtype, t).ptr, out.ptr);
    routines.maxPoolScatter(...geometry(q), xPtr, box.input(dtype, d).ptr, back.ptr);
    box.check();
    expectSameBits(out.read(), selected, `maxPoolSelect ${JSON.stringify(q)}`);
    expectSameBits(back.read(), scattered, `maxPoolScatter ${JSON.stringify(q)}`);
  }
}

function expectAvgPool(dtype: Dtype, dilated: Case, countIncludePad: number): void {
  const q = { ...dilated, dilationH: 1, dilationW: 1 };
  const area = q.h * q.w,
    round = rounding(dtype);
  const x = uniform(11, q.planes * area),
    d = uniform(12, q.planes * q.oh * q.ow);
  const means = new Float64Array(d.length),
    back = new Float64Array(x.length);
  forEachWindow(q, (plane, offsets, position) => {
    const inside = offsets.filter((at) => at >= 0);
    const count = countIncludePad ? q.kh * q.kw : inside.length;
    if (inside.length === 0) return;
    means[position] = round(inside.reduce((sum, at) => round(sum + x[plane * area + at]), 0) / count);
    const share = round(d[position] / count);
    for (const at of inside) back[plane * area + at] = round(back[plane * area + at] + share);
  });
  for (const box of [release, debug]) {
    box.reset();
    const routines = box.routines(dtype),
      out = box.output(dtype, d.length),
      gradient = box.output(dtype, x.length);
    const shape = [q.planes, q.h, q.w, q.kh, q.kw, q.strideH, q.strideW, q.padTop, q.padLeft, q.oh, q.ow, countIncludePad] as const;
    routines.avgPool(...shape, box.input(dtype, x).ptr, out.ptr);
    routines.avgPoolTranspose(...shape, box.input(dtype, d).ptr, gradient.ptr);
    box.check();
    expectSameBits(out.read(), means, `avgPool ${JSON.stringify(q)}`);
    expectSameBits(gradient.read(), back, `avgPoolTranspose ${JSON.stringify(q)}`);
  }
}

describe.each(DTYPES)('pooling %s', (dtype) => {
  test('max: the first maximum in row-major order, padding never wins, its transpose adds in order', () => {
    fc.assert(
      fc.property(cases, fc.nat(1000), (q, seed) => expectMaxPool(dtype, q, seed)),
      { seed: 10, numRuns: 150 },
    );
  });

  test('mean: both counts, mirror bits, and the transpose', () => {
    fc.assert(
      fc.property(cases, fc.nat(1), (q, count) => expectAvgPool(dtype, q, count)),
      { seed: 11, numRuns: 150 },
    );
  });

  test('2 × 2 max with stride 2 on a known image', () => {
    release.reset();
    const x = release.input(dtype, [1, 2, 5, 5, 3, 0, 5, -1, -4, -3, -9, -9, -2, -8, -9, -9]);
    const index = release.input(
        dtype,
        Array.from({ length: 16 }, (_, i) => i),
      ),
      out = release.output(dtype, 4);
    release.routines(dtype).maxPoolSelect(1, 1, 4, 4, 2, 2, 2, 2, 0, 0, 1, 1, 2, 2, x.ptr, index.ptr, out.ptr);
    expect(Array.from(out.read())).toEqual([4, 2, 12, 10]);
  });
});
