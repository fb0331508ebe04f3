/** @file Power laws: the slope of log y against log x by least squares, with its standard error. */

import { TangedgeError } from '../core/errors.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface FittedSlope {
  /** s in y ∝ xˢ. */
  readonly slope: number;
  /** Of the slope, from the scatter about the line; NaN for two points. */
  readonly standardError: number;
  /** y at x = 1. */
  readonly coefficient: number;
}

/**
 * Exponent of a power law y = C·xˢ: least squares of log y on log x, every point with the same weight.
 *
 * Shapes     x [n], y [n], both positive, at least two different x
 * Numerics   logarithms of the routines: the same bits in every runtime
 *
 * @throws {TangedgeError} ERR_SHAPE when the lengths differ · ERR_DOMAIN for values that are not positive, or one x alone
 * @example
 * const { slope } = fitSlope(rt, [1, 2, 4], [8, 2, 0.5]); // -2
 */
export function fitSlope(rt: Runtime, x: ArrayLike<number>, y: ArrayLike<number>): FittedSlope {
  if (x.length !== y.length) {
    throw new TangedgeError('ERR_SHAPE', `fitSlope: x has ${x.length} entries and y ${y.length}.`, { x: x.length, y: y.length });
  }
  for (const [name, values] of [
    ['x', x],
    ['y', y],
  ] as const) {
    const wrong = Array.from(values).findIndex((value) => !(value > 0 && Number.isFinite(value)));
    if (wrong >= 0) {
      throw new TangedgeError('ERR_DOMAIN', `fitSlope: ${name}[${wrong}] is ${values[wrong]}; a power law has positive values.`, {
        name,
        index: wrong,
      });
    }
  }
  const n = x.length;
  const [u, v] = [logarithms(rt, x), logarithms(rt, y)];
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / n;
  const [meanU, meanV] = [mean(u), mean(v)];
  let [suu, suv] = [0, 0];
  for (let i = 0; i < n; i++) {
    suu += (u[i] - meanU) * (u[i] - meanU);
    suv += (u[i] - meanU) * (v[i] - meanV);
  }
  if (!(suu > 0)) throw new TangedgeError('ERR_DOMAIN', 'fitSlope: there must be at least two different x.', { n });
  const slope = suv / suu;
  let squared = 0;
  for (let i = 0; i < n; i++) {
    const residual = v[i] - meanV - slope * (u[i] - meanU);
    squared += residual * residual;
  }
  return { slope, standardError: Math.sqrt(squared / (n - 2) / suu), coefficient: exponential(rt, meanV - slope * meanU) };
}

function logarithms(rt: Runtime, values: ArrayLike<number>): Float64Array {
  return rt.arena.frame(() => {
    const ptr = rt.arena.load('f64', Float64Array.from(values));
    rt.f64.log(values.length, ptr, ptr);
    return rt.arena.f64(ptr, values.length).slice();
  });
}

function exponential(rt: Runtime, value: number): number {
  return rt.arena.frame(() => {
    const ptr = rt.arena.load('f64', Float64Array.of(value));
    rt.f64.exp(1, ptr, ptr);
    return rt.arena.f64(ptr, 1)[0];
  });
}
