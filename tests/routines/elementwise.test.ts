/** @file Element-wise routines: position independence, special values, symmetries, guard bands, and release = debug. */

import { describe, expect, test } from 'vitest';
import { generator } from '../oracle/numbers.ts';
import { DTYPES, type Dtype, expectSameBits, rounding, Sandbox } from './sandbox.ts';

/** Every map, with scalar parameters where it has some. */
// biome-ignore format: a table
const MAPS: Record<string, readonly number[]> = {
  exp: [], expm1: [], log: [], sqrt: [], sin: [], cos: [], tanh: [], sigmoid: [], erf: [], gelu: [], silu: [], softplus: [], relu: [],
  erfDerivative: [], sechSquared: [], sigmoidDerivative: [], siluDerivative: [], geluDerivative: [],
  leakyRelu: [0.01], elu: [1.5], affine: [1.7, -0.3],
};
const NAMES = Object.keys(MAPS);
// biome-ignore format: a table
const SPECIAL = [
  0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, NaN, 5e-324, -5e-324, 1e-45, -1e-45, 1e-310,
  1e300, -1e300, 3e38, -3e38, 88.7, -103.9, 709.7, -745.1, 20, -38.4
];

const release = new Sandbox('release');
const debug = new Sandbox('debug');

type Call = (n: number, ...rest: number[]) => void;

function run(box: Sandbox, name: string, dtype: Dtype, x: ArrayLike<number>, shift = 0, parameters = MAPS[name]): ArrayLike<number> {
  box.reset();
  const input = box.input(dtype, x, shift);
  const output = box.output(dtype, x.length, shift);
  (box.routines(dtype)[name as 'exp'] as Call)(x.length, ...parameters, input.ptr, output.ptr);
  box.check();
  return output.read();
}

/** Random reals of many magnitudes and the special values, rounded to the dtype. */
function inputs(dtype: Dtype, seed: number, length: number): number[] {
  const next = generator(seed);
  const values = Array.from({ length }, () => {
    const sign = next() & 1 ? 1 : -1;
    return sign * (1 + next() / 2 ** 32) * 2 ** ((next() % 24) - 16);
  });
  return [...SPECIAL, ...values].map(rounding(dtype));
}

describe.each(DTYPES)('%s', (dtype) => {
  const round = rounding(dtype);

  test.each(NAMES)('%s: an element gives the same bits at any offset, in an array of any length, in place or not', (name) => {
    const x = inputs(dtype, 1, 60);
    const alone = x.map((value) => run(release, name, dtype, [value])[0]);
    for (let length = 0; length <= 17; length++) {
      for (let start = 0; start + length <= x.length; start += 5) {
        const shift = start % 4;
        const part = x.slice(start, start + length);
        const expected = alone.slice(start, start + length);
        expectSameBits(run(release, name, dtype, part, shift), expected, `${name}, n = ${length}, from ${start}`);
        release.reset();
        const both = release.input(dtype, part, shift);
        (release.routines(dtype)[name as 'exp'] as Call)(length, ...MAPS[name], both.ptr, both.ptr);
        release.check();
        expectSameBits(both.read(), expected, `${name} in place, n = ${length}, from ${start}`);
      }
    }
  });

  test.each(NAMES)('%s: an element gives the same bits in blocks, some with elements beyond the range of the block, as among few', (name) => {
    const x = inputs(dtype, 4, 1300).map((value, i) => (i < SPECIAL.length ? value : value / 2 ** 6));
    for (const [i, value] of SPECIAL.entries()) x[(i * 97) % 1000] = round(value); // the last 300 have none, other blocks one or two in a piece
    const few = Array.from({ length: Math.ceil(x.length / 3) }, (_, i) => Array.from(run(release, name, dtype, x.slice(3 * i, 3 * i + 3)))).flat();
    expectSameBits(run(release, name, dtype, x), few, name);
    const other = x.slice(5); // in blocks from elsewhere
    expectSameBits(run(release, name, dtype, other), few.slice(5), `${name}, from 5`);
  });

  test.each(NAMES)('%s: the release and the debug module agree in every bit', (name) => {
    const x = inputs(dtype, 2, 5000);
    expectSameBits(run(release, name, dtype, x), run(debug, name, dtype, x), name);
  });

  // biome-ignore format: a table
  test.each<[string, [number, number][]]>([
    ['exp', [[0, 1], [-0, 1], [-Infinity, 0], [Infinity, Infinity], [-1e300, 0], [1e300, Infinity], [5e-324, 1]]],
    ['expm1', [[0, 0], [-0, -0], [-Infinity, -1], [Infinity, Infinity], [-1e300, -1], [5e-324, 5e-324], [-1e-45, -1e-45]]],
    ['log', [[1, 0], [0, -Infinity], [-0, -Infinity], [-1, NaN], [-Infinity, NaN], [Infinity, Infinity]]],
    ['sqrt', [[4, 2], [0, 0], [-0, -0], [-1, NaN], [Infinity, Infinity]]],
    ['sin', [[0, 0], [-0, -0], [1e-45, 1e-45], [Infinity, NaN], [-Infinity, NaN]]],
    ['cos', [[0, 1], [-0, 1], [1e-45, 1], [Infinity, NaN], [-Infinity, NaN]]],
    ['tanh', [[0, 0], [-0, -0], [Infinity, 1], [-Infinity, -1], [1e300, 1], [-1e-45, -1e-45]]],
    ['sigmoid', [[0, 0.5], [-0, 0.5], [Infinity, 1], [-Infinity, 0], [1e300, 1], [-1e300, 0]]],
    ['erf', [[0, 0], [-0, -0], [Infinity, 1], [-Infinity, -1], [1e300, 1], [-1e300, -1]]],
    ['gelu', [[0, 0], [-0, -0], [Infinity, Infinity], [-Infinity, -0], [1e30, 1e30], [-1e30, -0]]],
    ['silu', [[0, 0], [-0, -0], [Infinity, Infinity], [-Infinity, -0], [1e30, 1e30], [-1e30, -0]]],
    ['softplus', [[0, Math.LN2], [-0, Math.LN2], [Infinity, Infinity], [-Infinity, 0], [1e30, 1e30], [-1e30, 0]]],
    ['erfDerivative', [[Infinity, 0], [-Infinity, 0], [1e30, 0]]],
    ['sechSquared', [[0, 1], [-0, 1], [1e-45, 1], [Infinity, 0], [-Infinity, 0], [-1e30, 0]]],
    ['sigmoidDerivative', [[0, 0.25], [-0, 0.25], [1e-45, 0.25], [Infinity, 0], [-Infinity, 0], [-1e30, 0]]],
    ['siluDerivative', [[0, 0.5], [-0, 0.5], [Infinity, 1], [-Infinity, -0], [1e30, 1], [-1e30, -0]]],
    ['geluDerivative', [[0, 0.5], [-0, 0.5], [Infinity, 1], [-Infinity, -0], [1e30, 1], [-1e30, -0]]],
    ['relu', [[0, 0], [-0, 0], [3, 3], [-3, 0], [Infinity, Infinity], [-Infinity, 0]]],
    ['leakyRelu', [[0, 0], [-0, -0], [3, 3], [Infinity, Infinity], [-Infinity, -Infinity]]],
    ['elu', [[0, 0], [-0, -0], [3, 3], [Infinity, Infinity], [-Infinity, -1.5]]],
    ['affine', [[0, -0.3], [Infinity, Infinity], [-Infinity, -Infinity]]],
  ])('%s: values that are exact, infinities, signed zeros; NaN gives NaN', (name, table) => {
    const x = [...table.map(([value]) => value), Number.NaN];
    expectSameBits(run(release, name, dtype, x), [...table.map(([, value]) => round(value)), Number.NaN], name);
  });

  test.each(['cos', 'erfDerivative', 'sechSquared', 'sigmoidDerivative'])('%s is even, bit by bit', (name) => {
    const x = inputs(dtype, 6, 20_000);
    const mirrored = x.map((value) => -value);
    expectSameBits(run(release, name, dtype, mirrored), run(release, name, dtype, x), name);
  });

  test.each(['sin', 'tanh', 'erf'])('%s is odd, bit by bit', (name) => {
    const x = inputs(dtype, 3, 20_000);
    const mirrored = Array.from(
      run(
        release,
        name,
        dtype,
        x.map((value) => -value),
      ),
      (value) => -value,
    );
    expectSameBits(run(release, name, dtype, x), mirrored, name);
  });

  test.each<[string, number, number]>([
    ['exp', -80, 80],
    ['expm1', -15, 80],
    ['log', 1e-3, 50],
    ['sqrt', 0, 50],
    ['tanh', -8, 8],
    ['sigmoid', -80, 15],
    ['softplus', -80, 80],
    ['erf', -3.5, 3.5],
    ['elu', -15, 20],
  ])('%s does not decrease from %f to %f', (name, from, to) => {
    const x = Float64Array.from({ length: 20_001 }, (_, i) => from + ((to - from) * i) / 20_000);
    const y = run(release, name, dtype, x);
    for (let i = 1; i < x.length; i++) {
      if (!(y[i] >= y[i - 1])) expect.fail(`${name}(${x[i - 1]}) = ${y[i - 1]} but ${name}(${x[i]}) = ${y[i]}`);
    }
  });

  test('sqrt, relu, leakyRelu and affine are the rounded formula', () => {
    const x = inputs(dtype, 4, 5000);
    const [slope, scale, shift] = [0.01, 1.7, -0.3].map(round);
    expectSameBits(
      run(release, 'sqrt', dtype, x),
      x.map((v) => round(Math.sqrt(v))),
      'sqrt',
    );
    expectSameBits(
      run(release, 'relu', dtype, x),
      x.map((v) => (v > 0 || Number.isNaN(v) ? v : 0)),
      'relu',
    );
    expectSameBits(
      run(release, 'leakyRelu', dtype, x),
      x.map((v) => (v > 0 ? v : round(slope * v))),
      'leakyRelu',
    );
    expectSameBits(
      run(release, 'affine', dtype, x),
      x.map((v) => round(round(scale * v) + shift)),
      'affine',
    );
  });

  test('elu is x above 0 and alpha·expm1(x) below, with any alpha', () => {
    const x = inputs(dtype, 5, 1000);
    const below = run(release, 'expm1', dtype, x);
    for (const alpha of [1, 0.3, -2]) {
      expectSameBits(
        run(release, 'elu', dtype, x, 0, [alpha]),
        x.map((v, i) => (v > 0 ? v : round(round(alpha) * below[i]))),
        `elu, alpha ${alpha}`,
      );
    }
  });
});
