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
export { type AgopOptions, agop, ptkCovariance } from './features/agop.ts';
export { type NeuralFeaturesOptions, neuralFeatures, type WeightFeatures } from './features/neural-features.ts';
export {
  centeredNfaCorrelation,
  type NfaCorrelationOptions,
  nfaCorrelation,
  nfaDominance,
  relativeWeightChange,
  type WeightMotion,
} from './features/nfa-correlation.ts';
export { nfm } from './features/nfm.ts';
export type { FeatureOptions, FeatureProgress } from './features/options.ts';
export { preactivationTangentKernel } from './features/preactivation-tangent-kernel.ts';
export { featureWeights } from './features/weight.ts';
export { readNpy, writeNpy } from './io/npy.ts';
export { readNpz, readNpzMember } from './io/npz.ts';
export { importOnnx, type OnnxOptions } from './io/onnx/import.ts';
export { readSafetensors, type Safetensors, writeSafetensors } from './io/safetensors.ts';
export { loadRuntime, type Runtime, type RuntimeOptions, type WasmSource } from './wasm/runtime.ts';
export { matmul, type MatmulOptions } from './linalg/gemm.ts';
export { gram, type GramOptions } from './linalg/gram.ts';
export { eigh, topEigenpairs, type EighOptions, type Eigenvalues, type Eigenvectors } from './linalg/eigh.ts';
export { cholesky, type CholeskyFactor, type CholeskyOptions } from './linalg/cholesky.ts';
export { solvePositive, triangularSolve, type PositiveSolution, type TriangularSolveOptions } from './linalg/solve.ts';
export { blockMatrix } from './linalg/block-matrix.ts';
export { centerKernel } from './linalg/center.ts';
export {
  clampRoundingNegatives,
  effectiveDimension,
  effectiveRank,
  intrinsicDimension,
  participationRatio,
  rankAtThreshold,
  stableRank,
  type ClampedSpectrum,
  type RankAtThresholdOptions,
} from './linalg/effective-ranks.ts';
export { denseOperator, linearOperator, type LinearOperator, type LinearOperatorParts } from './linalg/linear-operator.ts';
export { psdPower, symmetricSquareRoot, type PsdPower } from './linalg/psd-power.ts';
export { GraphBuilder } from './graph/builder.ts';
export { type Derived, jvp, vjp, type VjpOptions } from './graph/differentiate.ts';
export { type Bindings, type Estimate, estimate, evaluate } from './graph/execution.ts';
export type { Attributes, Graph, Node, ValueId } from './graph/graph.ts';
export { type Layer, type Model, type Parameter, parameterCount, trainableParameters, withTrainable } from './graph/model.ts';
export * as primitives from './graph/primitives/index.ts';
export { forward, type ForwardOptions } from './graph/forward.ts';
export { importSpec, supportedLayers } from './nn/spec.ts';
export {
  empiricalNtk,
  empiricalNtkByParameter,
  ntkVectorProduct,
  type NtkVectorProductOptions,
  type ParameterKernel,
  pseudoNtk,
} from './ntk/empirical-ntk.ts';
export { explainNtk, type ExplainOptions, type ImplementationCost, type NtkExplanation, type SiteExplanation } from './ntk/explain.ts';
export { inputJacobian, jacobian, type JacobianOptions } from './ntk/jacobian.ts';
export { type NtkImplementation, type NtkOptions, type NtkOutputs, type Progress } from './ntk/options.ts';
