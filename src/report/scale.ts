/** @file Scales of a plot: values to coordinates, and where the ticks stand. */

import { formatNumber, formatPowerOfTen } from './format.ts';

export interface Tick {
  readonly value: number;
  /** Empty for a minor tick. */
  readonly label: string;
}

/** A map from values to coordinates. */
export interface Scale {
  (value: number): number;
  readonly ticks: readonly Tick[];
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
}

/**
 * log₁₀ of a positive number, to about 1e-9: for coordinates only.
 *
 * Math.log10 may differ in its last bit between engines, and a report must have the same bytes everywhere. The decimal
 * exponent comes from toExponential, which is exact; the mantissa from ln m = 2·artanh((m − 1)/(m + 1)) in +, × and ÷.
 */
export function log10(value: number): number {
  const [mantissa, exponent] = value.toExponential(16).split('e');
  // m/√10 lies in [1/√10, √10), where |z| < 0.52 and 16 terms leave 1e-10
  const z = (Number(mantissa) - SQRT_10) / (Number(mantissa) + SQRT_10);
  const square = z * z;
  let series = 0;
  for (let k = 31; k >= 1; k -= 2) series = series * square + 1 / k;
  return Number(exponent) + 0.5 + (2 * z * series) / Math.LN10;
}

const SQRT_10 = 3.1622776601683795;

/** Coordinates are rounded to a hundredth, so that the page is small. */
export function round2(value: number): number {
  const rounded = Math.round(value * 100) / 100;
  return rounded === 0 ? 0 : rounded;
}

export function linearScale(domain: readonly [number, number], range: readonly [number, number], count = 5): Scale {
  const [low, high] = domain;
  const span = high - low || 1;
  const map = (value: number) => round2(range[0] + ((value - low) / span) * (range[1] - range[0]));
  return Object.assign(map, { ticks: linearTicks(low, high, count), domain, range });
}

/** Both ends of the domain must be positive. */
export function logScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const low = log10(domain[0]);
  const span = log10(domain[1]) - low || 1;
  const map = (value: number) => round2(range[0] + ((log10(value) - low) / span) * (range[1] - range[0]));
  return Object.assign(map, { ticks: logTicks(domain), domain, range });
}

/** Smallest and largest of the finite values that `keep` accepts; [1, 1] when there are none. */
export function extent(values: Iterable<number>, keep: (value: number) => boolean = () => true): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (!Number.isFinite(value) || !keep(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [1, 1];
}

/** 10ᵏ, exactly as the decimal literal reads. */
export function powerOfTen(power: number): number {
  return Number(`1e${power}`);
}

function linearTicks(low: number, high: number, count: number): Tick[] {
  const span = high - low;
  if (!(span > 0)) return [{ value: low, label: formatNumber(low) }];
  const power = Math.floor(log10(span / count));
  const step = [1, 2, 2.5, 5, 10].map((multiple) => multiple * powerOfTen(power)).find((size) => span / size <= count) ?? span;
  const ticks: Tick[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * span; k++) {
    const value = Number((k * step).toPrecision(12));
    ticks.push({ value, label: value === 0 ? '0' : tickLabel(value) });
  }
  return ticks;
}

function tickLabel(value: number): string {
  return Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 ? String(value).replace('-', '\u2212') : formatNumber(value, 2);
}

/** Powers of ten with labels, at most seven of them; 2…9 as minor ticks when there are few decades. */
function logTicks([low, high]: readonly [number, number]): Tick[] {
  const first = Math.floor(log10(low) + 1e-9);
  const last = Math.ceil(log10(high) - 1e-9);
  const every = Math.ceil((last - first + 1) / 7);
  const ticks: Tick[] = [];
  for (let power = first; power <= last; power++) {
    const decade = powerOfTen(power);
    const labelled = (power - first) % every === 0;
    for (let multiple = 1; multiple <= (last - first <= 5 ? 9 : 1); multiple++) {
      const value = Number((multiple * decade).toPrecision(12));
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      ticks.push({ value, label: multiple === 1 && labelled ? powerLabel(power) : '' });
    }
  }
  return ticks;
}

/** 1, 10, 100, 1000 as they are; powers beyond. */
function powerLabel(power: number): string {
  return power >= 0 && power <= 3 ? String(powerOfTen(power)) : formatPowerOfTen(power);
}
