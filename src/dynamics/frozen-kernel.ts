/** @file Training with a frozen kernel on the squared loss, in closed form: what a network would do if its features stayed. */

import { checkFinite, checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { type LossScale, lossTerms } from '../core/loss-scale.ts';
import { differences, formatShape, sumOfSquares, type Tensor } from '../core/tensor.ts';
import { blockMatrix } from '../linalg/block-matrix.ts';
import { eigh } from '../linalg/eigh.ts';
import { matmul } from '../linalg/gemm.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface FrozenKernelOptions {
  /** f(x) before training, [n, c] or [n]. */
  readonly initial: Tensor;
  /** y, [n, c] or [n]. */
  readonly targets: Tensor;
  readonly learningRate: number;
  /** When the outputs are wanted: steps, whole numbers for `'descent'`. */
  readonly times: readonly number[];
  /** `'descent'` (I − ηΘ/M)^t, `'flow'` e^(−ηΘt/M). Default `'descent'`. */
  readonly dynamics?: 'descent' | 'flow';
  /** M; default `'mean-batch'`: n. */
  readonly lossScale?: LossScale;
  /** Other examples to predict: their kernel with the training examples [m, n, c, c] (or [m, n]), and f before training [m, c]. */
  readonly test?: { readonly kernel: Tensor; readonly initial: Tensor };
}

export interface FrozenKernelRun {
  /** Outputs on the training examples, [times, n, c]. */
  readonly train: Tensor;
  /** Outputs on the test examples, [times, m, c]. */
  readonly test?: Tensor;
  /** L = 1/(2M)·Σ|f − y|² at each time. */
  readonly losses: Float64Array;
  /** Largest stable learning rate of descent, 2M/λmax. */
  readonly maxLearningRate: number;
}

/**
 * Training of a model whose kernel does not change, on 1/(2M)·Σ|f − y|², at any times without steps in between.
 *
 *   f_t = y + e^(−ηΘt/M)·(f_0 − y)      or  (I − ηΘ/M)^t for gradient descent
 *   f*_t = f*_0 − Θ*·Θ⁻¹·(I − e^(−ηΘt/M))·(f_0 − y)
 *
 * Shapes     Θ [n, n, c, c], its matrix [n·c, n·c], or [n, n] (the same kernel for every output)
 * Cost       an eigendecomposition of Θ, then m² flops per time
 * Numerics   no inverse: (1 − e^(−λt))/λ is taken through expm1, its descent form as a geometric sum, so null directions
 *            of Θ are exact too
 *
 * @throws {TangedgeError} ERR_SHAPE when the arrays do not fit · ERR_DOMAIN for NaN, Inf or a kernel that is not positive
 *   semidefinite · ERR_ARGUMENT for times or a rate outside their range
 * @see Jacot, Gabriel, Hongler (2018). arXiv:1806.07572; Lee et al. (2019). arXiv:1902.06720.
 * @example
 * const kernel = tensor([2, 2], [2, 0, 0, 1]);
 * const run = frozenKernelTraining(rt, kernel, { initial: tensor([2], [0, 0]), targets: tensor([2], [1, 1]), learningRate: 0.5, times: [2], lossScale: 'sum' });
 * const outputs = run.train.data; // [1, 0.75]
 */
export function frozenKernelTraining(rt: Runtime, kernel: Tensor, options: FrozenKernelOptions): FrozenKernelRun {
  const { initial, targets, learningRate, times, dynamics = 'descent', lossScale = 'mean-batch', test } = options;
  const n = targets.shape[0];
  const c = targets.shape.length === 2 ? targets.shape[1] : 1;
  checkOptions(options);
  checkOutputs('targets', targets, n, c);
  checkOutputs('initial', initial, n, c);
  const { matrix, columns } = readKernel(kernel, n, n, c);
  const divisor = lossTerms('frozenKernelTraining', { n, c, lossScale });
  const modes = modesOf(rt, matrix, differences(initial.data, targets.data), columns);
  const rate = learningRate / divisor;
  const train = new Float64Array(times.length * n * c);
  const losses = new Float64Array(times.length);
  const predicted = test && readTest(rt, test, n, c, modes);
  const tested = new Float64Array(times.length * (predicted?.initial.length ?? 0));
  times.forEach((time, k) => {
    const { left, gained } = dynamics === 'flow' ? flowFactors(rt, modes.values, rate, time) : descentFactors(modes.values, rate, time);
    const residual = modes.backward(left);
    train.set(
      residual.map((value, i) => value + targets.data[i]),
      k * n * c,
    );
    losses[k] = sumOfSquares(residual) / (2 * divisor);
    if (predicted) tested.set(predicted.outputs(gained), k * predicted.initial.length);
  });
  const lambda = modes.values[modes.values.length - 1];
  return {
    train: { shape: [times.length, n, c], data: train },
    ...(test && { test: { shape: [times.length, test.initial.shape[0], c], data: tested } }),
    losses,
    maxLearningRate: lambda > 0 ? (2 * divisor) / lambda : Number.POSITIVE_INFINITY,
  };
}

/** The residual in the kernel's eigenbasis; `columns` right-hand sides at once. */
interface Modes {
  readonly values: Float64Array;
  /** Qᵀ·(f_0 − y), [m, columns] */
  readonly coefficients: Float64Array;
  readonly vectors: Tensor;
  readonly columns: number;
  /** Q·diag(factors)·Qᵀ·(f_0 − y), flat */
  backward(factors: Float64Array): Float64Array;
}

function modesOf(rt: Runtime, matrix: Tensor, residual: Float64Array, columns: number): Modes {
  const m = matrix.shape[0];
  const { values: raw, vectors } = eigh(rt, matrix);
  const largest = Math.abs(raw[m - 1]);
  if (raw[0] < -1e-10 * largest * m) {
    throw new TangedgeError(
      'ERR_DOMAIN',
      `frozenKernelTraining: the kernel has eigenvalue ${raw[0]} beside ${raw[m - 1]}; a tangent kernel is positive semidefinite. Recompute it in f64.`,
      { smallest: raw[0], largest: raw[m - 1] },
    );
  }
  const values = raw.map((value) => Math.max(0, value)); // what is negative is rounding of zero
  const coefficients = matmul(rt, vectors, { shape: [m, columns], data: residual }, { transposeA: true }).data as Float64Array;
  const backward = (factors: Float64Array) => {
    const scaled = coefficients.map((value, at) => value * factors[Math.floor(at / columns)]);
    return matmul(rt, vectors, { shape: [m, columns], data: scaled }).data as Float64Array;
  };
  return { values, coefficients, vectors, columns, backward };
}

interface Factors {
  /** What is left of each mode. */
  readonly left: Float64Array;
  /** (1 − left)/λ. */
  readonly gained: Float64Array;
}

function flowFactors(rt: Runtime, values: Float64Array, rate: number, time: number): Factors {
  const { arena, f64 } = rt;
  return arena.frame(() => {
    const n = values.length;
    const exponentPtr = arena.load(
      'f64',
      values.map((value) => -rate * time * value),
    );
    const leftPtr = arena.allocateArray('f64', n);
    f64.exp(n, exponentPtr, leftPtr);
    f64.expm1(n, exponentPtr, exponentPtr);
    const expm1 = arena.f64(exponentPtr, n);
    const gained = values.map((value, i) => (value > 0 ? -expm1[i] / value : rate * time));
    return { left: arena.f64(leftPtr, n).slice(), gained };
  });
}

/** (1 − a)^t and the geometric sum (η/M)·Σ_{s<t} (1 − a)^s by doubling, a = ηλ/M. */
function descentFactors(values: Float64Array, rate: number, time: number): Factors {
  const left = new Float64Array(values.length);
  const gained = new Float64Array(values.length);
  values.forEach((value, i) => {
    const base = 1 - rate * value;
    let [power, sum] = [1, 0];
    for (let bit = Math.floor(time) > 0 ? highestBit(time) : 0; bit >= 1; bit /= 2) {
      sum += power * sum;
      power *= power;
      if (Math.floor(time / bit) % 2 === 1) {
        sum = 1 + base * sum;
        power *= base;
      }
    }
    left[i] = power;
    gained[i] = rate * sum;
  });
  return { left, gained };
}

function highestBit(time: number): number {
  let bit = 1;
  while (bit * 2 <= time) bit *= 2;
  return bit;
}

function readTest(rt: Runtime, test: NonNullable<FrozenKernelOptions['test']>, n: number, c: number, modes: Modes) {
  const rows = test.initial.shape[0];
  checkOutputs('test.initial', test.initial, rows, c);
  const { matrix, columns } = readKernel(test.kernel, rows, n, c);
  if (columns !== modes.columns) throw shapeError('test.kernel', test.kernel, rows, n, c);
  const projected = matmul(rt, matrix, modes.vectors);
  const { initial } = test;
  return {
    initial: initial.data,
    outputs: (gained: Float64Array) => {
      const scaled = modes.coefficients.map((value, at) => value * gained[Math.floor(at / columns)]);
      const change = matmul(rt, projected, { shape: [modes.values.length, columns], data: scaled }).data;
      return differences(initial.data, change);
    },
  };
}

/** A kernel as a matrix over (example, output), or over examples with the outputs as columns. */
function readKernel(kernel: Tensor, n1: number, n2: number, c: number): { matrix: Tensor; columns: number } {
  checkFinite('frozenKernelTraining', 'kernel', kernel);
  const { shape } = kernel;
  if (shape.length === 4 && shape[0] === n1 && shape[1] === n2 && shape[2] === c && shape[3] === c)
    return { matrix: blockMatrix(kernel), columns: 1 };
  if (shape.length === 2 && shape[0] === n1 && shape[1] === n2) return { matrix: kernel, columns: c };
  if (shape.length === 2 && shape[0] === n1 * c && shape[1] === n2 * c) return { matrix: kernel, columns: 1 };
  throw shapeError('kernel', kernel, n1, n2, c);
}

function checkOutputs(name: string, values: Tensor, n: number, c: number): void {
  const fits = values.shape[0] === n && values.data.length === n * c && values.shape.length <= 2;
  if (!fits) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `frozenKernelTraining: ${name} ${formatShape(values.shape)} does not fit ${n} examples of ${c} outputs: it must be ${formatShape([n, c])}.`,
      { name, shape: [...values.shape] },
    );
  }
  checkFinite('frozenKernelTraining', name, values);
}

function checkOptions({ learningRate, times, dynamics = 'descent' }: FrozenKernelOptions): void {
  if (!(learningRate > 0 && Number.isFinite(learningRate)) || (dynamics !== 'descent' && dynamics !== 'flow')) {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `frozenKernelTraining: learningRate ${learningRate} must be positive and dynamics '${dynamics}' one of descent, flow.`,
      { learningRate, dynamics },
    );
  }
  for (const time of times) {
    if (dynamics === 'descent') checkInteger('frozenKernelTraining', 'a time', time, 0);
    else if (!(time >= 0 && Number.isFinite(time)))
      throw new TangedgeError('ERR_ARGUMENT', `frozenKernelTraining: a time is ${time}; it must be at least 0.`, { time });
  }
}

function shapeError(name: string, kernel: Tensor, n1: number, n2: number, c: number): TangedgeError {
  return new TangedgeError(
    'ERR_SHAPE',
    `frozenKernelTraining: ${name} ${formatShape(kernel.shape)} must be ${[
      [n1, n2, c, c],
      [n1, n2],
      [n1 * c, n2 * c],
    ]
      .map(formatShape)
      .join(', ')}.`,
    { shape: [...kernel.shape] },
  );
}
