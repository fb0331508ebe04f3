/**
 * @file How many units in the last place the element-wise routines are off: f64 against multiprecision series, f32 against
 * doubles. TANGEDGE_TEST_CASES=all also compares every f32 bit pattern, with the f64 routine that the series vouch for.
 */

import { loadRuntime } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { erf as erfDouble, normalTail } from '../oracle/error-function.ts';
import {
  cos,
  erf,
  erfDerivative,
  exactly,
  exp,
  expm1,
  gelu,
  geluDerivative,
  log,
  sechSquared,
  sigmoid,
  sigmoidDerivative,
  silu,
  siluDerivative,
  sin,
  softplus,
  tanh,
  ulpError,
} from '../oracle/multiprecision.ts';
import { generator } from '../oracle/numbers.ts';
import { type Dtype, Sandbox } from './sandbox.ts';

const EXACT = {
  exp,
  expm1,
  log,
  sin,
  cos,
  tanh,
  sigmoid,
  silu,
  softplus,
  erf,
  gelu,
  erfDerivative,
  sechSquared,
  sigmoidDerivative,
  siluDerivative,
  geluDerivative,
};
type Name = keyof typeof EXACT;

interface Case {
  /** Largest error allowed, in units in the last place of the exact value; about 1.1 times the largest known. */
  readonly ulps: number;
  /** The same of f64, where its formula is another. */
  readonly ulpsF64?: number;
  /** Interval of the f64 samples. */
  readonly from: number;
  readonly to: number;
  /** x and f(x) beyond that interval, in f64. */
  readonly beyond: readonly (readonly [number, number])[];
  /** The f64 function is x, to more than 60 bits, above it. */
  readonly identityAbove?: number;
  /** The f64 function is 1, to more than 60 bits, above it. */
  readonly oneAbove?: number;
  /** More f64 samples lie around it: the double next to a zero. */
  readonly zero?: number;
  /** Double-precision reference for f32. */
  readonly double: (x: number) => number;
}

const { MAX_VALUE: MAX } = Number;
const sigmoidDouble = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const siluDouble = (x: number) => x * sigmoidDouble(x);
const softplusDouble = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const geluDouble = (x: number) => (x < 0 ? x * normalTail(-x) : x * (1 - normalTail(x)));
const sechSquaredDouble = (x: number) => 4 / (Math.exp(-2 * Math.abs(x)) + 2 + Math.exp(2 * Math.abs(x)));
/** f′(x) from f′(−|x|), in which the powers do not overflow. */
const mirrored = (left: (x: number) => number) => (x: number) => (x > 0 ? 1 - left(-x) : left(x));
const siluDerivativeDouble = mirrored((x) => (Math.exp(x) * (1 + x + Math.exp(x))) / (1 + Math.exp(x)) ** 2);
const geluDerivativeDouble = mirrored((x) => normalTail(-x) + Math.max(x, -50) * (Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)));

// biome-ignore format: a table
const CASES: Record<Name, Case> = {
  exp: { ulps: 1, from: -745.2, to: 709.79, double: Math.exp, beyond: [[-746, 0], [-MAX, 0], [709.8, Infinity], [MAX, Infinity]] },
  expm1: { ulps: 1.5, ulpsF64: 1.2, from: -40, to: 709.79, double: Math.expm1, beyond: [[-40.1, -1], [-MAX, -1], [709.8, Infinity], [MAX, Infinity]] },
  log: { ulps: 1, ulpsF64: 1.6, from: 5e-324, to: MAX, double: Math.log, beyond: [[0, -Infinity], [-5e-324, NaN], [-MAX, NaN]] },
  sin: { ulps: 1.6, ulpsF64: 2, from: -MAX, to: MAX, double: Math.sin, beyond: [[Infinity, NaN], [-Infinity, NaN]] },
  cos: { ulps: 1.6, ulpsF64: 2, from: -MAX, to: MAX, double: Math.cos, beyond: [[Infinity, NaN], [-Infinity, NaN]] },
  tanh: { ulps: 1.2, ulpsF64: 2, from: -20, to: 20, double: Math.tanh, beyond: [[-20.1, -1], [-MAX, -1], [20.1, 1], [MAX, 1]] },
  sigmoid: { ulps: 2, from: -745.2, to: 40, double: sigmoidDouble, beyond: [[-746, 0], [-MAX, 0], [40.1, 1], [MAX, 1]] },
  silu: { ulps: 2, from: -752, to: MAX, identityAbove: 64, double: siluDouble, beyond: [[-753, -0], [-MAX, -0]] },
  softplus: { ulps: 1.7, ulpsF64: 1.6, from: -745.2, to: MAX, identityAbove: 64, double: softplusDouble, beyond: [[-746, 0], [-MAX, 0]] },
  erf: { ulps: 1.6, ulpsF64: 2, from: -6.1, to: 6.1, double: erfDouble, beyond: [[-6.2, -1], [-MAX, -1], [6.2, 1], [MAX, 1]] },
  gelu: { ulps: 0.8, ulpsF64: 2, from: -38.6, to: MAX, identityAbove: 12, double: geluDouble, beyond: [[-38.7, -0], [-MAX, -0]] },
  erfDerivative: { ulps: 0.6, ulpsF64: 0.8, from: -27.3, to: 27.3, double: (x) => (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x), beyond: [[-27.4, 0], [-MAX, 0], [MAX, 0]] },
  sechSquared: { ulps: 2, ulpsF64: 1.9, from: -373, to: 373, double: sechSquaredDouble, beyond: [[-374, 0], [-MAX, 0], [MAX, 0]] },
  sigmoidDerivative: { ulps: 2, ulpsF64: 1.9, from: -746, to: 746, double: (x) => sechSquaredDouble(x / 2) / 4, beyond: [[-747, 0], [-MAX, 0], [MAX, 0]] },
  siluDerivative: {
    ulps: 0.6, ulpsF64: 1.2, from: -752, to: MAX, oneAbove: 64, zero: -1.2784645427610737, double: siluDerivativeDouble, beyond: [[-753, -0], [-MAX, -0]],
  },
  geluDerivative: {
    ulps: 0.6, ulpsF64: 1.8, from: -38.6, to: MAX, oneAbove: 12, zero: -0.7517915246935645, double: geluDerivativeDouble, beyond: [[-38.9, -0], [-MAX, -0]],
  },
};
const NAMES = Object.keys(CASES) as Name[];

const box = new Sandbox('release');
const rt = await loadRuntime();

function run(name: Name, dtype: Dtype, x: ArrayLike<number>): ArrayLike<number> {
  box.reset();
  const input = box.input(dtype, x);
  const output = box.output(dtype, x.length);
  box.routines(dtype)[name](x.length, input.ptr, output.ptr);
  return output.read();
}

/** A double of each sign in every binade of [from, to], and uniform ones over the whole of it and near 0. */
function samples({ from, to, zero }: Case, seed: number): number[] {
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
  if (zero !== undefined) for (let i = 0; i < 1000; i++) x.push(zero * (1 + (fraction() - 0.5) / 2 ** (i % 53)));
  return x.filter((value) => value >= from && value <= to);
}

describe.each(NAMES)('%s f64', (name) => {
  const { beyond, identityAbove = Number.POSITIVE_INFINITY, oneAbove = Number.POSITIVE_INFINITY } = CASES[name];
  const ulps = CASES[name].ulpsF64 ?? CASES[name].ulps;

  test(`at most ${ulps} ulp from the multiprecision series, in every binade`, () => {
    const x = samples(CASES[name], 1);
    const y = run(name, 'f64', x);
    let worst = { error: 0, x: 0, y: 0 };
    for (let i = 0; i < x.length; i++) {
      const exact = x[i] > identityAbove ? exactly(x[i]) : x[i] > oneAbove ? exactly(1) : EXACT[name](exactly(x[i]));
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

const CHUNK = 1 << 20;

describe.each(NAMES)('%s f32', (name) => {
  const { ulps, double } = CASES[name];

  test(`at most ${ulps} ulp from a double-precision reference, every 4099th bit pattern`, () => {
    let worst = { error: 0, x: 0, y: 0 };
    const x = new Float32Array(Uint32Array.from({ length: Math.ceil(2 ** 32 / 4099) }, (_, i) => i * 4099).buffer);
    for (let start = 0; start < x.length; start += CHUNK) {
      const part = x.subarray(start, start + CHUNK);
      const y = run(name, 'f32', part);
      for (let i = 0; i < part.length; i++) {
        const error = singleUlpError(y[i], double(part[i]));
        if (!(error <= worst.error)) worst = { error, x: part[i], y: y[i] };
      }
    }
    expect(worst.error, `${name}(${worst.x}) = ${worst.y} is ${worst.error.toFixed(3)} ulp off`).toBeLessThanOrEqual(ulps);
  }, 60_000);

  test.runIf(process.env.TANGEDGE_TEST_CASES === 'all')(
    `at most ${ulps} ulp from the f64 routine, every bit pattern`,
    () => {
      const sweep = new Sweep(name);
      for (let start = 0; start < 2 ** 32; start += CHUNK) sweep.compare(start);
      const { error, x, y } = sweep.worst;
      expect(error, `${name}(${x}) = ${y} is ${error.toFixed(3)} ulp off`).toBeLessThanOrEqual(ulps);
    },
    900_000,
  );
});

/** Compares the f32 routine with the f64 routine over chunks of bit patterns, in place in the module's memory. */
class Sweep {
  worst = { error: 0, x: 0, y: 0 };
  private readonly single: { x: Float32Array; y: Float32Array; xPtr: number; yPtr: number };
  private readonly double: { x: Float64Array; y: Float64Array; xPtr: number; yPtr: number };
  private readonly name: Name;

  constructor(name: Name) {
    this.name = name;
    const { arena } = rt;
    const ptrs = [4, 4, 8, 8].map((bytes) => arena.allocate(CHUNK * bytes));
    const [xPtr, yPtr, wideX, wideY] = ptrs;
    this.single = { x: arena.f32(xPtr, CHUNK), y: arena.f32(yPtr, CHUNK), xPtr, yPtr };
    this.double = { x: arena.f64(wideX, CHUNK), y: arena.f64(wideY, CHUNK), xPtr: wideX, yPtr: wideY };
  }

  compare(start: number): void {
    const { single, double, name } = this;
    const patterns = new Uint32Array(single.x.buffer, single.xPtr, CHUNK);
    for (let i = 0; i < CHUNK; i++) patterns[i] = start + i;
    double.x.set(single.x);
    rt.f32[name](CHUNK, single.xPtr, single.yPtr);
    rt.f64[name](CHUNK, double.xPtr, double.yPtr);
    const words = new Uint32Array(double.y.buffer, double.yPtr, 2 * CHUNK);
    for (let i = 0; i < CHUNK; i++) {
      const quick = Math.abs(single.y[i] - double.y[i]) * INVERSE_ULP[(words[2 * i + 1] >>> 20) & 0x7ff];
      if (quick <= this.worst.error) continue;
      // Larger, or an infinity or a NaN: the careful comparison.
      const error = singleUlpError(single.y[i], double.y[i]);
      if (!(error <= this.worst.error)) this.worst = { error, x: single.x[i], y: single.y[i] };
    }
  }
}

/** 1/ulp of an f32 by the exponent field of its f64. */
const INVERSE_ULP = Float64Array.from({ length: 2048 }, (_, field) => 2 ** (23 - Math.min(127, Math.max(-126, field - 1023))));

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
