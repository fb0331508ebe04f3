/**
 * @file The two-layer linear network f = X·W1·w2 under gradient descent, with the ledger of its norms: where the
 * alignment shift at the edge of stability can be followed term by term.
 *
 *   L = 1/(2n)·‖E‖²,  E = X·W1·w2 − y,  g = Xᵀ·E/n
 *   Θ = ‖w2‖²·X·Xᵀ + X·W1·W1ᵀ·Xᵀ
 *   ‖W1⁺‖² = ‖W1‖² − 2η·gᵀW1w2 + η²·‖w2‖²·‖g‖²
 *   ‖w2⁺‖² = ‖w2‖² − 2η·gᵀW1w2 + η²·‖W1ᵀg‖²
 *
 * The linear terms are the same, so gradient flow conserves the balance W1ᵀW1 − w2w2ᵀ; the quadratic terms differ.
 * With one hidden unit (W1 = v, w2 = c) this is the rank-one model: α = ‖v‖²/c², Θ = c²·(XXᵀ + α·(Xv̂)(Xv̂)ᵀ).
 *
 * Source: Understanding the evolution of the neural tangent kernel at the edge of stability (2025). arXiv:2507.12837.
 */

import { checkFinite, checkMatrix } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { formatShape, type Tensor } from '../core/tensor.ts';
import { gram } from '../linalg/gram.ts';
import { topEigenpairs } from '../linalg/top-eigenpairs.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface TwoLayerLinearProblem {
  /** [n, d] */
  readonly x: Tensor;
  /** [n] or [n, 1] */
  readonly y: Tensor;
  /** [d, m]: the transpose of a Linear layer's weight. */
  readonly w1: Tensor;
  /** [m] or [m, 1] */
  readonly w2: Tensor;
}

export interface TwoLayerLinearOptions {
  readonly learningRate: number;
  /** Updates; the run yields one state more. */
  readonly steps: number;
  /**
   * `'kept'` is gradient descent. `'removed'` takes each layer's direction of the step but only the linear change of its
   * squared norm: the ablation that shows what the quadratic terms do. Default `'kept'`.
   */
  readonly quadraticTerms?: 'kept' | 'removed';
  /** Steps between states that are yielded; the first and the last always are. Default 1; Infinity for these two alone. */
  readonly every?: number;
  /** The run stops when the loss exceeds this many times the first. Default 1e6. */
  readonly divergence?: number;
}

/** The terms of one step, before it is taken. For the rank-one model ‖W1‖² is ‖v‖² and ‖w2‖² is c². */
export interface NormLedger {
  /** ‖W1‖_F² */
  readonly v2: number;
  /** ‖w2‖² */
  readonly c2: number;
  /** ‖W1‖_F²/‖w2‖² */
  readonly alpha: number;
  /** σ₁(W1)²/‖w2‖² */
  readonly alphaTop: number;
  /** σ₁(W1)²/‖W1‖_F²: 1 when W1 has rank one. */
  readonly rankOneFraction: number;
  /** −2η·gᵀW1w2: the change of both squared norms to first order. */
  readonly linearTerm: number;
  /** η²·‖w2‖²·‖g‖²: added to ‖W1‖². */
  readonly quadraticTermV: number;
  /** η²·‖W1ᵀg‖²: added to ‖w2‖². */
  readonly quadraticTermC: number;
  /** (‖w2‖²·η²/n)·λ₁·⟨E, q₁⟩²: the part of quadraticTermV along the top eigenvector q₁ of XXᵀ/n. */
  readonly topTerm: number;
  /** ⟨E, q₁⟩, whose sign alternates at the edge of stability. */
  readonly errorAlongTop: number;
  /** ‖E‖² */
  readonly error2: number;
  /** ‖W1ᵀW1 − w2w2ᵀ‖_F: conserved by gradient flow. */
  readonly imbalance: number;
}

export interface TwoLayerLinearState {
  readonly step: number;
  readonly loss: number;
  /** Θ [n, n], traced over the one output. */
  readonly kernel: Tensor;
  /** λmax(Θ)/n: the sharpness up to the residual's part of the Hessian. */
  readonly sharpness: number;
  readonly ledger: NormLedger;
  /** [d, m] and [m] */
  readonly w1: Tensor;
  readonly w2: Tensor;
}

/**
 * Gradient descent on a two-layer linear network, one state per step, the first before any update.
 *
 * Shapes     x [n, d], y [n], w1 [d, m], w2 [m]
 * Cost       4·n·d·m flops per step; per state n²·d more and the largest eigenvalue of an [n, n] matrix
 * Numerics   f64; the ledger's sums are the exact norms of the next state to rounding (a test holds them to 1e-12)
 *
 * @throws {TangedgeError} ERR_SHAPE when the arrays do not fit · ERR_DOMAIN for NaN or Inf · ERR_ARGUMENT for a bad option.
 *   A run that diverges ends early: its last state is the last with a finite loss below the bound
 * @see arXiv:2507.12837, section on two-layer linear networks.
 * @example
 * const eye = tensor([2, 2], [1, 0, 0, 1]);
 * const run = [...twoLayerLinearDescent(rt, { x: eye, y: tensor([2], [1, 0]), w1: eye, w2: tensor([2], [0, 0]) }, { learningRate: 0.1, steps: 2 })];
 * const losses = run.map((state) => state.loss); // [0.25, 0.225…, 0.203…]
 */
export function* twoLayerLinearDescent(rt: Runtime, problem: TwoLayerLinearProblem, options: TwoLayerLinearOptions): Generator<TwoLayerLinearState> {
  const { learningRate, steps, quadraticTerms = 'kept', every = 1, divergence = 1e6 } = options;
  checkOptions(options);
  const fixed = readProblem(rt, problem);
  let weights: Weights = { w1: Float64Array.from(problem.w1.data), w2: Float64Array.from(problem.w2.data) };
  let first = Number.POSITIVE_INFINITY;
  let unseen: (() => TwoLayerLinearState) | undefined;
  for (let step = 0; step <= steps; step++) {
    const gradient = gradientAt(fixed, weights);
    if (step === 0) first = gradient.loss;
    if (!(gradient.loss <= divergence * first)) {
      if (unseen) yield unseen();
      return;
    }
    const own = weights;
    const state = () => stateAt(rt, fixed, own, gradient, step, learningRate);
    const due = step === 0 || step === steps || step % every === 0;
    unseen = due ? undefined : state;
    if (due) yield state();
    const next = descend(fixed, weights, gradient, learningRate);
    weights = quadraticTerms === 'kept' ? next : withLinearNorms(weights, next, gradient, learningRate);
  }
}

/** The problem's fixed parts. */
interface Fixed {
  readonly n: number;
  readonly d: number;
  readonly m: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** XXᵀ and the top eigenpair of XXᵀ/n. */
  readonly inputGram: Float64Array;
  readonly lambda: number;
  readonly q: Float64Array;
}

interface Weights {
  readonly w1: Float64Array;
  readonly w2: Float64Array;
}

interface Gradient {
  readonly loss: number;
  /** E [n] */
  readonly error: Float64Array;
  /** X·W1 [n, m] */
  readonly hidden: Float64Array;
  /** g [d] */
  readonly g: Float64Array;
  /** W1ᵀg [m] */
  readonly pulled: Float64Array;
  /** gᵀW1w2 */
  readonly slope: number;
}

function readProblem(rt: Runtime, { x, y, w1, w2 }: TwoLayerLinearProblem): Fixed {
  const operation = 'twoLayerLinearDescent';
  const [n, d] = checkMatrix(operation, 'x', x);
  const [rows, m] = checkMatrix(operation, 'w1', w1);
  if (rows !== d || y.data.length !== n || w2.data.length !== m || n === 0 || m === 0) {
    const shapes = [x, y, w1, w2].map(({ shape }) => formatShape(shape));
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: x ${shapes[0]}, y ${shapes[1]}, w1 ${shapes[2]} and w2 ${shapes[3]} do not fit: they must be [n, d], [n], [d, m] and [m].`,
      { x: [...x.shape], y: [...y.shape], w1: [...w1.shape], w2: [...w2.shape] },
    );
  }
  for (const [name, value] of Object.entries({ x, y, w1, w2 })) checkFinite(operation, name, value);
  const inputGram = Float64Array.from(gram(rt, x).data);
  const { values, vectors } = topEigenpairs(rt, { shape: [n, n], data: inputGram.map((value) => value / n) }, 1);
  const [xs, ys] = [x, y].map(({ data }) => Float64Array.from(data));
  return { n, d, m, x: xs, y: ys, inputGram, lambda: values[0], q: Float64Array.from(vectors.data) };
}

function gradientAt({ n, d, m, x, y }: Fixed, { w1, w2 }: Weights): Gradient {
  const hidden = new Float64Array(n * m);
  const error = new Float64Array(n);
  const g = new Float64Array(d);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < d; a++) for (let k = 0; k < m; k++) hidden[i * m + k] += x[i * d + a] * w1[a * m + k];
    for (let k = 0; k < m; k++) error[i] += hidden[i * m + k] * w2[k];
    error[i] -= y[i];
    for (let a = 0; a < d; a++) g[a] += (x[i * d + a] * error[i]) / n;
  }
  const pulled = new Float64Array(m);
  for (let a = 0; a < d; a++) for (let k = 0; k < m; k++) pulled[k] += w1[a * m + k] * g[a];
  return { loss: inner(error, error) / (2 * n), error, hidden, g, pulled, slope: inner(pulled, w2) };
}

function descend({ d, m }: Fixed, { w1, w2 }: Weights, { g, pulled }: Gradient, eta: number): Weights {
  const next = w1.slice();
  for (let a = 0; a < d; a++) for (let k = 0; k < m; k++) next[a * m + k] -= eta * g[a] * w2[k];
  return { w1: next, w2: w2.map((value, k) => value - eta * pulled[k]) };
}

/** The directions of `next` with squared norms ‖W‖² − 2η·gᵀW1w2. */
function withLinearNorms(now: Weights, next: Weights, { slope }: Gradient, eta: number): Weights {
  const rescaled = (from: Float64Array, to: Float64Array) => {
    const factor = Math.sqrt(Math.max(0, inner(from, from) - 2 * eta * slope) / inner(to, to));
    return to.map((value) => value * factor);
  };
  return { w1: rescaled(now.w1, next.w1), w2: rescaled(now.w2, next.w2) };
}

function stateAt(rt: Runtime, fixed: Fixed, weights: Weights, gradient: Gradient, step: number, eta: number): TwoLayerLinearState {
  const { n, d, m, inputGram } = fixed;
  const { w1, w2 } = weights;
  const c2 = inner(w2, w2);
  const hiddenGram = gram(rt, { shape: [n, m], data: gradient.hidden }).data;
  const kernel = inputGram.map((value, i) => c2 * value + hiddenGram[i]);
  const [top] = topEigenpairs(rt, { shape: [n, n], data: kernel }, 1).values;
  return {
    step,
    loss: gradient.loss,
    kernel: { shape: [n, n], data: kernel },
    sharpness: top / n,
    ledger: ledgerAt(rt, fixed, weights, gradient, eta),
    w1: { shape: [d, m], data: w1 },
    w2: { shape: [m], data: w2 },
  };
}

function ledgerAt(rt: Runtime, { n, d, m, lambda, q }: Fixed, { w1, w2 }: Weights, gradient: Gradient, eta: number): NormLedger {
  const { error, g, pulled, slope } = gradient;
  const [v2, c2] = [inner(w1, w1), inner(w2, w2)];
  const inside = Float64Array.from(gram(rt, { shape: [d, m], data: w1 }, { of: 'columns' }).data);
  const top2 = topEigenpairs(rt, { shape: [m, m], data: inside }, 1).values[0];
  const along = inner(error, q);
  for (let k = 0; k < m; k++) for (let l = 0; l < m; l++) inside[k * m + l] -= w2[k] * w2[l];
  return {
    v2,
    c2,
    alpha: v2 / c2,
    alphaTop: top2 / c2,
    rankOneFraction: top2 / v2,
    linearTerm: -2 * eta * slope,
    quadraticTermV: eta * eta * c2 * inner(g, g),
    quadraticTermC: eta * eta * inner(pulled, pulled),
    topTerm: ((c2 * eta * eta) / n) * lambda * along * along,
    errorAlongTop: along,
    error2: inner(error, error),
    imbalance: Math.sqrt(inner(inside, inside)),
  };
}

function checkOptions({ learningRate, steps, quadraticTerms = 'kept', every = 1 }: TwoLayerLinearOptions): void {
  if (!(every >= 1)) throw new TangedgeError('ERR_ARGUMENT', `twoLayerLinearDescent: every is ${every}; it must be at least 1.`, { every });
  if (!(learningRate > 0 && Number.isFinite(learningRate)) || !(Number.isSafeInteger(steps) && steps >= 0)) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `twoLayerLinearDescent: learningRate ${learningRate} must be positive and steps ${steps} a whole number, at least 0.`,
      { learningRate, steps },
    );
  }
  if (quadraticTerms !== 'kept' && quadraticTerms !== 'removed') {
    throw new TangedgeError('ERR_ARGUMENT', `twoLayerLinearDescent: quadraticTerms '${quadraticTerms}' must be 'kept' or 'removed'.`, {
      quadraticTerms,
    });
  }
}

function inner(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
