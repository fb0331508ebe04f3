/** @file analyze: a model and data in, a Report out. */

import { cka } from '../alignment/cka.ts';
import { kernelDistance, relativeKernelDrift } from '../alignment/kernel-distance.ts';
import { maxStableLearningRate, modeHalfLives } from '../alignment/max-stable-learning-rate.ts';
import { TangedgeError } from '../core/errors.ts';
import { type Dtype, formatShape, sameShape, type Tensor } from '../core/tensor.ts';
import { VERSION } from '../core/version.ts';
import { relativeWeightChange } from '../features/nfa-correlation.ts';
import { forward } from '../graph/forward.ts';
import { batchSize, type Model, parameterCount, trainableParameters } from '../graph/model.ts';
import { explainNtk, type NtkExplanation } from '../ntk/explain.ts';
import type { NtkImplementation } from '../ntk/options.ts';
import { arithmeticNotes, type Runtime } from '../wasm/runtime.ts';
import { type Steps, stepsHere } from '../wasm/tiled.ts';
import { analyzeFeatures } from './feature-analysis.ts';
import {
  type AnalyzedKernel,
  alignmentOf,
  analyzeKernel,
  type KernelOptions,
  parameterTraces,
  ranksOf,
  traceOf,
  unlessConstant,
} from './kernel-analysis.ts';
import { largestNtkEigenvalueSteps } from './largest-eigenvalue.ts';
import type { AlignmentSection, ChangeSection, DynamicsSection, KernelSection, ModelSection, Report, Source } from './report.ts';
import type { AnalysisProgress, StageProgress } from './stage-progress.ts';
import { evenlySpaced, KERNEL_ROWS, storeSelected } from './stored-matrix.ts';
import { checkTargets, fitOf, sampleOrder, type Targets, targetsSummary } from './targets.ts';
import { kernelSignatures } from './training/failure-signatures.ts';

export interface AnalysisRequest {
  readonly model: Model;
  /** [n, …input] */
  readonly inputs: Tensor;
  /** [n, c]; [n] for one output. Class indicators (one 1 per row, else 0) order the kernel by class. */
  readonly targets?: Tensor;
  /** The same network before training. */
  readonly initial?: Model;
}

export interface AnalysisOptions {
  readonly dtype?: Dtype;
  readonly implementation?: NtkImplementation;
  readonly memoryLimit?: number;
  /** Widest input of a weight whose features are analyzed; default 1024. Wider ones are left out, and a note in the report says so. */
  readonly featureWidth?: number;
  /** What the model is called; default `model`. */
  readonly title?: string;
  readonly sources?: readonly Source[];
  /** Names of the classes, c of them; default 0, 1, …. */
  readonly classNames?: readonly string[];
  /** [height, width] of inputs that are flat images; images of one channel are recognized by their shape. */
  readonly image?: readonly number[];
  readonly onProgress?: (progress: AnalysisProgress) => void;
}

/**
 * Everything that a report shows: the trace NTK with spectrum and effective ranks, alignment with the targets, NFM and AGOP
 * of each weight, learning speeds, and what moved since the initial checkpoint.
 *
 * Shapes     inputs [n, …input], targets [n, c] or [n] (one output)  →  plain JSON
 * Units      kernels summed over outputs, without 1/n; the loss is 1/(2n)·Σ|f − y|² (mean over samples, sum over outputs)
 * Cost       a trace NTK and 9·n³ flops per checkpoint, one sweep for the features and ten random controls of each, at most a full NTK or 30 NTK-vector products; 3·n² doubles per checkpoint
 * Numerics   no randomness but a fixed start vector and seeded controls: the same inputs give the same report in every runtime
 *
 * @throws {TangedgeError} ERR_SHAPE when inputs, targets or checkpoints do not fit · ERR_DOMAIN for NaN, Inf, no samples, zero targets · ERR_MEMORY
 * @example
 * const report = analyze(rt, { model, inputs: x, targets: y });
 */
export function analyze(rt: Runtime, request: AnalysisRequest, options: AnalysisOptions = {}): Report {
  return stepsHere(rt, analysisSteps(rt, request, options));
}

/** The same, its tiled parts as jobs for whoever runs the steps. */
export function* analysisSteps(rt: Runtime, request: AnalysisRequest, options: AnalysisOptions): Steps<Report> {
  const { model, inputs, initial } = request;
  const { dtype = 'f64', implementation = 'auto', memoryLimit, title = 'model', sources = [] } = options;
  const n = batchSize('analyze', model, 'inputs', inputs);
  const targets = request.targets && checkTargets(request.targets, n, model.output.size, options.classNames);
  if (initial) checkSameNetwork(model, initial);
  const progress = stages(options.onProgress, initial !== undefined);
  const kernelOptions = (stage: string): KernelOptions => ({ dtype, implementation, memoryLimit, onProgress: progress(stage) });

  const explanation = explainNtk(rt, model, n, { outputs: 'trace', dtype, memoryLimit });
  const analyzed = yield* analyzeKernel(model, inputs, kernelOptions(STAGE_KERNEL));
  const traces = yield* parameterTraces(model, inputs, kernelOptions(STAGE_TRACES));
  const rows = heatMapRows(n, targets);
  const kernel: KernelSection = {
    ...spectrumOf(rt, analyzed, dtype),
    frobeniusNorm: frobeniusNorm(analyzed.kernel),
    parameterTraces: traces,
    rows,
    rowsPerClass: targets?.classes.map((_, label) => rows.filter((row) => targets.labels[row] === label).length) ?? [],
    matrix: storeSelected(analyzed.kernel, rows),
  };
  const alignment = targets ? alignmentOf(rt, analyzed, targets.values, dtype) : null;
  const { features, notes, signatures } = yield* analyzeFeatures(rt, model, inputs, {
    dtype,
    memoryLimit,
    featureWidth: options.featureWidth,
    initial,
    image: imageOf(model, options.image),
    onProgress: progress(STAGE_FEATURES),
  });
  const lambdaMax =
    model.output.size === 1
      ? kernel.eigenvalues[0]
      : yield* largestNtkEigenvalueSteps(rt, model, inputs, { dtype, memoryLimit }, progress(STAGE_DYNAMICS));
  progress(STAGE_DYNAMICS)(1);
  const outputs = targets && forward(rt, model, inputs, { dtype });
  return {
    format: 'tangedge-report/1',
    title,
    provenance: { version: VERSION, dtype, sources, notes: [...arithmeticNotes(rt), ...notes] },
    data: {
      samples: n,
      inputShape: model.input.shape,
      outputs: model.output.size,
      targets: targets && outputs ? targetsSummary(outputs, targets) : null,
    },
    model: modelSection(model, explanation, implementation),
    kernel,
    alignment,
    features,
    dynamics: dynamicsSection(kernel, alignment, lambdaMax, n, model.output.size),
    signatures: [...kernelSignatures(kernel.eigenvalues), ...signatures],
    change: initial ? yield* changeSection(rt, { model, initial, inputs, targets, analyzed, rows, dtype }, kernelOptions(STAGE_INITIAL)) : null,
  };
}

const STAGE_KERNEL = 'kernel';
const STAGE_TRACES = 'traces';
const STAGE_FEATURES = 'features';
const STAGE_DYNAMICS = 'learning rates';
const STAGE_INITIAL = 'initial kernel';

/** Rough shares of the time, so that one fraction can be shown. */
function stages(onProgress: AnalysisOptions['onProgress'], twoCheckpoints: boolean): (stage: string) => StageProgress {
  const plan: [string, number][] = [
    [STAGE_KERNEL, 4],
    [STAGE_TRACES, 1],
    [STAGE_FEATURES, 3],
    [STAGE_DYNAMICS, 1],
    [STAGE_INITIAL, twoCheckpoints ? 4 : 0],
  ];
  const total = plan.reduce((sum, [, weight]) => sum + weight, 0);
  return (stage) => {
    const index = plan.findIndex(([name]) => name === stage);
    const before = plan.slice(0, index).reduce((sum, [, weight]) => sum + weight, 0);
    return (fraction, tiles) => onProgress?.({ stage, fraction: (before + fraction * plan[index][1]) / total, tiles });
  };
}

/** Class by class when there are classes, thinned out evenly when there are many. */
function heatMapRows(n: number, targets: Targets | undefined): number[] {
  const order = sampleOrder(n, targets);
  return evenlySpaced(n, KERNEL_ROWS).map((position) => order[position]);
}

function spectrumOf(rt: Runtime, { kernel, eigenpairs }: AnalyzedKernel, dtype: Dtype) {
  return { eigenvalues: [...eigenpairs.values].reverse(), trace: traceOf(kernel), ranks: ranksOf(rt, eigenpairs.values, dtype) };
}

function frobeniusNorm({ data }: Tensor): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] * data[i];
  return Math.sqrt(sum);
}

function modelSection(model: Model, { chosen, costs, sites }: NtkExplanation, implementation: NtkImplementation): ModelSection {
  const byName = new Map(model.parameters.map((parameter) => [parameter.name, parameter]));
  return {
    parameters: parameterCount(model),
    layers: model.layers.map(({ name, type, shape, parameters }) => ({
      name,
      type,
      shape,
      parameters: parameters.flatMap((parameterName) => {
        const parameter = byName.get(parameterName);
        if (parameter === undefined) return [];
        const site = sites.find((candidate) => candidate.parameter === parameterName);
        return [{ name: parameterName, shape: parameter.value.shape, trainable: parameter.trainable, sites: site?.positions ?? 1 }];
      }),
    })),
    implementations: costs.map(({ implementation: name, flops, bytes, fits }) => ({ name, flops: fits ? flops : null, bytes, fits })),
    implementation: implementation === 'auto' ? chosen : implementation,
  };
}

function dynamicsSection(kernel: KernelSection, alignment: AlignmentSection | null, lambdaMax: number, n: number, c: number): DynamicsSection {
  if (!(lambdaMax > 0)) {
    const halfLives = kernel.eigenvalues.map(() => null);
    return { lambdaMax, maxStableLearningRate: null, learningRate: null, halfLives, residual: null };
  }
  const maxStable = maxStableLearningRate(lambdaMax, { n });
  const learningRate = maxStable / 2;
  const meanKernel = new Float64Array(kernel.eigenvalues).map((value) => value / c);
  return {
    lambdaMax,
    maxStableLearningRate: maxStable,
    learningRate,
    halfLives: Array.from(modeHalfLives(meanKernel, { n, learningRate }), (steps) => (Number.isFinite(steps) ? steps : null)),
    residual: alignment && residualCurve(meanKernel, alignment.eigenvectorAlignment, learningRate / n),
  };
}

const RESIDUAL_DOUBLINGS = 24;

/** Σ c_k·(1 − rate·λ_k)^(2t) at t = 1, 2, 4, …: squaring steps from one to the next, so no power function is needed. */
function residualCurve(values: Float64Array, alignments: readonly number[], rate: number): DynamicsSection['residual'] {
  const factors = values.map((value) => (1 - rate * Math.max(value, 0)) * (1 - rate * Math.max(value, 0)));
  const steps: number[] = [];
  const share: number[] = [];
  for (let doubling = 0, t = 1; doubling < RESIDUAL_DOUBLINGS; doubling++, t *= 2) {
    steps.push(t);
    share.push(factors.reduce((sum, factor, k) => sum + factor * alignments[k], 0));
    factors.forEach((factor, k) => {
      factors[k] = factor * factor;
    });
  }
  return { steps, share };
}

interface Comparison {
  readonly model: Model;
  readonly initial: Model;
  readonly inputs: Tensor;
  readonly targets: Targets | undefined;
  readonly analyzed: AnalyzedKernel;
  readonly rows: readonly number[];
  readonly dtype: Dtype;
}

function* changeSection(rt: Runtime, comparison: Comparison, options: KernelOptions): Steps<ChangeSection> {
  const { model, initial, inputs, targets, analyzed, rows, dtype } = comparison;
  const before = yield* analyzeKernel(initial, inputs, options);
  const fit = targets && fitOf(forward(rt, initial, inputs, { dtype }), targets);
  const valueByParameter = (name: string) => initial.parameters.find((parameter) => parameter.name === name)?.value as Tensor;
  return {
    kernelDistance: kernelDistance(before.kernel, analyzed.kernel),
    relativeDrift: relativeKernelDrift(before.kernel, analyzed.kernel),
    cka: unlessConstant(() => cka(before.kernel, analyzed.kernel)),
    kernel: { ...spectrumOf(rt, before, dtype), matrix: storeSelected(before.kernel, rows) },
    alignment: targets ? alignmentOf(rt, before, targets.values, dtype) : null,
    loss: fit?.loss ?? null,
    accuracy: fit?.accuracy ?? null,
    parameters: trainableParameters(model).map(({ name, value }) => ({
      name,
      relativeChange: unlessConstant(() => relativeWeightChange(value, valueByParameter(name))),
    })),
  };
}

/** Images of one channel: [1, h, w] or [h, w]. A flat input is an image only when the caller says so. */
function imageOf({ input: { shape } }: Model, image: readonly number[] | undefined): readonly number[] | null {
  if (image !== undefined) return image;
  if (shape.length === 3 && shape[0] === 1) return shape.slice(1);
  return shape.length === 2 ? shape : null;
}

/** @throws {TangedgeError} ERR_SHAPE unless both checkpoints have the same parameters, by name and shape. */
function checkSameNetwork(model: Model, initial: Model): void {
  for (const { name, value } of trainableParameters(model)) {
    const before = initial.parameters.find((parameter) => parameter.name === name);
    if (before && sameShape(before.value.shape, value.shape)) continue;
    const found = before ? `has ${formatShape(before.value.shape)}` : 'has no such parameter';
    throw new TangedgeError(
      'ERR_SHAPE',
      `analyze: parameter '${name}' is ${formatShape(value.shape)} in the model and the initial model ${found}. Use two checkpoints of one network.`,
      { name },
    );
  }
}
