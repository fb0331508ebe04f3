/** @file What the experiments read off a tangent kernel: its largest eigenvalue, its alignment, and that of its leading eigenvectors. */

import { eigenvectorAlignment } from '../alignment/eigenvector-alignment.ts';
import { kernelTargetAlignment } from '../alignment/kernel-target-alignment.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { eigh } from '../linalg/eigh.ts';
import { empiricalNtk } from '../ntk/empirical-ntk.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface KernelState {
  readonly kernel: Tensor;
  /** λmax(Θ)/n: the Gauss–Newton part of the sharpness of 1/(2n)·Σ(f − y)². */
  readonly sharpness: number;
  readonly kta: number;
  /** c_1 + … + c_k along the eigenvectors, largest eigenvalue first. */
  readonly cumulative: Float64Array;
}

/** Of the kernel traced over outputs on inputs [n, …] with targets [n, c]. */
export function kernelState(rt: Runtime, model: Model, inputs: Tensor, targets: Tensor): KernelState {
  const kernel = empiricalNtk(rt, model, inputs, { outputs: 'trace' });
  const { values, cumulative } = eigenvectorAlignment(eigh(rt, kernel), targets);
  return { kernel, sharpness: values[0] / inputs.shape[0], kta: kernelTargetAlignment(rt, kernel, targets), cumulative };
}
