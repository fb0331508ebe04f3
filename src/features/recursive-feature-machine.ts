/** @file Recursive feature machine: Laplace kernel ridge regression whose metric is learned from its own gradients. */

import { checkFinite, checkInteger, checkMatrix } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { castTensor, formatShape, type Tensor } from '../core/tensor.ts';
import { matmul } from '../linalg/gemm.ts';
import { gram } from '../linalg/gram.ts';
import { mirrorLower } from '../linalg/mirror.ts';
import { solvePositive } from '../linalg/solve.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface RecursiveFeatureMachineOptions {
  /** Updates of the metric; default 5. */
  readonly rounds?: number;
  /** L in exp(−‖x − z‖_M/L); default 10. */
  readonly bandwidth?: number;
  /** λ, added to the diagonal of the kernel, whose own is 1; default 1e-3. */
  readonly regularization?: number;
}

export interface RecursiveFeatureMachine {
  /** M [d, d]: the AGOP of the predictor of the round before, divided by its largest entry; the learned features. */
  readonly metric: Tensor;
  /** Coefficients α [n, c] of the last fit. */
  readonly coefficients: Tensor;
  /** The metrics by round, from the identity to `metric`. */
  readonly metrics: readonly Tensor[];
  /** Σ_j α_j·K_M(x, x_j) on new inputs [m, d]  →  [m, c]. */
  predict(inputs: Tensor): Tensor;
}

/**
 * Recursive feature machine: `rounds` times, fit by kernel ridge regression, then take the AGOP of the predictor as the metric.
 *
 *   K_M(x, z) = exp(−‖x − z‖_M/L),   ‖v‖²_M = vᵀMv,   α = (K_M + λI)⁻¹·Y,   M ← AGOP of x ↦ Σ_j α_j·K_M(x, x_j)
 *
 * The kernel-side counterpart of feature learning: no network, the same average gradient outer product.
 *
 * Shapes     inputs [n, d], targets [n, c] or [n]
 * Units      M is dimensionless, its largest entry 1
 * Cost       per round n³/3 + (2c + 2)·n²·d + n·c·d² multiply-adds; memory 3·n² f64
 * Numerics   f64; where two inputs coincide the gradient of the kernel is taken as 0
 *
 * @throws {TangedgeError} ERR_SHAPE when they do not fit · ERR_DOMAIN for NaN, Inf, or a predictor without gradient · ERR_ARGUMENT for options outside their range
 * @see Radhakrishnan, Beaglehole, Pandit, Belkin (2024). Mechanism for feature learning in neural networks and backpropagation-free machine learning models. Science 383. arXiv:2212.13881.
 * @example
 * const machine = recursiveFeatureMachine(rt, tensor([4, 2], [0, 0, 0, 1, 1, 0, 1, 1]), tensor([4], [0, 0, 1, 1]), { rounds: 3 });
 * const first = machine.metric.data[0]; // 1
 */
export function recursiveFeatureMachine(
  rt: Runtime,
  inputs: Tensor,
  targets: Tensor,
  { rounds = 5, bandwidth = 10, regularization = 1e-3 }: RecursiveFeatureMachineOptions = {},
): RecursiveFeatureMachine {
  const operation = 'recursiveFeatureMachine';
  const [n, d] = checkMatrix(operation, 'inputs', inputs);
  checkFinite(operation, 'inputs', inputs);
  checkFinite(operation, 'targets', targets);
  checkInteger(operation, 'rounds', rounds, 0);
  for (const [name, value] of [
    ['bandwidth', bandwidth],
    ['regularization', regularization],
  ] as const) {
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) {
      throw new TangedgeError('ERR_ARGUMENT', `${operation}: ${name} is ${value}; it must be a positive number.`, { [name]: value });
    }
  }
  if (targets.shape[0] !== n || targets.shape.length > 2) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: targets ${formatShape(targets.shape)} do not fit ${n} inputs: they must be [${n}] or [${n}, c].`,
      {
        targets: [...targets.shape],
      },
    );
  }
  const x = castTensor(inputs, 'f64');
  const y: Tensor = { shape: [n, targets.shape[1] ?? 1], data: castTensor(targets, 'f64').data };
  const regression = (metric: Tensor) => {
    const laplace = laplaceKernel(rt, x, x, metric, bandwidth);
    return { laplace, coefficients: ridgeSolution(rt, laplace.kernel, y, regularization) };
  };
  const metrics = [identity(d)];
  let metric = metrics[0];
  for (let round = 0; round < rounds; round++) {
    const { laplace, coefficients } = regression(metric);
    metric = predictorAgop(rt, x, metric, bandwidth, laplace, coefficients);
    metrics.push(metric);
  }
  const { coefficients } = regression(metric);
  return {
    metric,
    coefficients,
    metrics,
    predict(given) {
      const [, width] = checkMatrix(operation, 'inputs', given);
      if (width !== d) throw new TangedgeError('ERR_SHAPE', `${operation}: inputs ${formatShape(given.shape)} must have ${d} columns.`, {});
      const { kernel } = laplaceKernel(rt, castTensor(given, 'f64'), x, metric, bandwidth);
      return matmul(rt, kernel, coefficients);
    },
  };
}

/** (K + regularization·I)⁻¹·y. */
function ridgeSolution(rt: Runtime, { shape, data: kernel }: Tensor, y: Tensor, regularization: number): Tensor {
  const data = kernel.slice();
  const [n] = shape;
  mirrorLower(n, data); // rounding may leave the two halves of the kernel apart
  for (let i = 0; i < n; i++) data[i * n + i] = 1 + regularization;
  return solvePositive(rt, { shape, data }, y).solution;
}

interface LaplaceKernel {
  readonly kernel: Tensor;
  readonly distances: Float64Array;
}

/** K_M and the distances ‖x − z‖_M, [n, m] each. */
function laplaceKernel(rt: Runtime, x: Tensor, z: Tensor, metric: Tensor, bandwidth: number): LaplaceKernel {
  const [n, m] = [x.shape[0], z.shape[0]];
  const xm = matmul(rt, x, metric);
  const inner = matmul(rt, xm, z, { transposeB: true });
  const [xNorms, zNorms] = [quadraticForms(x, xm), quadraticForms(z, z === x ? xm : matmul(rt, z, metric))];
  const distances = new Float64Array(n * m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      const squared = xNorms[i] + zNorms[j] - 2 * inner.data[i * m + j];
      // What is left of a difference of equal terms is rounding.
      distances[i * m + j] = squared > 1e-12 * (xNorms[i] + zNorms[j]) ? Math.sqrt(squared) : 0;
    }
  }
  const data = rt.arena.frame(() => {
    const ptr = rt.arena.load('f64', distances);
    rt.f64.affine(distances.length, -1 / bandwidth, 0, ptr, ptr);
    rt.f64.exp(distances.length, ptr, ptr);
    return rt.arena.f64(ptr, distances.length).slice();
  });
  return { kernel: { shape: [n, m], data }, distances };
}

/** AGOP of the predictor at its own inputs, divided by its largest entry. */
function predictorAgop(
  rt: Runtime,
  x: Tensor,
  metric: Tensor,
  bandwidth: number,
  { kernel, distances }: LaplaceKernel,
  coefficients: Tensor,
): Tensor {
  const [n, d] = x.shape;
  const c = coefficients.shape[1];
  const rows = new Float64Array(n * c * d);
  for (let o = 0; o < c; o++) {
    // ∇f(x_i) = −M·Σ_j s_ij·(x_i − x_j)/L,  s_ij = α_j·K_ij/‖x_i − x_j‖_M
    const s = new Float64Array(n * n);
    const sums = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const at = i * n + j;
        if (distances[at] > 0) s[at] = (coefficients.data[j * c + o] * kernel.data[at]) / distances[at];
        sums[i] += s[at];
      }
    }
    const differences = matmul(rt, { shape: [n, n], data: s }, x).data;
    for (let i = 0; i < n; i++) {
      for (let at = i * d; at < (i + 1) * d; at++) differences[at] = (differences[at] - sums[i] * x.data[at]) / bandwidth;
    }
    rows.set(matmul(rt, { shape: [n, d], data: differences }, metric).data, o * n * d);
  }
  const { data } = gram(rt, { shape: [n * c, d], data: rows }, { of: 'columns' });
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i]));
  if (!(largest > 0)) throw new TangedgeError('ERR_DOMAIN', 'recursiveFeatureMachine: the predictor has no gradient: the targets are zero.', {});
  return { shape: [d, d], data: new Float64Array(data).map((value) => value / largest) };
}

/** x_iᵀ·M·x_i, given x·M. */
function quadraticForms(x: Tensor, xm: Tensor): Float64Array {
  const [n, d] = x.shape;
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += x.data[i * d + k] * xm.data[i * d + k];
    return sum;
  });
}

function identity(d: number): Tensor {
  return { shape: [d, d], data: Float64Array.from({ length: d * d }, (_, at) => (Math.floor(at / d) === at % d ? 1 : 0)) };
}
