/** @file Broadcasting arithmetic, gate, select, stridedCopy and fill against one-element-at-a-time definitions. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { offsetsOf } from '../oracle/layouts.ts';
import { integers, uniform } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

const release = new Sandbox('release');
const debug = new Sandbox('debug');

/** An operand's layout over shared extents: its stride per axis. */
interface Layout {
  readonly extents: number[];
  readonly strides: number[][];
}

/** Contiguous strides, except 0 along broadcast axes. */
function broadcastStrides(extents: readonly number[], broadcast: readonly boolean[]): number[] {
  let stride = 1;
  const strides = new Array<number>(extents.length);
  for (let d = extents.length - 1; d >= 0; d--) {
    strides[d] = broadcast[d] ? 0 : stride;
    if (!broadcast[d]) stride *= extents[d];
  }
  return strides;
}

/** The strides of an array whose axes are stored in another order, with a gap. */
function permutedStrides(extents: readonly number[], order: readonly number[], gap: number): number[] {
  const strides = new Array<number>(extents.length);
  let stride = 1 + gap;
  for (const d of order) {
    strides[d] = stride;
    stride *= extents[d];
  }
  return strides;
}

/** Random extents (rank 0–5) and `count` operands: broadcast, permuted or contiguous. */
function layouts(count: number): fc.Arbitrary<Layout> {
  return fc.array(fc.constantFrom(1, 2, 3, 4, 5, 9, 17), { maxLength: 5 }).chain((extents) => {
    const rank = extents.length;
    const axes = Array.from({ length: rank }, (_, d) => d);
    const operand = fc.oneof(
      fc.array(fc.boolean(), { minLength: rank, maxLength: rank }).map((flags) => broadcastStrides(extents, flags)),
      fc.tuple(fc.shuffledSubarray(axes, { minLength: rank }), fc.nat(1)).map(([order, gap]) => permutedStrides(extents, order, gap)),
    );
    return fc.record({ extents: fc.constant(extents), strides: fc.array(operand, { minLength: count, maxLength: count }) });
  });
}

function descriptorOf({ extents, strides }: Layout): number[] {
  return [extents.length, ...extents, ...strides.flat()];
}

function run(
  box: Sandbox,
  dtype: Dtype,
  name: 'add' | 'sub' | 'mul' | 'div' | 'gate' | 'select',
  layout: Layout,
  slope: number,
  shift: number,
): { actual: ArrayLike<number>; operands: number[][] } {
  box.reset();
  const routines = box.routines(dtype);
  const offsets = layout.strides.map((strides) => offsetsOf(layout.extents, strides));
  const data = offsets.map((list, p) => {
    const values = integers(p + 1, Math.max(0, ...list) + 1);
    return p === 0 ? values : Float64Array.from(uniform(p + 3, values.length), (x) => x + 1.5);
  });
  const ptrs = data.map((values) => box.input(dtype, values, shift).ptr);
  const out = box.output(dtype, offsets[0].length, shift);
  const descriptor = box.descriptor(descriptorOf(layout));
  if (name === 'gate') routines.gate(slope, descriptor, ptrs[0], ptrs[1], out.ptr);
  else if (name === 'select') routines.select(descriptor, ptrs[0], ptrs[1], ptrs[2], out.ptr);
  else routines[name](descriptor, ptrs[0], ptrs[1], out.ptr);
  box.check();
  const round = rounding(dtype);
  return { actual: out.read(), operands: offsets.map((list, p) => list.map((at) => round(data[p][at]))) };
}

describe.each(DTYPES)('broadcast %s', (dtype) => {
  const round = rounding(dtype);
  const operations = {
    add: (x: number, y: number) => round(x + y),
    sub: (x: number, y: number) => round(x - y),
    mul: (x: number, y: number) => round(x * y),
    div: (x: number, y: number) => round(x / y),
  };

  test.each(['add', 'sub', 'mul', 'div'] as const)('%s: every element of random layouts, release and debug', (name) => {
    fc.assert(
      fc.property(layouts(2), fc.nat(3), (layout, shift) => {
        for (const box of [release, debug]) {
          const { actual, operands } = run(box, dtype, name, layout, 0, shift);
          expectSameBits(
            actual,
            operands[0].map((x, i) => operations[name](x, operands[1][i])),
            `${name} ${JSON.stringify(layout)}`,
          );
        }
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  test('the patterns networks use: bias over channels and features, scalars, rows, columns', () => {
    const patterns: Layout[] = [
      {
        extents: [3, 5, 35],
        strides: [
          [175, 35, 1],
          [0, 1, 0],
        ],
      },
      {
        extents: [7, 33],
        strides: [
          [33, 1],
          [0, 1],
        ],
      },
      {
        extents: [7, 33],
        strides: [
          [33, 1],
          [1, 0],
        ],
      },
      {
        extents: [7, 33],
        strides: [
          [0, 1],
          [33, 1],
        ],
      },
      { extents: [1000], strides: [[1], [0]] },
      { extents: [1000], strides: [[0], [1]] },
      {
        extents: [0, 4],
        strides: [
          [4, 1],
          [4, 1],
        ],
      },
      {
        extents: [2, 2, 2, 2, 2, 2, 2, 3],
        strides: [
          [192, 96, 48, 24, 12, 6, 3, 1],
          [0, 1, 0, 2, 0, 4, 0, 8],
        ],
      },
    ];
    for (const layout of patterns) {
      for (const name of ['add', 'div'] as const) {
        const { actual, operands } = run(release, dtype, name, layout, 0, 1);
        expectSameBits(
          actual,
          operands[0].map((x, i) => operations[name](x, operands[1][i])),
          `${name} ${JSON.stringify(layout)}`,
        );
      }
    }
  });

  test('gate: a > 0 ? b : slope·b on random layouts, release and debug', () => {
    fc.assert(
      fc.property(layouts(2), fc.constantFrom(0, 0.01, -2), (layout, slope) => {
        for (const box of [release, debug]) {
          const { actual, operands } = run(box, dtype, 'gate', layout, slope, 0);
          const expected = operands[0].map((a, i) => (a > 0 ? operands[1][i] : slope === 0 ? 0 : round(round(slope) * operands[1][i])));
          expectSameBits(actual, expected, `gate ${slope} ${JSON.stringify(layout)}`);
        }
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  test('gate with slope 0 is exactly +0 even where b is not finite', () => {
    release.reset();
    const a = [-1, 0, -0, 1, -1, -1, 1, 0, -3],
      b = [Number.NaN, Infinity, -1, 5, -Infinity, -2, -7, 3, Number.NaN];
    const out = release.output(dtype, 9);
    release.routines(dtype).gate(0, release.descriptor([1, 9, 1, 1]), release.input(dtype, a).ptr, release.input(dtype, b).ptr, out.ptr);
    expectSameBits(out.read(), [0, 0, 0, 5, 0, 0, -7, 0, 0], 'gate');
  });

  test('select: a > 0 ? b : c on random layouts, release and debug', () => {
    fc.assert(
      fc.property(layouts(3), fc.nat(2), (layout, shift) => {
        for (const box of [release, debug]) {
          const { actual, operands } = run(box, dtype, 'select', layout, 0, shift);
          expectSameBits(
            actual,
            operands[0].map((a, i) => (a > 0 ? operands[1][i] : operands[2][i])),
            `select ${JSON.stringify(layout)}`,
          );
        }
      }),
      { seed: 5, numRuns: 60 },
    );
  });

  test('stridedCopy: random layouts to random layouts, gaps untouched, release and debug', () => {
    fc.assert(
      fc.property(layouts(1), fc.infiniteStream(fc.nat(1000)), fc.nat(1), (layout, stream, gap) => {
        const { extents } = layout;
        const order = extents.map((_, d) => ({ d, key: stream.next().value as number })).sort((x, y) => x.key - y.key);
        expectCopy(
          extents,
          layout.strides[0],
          permutedStrides(
            extents,
            order.map(({ d }) => d),
            gap,
          ),
        );
      }),
      { seed: 6, numRuns: 120 },
    );
  });

  test('stridedCopy: transposes across block edges, long runs, one broadcast value', () => {
    for (const [rows, columns] of [
      [31, 33],
      [32, 64],
      [65, 97],
      [1, 70],
      [3, 129],
    ]) {
      expectCopy([rows, columns], [1, rows], [columns, 1]);
      expectCopy([2, rows, columns], [rows * columns, columns, 1], [rows * columns, 1, rows]);
    }
    expectCopy([4, 500], [700, 1], [500, 1]);
    expectCopy([3, 40], [0, 0], [40, 1]);
    expectCopy([40, 3], [0, 1], [3, 1]);
    expectCopy([], [], []);
  });

  function expectCopy(extents: number[], from: number[], to: number[]): void {
    const sources = offsetsOf(extents, from),
      targets = offsetsOf(extents, to);
    const values = uniform(8, Math.max(0, ...sources) + 1);
    const expected = new Float64Array(Math.max(0, ...targets) + 1).fill(Number.NaN);
    sources.forEach((at, i) => {
      expected[targets[i]] = values[at];
    });
    for (const box of [release, debug]) {
      box.reset();
      const input = box.input(dtype, values),
        out = box.output(dtype, expected.length);
      box.routines(dtype).stridedCopy(box.descriptor([extents.length, ...extents, ...from, ...to]), input.ptr, out.ptr);
      box.check();
      expectSameBits(out.read(), expected, `stridedCopy [${extents}] from [${from}] to [${to}]`);
    }
  }

  test('fill writes n elements and no more', () => {
    for (const n of [0, 1, 2, 3, 4, 5, 7, 64, 1001]) {
      for (const shift of [0, 1]) {
        release.reset();
        const out = release.output(dtype, n, shift);
        release.routines(dtype).fill(n, -0.1, out.ptr);
        release.check();
        expect(out.read().every((x) => x === round(-0.1))).toBe(true);
      }
    }
  });
});
