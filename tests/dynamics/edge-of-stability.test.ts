import { readFileSync } from 'node:fs';
import {
  alternation,
  kernelTargetAlignment,
  loadRuntime,
  periodTwoOscillation,
  signFlipRate,
  smoothSeries,
  stabilityPhases,
  TangedgeError,
  type Tensor,
  type TwoLayerLinearOptions,
  type TwoLayerLinearProblem,
  type TwoLayerLinearState,
  twoLayerLinearDescent,
} from 'tangedge';
import { describe, expect, test } from 'vitest';
import { mulberryNormals } from '../oracle/mulberry-normals.ts';

const rt = await loadRuntime();
const golden = JSON.parse(readFileSync(new URL('../golden/dynamics/two-layer-linear.json', import.meta.url), 'utf8')) as Record<
  'eos_linear' | 'eos_rank1',
  { rows: Record<string, number[]> }
>;

const [n, d, m] = [20, 30, 10];
const eta = 0.12;
const x: Tensor = { shape: [n, d], data: mulberryNormals(5, n * d) };
const y = targets(x, 4);
const full: TwoLayerLinearProblem = {
  x,
  y,
  w1: { shape: [d, m], data: mulberryNormals(11, d * m).map((value) => 0.05 * value) },
  w2: { shape: [m], data: mulberryNormals(12, m).map((value) => 0.05 * value) },
};
const v0 = unit(mulberryNormals(99, d));
const rankOne: TwoLayerLinearProblem = {
  x,
  y,
  w1: { shape: [d, 1], data: v0.map((value) => 0.05 * value) },
  w2: { shape: [1], data: Float64Array.of(0.05) },
};

function unit(values: Float64Array): Float64Array {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return values.map((value) => value / norm);
}

function targets(inputs: Tensor, factor: number): Tensor {
  const w = unit(mulberryNormals(6, d));
  const data = Float64Array.from({ length: n }, (_, i) => factor * w.reduce((sum, value, a) => sum + value * inputs.data[i * d + a], 0));
  return { shape: [n], data };
}

const run = (problem: TwoLayerLinearProblem, options: TwoLayerLinearOptions) => [...twoLayerLinearDescent(rt, problem, options)];
const kta = (state: TwoLayerLinearState) => kernelTargetAlignment(rt, state.kernel, y);

describe('two-layer linear network at η = 0.12', () => {
  const states = run(full, { learningRate: eta, steps: 1000 });
  const alignment = states.map(kta);

  test('loss, sharpness, KTA, α and norms are the float64 reference’s: 1e-8 for 50 steps, 1e-5 to step 1000', () => {
    for (const [row, [loss, sharp, align, alpha, v2, c2]] of Object.entries(golden.eos_linear.rows)) {
      const t = Number(row);
      const { ledger, ...state } = states[t];
      const bound = t <= 50 ? 1e-8 : 1e-5;
      const pairs = [
        [state.loss, loss],
        [state.sharpness, sharp],
        [alignment[t], align],
        [ledger.alpha, alpha],
        [ledger.v2, v2],
        [ledger.c2, c2],
      ];
      for (const [actual, expected] of pairs) expect(Math.abs(actual / expected - 1), `step ${t}: ${actual} against ${expected}`).toBeLessThan(bound);
    }
  });

  test('the norm updates of the ledger are exact, to 1e-12', () => {
    for (let t = 0; t + 1 < states.length; t++) {
      const { v2, c2, linearTerm, quadraticTermV, quadraticTermC } = states[t].ledger;
      const next = states[t + 1].ledger;
      expect(Math.abs(v2 + linearTerm + quadraticTermV - next.v2)).toBeLessThanOrEqual(1e-12 * next.v2);
      expect(Math.abs(c2 + linearTerm + quadraticTermC - next.c2)).toBeLessThanOrEqual(1e-12 * next.c2);
      expect(quadraticTermV * (1 + 1e-12)).toBeGreaterThanOrEqual(Math.max(quadraticTermC, states[t].ledger.topTerm)); // Cauchy–Schwarz; one of n terms
    }
  });

  test('phases I 0–12, II 13–24, III 25–56, IV 57–355 with ΔKTA .170, .0002, .0044, .0126', () => {
    const sharp = states.map((state) => state.sharpness);
    const raw = stabilityPhases(sharp, { threshold: 2 / eta, hysteresis: 0, follow: alignment });
    const phases = raw.slice(0, 4).map(({ phase, start, end }) => [phase, start, end]);
    expect(phases).toEqual([
      ['I', 0, 12],
      ['II', 13, 24],
      ['III', 25, 56],
      ['IV', 57, 355],
    ]);
    const changes = raw.slice(0, 4).map(({ change }) => change);
    const expected = [0.17, 0.0002, 0.0044, 0.0126];
    for (const [k, change] of changes.entries()) expect(Math.abs(change - expected[k])).toBeLessThan(k === 0 ? 5e-4 : 5e-5);
    // hysteresis joins what follows convergence to phase IV
    const joined = stabilityPhases(sharp, { threshold: 2 / eta, follow: alignment });
    expect(joined.map(({ phase, start }) => [phase, start])).toEqual(phases.map(([phase, start]) => [phase, start]));
    expect(joined[3].end).toBe(states.length - 4);
  });

  test('the residual along q₁ flips its sign at every step of the edge of stability, the sharpness has period 2', () => {
    const along = states.slice(5, 300).map(({ ledger }) => ledger.errorAlongTop);
    expect(signFlipRate(along)).toBe(1);
    const wave = periodTwoOscillation(states.map((state) => state.sharpness));
    expect(wave.start).toBeLessThan(15);
    expect(wave.end).toBeGreaterThan(300);
    expect(wave.amplitude).toBeGreaterThan(1);
  });
});

describe('rank-one model', () => {
  test('follows the float64 reference: 1e-8 for 40 steps, 1e-5 to step 400', () => {
    const states = run(rankOne, { learningRate: eta, steps: 400 });
    for (const [row, [loss, sharp, align, alpha, v2, c2, along]] of Object.entries(golden.eos_rank1.rows)) {
      const t = Number(row);
      const { ledger, ...state } = states[t];
      const pairs = [
        [state.loss, loss],
        [state.sharpness, sharp],
        [kta(states[t]), align],
        [ledger.alpha, alpha],
        [ledger.v2, v2],
        [ledger.c2, c2],
        [Math.abs(ledger.errorAlongTop), Math.abs(along)],
      ];
      for (const [actual, expected] of pairs) {
        expect(Math.abs(actual / expected - 1), `step ${t}: ${actual} against ${expected}`).toBeLessThan(t <= 40 ? 1e-8 : 1e-5);
      }
      expect(ledger.rankOneFraction).toBeCloseTo(1, 12);
    }
  });

  test('without the quadratic terms it never stabilizes at η = .12, and is gradient flow at η = .10', () => {
    // a 2-cycle that never decays: the reference quotes its odd half
    const cycle = run(rankOne, { learningRate: 0.12, steps: 1001, quadraticTerms: 'removed' });
    const [even, odd] = [cycle[1000], cycle[1001]];
    expect([kta(odd), odd.sharpness, odd.loss].map((value, k) => value / [0.5379, 19.33, 0.1654][k] - 1).every((e) => Math.abs(e) < 3e-4)).toBe(true);
    expect([even.sharpness, even.loss].map((value, k) => value / [14.6044555, 0.2632905][k] - 1).every((e) => Math.abs(e) < 1e-6)).toBe(true);
    expect(Math.abs(cycle[999].sharpness - odd.sharpness)).toBeLessThan(1e-7);
    const stable = run(rankOne, { learningRate: 0.1, steps: 1000, quadraticTerms: 'removed' }).at(-1) as TwoLayerLinearState;
    expect(kta(stable)).toBeCloseTo(0.519069, 5);
    expect(stable.sharpness).toBeCloseTo(17.5757, 3);
    for (const state of run(rankOne, { learningRate: 0.1, steps: 100, quadraticTerms: 'removed' })) {
      expect(Math.abs(state.ledger.v2 - state.ledger.c2)).toBeLessThan(1e-12 * state.ledger.v2); // balanced at the start, as under flow
    }
  });
});

test('every: only the states asked for, with the same bits, the last before divergence included', () => {
  const all = run(rankOne, { learningRate: eta, steps: 25 });
  const some = run(rankOne, { learningRate: eta, steps: 25, every: 10 });
  expect(some.map(({ step }) => step)).toEqual([0, 10, 20, 25]);
  for (const state of some) expect(state).toEqual(all[state.step]);
  const diverging = run(rankOne, { learningRate: 3, steps: 1000 });
  expect(diverging.length).toBeLessThan(1000);
  expect(run(rankOne, { learningRate: 3, steps: 1000, every: Number.POSITIVE_INFINITY })).toEqual([diverging[0], diverging.at(-1)]);
});

describe('series', () => {
  test('smooth and alternating parts add up to the series, and a pure period-2 wave has no smooth motion', () => {
    const series = Float64Array.from({ length: 12 }, (_, t) => 3 + (t % 2 ? -1 : 1) * 0.5);
    expect([...smoothSeries(series)]).toEqual(new Array(10).fill(3));
    expect(alternation(series).map((wave, i) => smoothSeries(series)[i] - wave)).toEqual(series.slice(1, -1));
    expect(periodTwoOscillation(series)).toEqual({ start: 1, end: 10, fraction: 1, amplitude: 0.5 });
    expect(periodTwoOscillation([1, 2, 3, 4, 5, 6, 7])).toMatchObject({ start: -1, fraction: 0 });
  });

  test('a tent over the threshold has the four phases where it turns and crosses; ripples below the hysteresis make none', () => {
    const tent = Array.from({ length: 41 }, (_, t) => 10 - Math.abs(t - 20));
    const phases = stabilityPhases(tent, { threshold: 4.5, hysteresis: 0.1, follow: tent.map((_, t) => t) });
    expect(phases.map(({ phase, start, end, change }) => [phase, start, end, change])).toEqual([
      ['I', 0, 13, 14],
      ['II', 14, 18, 5],
      ['III', 19, 24, 6],
      ['IV', 25, 37, 13],
    ]);
    const ripples = Array.from({ length: 60 }, (_, t) => 3 + 0.01 * Math.sin(t / 2));
    expect(stabilityPhases(ripples, { threshold: 4, hysteresis: 0.01 })).toHaveLength(1);
  });

  test('bad input is refused: too short, NaN, lengths that differ', () => {
    expect(() => smoothSeries([1, 2])).toThrowError(TangedgeError);
    expect(() => stabilityPhases([1, 2, Number.NaN, 3], { threshold: 1 })).toThrowError(/value 2 is NaN/);
    expect(() => stabilityPhases([1, 2, 3, 4], { threshold: 1, follow: [1] })).toThrowError(/follow has 1 values/);
    expect(() => run({ ...full, w2: { shape: [3], data: new Float64Array(3) } }, { learningRate: 0.1, steps: 1 })).toThrowError(/w2 \[3\]/);
  });
});
