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
  type MaxStableLearningRateOptions,
  type ModeHalfLifeOptions,
  maxStableLearningRate,
  modeHalfLives,
} from './alignment/max-stable-learning-rate.ts';
export { type AnalysisOptions, type AnalysisRequest, analyze } from './analysis/analyze.ts';
export { type CoordinateSizes, type CoordinateVerdict, coordinateCheck } from './analysis/coordinate-check.ts';
export { type CoordinateSweep, type CoordinateSweepOptions, coordinateSweep } from './analysis/coordinate-sweep.ts';
export { type FalsifierTrial, type FalsifierVerdict, falsifierVerdict } from './analysis/falsifier.ts';
export {
  LAZY_RICH_THRESHOLDS,
  type LazyRichThreshold,
  type LazyRichThresholds,
  type LazyRichVerdict,
  lazyRichVerdict,
  type Regime,
  type TrainingMotion,
} from './analysis/lazy-rich.ts';
export { REPORT_FORMAT, type Report } from './analysis/report.ts';
export type { AnalysisProgress } from './analysis/stage-progress.ts';
export type { Cadence } from './analysis/training/cadence.ts';
export {
  centralFlowSignature,
  type FailureThresholds,
  failureSignatures,
  kernelSignatures,
  nfaRandomSignature,
} from './analysis/training/failure-signatures.ts';
export { type LearningRateSweepOptions, learningRateSweep, type SweptRun } from './analysis/training/learning-rate-sweep.ts';
export { type Divergence, type Outcome, type Series, TRAINING_RUN_FORMAT, type TrainingConfig, type TrainingRun } from './analysis/training/run.ts';
export {
  type FinishedRun,
  runTraining,
  type TrackedStep,
  type TrackingOptions,
  type TrainingRunOptions,
  trackTraining,
} from './analysis/training/track.ts';
export type { TrackerThreads } from './analysis/training/tracked-state.ts';
export type { Measurement, Measurements, TrackerChoice, TrackerSpec } from './analysis/training/tracker.ts';
export { TRACKERS } from './analysis/training/trackers.ts';
export type { OnProgress, Progress } from './core/computation.ts';
export { type ErrorCode, type ErrorInfo, TangedgeError } from './core/errors.ts';
export type { FailureCode, FailureSignature } from './core/failure-signature.ts';
export type { LossScale } from './core/loss-scale.ts';
export { permutation, rademacherArray, uniform, uniformArray } from './core/random.ts';
export { type Dtype, type FloatArray, type Tensor, tensor } from './core/tensor.ts';
export type { TileStore } from './core/tile-store.ts';
export { type AbcParameterization, type AbcRegime, abcRegime } from './dynamics/abc-parameterization.ts';
export { type CentralFlowOptions, type CentralFlowState, centralFlow } from './dynamics/central-flow.ts';
export { type CentralFlowGap, type CentralFlowGapOptions, centralFlowGaps, rectifierSides } from './dynamics/central-flow-gap.ts';
export { flatParameters, withFlatParameters } from './dynamics/flat-parameters.ts';

export { type FrozenKernelOptions, type FrozenKernelRun, frozenKernelTraining } from './dynamics/frozen-kernel.ts';
export { type FlowMemory, type FlowState, type GradientFlowOptions, gradientFlow } from './dynamics/gradient-flow.ts';
export { type LazyCriterion, lazyCriterion, scaledTargets } from './dynamics/lazy-criterion.ts';
export { type LearningRateScheduleOptions, learningRateSchedule } from './dynamics/learning-rate-schedule.ts';
export { type Coordinate, type FirstLayer, LossGradient, type LossGradientOptions, type ParameterSlot } from './dynamics/loss-gradient.ts';

export type { LossName, LossOptions } from './dynamics/loss-graph.ts';
export { type GraphObjectiveParts, graphObjective, type LossAndGradient, type Objective, type VectorProduct } from './dynamics/objective.ts';
export type { FlowOptimizer, Optimizer, OptimizerOptions } from './dynamics/optimizer.ts';
export {
  gaussNewtonEigenpairs,
  gaussNewtonOperator,
  type HessianEigenpairs,
  type HessianOptions,
  hessianEigenpairs,
  hessianOperator,
  type Sharpness,
  type SharpnessOptions,
  type StabilityOptions,
  sharpness,
  stabilityThreshold,
} from './dynamics/sharpness.ts';
export {
  alternation,
  type Oscillation,
  type PhaseOptions,
  type PhaseSegment,
  periodTwoOscillation,
  type StabilityPhase,
  signFlipRate,
  smoothSeries,
  stabilityPhases,
} from './dynamics/stability-phases.ts';
export { linearize, taylorModel } from './dynamics/taylor-model.ts';
export { Trainer, train } from './dynamics/train.ts';
export type { TrainingData } from './dynamics/training-data.ts';
export { type TrainingLoss, type TrainingLossOptions, trainingLoss } from './dynamics/training-loss.ts';
export type { TrainingState } from './dynamics/training-state.ts';
export type { CentralFlowPrediction, TrainingOptions, TrainingStep } from './dynamics/training-step.ts';
export {
  type NormLedger,
  type TwoLayerLinearOptions,
  type TwoLayerLinearProblem,
  type TwoLayerLinearState,
  twoLayerLinearDescent,
} from './dynamics/two-layer-linear.ts';
export { type Experiment, type ExperimentContext, type Findings, type RunOptions, runExperiment } from './experiments/experiment.ts';
export type { Check, ExperimentReport, Figure } from './experiments/experiment-report.ts';
export { experimentNamed, experiments } from './experiments/experiments.ts';
export { type AgopOptions, agop, ptkCovariance } from './features/agop.ts';
export { type EarlyFeatures, type EarlyFeaturesOptions, earlyFeatures } from './features/early-features.ts';
export { egop, type Target, targetValues } from './features/egop.ts';
export { type FeatureQuality, type FeatureQualityOptions, featureQuality } from './features/feature-quality.ts';
export { type NeuralFeaturesOptions, neuralFeatures, type WeightFeatures } from './features/neural-features.ts';
export {
  centeredNfaCorrelation,
  type NfaCorrelationOptions,
  nfaCorrelation,
  nfaDominance,
  relativeWeightChange,
  type WeightMotion,
} from './features/nfa-correlation.ts';
export { type NfaRandomControl, type NfaRandomControlOptions, nfaRandomControl } from './features/nfa-random-control.ts';
export { nfm } from './features/nfm.ts';
export type { FeatureOptions } from './features/options.ts';
export { preactivationTangentKernel } from './features/preactivation-tangent-kernel.ts';
export { type RecursiveFeatureMachine, type RecursiveFeatureMachineOptions, recursiveFeatureMachine } from './features/recursive-feature-machine.ts';
export { featureWeights } from './features/weight.ts';
export { GraphBuilder } from './graph/builder.ts';
export { type Derived, jvp, type VjpOptions, vjp } from './graph/differentiate.ts';
export { type Bindings, type Estimate, type EvaluateOptions, estimate, evaluate } from './graph/execution.ts';
export { type ForwardOptions, forward } from './graph/forward.ts';
export type { Attributes, Graph, Node, ValueId } from './graph/graph.ts';
export { type Layer, type Model, type Parameter, parameterCount, trainableParameters, withTrainable } from './graph/model.ts';
export * as primitives from './graph/primitives/table.ts';
export { type Checkpoint, readCheckpoint, writeCheckpoint } from './io/checkpoint.ts';
export { readNpy, writeNpy } from './io/npy.ts';
export { readNpz, readNpzMember } from './io/npz.ts';
export { batchCoupledSignature } from './io/onnx/batch-coupled.ts';
export { importOnnx, type OnnxOptions } from './io/onnx/import.ts';
export { readSafetensors, type Safetensors, writeSafetensors } from './io/safetensors.ts';
export { blockMatrix } from './linalg/block-matrix.ts';
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
export { type Eigenvalues, type Eigenvectors, type EighOptions, eigh } from './linalg/eigh.ts';
export { backTransformRows, type Tridiagonalization, tridiagonalEigenpairs, tridiagonalize } from './linalg/eigh-stages.ts';
export { type ExtremalEigenpairs, type ExtremalOptions, extremalEigenpairs } from './linalg/extremal-eigenpairs.ts';
export { type FittedSlope, fitSlope } from './linalg/fit-slope.ts';
export { type Freeness, freeness } from './linalg/freeness.ts';
export { type MatmulOptions, matmul } from './linalg/gemm.ts';
export { type GramOptions, gram } from './linalg/gram.ts';
export { haarOrthogonal, type RandomMatrixOptions, sameSpectrumRandom } from './linalg/haar.ts';
export type { IndexRange } from './linalg/index-range.ts';
export { denseOperator, type LinearOperator, type LinearOperatorParts, linearOperator } from './linalg/linear-operator.ts';
export { normalArray } from './linalg/normal.ts';
export { type PsdPower, psdPower, symmetricSquareRoot } from './linalg/psd-power.ts';
export { type PositiveSolution, solvePositive, type TriangularSolveOptions, triangularSolve } from './linalg/solve.ts';
export { type TopEigenpairs, type TopEigenpairsOptions, topEigenpairs } from './linalg/top-eigenpairs.ts';
export { type InitializeOptions, initializeSpec } from './nn/initialize.ts';
export { type MupOptions, mupRateFactors } from './nn/mup.ts';
export { importSpec, supportedLayers } from './nn/spec.ts';
export {
  empiricalNtk,
  empiricalNtkByParameter,
  type NtkVectorProductOptions,
  ntkVectorProduct,
  pseudoNtk,
} from './ntk/empirical-ntk.ts';
export { type ExplainOptions, explainNtk, type ImplementationCost, type NtkExplanation, type SiteExplanation } from './ntk/explain.ts';
export { inputJacobian, type JacobianOptions, jacobian } from './ntk/jacobian.ts';
export type { ParameterKernel } from './ntk/ntk-job.ts';
export type { NtkImplementation, NtkOptions, NtkOutputs } from './ntk/options.ts';
export type { CallOptions } from './pool/job-run.ts';
export { type AnalysisCall, createPool, type Pool, type Pooled, type PoolOptions } from './pool/pool.ts';
export { renderExperiment } from './report/experiment-page.ts';
export { renderReport } from './report/html.ts';
export { renderTrainingRun } from './report/training-page.ts';
export { loadRuntime, type Runtime, type RuntimeOptions, type WasmSource } from './wasm/runtime.ts';
export { type Warmth, type WarmupOptions, warmup } from './wasm/warmup.ts';
