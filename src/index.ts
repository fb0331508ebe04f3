/** @file The public API. */

export { type CkaOptions, cka, linearCka } from './alignment/cka.ts';
export {
  type AlignmentShift,
  alignmentShift,
  type Eigenpairs,
  type Eigenspace,
  type EigenvectorAlignment,
  type EigenvectorAlignmentOptions,
  eigenvectorAlignment,
  spectralKernelTargetAlignment,
} from './alignment/eigenvector-alignment.ts';
export { kernelAlignmentRisk } from './alignment/kernel-alignment-risk.ts';
export { kernelDistance, kernelVelocity, relativeKernelDrift } from './alignment/kernel-distance.ts';
export { centeredKernelAlignment, kernelTargetAlignment } from './alignment/kernel-target-alignment.ts';
export {
  type LossScale,
  type MaxStableLearningRateOptions,
  type ModeHalfLifeOptions,
  maxStableLearningRate,
  modeHalfLives,
} from './alignment/max-stable-learning-rate.ts';
export { type ErrorCode, type ErrorInfo, TangedgeError } from './core/errors.ts';
export { permutation, rademacherArray, uniform, uniformArray } from './core/random.ts';
export { type Dtype, type FloatArray, type Tensor, tensor } from './core/tensor.ts';
export { readNpy, writeNpy } from './io/npy.ts';
export { readNpz, readNpzMember } from './io/npz.ts';
export { readSafetensors, type Safetensors, writeSafetensors } from './io/safetensors.ts';
export { loadRuntime, type Runtime, type RuntimeOptions, type WasmSource } from './wasm/runtime.ts';
