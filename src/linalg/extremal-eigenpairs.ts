/**
 * @file A few eigenpairs at one end of a symmetric operator's spectrum, from products with vectors, with a warm start.
 *
 * Rayleigh–Ritz on a growing orthonormal basis V: it begins with the start vectors (the eigenvectors of the step before)
 * and grows by the residual A·u − λ·u of the worst wanted Ritz pair. From one vector this is the Lanczos method with full
 * reorthogonalization; from several it also finds repeated eigenvalues, and keeps all that is known of them.
 */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { rademacherArray } from '../core/random.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { eigh } from './eigh.ts';

export interface ExtremalOptions {
  /** How many pairs; default 1. */
  readonly count?: number;
  /** Which end of the spectrum; default `'largest'` (algebraically). */
  readonly which?: 'largest' | 'smallest';
  /** Approximate eigenvectors to begin from; more or fewer than `count`. Default: one vector of random signs. */
  readonly start?: readonly Float64Array[];
  /** A pair has converged when ‖A·u − λ·u‖ ≤ tolerance·(largest |λ| seen). Default 1e-8; an eigenvalue's error is about its square. */
  readonly tolerance?: number;
  /** Most products with A; default 300. */
  readonly maxProducts?: number;
  /**
   * Pairs beyond `count` that are followed without being waited for: one more product each, spent on the first of them.
   * With a warm start they are how an eigenvalue that overtakes the wanted ones is seen. Default 0.
   */
  readonly guards?: number;
  /** Of the random start. Default 0. */
  readonly seed?: number;
}

export interface ExtremalEigenpairs {
  /** [count], the extreme one first: descending for `'largest'`, ascending for `'smallest'`. */
  readonly values: Float64Array;
  /** Orthonormal, one [n] per value. */
  readonly vectors: readonly Float64Array[];
  /** Best known vectors, orthonormal: the eigenvectors and the guards. The `start` of the next problem nearby. */
  readonly subspace: readonly Float64Array[];
  /** ‖A·u − λ·u‖ per pair. */
  readonly residuals: Float64Array;
  /** Products with A that were taken. */
  readonly products: number;
  /** Whether every residual met the tolerance. */
  readonly converged: boolean;
}

/** Basis vectors kept at most; then the best are kept and the rest dropped (a thick restart). */
const MAX_BASIS = 120;

/**
 * The `count` largest or smallest eigenvalues of a symmetric operator given by its products, and their eigenvectors.
 *
 * For few pairs of an operator whose products are dear, and above all when vectors of a problem nearby are at hand as `start`; for
 * many pairs of a matrix, cold, `topEigenpairs` multiplies blocks.
 *
 * Shapes     `product` maps [n] → [n]  →  values [count], vectors count × [n]
 * Cost       `products` products, and 4·n·m flops and an eigenproblem of size m for the m-th; memory 2·m·n, m ≤ 120
 * Numerics   a start that is itself eigenvectors, but not the wanted ones, is returned as it is unless `guards` follow
 *            the next; random vectors join a start of fewer than count + guards
 *
 * @throws {TangedgeError} ERR_ARGUMENT for a bad count or a start of another length · ERR_DOMAIN when a product is not finite.
 *   Not converging is not an error: `residuals` and `converged` say how far it got
 * @see Saad (2011). Numerical Methods for Large Eigenvalue Problems, 2nd ed., ch. 6–8.
 */
export function extremalEigenpairs(
  rt: Runtime,
  n: number,
  product: (v: Float64Array) => Float64Array,
  options: ExtremalOptions = {},
): ExtremalEigenpairs {
  const iteration = extremalIteration(rt, n, options);
  let next = iteration.next();
  while (!next.done) next = iteration.next(product(next.value));
  return next.value;
}

/** Yields a vector [n], goes on with its image. */
export type ExtremalIteration = Growth<ExtremalEigenpairs>;

/** The same for whoever takes the products. */
export function* extremalIteration(rt: Runtime, n: number, options: ExtremalOptions): ExtremalIteration {
  const { count = 1, which = 'largest', start = [], tolerance = 1e-8, maxProducts = 300, guards = 0, seed = 0 } = options;
  checkInteger('extremalEigenpairs', 'count', count, 1, n);
  for (const vector of start) {
    if (vector.length === n) continue;
    throw new TangedgeError('ERR_ARGUMENT', `extremalEigenpairs: a start vector has ${vector.length} elements; the operator is [${n}, ${n}].`, {
      given: vector.length,
      n,
    });
  }
  const space = new RitzSpace(rt, n, which);
  for (const vector of start) yield* space.add(vector);
  const followed = Math.min(n, count + guards);
  while (space.dimension < (start.length > 0 ? followed : count)) yield* space.addAny(seed);
  for (let explored = 0; ; ) {
    const { values, residuals, scale } = space.ritz(count);
    const converged = space.dimension === n || residuals.every((residual) => residual <= tolerance * scale);
    if ((converged && (explored >= guards || space.dimension === n)) || space.products >= maxProducts) {
      const subspace = space.vectors(Math.min(space.dimension, followed));
      return { values, vectors: subspace.slice(0, count), subspace, residuals, products: space.products, converged };
    }
    if (converged) explored++;
    const worst = converged ? count : residuals.findIndex((residual) => residual > tolerance * scale);
    if (space.dimension >= Math.max(MAX_BASIS, 2 * count + 2)) space.restart(Math.max(count + 8, Math.floor(MAX_BASIS / 3)));
    // A residual that is all rounding spans nothing new: take a random direction instead.
    if (worst >= space.dimension || !(yield* space.addResidual(worst))) yield* space.addAny(seed);
  }
}

/** Asks for the image of each direction that joins the basis. */
type Growth<Result> = Generator<Float64Array, Result, Float64Array>;

/** An orthonormal basis V, A·V, and VᵀAV. */
class RitzSpace {
  products = 0;
  private readonly rt: Runtime;
  private readonly n: number;
  private readonly sign: number;
  private basis: Float64Array[] = [];
  private images: Float64Array[] = [];
  /** Lower triangle of VᵀAV, row i has i + 1 entries. */
  private projected: number[][] = [];
  private combination = new Float64Array(0);
  private values: Float64Array = new Float64Array(0);
  /** Residuals of the wanted pairs, as `ritz` last left them. */
  private known: readonly Float64Array[] = [];

  constructor(rt: Runtime, n: number, which: 'largest' | 'smallest') {
    this.rt = rt;
    this.n = n;
    this.sign = which === 'largest' ? 1 : -1;
  }

  get dimension(): number {
    return this.basis.length;
  }

  /** Adds a direction, unless the basis already spans it. */
  *add(vector: Float64Array): Growth<boolean> {
    const direction = this.orthonormal(vector);
    if (direction === undefined) return false;
    const image = yield direction;
    this.products++;
    const row = [...this.basis, direction].map((v) => inner(v, image));
    if (!row.every(Number.isFinite)) {
      throw new TangedgeError(
        'ERR_DOMAIN',
        `extremalEigenpairs: product ${this.products} is not finite. The parameters have left the model's range.`,
        {
          product: this.products,
        },
      );
    }
    this.basis.push(direction);
    this.images.push(image);
    this.projected.push(row);
    return true;
  }

  /** Adds a direction that the basis does not span: random signs, or the first unit vector that will do. */
  *addAny(seed: number): Growth<void> {
    if (yield* this.add(rademacherArray(seed, this.products, this.n))) return;
    for (let i = 0; i < this.n; i++) {
      const unit = new Float64Array(this.n);
      unit[i] = 1;
      if (yield* this.add(unit)) return;
    }
  }

  addResidual(index: number): Growth<boolean> {
    return this.add(this.known[index] ?? this.residual(index));
  }

  /** The `count` extreme Ritz values, their residual norms, and the largest magnitude of any Ritz value. */
  ritz(count: number): { values: Float64Array; residuals: Float64Array; scale: number } {
    const m = this.dimension;
    const data = new Float64Array(m * m);
    this.projected.forEach((row, i) => {
      row.forEach((value, j) => {
        data[i * m + j] = this.sign * value;
        data[j * m + i] = this.sign * value;
      });
    });
    const { values, vectors } = eigh(this.rt, { shape: [m, m], data });
    this.combination = Float64Array.from(vectors.data);
    this.values = values;
    const top = Float64Array.from({ length: count }, (_, k) => this.sign * values[m - 1 - k]);
    this.known = Array.from({ length: count }, (_, k) => this.residual(k));
    const residuals = Float64Array.from(this.known, (residual) => Math.sqrt(inner(residual, residual)));
    return { values: top, residuals, scale: Math.max(Math.abs(values[0]), Math.abs(values[m - 1])) };
  }

  vectors(count: number): Float64Array[] {
    return Array.from({ length: count }, (_, k) => this.combine(this.basis, k));
  }

  /** Keeps the `count` best Ritz vectors. */
  restart(count: number): void {
    const kept = Math.min(count, this.dimension);
    const [basis, images] = [this.basis, this.images].map((list) => Array.from({ length: kept }, (_, k) => this.combine(list, k)));
    this.basis = basis;
    this.images = images;
    this.projected = basis.map((_, i) => basis.slice(0, i + 1).map((v) => inner(v, images[i])));
    this.ritz(1);
  }

  private residual(k: number): Float64Array {
    const residual = this.combine(this.images, k);
    addScaled(residual, -this.sign * this.values[this.dimension - 1 - k], this.combine(this.basis, k));
    return residual;
  }

  /** Σ_i s_i·list_i for the k-th extreme Ritz vector s. */
  private combine(list: readonly Float64Array[], k: number): Float64Array {
    const m = this.values.length;
    const out = new Float64Array(this.n);
    for (let i = 0; i < m; i++) addScaled(out, this.combination[i * m + m - 1 - k], list[i]);
    return out;
  }

  private orthonormal(vector: Float64Array): Float64Array | undefined {
    const direction = vector.slice();
    const before = Math.sqrt(inner(direction, direction));
    for (const v of this.basis) addScaled(direction, -inner(direction, v), v);
    let norm = Math.sqrt(inner(direction, direction));
    if (norm < 0.7 * before) {
      // Much was cancelled. Twice is enough: what the first pass leaves is rounding of the first pass.
      for (const v of this.basis) addScaled(direction, -inner(direction, v), v);
      norm = Math.sqrt(inner(direction, direction));
    }
    if (!(norm > 1e-10 * before)) return undefined;
    for (let i = 0; i < direction.length; i++) direction[i] /= norm;
    return direction;
  }
}

function inner(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function addScaled(to: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * x[i];
}
