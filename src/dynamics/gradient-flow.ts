/** @file Gradient flow dθ/dt = −η·∇L(θ), integrated with a step that the sharpness controls. */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { Objective } from './objective.ts';
import { sharpness } from './sharpness.ts';

export interface GradientFlowOptions {
  /** η: one unit of time is one step of gradient descent with it. Default 1. */
  readonly learningRate?: number;
  /** Units of time to integrate; the run yields a state per unit, from time 0. */
  readonly steps: number;
  /**
   * - `'rk4'`          classical Runge–Kutta, step min(alpha/sharpness, maxStep)
   * - `'stable-euler'` Euler with max(4, ⌈2·η·sharpness⌉) substeps per unit: the “stable flow” of the central flows code
   *
   * Default `'rk4'`.
   */
  readonly method?: 'rk4' | 'stable-euler';
  /** α of the Runge–Kutta step; it is stable below 2.78. Default 1. */
  readonly alpha?: number;
  /** Longest Runge–Kutta step, in units of −∇L (η times the time). Default Infinity. */
  readonly maxStep?: number;
  /** Where an earlier run left off, with its θ as the start: goes on with its bits. */
  readonly resume?: FlowMemory;
}

/** What a flow carries from one state to the next beside θ. */
export interface FlowMemory {
  readonly step: number;
  /** Where the eigensolver begins: vectors [p] near the leading eigenvectors of the Hessian. */
  readonly subspace: readonly Float64Array[];
  /** Of the central flow: how many eigenvalues were near 2/η. */
  readonly critical: number;
}

export interface FlowState {
  /** Units of time passed. */
  readonly step: number;
  readonly theta: Float64Array;
  readonly loss: number;
  /** ‖∇L‖² */
  readonly gradient2: number;
  /** λmax(H), as the step control last knew it. */
  readonly sharpness: number;
  /** Gradients evaluated so far, those of the sharpness not counted. */
  readonly gradients: number;
  /** What `resume` takes together with `theta`. */
  readonly memory: FlowMemory;
}

/** Runge–Kutta steps between measurements of the sharpness: α = 1 leaves a factor of 2.78 to the limit of stability. */
const MEASURE_EVERY = 4;

/** The stable flow gives up where a unit of time needs more substeps than this. */
const MAX_STIFFNESS = 100;

/**
 * Gradient flow of a loss from θ₀: what gradient descent would do with infinitely small steps.
 *
 *   dθ/dt = −η·∇L(θ)
 *
 * Shapes     θ [p]
 * Cost       four gradients per Runge–Kutta step, one per Euler substep, and a warm-started sharpness at every unit of time
 *            and every fourth Runge–Kutta step
 * Numerics   steps are cut so that every whole unit of time is hit exactly
 *
 * @throws {TangedgeError} ERR_ARGUMENT for options outside their range · ERR_DOMAIN when the loss leaves the numbers, or
 *   for the stable flow where η·sharpness exceeds 100
 * @see Cohen et al. (2021). arXiv:2103.00065 (Runge–Kutta); Cohen et al. (2025). Understanding optimization in deep learning
 *   with central flows. arXiv:2410.24206 (stable flow).
 * @example
 * const objective = trainingLoss(rt, model, { inputs: x, targets: y });
 * for (const { step, loss } of gradientFlow(rt, objective, objective.initial, { learningRate: 0.01, steps: 2 })) step + loss;
 */
export function* gradientFlow(rt: Runtime, objective: Objective, start: Float64Array, options: GradientFlowOptions): Generator<FlowState> {
  const { learningRate = 1, steps, method = 'rk4', alpha = 1, maxStep = Number.POSITIVE_INFINITY, resume } = options;
  checkFlowOptions('gradientFlow', learningRate, steps);
  if (!(alpha > 0) || !(maxStep > 0) || (method !== 'rk4' && method !== 'stable-euler')) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `gradientFlow: alpha ${alpha} and maxStep ${maxStep} must be positive and method '${method}' one of rk4, stable-euler.`,
      { alpha, maxStep, method },
    );
  }
  const flow = new Flow(rt, objective, Float64Array.from(start), resume?.subspace);
  for (let step = resume?.step ?? 0; ; step++) {
    const { loss, gradient } = flow.gradientAt(flow.theta);
    if (!Number.isFinite(loss)) {
      throw new TangedgeError('ERR_DOMAIN', `gradientFlow: the loss is ${loss} at time ${step}. Use a smaller alpha or start elsewhere.`, {
        step,
        loss,
      });
    }
    const memory = { step, subspace: flow.subspace, critical: 0 };
    flow.measure();
    yield {
      step,
      theta: flow.theta.slice(),
      loss,
      gradient2: inner(gradient, gradient),
      sharpness: flow.sharpness,
      gradients: flow.gradients,
      memory,
    };
    if (step >= steps) return;
    if (method === 'rk4') flow.rungeKutta(learningRate, alpha, maxStep, gradient);
    else flow.stableEuler(learningRate, step, gradient);
  }
}

/** @throws {TangedgeError} ERR_ARGUMENT */
export function checkFlowOptions(operation: string, learningRate: number, steps: number): void {
  checkInteger(operation, 'steps', steps, 0);
  if (!(learningRate > 0 && Number.isFinite(learningRate))) {
    throw new TangedgeError('ERR_ARGUMENT', `${operation}: learningRate is ${learningRate}; it must be positive.`, { learningRate });
  }
}

class Flow {
  theta: Float64Array;
  gradients = 0;
  subspace: readonly Float64Array[];
  sharpness = Number.NaN;
  private readonly rt: Runtime;
  private readonly objective: Objective;

  constructor(rt: Runtime, objective: Objective, theta: Float64Array, subspace: readonly Float64Array[] = []) {
    this.subspace = subspace;
    this.rt = rt;
    this.objective = objective;
    this.theta = theta;
  }

  gradientAt(theta: Float64Array): { loss: number; gradient: Float64Array } {
    this.gradients++;
    return this.objective.gradient(theta);
  }

  measure(): void {
    const found = sharpness(this.rt, this.objective, this.theta, { previous: { subspace: this.subspace }, tolerance: 1e-2, maxProducts: 30 });
    this.subspace = found.subspace;
    this.sharpness = found.value;
  }

  /** One unit of time η, in steps of at most α/sharpness. `first` is ∇L at the beginning. */
  rungeKutta(eta: number, alpha: number, maxStep: number, first: Float64Array): void {
    let left = eta;
    let gradient = first;
    for (let taken = 0; left > 0; taken++) {
      if (taken > 0 && taken % MEASURE_EVERY === 0) this.measure();
      const wanted = Math.min(maxStep, this.sharpness > 0 ? alpha / this.sharpness : Number.POSITIVE_INFINITY);
      // equal steps to the end of the unit, instead of a sliver at last
      const h = left <= wanted ? left : left / Math.ceil(left / wanted);
      const k2 = this.gradientAt(moved(this.theta, -h / 2, gradient)).gradient;
      const k3 = this.gradientAt(moved(this.theta, -h / 2, k2)).gradient;
      const k4 = this.gradientAt(moved(this.theta, -h, k3)).gradient;
      this.theta = this.theta.map((value, i) => value - (h / 6) * (gradient[i] + 2 * k2[i] + 2 * k3[i] + k4[i]));
      left = h === left ? 0 : left - h;
      if (left > 0) gradient = this.gradientAt(this.theta).gradient;
    }
  }

  stableEuler(eta: number, step: number, first: Float64Array): void {
    const stiffness = eta * this.sharpness;
    if (!(stiffness <= MAX_STIFFNESS)) {
      throw new TangedgeError('ERR_DOMAIN', `gradientFlow: η·sharpness is ${stiffness} at time ${step}, above ${MAX_STIFFNESS}. Use a smaller η.`, {
        step,
        stiffness,
      });
    }
    const substeps = Math.max(4, Math.ceil(2 * stiffness));
    for (let s = 0; s < substeps; s++) {
      const gradient = s === 0 ? first : this.gradientAt(this.theta).gradient;
      this.theta = moved(this.theta, -eta / substeps, gradient);
    }
  }
}

function moved(theta: Float64Array, factor: number, direction: Float64Array): Float64Array {
  return theta.map((value, i) => value + factor * direction[i]);
}

function inner(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}
