/**
 * @file The semidefinite complementarity problem of central flows: X ⪰ 0, Z = A + B[X] ⪰ 0, X·Z = 0, k × k and small.
 *
 * It is min ½·⟨X, B[X]⟩ + ⟨A, X⟩ over X ⪰ 0. Of several solutions the one of least norm is taken, by a quadratic term of
 * 1e-5 of B's largest entry: X deviates in proportion, and what Z then lacks is a 1e-5th of what the sharpness would have risen
 * in this step, which the next step makes good. Symmetric matrices are vectors of k(k+1)/2 entries whose off-diagonals are scaled by √2, so
 * that inner products agree. Method: primal–dual interior point with Nesterov–Todd scaling,
 *
 *   (W⁻¹ ⊗ W⁻¹ + B)·dX = σμ·X⁻¹ − Z − (A + B[X] − Z),   W·Z·W = X.
 *
 * Source: Todd, Toh, Tütüncü (1998). On the Nesterov–Todd direction in semidefinite programming. SIAM J. Optim. 8(3).
 */

import { TangedgeError } from '../core/errors.ts';
import { eigh } from '../linalg/eigh.ts';
import type { Runtime } from '../wasm/runtime.ts';

/** A row-major symmetric [k, k]. */
type Symmetric = Float64Array;

const LEAST_NORM = 1e-5;
const GAP = 1e-15;
const MAX_ITERATIONS = 100;
const CENTERING = 0.1;
const STEP = 0.95;

export interface ComplementarySolution {
  /** X [k, k] */
  readonly x: Float64Array;
  readonly iterations: number;
}

/** Pairs (i, j), i ≤ j, in the order of the vectors. */
export function symmetricPairs(k: number): [number, number][] {
  return Array.from({ length: k }, (_, i) => Array.from({ length: k - i }, (_, j): [number, number] => [i, i + j])).flat();
}

/**
 * X ⪰ 0 with A + B[X] ⪰ 0 and X·(A + B[X]) = 0.
 *
 * @param a [k, k] symmetric
 * @param b ⟨D_p, D_q⟩ for the pairs p, q of `symmetricPairs`, [d, d]: B[X]_p = Σ_q b_pq·(2 − [i = j])·X_q
 * @throws {TangedgeError} ERR_DOMAIN when no X satisfies it: A is negative where B cannot act
 */
export function solveComplementarity(rt: Runtime, k: number, a: Float64Array, b: Float64Array): ComplementarySolution {
  const aScale = largest(a);
  const bScale = largest(b);
  if (smallestEigenvalue(rt, k, a) >= 0) return { x: new Float64Array(k * k), iterations: 0 };
  if (!(bScale > 0)) throw unsolvable(aScale, bScale);
  if (k === 1) return { x: Float64Array.of(-a[0] / b[0]), iterations: 0 };
  const problem = scaledProblem(k, a, b, aScale, bScale);
  const { x, iterations } = interiorPoint(rt, problem);
  if (!(largest(x) < 0.1 / LEAST_NORM)) throw unsolvable(aScale, bScale);
  return { x: x.map((value) => (value * aScale) / bScale), iterations };
}

interface Problem {
  readonly k: number;
  readonly pairs: readonly [number, number][];
  readonly a: Symmetric;
  /** B in the scaled basis, with the least-norm term: [d, d]. */
  readonly b: Float64Array;
}

function scaledProblem(k: number, a: Float64Array, b: Float64Array, aScale: number, bScale: number): Problem {
  const pairs = symmetricPairs(k);
  const d = pairs.length;
  const weight = pairs.map(([i, j]) => (i === j ? 1 : Math.SQRT2));
  const scaled = new Float64Array(b).map((value, at) => (value / bScale) * weight[Math.floor(at / d)] * weight[at % d]);
  for (let p = 0; p < d; p++) scaled[p * d + p] += LEAST_NORM;
  return { k, pairs, a: a.map((value) => value / aScale), b: scaled };
}

function interiorPoint(rt: Runtime, problem: Problem): ComplementarySolution {
  const { k, pairs, a } = problem;
  let x = identity(k);
  let z = identity(k);
  for (let iteration = 1; iteration <= MAX_ITERATIONS; iteration++) {
    const mu = inner(x, z) / k;
    const target = CENTERING * mu;
    const xInverse = spectral(rt, k, x, (value) => 1 / value);
    const wInverse = scalingInverse(rt, k, x, z);
    const residual = subtract(add(a, applyB(problem, x)), z);
    const right = toVector(
      pairs,
      k,
      xInverse.map((value, at) => target * value - z[at] - residual[at]),
    );
    const solved = solvePositiveDefinite(newtonMatrix(problem, wInverse), right);
    if (solved === undefined) return { x, iterations: iteration };
    const dx = toMatrix(pairs, k, solved);
    const dz = add(applyB(problem, dx), residual);
    const step = Math.min(1, STEP * boundary(rt, k, x, dx), STEP * boundary(rt, k, z, dz));
    x = x.map((value, at) => value + step * dx[at]);
    z = z.map((value, at) => value + step * dz[at]);
    const infeasible = largest(subtract(add(a, applyB(problem, x)), z));
    if (inner(x, z) / k <= GAP && infeasible <= GAP) return { x, iterations: iteration };
  }
  return { x, iterations: MAX_ITERATIONS };
}

/** W⁻¹ = X^(−½)·(X^½·Z·X^½)^½·X^(−½). */
function scalingInverse(rt: Runtime, k: number, x: Symmetric, z: Symmetric): Symmetric {
  const root = spectral(rt, k, x, Math.sqrt);
  const inverseRoot = spectral(rt, k, x, (value) => 1 / Math.sqrt(value));
  const middle = spectral(rt, k, congruence(k, root, z), Math.sqrt);
  return congruence(k, inverseRoot, middle);
}

/** W⁻¹ ⊗ W⁻¹ + B in the scaled basis. */
function newtonMatrix({ k, pairs, b }: Problem, w: Symmetric): Float64Array {
  const d = pairs.length;
  const matrix = new Float64Array(d * d);
  pairs.forEach(([i, j], p) => {
    pairs.forEach(([l, m], q) => {
      const scale = (i === j ? 1 : Math.SQRT2) * (l === m ? 1 : Math.SQRT2);
      matrix[p * d + q] = scale * 0.5 * (w[i * k + l] * w[j * k + m] + w[i * k + m] * w[j * k + l]) + b[p * d + q];
    });
  });
  return matrix;
}

function applyB({ k, pairs, b }: Problem, x: Symmetric): Symmetric {
  const d = pairs.length;
  const vector = toVector(pairs, k, x);
  return toMatrix(
    pairs,
    k,
    Float64Array.from({ length: d }, (_, p) => vector.reduce((sum, value, q) => sum + b[p * d + q] * value, 0)),
  );
}

/** Largest t with X + t·dX ⪰ 0. */
function boundary(rt: Runtime, k: number, x: Symmetric, dx: Symmetric): number {
  const inverseRoot = spectral(rt, k, x, (value) => 1 / Math.sqrt(value));
  const least = smallestEigenvalue(rt, k, congruence(k, inverseRoot, dx));
  return least < 0 ? -1 / least : Number.POSITIVE_INFINITY;
}

function smallestEigenvalue(rt: Runtime, k: number, a: Symmetric): number {
  return eigh(rt, { shape: [k, k], data: a }, { vectors: false }).values[0];
}

/** f(X), eigenvalues floored just above zero: the iterates are positive definite but for rounding. */
function spectral(rt: Runtime, k: number, x: Symmetric, f: (value: number) => number): Symmetric {
  const { values, vectors } = eigh(rt, { shape: [k, k], data: x });
  const floor = Number.MIN_VALUE / Number.EPSILON + Number.EPSILON * 1e-8 * Math.abs(values[k - 1]);
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += f(Math.max(values[p], floor)) * vectors.data[i * k + p] * vectors.data[j * k + p];
      out[i * k + j] = sum;
      out[j * k + i] = sum;
    }
  return out;
}

/** S·A·S for symmetric S and A, symmetric exactly. */
function congruence(k: number, s: Symmetric, a: Symmetric): Symmetric {
  const half = new Float64Array(k * k);
  for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) for (let p = 0; p < k; p++) half[i * k + j] += s[i * k + p] * a[p * k + j];
  const out = new Float64Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) {
      for (let p = 0; p < k; p++) out[i * k + j] += half[i * k + p] * s[p * k + j];
      out[j * k + i] = out[i * k + j];
    }
  return out;
}

/** Cholesky solve; undefined when rounding has made the matrix indefinite. */
function solvePositiveDefinite(matrix: Float64Array, right: Float64Array): Float64Array | undefined {
  const d = right.length;
  const l = matrix.slice();
  for (let j = 0; j < d; j++) {
    for (let p = 0; p < j; p++) l[j * d + j] -= l[j * d + p] * l[j * d + p];
    if (!(l[j * d + j] > 0)) return undefined;
    l[j * d + j] = Math.sqrt(l[j * d + j]);
    for (let i = j + 1; i < d; i++) {
      for (let p = 0; p < j; p++) l[i * d + j] -= l[i * d + p] * l[j * d + p];
      l[i * d + j] /= l[j * d + j];
    }
  }
  const x = right.slice();
  for (let i = 0; i < d; i++) {
    for (let p = 0; p < i; p++) x[i] -= l[i * d + p] * x[p];
    x[i] /= l[i * d + i];
  }
  for (let i = d - 1; i >= 0; i--) {
    for (let p = i + 1; p < d; p++) x[i] -= l[p * d + i] * x[p];
    x[i] /= l[i * d + i];
  }
  return x;
}

function toVector(pairs: readonly [number, number][], k: number, x: Symmetric): Float64Array {
  return Float64Array.from(pairs, ([i, j]) => (i === j ? 1 : Math.SQRT2) * x[i * k + j]);
}

function toMatrix(pairs: readonly [number, number][], k: number, vector: Float64Array): Symmetric {
  const x = new Float64Array(k * k);
  pairs.forEach(([i, j], p) => {
    x[i * k + j] = i === j ? vector[p] : vector[p] / Math.SQRT2;
    x[j * k + i] = x[i * k + j];
  });
  return x;
}

function identity(k: number): Symmetric {
  return Float64Array.from({ length: k * k }, (_, at) => (at % (k + 1) === 0 ? 1 : 0));
}

const add = (a: Float64Array, b: Float64Array) => a.map((value, at) => value + b[at]);
const subtract = (a: Float64Array, b: Float64Array) => a.map((value, at) => value - b[at]);
const inner = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, at) => sum + value * b[at], 0);
const largest = (a: Float64Array) => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function unsolvable(a: number, b: number): TangedgeError {
  return new TangedgeError(
    'ERR_DOMAIN',
    'centralFlow: no step keeps the sharpness at 2/η: it is above and its gradient does not act there. Is the loss smooth (tanh, GELU; not ReLU)?',
    { excess: a, action: b },
  );
}
