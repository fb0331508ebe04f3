/** @file Where a network ends when it is linearized where it is and trained to convergence: kernel regression from its outputs. */

import type { Tensor } from '../core/tensor.ts';
import { forward } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import { matmul } from '../linalg/gemm.ts';
import { solvePositive } from '../linalg/solve.ts';
import { empiricalNtk } from '../ntk/empirical-ntk.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { ChainTask } from './chain-monomial.ts';
import { meanSquare } from './small-start.ts';

export interface KernelLimit {
  /** Θ(train, train), traced. */
  readonly kernel: Tensor;
  /** Θ(test, train), traced. */
  readonly cross: Tensor;
  /** Mean squared errors at convergence. */
  readonly trainError: number;
  readonly testError: number;
  /** Test error of the network itself. */
  readonly networkError: number;
}

/** Relative to the mean eigenvalue: enough for the solve, too little to regularize. */
export const RIDGE = 1e-6;

/** f_∞ = f + Θ(·, train)·(Θ + λI)⁻¹·(y − f), on training and test inputs. */
export function kernelLimit(rt: Runtime, model: Model, { x, y, testX, testY }: ChainTask): KernelLimit {
  const n = x.shape[0];
  const kernel = empiricalNtk(rt, model, x, { outputs: 'trace' });
  const cross = empiricalNtk(rt, model, testX, { x2: x, outputs: 'trace' });
  const [f, test] = [x, testX].map((inputs) => forward(rt, model, inputs).data);
  const shifted = kernel.data.slice();
  let trace = 0;
  for (let i = 0; i < n; i++) trace += kernel.data[i * n + i];
  for (let i = 0; i < n; i++) shifted[i * n + i] += (RIDGE * trace) / n;
  const residual: Tensor = { shape: [n, 1], data: f.map((value, i) => y.data[i] - value) };
  const { solution } = solvePositive(rt, { shape: [n, n], data: shifted }, residual);
  const [correction, testCorrection] = [kernel, cross].map((matrix) => matmul(rt, matrix, solution).data);
  return {
    kernel,
    cross,
    trainError: meanSquare(
      f.map((value, i) => value + correction[i]),
      y.data,
    ),
    testError: meanSquare(
      test.map((value, i) => value + testCorrection[i]),
      testY.data,
    ),
    networkError: meanSquare(test, testY.data),
  };
}
