/**
 * @file The central flow of gradient descent: a differential equation for its time-averaged path at the edge of stability.
 *
 *   dθ/dt = −η·[∇L(θ) + ½·∇_θ⟨H(θ), Σ⟩],   Σ = U·X·Uᵀ ⪰ 0 on the eigenvectors U of H near 2/η
 *
 * X is the covariance of the oscillation that keeps the sharpness at 2/η: the solution of the complementarity problem
 * 0 ⪯ X ⟂ (2/η)·I − Uᵀ·H(t + dt)·U ⪰ 0, to first order in the step dt.
 *
 * Source: Cohen, Damian, Talwalkar, Kolter, Lee (2025). Understanding optimization in deep learning with central flows.
 * arXiv:2410.24206.
 */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { eigh } from '../linalg/eigh.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { checkFlowOptions, type FlowMemory } from './gradient-flow.ts';
import type { Objective } from './objective.ts';
import { solveComplementarity, symmetricPairs } from './psd-complementarity.ts';
import { type HessianEigenpairs, hessianEigenpairs } from './sharpness.ts';

export interface CentralFlowOptions {
  /** η of the gradient descent that is followed. One unit of time is one of its steps. */
  readonly learningRate: number;
  /** Units of time; the run yields a state per unit, from time 0. */
  readonly steps: number;
  /** Euler steps per unit; default 4. */
  readonly substeps?: number;
  /** Eigenvalues above this fraction of 2/η may be held; default 0.975 (1.95/η). */
  readonly critical?: number;
  /** Residual of the eigenpairs near 2/η, relative to the sharpness; default 1e-10. */
  readonly tolerance?: number;
  /** Most eigenvalues that may be near 2/η at once; default 16. */
  readonly maxCritical?: number;
  /** Where an earlier run left off, with its θ as the start: goes on with its bits. */
  readonly resume?: FlowMemory;
}

export interface CentralFlowState {
  readonly step: number;
  readonly theta: Float64Array;
  /** L and ‖∇L‖² at θ: not what gradient descent shows, because it oscillates around θ. */
  readonly loss: number;
  readonly gradient2: number;
  /** The largest Hessian eigenvalues, descending: all above the critical fraction and the first below. */
  readonly eigenvalues: Float64Array;
  /** U: eigenvectors of the near-critical eigenvalues. */
  readonly directions: readonly Float64Array[];
  /** X [k, k]: covariance of the oscillation in the basis U; k may be 0. */
  readonly covariance: Tensor;
  /** Eigenvalues of X, descending: the variances of the oscillation along its principal axes. */
  readonly variances: Float64Array;
  /** Predictions for gradient descent's averages over time: L + tr Σ/η and ‖∇L‖² + 4/η²·tr Σ. */
  readonly predictedLoss: number;
  readonly predictedGradient2: number;
  /** What `resume` takes together with `theta`. */
  readonly memory: FlowMemory;
}

/**
 * The central flow of gradient descent with learning rate η from θ₀: gradient flow while the sharpness is below 2/η, and
 * then gradient flow with the sharpness held at 2/η by the oscillation's covariance, for any number of eigenvalues there.
 *
 * Shapes     θ [p]; k eigenvalues near 2/η
 * Cost       per substep a gradient, a warm-started eigenproblem, and k(k+1)/2 third derivatives of about 5 gradients each
 * Numerics   where the problem leaves X undetermined (directions that the same parameters control) X of least norm is taken
 *
 * @throws {TangedgeError} ERR_ARGUMENT for options outside their range · ERR_CONVERGENCE when eigenpairs do not converge ·
 *   ERR_UNSUPPORTED when more than `maxCritical` eigenvalues are near 2/η · ERR_DOMAIN where no covariance can hold the
 *   sharpness (a kinked loss: ReLU's third derivatives are zero)
 * @see arXiv:2410.24206
 * @example
 * const objective = trainingLoss(rt, model, { inputs: x, targets: y });
 * for (const { predictedLoss } of centralFlow(rt, objective, objective.initial, { learningRate: 0.01, steps: 2 })) predictedLoss;
 */
export function* centralFlow(rt: Runtime, objective: Objective, start: Float64Array, options: CentralFlowOptions): Generator<CentralFlowState> {
  const { learningRate, steps, substeps = 4, critical = 0.975, tolerance = 1e-10, maxCritical = 16, resume } = options;
  checkFlowOptions('centralFlow', learningRate, steps);
  checkInteger('centralFlow', 'substeps', substeps, 1);
  checkInteger('centralFlow', 'maxCritical', maxCritical, 1);
  if (!(critical > 0 && critical < 1) || !(tolerance > 0)) {
    throw new TangedgeError('ERR_ARGUMENT', `centralFlow: critical ${critical} must be in (0, 1) and tolerance ${tolerance} positive.`, {
      critical,
      tolerance,
    });
  }
  const tracker = new CriticalTracker(rt, objective, { threshold: 2 / learningRate, critical, tolerance, maxCritical }, resume);
  let theta = Float64Array.from(start);
  for (let step = resume?.step ?? 0; step <= steps; step++) {
    for (let s = 0; s < substeps; s++) {
      const { loss, gradient } = objective.gradient(theta);
      if (!Number.isFinite(loss)) {
        throw new TangedgeError('ERR_DOMAIN', `centralFlow: the loss is ${loss} at time ${step}. Use more substeps.`, { step, loss });
      }
      const memory = tracker.memory(step);
      const near = tracker.near(theta);
      const held = holdSharpness(rt, objective, { theta, gradient, near, eta: learningRate, dt: 1 / substeps });
      if (s === 0) {
        yield stateOf(rt, { step, theta, loss, gradient, near, covariance: held.covariance, eta: learningRate, memory });
        if (step === steps) return;
      }
      const factor = learningRate / substeps;
      theta = theta.map((value, i) => value - factor * (gradient[i] + held.penalty[i]));
    }
  }
}

interface Near {
  readonly pairs: HessianEigenpairs;
  /** How many of the pairs are near 2/η. */
  readonly k: number;
}

interface TrackerOptions extends Required<Pick<CentralFlowOptions, 'critical' | 'tolerance' | 'maxCritical'>> {
  readonly threshold: number;
}

/** Finds every eigenvalue above the critical fraction, from the eigenvectors of the step before. */
class CriticalTracker {
  private readonly rt: Runtime;
  private readonly objective: Objective;
  private readonly options: TrackerOptions;
  private subspace: readonly Float64Array[];
  /** Near-critical eigenvalues at the last call. */
  private known: number;

  constructor(rt: Runtime, objective: Objective, options: TrackerOptions, resume?: FlowMemory) {
    this.rt = rt;
    this.objective = objective;
    this.options = options;
    this.subspace = resume?.subspace ?? [];
    this.known = resume?.critical ?? 0;
  }

  memory(step: number): FlowMemory {
    return { step, subspace: this.subspace, critical: this.known };
  }

  near(theta: Float64Array): Near {
    const { threshold, critical, maxCritical, tolerance } = this.options;
    const most = Math.min(this.objective.size, maxCritical + 1);
    if (this.known === 0) {
      const rough = this.pairs(theta, 1, 1e-3);
      if (rough.values[0] < FAR * threshold) return { pairs: rough, k: 0 };
    }
    for (let count = Math.min(most, this.known + 1); ; count++) {
      const exact = this.pairs(theta, count, tolerance);
      const k = exact.values.filter((value) => value > critical * threshold).length;
      this.known = k;
      if (k < count || count === this.objective.size) return { pairs: exact, k };
      if (count === most) {
        throw new TangedgeError(
          'ERR_UNSUPPORTED',
          `centralFlow: more than ${maxCritical} eigenvalues are above ${critical * threshold}. Raise maxCritical.`,
          { maxCritical, eigenvalues: [...exact.values] },
        );
      }
    }
  }

  private pairs(theta: Float64Array, count: number, tolerance: number): HessianEigenpairs {
    const pairs = hessianEigenpairs(this.rt, this.objective, theta, {
      count,
      tolerance,
      guards: 2,
      start: this.subspace,
      maxProducts: 1000,
    });
    if (pairs.subspace.length >= this.subspace.length) this.subspace = pairs.subspace;
    if (pairs.converged) return pairs;
    throw new TangedgeError(
      'ERR_CONVERGENCE',
      `centralFlow: eigenpairs near 2/η have residuals ${[...pairs.residuals].join(', ')} after ${pairs.products} products. Raise the tolerance.`,
      { residuals: [...pairs.residuals], products: pairs.products },
    );
  }
}

/** Below this fraction of 2/η no eigenvalue can become critical within a step. */
const FAR = 0.75;

interface Substep {
  readonly theta: Float64Array;
  readonly gradient: Float64Array;
  readonly near: Near;
  readonly eta: number;
  readonly dt: number;
}

/** X of the complementarity problem, and ½·∇⟨H, Σ⟩. */
function holdSharpness(
  rt: Runtime,
  objective: Objective,
  { theta, gradient, near, eta, dt }: Substep,
): { covariance: Float64Array; penalty: Float64Array } {
  const { k, pairs } = near;
  const penalty = new Float64Array(theta.length);
  if (k === 0) return { covariance: new Float64Array(0), penalty };
  const index = symmetricPairs(k);
  const slopes = objective.withThird(theta, (third) => index.map(([i, j]) => third(pairs.vectors[i], pairs.vectors[j])));
  const a = new Float64Array(k * k);
  index.forEach(([i, j], p) => {
    const now = i === j ? 2 / eta - pairs.values[i] : 0;
    a[i * k + j] = now + dt * eta * inner(slopes[p], gradient);
    a[j * k + i] = a[i * k + j];
  });
  const b = new Float64Array(index.length * index.length);
  for (let p = 0; p < index.length; p++)
    for (let q = 0; q <= p; q++) {
      b[p * index.length + q] = 0.5 * dt * eta * inner(slopes[p], slopes[q]);
      b[q * index.length + p] = b[p * index.length + q];
    }
  const { x } = solveComplementarity(rt, k, a, b);
  index.forEach(([i, j], p) => {
    const factor = (i === j ? 0.5 : 1) * x[i * k + j];
    for (let at = 0; at < penalty.length; at++) penalty[at] += factor * slopes[p][at];
  });
  return { covariance: x, penalty };
}

interface Moment {
  readonly step: number;
  readonly theta: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
  readonly near: Near;
  readonly covariance: Float64Array;
  readonly eta: number;
  readonly memory: FlowMemory;
}

function stateOf(rt: Runtime, { step, theta, loss, gradient, near, covariance, eta, memory }: Moment): CentralFlowState {
  const { k, pairs } = near;
  let trace = 0;
  for (let i = 0; i < k; i++) trace += covariance[i * k + i];
  const variances = k === 0 ? new Float64Array(0) : eigh(rt, { shape: [k, k], data: covariance }, { vectors: false }).values.reverse();
  const gradient2 = inner(gradient, gradient);
  return {
    step,
    theta: theta.slice(),
    loss,
    gradient2,
    eigenvalues: pairs.values,
    directions: pairs.vectors.slice(0, k),
    covariance: { shape: [k, k], data: covariance },
    variances,
    predictedLoss: loss + trace / eta,
    predictedGradient2: gradient2 + (4 / eta / eta) * trace,
    memory,
  };
}

function inner(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
