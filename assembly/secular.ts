/**
 * @file The secular equation of a rank-one update, diag(p) + rho·w·wᵀ: its roots and its eigenvectors, in f64.
 *
 *   f(λ) = 1/rho + Σ_j w[j]²/(p[j] − λ) = 0,    p ascending and distinct, w ≠ 0, rho > 0
 *
 *     f │    ╱│    ╱│    ╱        one root between each pole and the next,
 *     0 │───╱─│───╱─│───╱──       the last between p[K−1] and p[K−1] + rho·‖w‖²
 *       │  ╱  │  ╱  │  ╱
 *          p₀    p₁    p₂
 *
 * A root is held as its distance η from the nearer pole, and the differences p[j] − λ are formed from that: they have full
 * relative accuracy. The eigenvectors then come from weights ŵ that make the computed roots exact (Gu, Eisenstat), so that
 * they are orthogonal to rounding however close the roots.
 *
 * Scheme: rational interpolation with fixed weight, or the middle way when that is slow, in a bracket: Li, Solving secular
 * equations stably and efficiently, LAPACK Working Note 89, as in LAPACK's DLAED4. Gu, Eisenstat, SIAM J. Matrix
 * Anal. Appl. 15(4), 1994.
 */

import { addLanes } from "./level1";
import { at } from "./memory";

/** Unit roundoff of f64, 2^−53. */
const UNIT_ROUNDOFF: f64 = 1.1102230246251565e-16;
/** Interpolation steps before the bracket is halved instead, and steps in all: halving alone ends within 60. */
const INTERPOLATIONS: i32 = 40;
const STEPS: i32 = 100;

/** Bytes of `sumsPtr`: what `poleSums` returns for the poles on the left and on the right. */
export const SUMS_BYTES: i32 = 64;

/**
 * Root number k, 0 ≤ k < count; deltaPtr [count] ← p[j] − λ. Returns λ. squares = ‖w‖².
 */
export function secularRoot(count: i32, k: i32, polesPtr: usize, weightsPtr: usize, rho: f64, squares: f64, deltaPtr: usize, sumsPtr: usize): f64 {
  const isLast = k == count - 1;
  const pole = at(polesPtr, k), weight = at(weightsPtr, k);
  const gap = isLast ? rho * squares : at(polesPtr, k + 1) - pole;
  const nextWeight = isLast ? 0 : at(weightsPtr, k + 1);
  const weight2 = weight * weight, nextWeight2 = nextWeight * nextWeight;
  const half = gap / 2;

  shiftPoles(count, polesPtr, pole, deltaPtr);
  const middle = evaluate(count, k, weightsPtr, rho, deltaPtr, half, sumsPtr);
  // The function at the middle without the two nearest poles: with them exact, a quadratic gives the first guess.
  const rest = middle + (weight2 - nextWeight2) / half;
  const fromLeft = middle >= 0 || isLast;
  let low: f64 = 0, high = half, eta: f64;
  if (isLast) {
    if (!(middle >= 0)) {
      low = half;
      high = gap;
    }
    eta = rest > 0 ? weight2 / rest : half;
  } else if (fromLeft) {
    eta = smallerRoot(rest, rest * gap + weight2 + nextWeight2, weight2 * gap);
  } else {
    shiftPoles(count, polesPtr, at(polesPtr, k + 1), deltaPtr);
    low = -half;
    high = 0;
    eta = -smallerRoot(-rest, weight2 + nextWeight2 - rest * gap, nextWeight2 * gap);
  }
  if (!(eta > low && eta < high)) eta = (low + high) / 2;

  // Distances of the two poles that bound the root from the origin of η.
  const left = fromLeft ? 0 : -gap, right = fromLeft ? gap : 0;
  let useMiddleWay = false;
  let previous: f64 = Infinity;
  for (let step = 0; step < STEPS; step++) {
    const f = evaluate(count, k, weightsPtr, rho, deltaPtr, eta, sumsPtr);
    const slopeLeft = load<f64>(sumsPtr, 8), slopeRight = load<f64>(sumsPtr, 24);
    const slope = slopeLeft + slopeRight;
    const size = 1 / rho - load<f64>(sumsPtr) + load<f64>(sumsPtr, 16);
    if (abs<f64>(f) <= UNIT_ROUNDOFF * (16 * size + abs<f64>(eta) * slope)) break;
    if (f < 0) low = eta;
    else high = eta;
    if (abs<f64>(f) > 0.1 * previous) useMiddleWay = !useMiddleWay;
    previous = abs<f64>(f);

    const a = left - eta, b = right - eta; // the distances to the two poles, a < 0 < b
    let c: f64;
    if (useMiddleWay) c = f - a * slopeLeft - b * slopeRight;
    else if (fromLeft) c = f - b * slope + gap * (weight / a) * (weight / a);
    else c = f - a * slope - gap * (nextWeight / b) * (nextWeight / b);
    let change = smallerRoot(c, (a + b) * f - a * b * slope, a * b * f);
    if (!(f * change < 0)) change = -f / slope; // Newton when the interpolation points away from the root
    let next = eta + change;
    if (!(next > low && next < high) || step >= INTERPOLATIONS) next = low + (high - low) / 2;
    if (next == eta || !(next > low && next < high)) break; // the bracket cannot be divided further
    eta = next;
  }
  shiftPoles(count, deltaPtr, eta, deltaPtr);
  return (fromLeft ? pole : at(polesPtr, k + 1)) + eta;
}

/** The root of c·x² − a·x + b = 0 that is nearer to zero. */
function smallerRoot(c: f64, a: f64, b: f64): f64 {
  const root = sqrt<f64>(abs<f64>(a * a - 4 * b * c));
  if (a <= 0) return c == 0 ? b / a : (a - root) / (2 * c);
  return (2 * b) / (a + root);
}

/** delta [count] ← p − origin. */
function shiftPoles(count: i32, polesPtr: usize, origin: f64, deltaPtr: usize): void {
  const shift = v128.splat<f64>(origin);
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const p0 = v128.sub<f64>(v128.load(polesPtr), shift), p1 = v128.sub<f64>(v128.load(polesPtr, 16), shift);
    v128.store(deltaPtr, p0);
    v128.store(deltaPtr, p1, 16);
    polesPtr += 32;
    deltaPtr += 32;
  }
  for (; j < count; j++) {
    store<f64>(deltaPtr, load<f64>(polesPtr) - origin);
    polesPtr += 8;
    deltaPtr += 8;
  }
}

/** f at η; sums: values and slopes of the poles 0 … k and of the poles beyond. */
function evaluate(count: i32, k: i32, weightsPtr: usize, rho: f64, deltaPtr: usize, eta: f64, sumsPtr: usize): f64 {
  const right = <usize>(k + 1) << 3;
  poleSums(k + 1, weightsPtr, deltaPtr, eta, sumsPtr);
  poleSums(count - k - 1, weightsPtr + right, deltaPtr + right, eta, sumsPtr + 16);
  return 1 / rho + load<f64>(sumsPtr) + load<f64>(sumsPtr, 16);
}

/** out ← Σ w²/(δ − η), Σ w²/(δ − η)². */
function poleSums(count: i32, w: usize, delta: usize, eta: f64, outPtr: usize): void {
  const shift = v128.splat<f64>(eta);
  let values0 = v128.splat<f64>(0), slopes0 = values0, values1 = values0, slopes1 = values0;
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const w0 = v128.load(w), w1 = v128.load(w, 16);
    const t0 = v128.div<f64>(w0, v128.sub<f64>(v128.load(delta), shift));
    const t1 = v128.div<f64>(w1, v128.sub<f64>(v128.load(delta, 16), shift));
    values0 = v128.add<f64>(values0, v128.mul<f64>(w0, t0));
    values1 = v128.add<f64>(values1, v128.mul<f64>(w1, t1));
    slopes0 = v128.add<f64>(slopes0, v128.mul<f64>(t0, t0));
    slopes1 = v128.add<f64>(slopes1, v128.mul<f64>(t1, t1));
    w += 32;
    delta += 32;
  }
  let value = addLanes<f64>(v128.add<f64>(values0, values1));
  let slope = addLanes<f64>(v128.add<f64>(slopes0, slopes1));
  for (; j < count; j++) {
    const t = load<f64>(w) / (load<f64>(delta) - eta);
    value += load<f64>(w) * t;
    slope += t * t;
    w += 8;
    delta += 8;
  }
  store<f64>(outPtr, value);
  store<f64>(outPtr, slope, 8);
}

/**
 * ŵ [count]: the weights for which the computed roots are exact, with the signs of w. deltas [count, count], row stride
 * `row` bytes: row k is p − λ[k].   ŵ[j]² = Π_k (λ[k] − p[j]) / Π_{k≠j} (p[k] − p[j]), up to a factor that is the same for all j.
 */
export function exactWeights(count: i32, polesPtr: usize, weightsPtr: usize, deltasPtr: usize, row: usize, outPtr: usize): void {
  for (let j = 0; j < count; j++) store<f64>(outPtr + (<usize>j << 3), at(deltasPtr + <usize>j * row, j));
  for (let k = 0; k < count; k++) {
    const delta = deltasPtr + <usize>k * row;
    multiplyRatios(0, k, at(polesPtr, k), polesPtr, delta, outPtr);
    multiplyRatios(k + 1, count, at(polesPtr, k), polesPtr, delta, outPtr);
  }
  for (let j = 0; j < count; j++) {
    const ptr = outPtr + (<usize>j << 3);
    store<f64>(ptr, copysign<f64>(sqrt<f64>(-load<f64>(ptr)), at(weightsPtr, j)));
  }
}

/** out[j] ← out[j]·delta[j]/(p[j] − pole) for from ≤ j < to. */
function multiplyRatios(from: i32, to: i32, pole: f64, polesPtr: usize, deltaPtr: usize, outPtr: usize): void {
  const shift = v128.splat<f64>(pole);
  let j = from;
  for (; j + 4 <= to; j += 4) {
    const offset = <usize>j << 3;
    const p = polesPtr + offset, d = deltaPtr + offset, out = outPtr + offset;
    const ratio0 = v128.div<f64>(v128.load(d), v128.sub<f64>(v128.load(p), shift));
    const ratio1 = v128.div<f64>(v128.load(d, 16), v128.sub<f64>(v128.load(p, 16), shift));
    const product0 = v128.mul<f64>(v128.load(out), ratio0), product1 = v128.mul<f64>(v128.load(out, 16), ratio1);
    v128.store(out, product0);
    v128.store(out, product1, 16);
  }
  for (; j < to; j++) {
    const ptr = outPtr + (<usize>j << 3);
    store<f64>(ptr, load<f64>(ptr) * (at(deltaPtr, j) / (at(polesPtr, j) - pole)));
  }
}
