/** @file The public API. */

export { type CkaOptions, cka, linearCka } from './alignment/cka.ts';
export {
  type AlignmentShift,
  alignmentShift,
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
export { centerKernel } from './linalg/center.ts';
export { type CholeskyFactor, type CholeskyOptions, cholesky } from './linalg/cholesky.ts';
export {
  type ClampedSpectrum,
  clampRoundingNegatives,
  effectiveDimension,
  effectiveRank,
  intrinsicDimension,
  participationRatio,
  type RankAtThresholdOptions,
  rankAtThreshold,
  stableRank,
} from './linalg/effective-ranks.ts';
export { type Eigenvalues, type Eigenvectors, type EighOptions, eigh, topEigenpairs } from './linalg/eigh.ts';
export { type MatmulOptions, matmul } from './linalg/gemm.ts';
export { type GramOptions, gram } from './linalg/gram.ts';
export { denseOperator, type LinearOperator, type LinearOperatorParts, linearOperator } from './linalg/linear-operator.ts';
export { type PsdPower, psdPower, symmetricSquareRoot } from './linalg/psd-power.ts';
export { type PositiveSolution, solvePositive, type TriangularSolveOptions, triangularSolve } from './linalg/solve.ts';
export { loadRuntime, type Runtime, type RuntimeOptions, type WasmSource } from './wasm/runtime.ts';
