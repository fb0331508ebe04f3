/** @file convolutionSharedZeros against the mirrors of gemm and fold over all terms: the same bits, whichever terms are zero. */

import fc from 'fast-check';
import { describe, test } from 'vitest';
import { outputExtent, patchSources, type Windows } from '../oracle/images.ts';
import { gemmMirror } from '../oracle/matrices.ts';
import { uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const boxes = [new Sandbox('release'), new Sandbox('debug'), new Sandbox('wide')];

interface Case extends Windows {
  readonly images: number;
  readonly rows: number;
  readonly c: number;
  readonly o: number;
  /** Of places that are zero in all rows of an image. */
  readonly share: number;
  /** Rows vary slowest in memory, else images. */
  readonly rowsOuter: boolean;
  /** Of entries that are wanted; null asks for all of them. */
  readonly wanted: number | null;
}

const cases = fc
  .record({
    images: fc.integer({ min: 0, max: 3 }),
    rows: fc.integer({ min: 1, max: 16 }),
    c: fc.integer({ min: 1, max: 20 }),
    h: fc.integer({ min: 1, max: 7 }),
    w: fc.integer({ min: 1, max: 9 }),
    o: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(512)),
    kh: fc.integer({ min: 1, max: 3 }),
    kw: fc.integer({ min: 1, max: 4 }),
    strideH: fc.integer({ min: 1, max: 3 }),
    strideW: fc.integer({ min: 1, max: 3 }),
    padTop: fc.nat(2),
    padLeft: fc.nat(2),
    dilationH: fc.integer({ min: 1, max: 2 }),
    dilationW: fc.integer({ min: 1, max: 3 }),
    share: fc.constantFrom(0, 0.5, 0.9, 1),
    rowsOuter: fc.boolean(),
    wanted: fc.constantFrom(null, 0, 0.5, 1),
  })
  .map(
    (g): Case => ({
      ...g,
      oh: outputExtent(g.h, g.kh, g.strideH, g.padTop, g.padTop, g.dilationH),
      ow: outputExtent(g.w, g.kw, g.strideW, g.padLeft, g.padLeft, g.dilationW),
    }),
  );

/** Where an image and a row begin, in elements of `size` each. */
function strides({ images, rows, rowsOuter }: Case, size: number): { image: number; row: number } {
  return rowsOuter ? { image: size, row: images * size } : { image: rows * size, row: size };
}

/** Zeros of both signs at places that the rows of an image share, and at others. */
function cotangents(q: Case): Float64Array {
  const size = q.o * q.oh * q.ow;
  const [values, off, single] = [uniform(1, q.images * q.rows * size), uniform(2, q.images * size), uniform(3, q.images * q.rows * size)];
  const { image, row } = strides(q, size);
  const d = new Float64Array(values.length);
  for (let i = 0; i < q.images; i++) {
    for (let r = 0; r < q.rows; r++) {
      for (let j = 0; j < size; j++) {
        const at = i * image + r * row + j;
        const zero = off[i * size + j] < 2 * q.share - 1 || single[at] < -0.8;
        d[at] = zero ? values[at] * 0 : values[at];
      }
    }
  }
  return d;
}

/** Products of every tap by gemm, added by fold. */
function expected(dtype: Dtype, q: Case, d: Float64Array, k: Float64Array): Float64Array {
  const round = rounding(dtype);
  const positions = q.oh * q.ow;
  const patch = q.c * q.kh * q.kw;
  const sources = patchSources(q, 1, q.c, 0, q.c);
  const [from, to] = [strides(q, q.o * positions), strides(q, q.c * q.h * q.w)];
  const x = new Float64Array(q.images * q.rows * q.c * q.h * q.w);
  for (let i = 0; i < q.images; i++) {
    for (let r = 0; r < q.rows; r++) {
      const taps = new Float64Array(positions * patch);
      const right = { data: k.map(round), rs: patch, cs: 1 };
      const left = { data: d.subarray(i * from.image + r * from.row).map(round), rs: 1, cs: positions };
      gemmMirror(round, positions, patch, q.o, 1, left, right, 0, { data: taps, rs: patch, cs: 1 });
      const start = i * to.image + r * to.row;
      sources.forEach((at, entry) => {
        if (at >= 0) x[start + at] = round(x[start + at] + taps[entry]);
      });
    }
  }
  return x;
}

function expectGradient(dtype: Dtype, q: Case): void {
  const d = cotangents(q);
  const k = uniform(4, q.o * q.c * q.kh * q.kw);
  const x = expected(dtype, q, d, k);
  const size = q.c * q.h * q.w;
  const [from, to] = [strides(q, q.o * q.oh * q.ow), strides(q, size)];
  const { wanted, images, rows, rowsOuter } = q;
  const condition = wanted === null ? null : uniform(5, images * size).map((value) => value - (1 - 2 * wanted));
  const isWanted = (at: number) => {
    const entry = Math.floor(at / size);
    const image = rowsOuter ? entry % images : Math.floor(entry / rows);
    return condition === null || condition[image * size + (at % size)] > 0;
  };
  for (const box of boxes) {
    box.reset();
    const routines = box.routines(dtype);
    const [dPtr, kPtr] = [box.input(dtype, d, 1).ptr, box.input(dtype, k, 1).ptr];
    const wantedPtr = condition === null ? 0 : box.input(dtype, condition, 1).ptr;
    const out = box.output(dtype, x.length, 1);
    const scratch = box.bytes(routines.convolutionSharedZerosScratchBytes(q.rows, q.c, q.h, q.w, q.o, q.kh, q.kw, q.dilationH, q.ow));
    routines.convolutionSharedZeros(
      ...([q.images, q.rows, q.c, q.h, q.w, q.o, q.kh, q.kw, q.strideH, q.strideW] as const),
      ...([q.padTop, q.padLeft, q.dilationH, q.dilationW, q.oh, q.ow] as const),
      ...([dPtr, from.image, from.row, kPtr, wantedPtr, size, out.ptr, to.image, to.row, scratch] as const),
    );
    box.check();
    expectSameBits(
      out.read(),
      x.map((value, at) => (isWanted(at) ? value : 0)),
      `${dtype} ${JSON.stringify(q)}`,
    );
  }
}

describe.each(DTYPES)('convolutionSharedZeros %s', (dtype) => {
  test('mirror bits in release, debug and wide, +0 where they are not wanted: strides, padding, dilation, rows and images in either order', () => {
    fc.assert(
      fc.property(cases, (q) => expectGradient(dtype, q)),
      { seed: 47, numRuns: 60 },
    );
  });

  test('3 × 3 over 32 channels, ten rows', () => {
    const square = {
      c: 32,
      h: 8,
      w: 8,
      o: 32,
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
    for (const wanted of [null, 0.5]) expectGradient(dtype, { ...square, images: 2, rows: 10, share: 0.5, rowsOuter: true, wanted });
  });
});
