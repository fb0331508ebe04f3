/**
 * @file How many units in the last place the element-wise routines are off: f64 against multiprecision series, f32 against
 * doubles. TANGEDGE_TEST_CASES=all compares every f32 bit pattern instead of every 4099th.
 */

import { describe, expect, test } from 'vitest';
import { erf as erfDouble, normalTail } from '../oracle/error-function.ts';
import { cos, erf, exactly, exp, expm1, gelu, log, sigmoid, silu, sin, tanh, ulpError } from '../oracle/multiprecision.ts';
import { generator } from '../oracle/numbers.ts';
import { type Dtype, Sandbox } from './sandbox.ts';

const EXACT = { exp, expm1, log, sin, cos, tanh, sigmoid, silu, erf, gelu };
type Name = keyof typeof EXACT;

interface Case {
  /** Largest error allowed, in units in the last place of the exact value; about 1.1 times the largest known. */
  readonly ulps: number;
  /** Interval of the f64 samples. */
  readonly from: number;
  readonly to: number;
  /** x and f(x) beyond that interval, in f64. */
  readonly beyond: readonly (readonly [number, number])[];
  /** The f64 function is x, to more than 60 bits, above it. */
  readonly identityAbove?: number;
  /** Double-precision reference for f32. */
  readonly double: (x: number) => number;
}

const { MAX_VALUE: MAX } = Number;
const sigmoidDouble = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const siluDouble = (x: number) => x * sigmoidDouble(x);
const geluDouble = (x: number) => (x < 0 ? x * normalTail(-x) : x * (1 - normalTail(x)));

// biome-ignore format: a table
const CASES: Record<Name, Case> = {
  exp: { ulps: 1, from: -745.2, to: 709.79, double: Math.exp, beyond: [[-746, 0], [-MAX, 0], [709.8, Infinity], [MAX, Infinity]] },
  expm1: { ulps: 1.5, from: -40, to: 709.79, double: Math.expm1, beyond: [[-40.1, -1], [-MAX, -1], [709.8, Infinity], [MAX, Infinity]] },
  log: { ulps: 1, from: 5e-324, to: MAX, double: Math.log, beyond: [[0, -Infinity], [-5e-324, NaN], [-MAX, NaN]] },
  sin: { ulps: 0.8, from: -MAX, to: MAX, double: Math.sin, beyond: [[Infinity, NaN], [-Infinity, NaN]] },
  cos: { ulps: 0.8, from: -MAX, to: MAX, double: Math.cos, beyond: [[Infinity, NaN], [-Infinity, NaN]] },
  tanh: { ulps: 1.2, from: -20, to: 20, double: Math.tanh, beyond: [[-20.1, -1], [-MAX, -1], [20.1, 1], [MAX, 1]] },
  sigmoid: { ulps: 0.9, from: -745.2, to: 40, double: sigmoidDouble, beyond: [[-746, 0], [-MAX, 0], [40.1, 1], [MAX, 1]] },
  silu: { ulps: 0.9, from: -752, to: MAX, identityAbove: 64, double: siluDouble, beyond: [[-753, -0], [-MAX, -0]] },
  erf: { ulps: 1.4, from: -6.1, to: 6.1, double: erfDouble, beyond: [[-6.2, -1], [-MAX, -1], [6.2, 1], [MAX, 1]] },
  gelu: { ulps: 2, from: -38.6, to: MAX, identityAbove: 12, double: geluDouble, beyond: [[-38.7, -0], [-MAX, -0]] },
};
const NAMES = Object.keys(CASES) as Name[];

const box = new Sandbox('release');

function run(name: Name, dtype: Dtype, x: ArrayLike<number>): ArrayLike<number> {
  box.reset();
  const input = box.input(dtype, x);
  const output = box.output(dtype, x.length);
  box.routines(dtype)[name](x.length, input.ptr, output.ptr);
  return output.read();
}

/** A double of each sign in every binade of [from, to], and uniform ones over the whole of it and near 0. */
function samples({ from, to }: Case, seed: number): number[] {
  const next = generator(seed);
  const fraction = () => next() / 2 ** 32 + next() / 2 ** 64;
  const x: number[] = [];
  for (let e = -1074; e < 1024; e++) {
    const magnitude = e < -1022 ? 2 ** e * Math.ceil(fraction() * 2) : 2 ** e * (1 + fraction());
    x.push(magnitude, -magnitude);
  }
  const [low, high] = [Math.max(from, -800), Math.min(to, 800)];
  for (let i = 0; i < 1200; i++) x.push(low + (high - low) * fraction());
  for (let i = 0; i < 2500; i++) x.push(8 * fraction() - 4);
  for (let i = 0; i < 100; i++) x.push(Math.max(from, -50) * fraction());
  for (let i = 0; i < 500; i++) x.push(1 + (fraction() - 0.5) / 2 ** (i % 50));
  return x.filter((value) => value >= from && value <= to);
}

describe.each(NAMES)('%s f64', (name) => {
  const { ulps, beyond, identityAbove = Number.POSITIVE_INFINITY } = CASES[name];

  test(`at most ${ulps} ulp from the multiprecision series, in every binade`, () => {
    const x = samples(CASES[name], 1);
    const y = run(name, 'f64', x);
    let worst = { error: 0, x: 0, y: 0 };
    for (let i = 0; i < x.length; i++) {
      const exact = x[i] > identityAbove ? exactly(x[i]) : EXACT[name](exactly(x[i]));
      const error = ulpError(y[i], exact, 'f64');
      if (!(error <= worst.error)) worst = { error, x: x[i], y: y[i] };
    }
    expect(worst.error, `${name}(${worst.x}) = ${worst.y} is ${worst.error.toFixed(3)} ulp off, of ${x.length} samples`).toBeLessThanOrEqual(ulps);
  });

  test('its limits beyond', () => {
    const y = run(
      name,
      'f64',
      beyond.map(([value]) => value),
    );
    beyond.forEach(([value, limit], i) => {
      expect(y[i], `${name}(${value})`).toBe(limit);
    });
  });
});

describe.each(NAMES)('%s f32', (name) => {
  const { ulps, double } = CASES[name];
  const all = process.env.TANGEDGE_TEST_CASES === 'all';
  const stride = all ? 1 : 4099;
  const chunk = 1 << 20;

  test(
    `at most ${ulps} ulp from a double-precision reference, every ${stride}th bit pattern`,
    () => {
      let worst = { error: 0, x: 0, y: 0 };
      const patterns = new Uint32Array(chunk);
      const x = new Float32Array(patterns.buffer);
      for (let start = 0; start < 2 ** 32; start += chunk * stride) {
        const count = Math.min(chunk, Math.ceil((2 ** 32 - start) / stride));
        for (let i = 0; i < count; i++) patterns[i] = start + i * stride;
        const y = run(name, 'f32', x.subarray(0, count));
        for (let i = 0; i < count; i++) {
          const error = singleUlpError(y[i], double(x[i]));
          if (!(error <= worst.error)) worst = { error, x: x[i], y: y[i] };
        }
      }
      expect(worst.error, `${name}(${worst.x}) = ${worst.y} is ${worst.error.toFixed(3)} ulp off`).toBeLessThanOrEqual(ulps);
    },
    all ? 3_600_000 : 60_000,
  );
});

const pun = new DataView(new ArrayBuffer(8));

/** |y − exact| in f32 units in the last place of exact; NaN and infinities must agree, past the largest f32 too. */
function singleUlpError(y: number, exact: number): number {
  if (Object.is(y, exact)) return 0;
  if (Number.isNaN(exact) || Number.isNaN(y)) return Number.POSITIVE_INFINITY;
  const top = 2 ** 128;
  const expected = Math.max(-top, Math.min(top, exact));
  const computed = Math.max(-top, Math.min(top, y));
  pun.setFloat64(0, expected);
  const exponent = Math.max(((pun.getUint32(0) >>> 20) & 0x7ff) - 1023, -126);
  return Math.abs(computed - expected) / 2 ** (Math.min(exponent, 127) - 23);
}
