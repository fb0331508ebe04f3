/** @file The feature half of an analysis: NFM beside AGOP for every weight that is not too wide. */

import type { FailureSignature } from '../core/failure-signature.ts';
import type { Dtype, Tensor } from '../core/tensor.ts';
import { neuralFeaturesJob, type WeightFeatures } from '../features/neural-features.ts';
import { centeredNfaCorrelation, nfaCorrelation } from '../features/nfa-correlation.ts';
import { featureWeights } from '../features/weight.ts';
import type { Model } from '../graph/model.ts';
import { eigh } from '../linalg/eigh.ts';
import { symmetricSquareRoot } from '../linalg/psd-power.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type Steps, step } from '../wasm/tiled.ts';
import { traceOf } from './kernel-analysis.ts';
import type { Correlation, FeatureSection, MatrixSummary } from './report.ts';
import type { StageProgress } from './stage-progress.ts';
import { storeAveraged } from './stored-matrix.ts';
import { nfaRandomSignature } from './training/failure-signatures.ts';

/** Widest input of a weight whose features are analyzed by default: its matrices are [in, in], their spectra cost in³. */
const DEFAULT_FEATURE_WIDTH = 1024;

/** Most outputs of a weight that is compared with random controls: each is an orthogonal matrix of that size, and costs its cube. */
const CONTROL_WIDTH = 64;

export interface FeatureAnalysisOptions {
  readonly dtype: Dtype;
  readonly memoryLimit?: number;
  readonly featureWidth?: number;
  /** Another checkpoint of the same network. */
  readonly initial?: Model;
  /** [height, width] of the model's input, when it is an image. */
  readonly image: readonly number[] | null;
  readonly onProgress: StageProgress;
}

export interface FeatureAnalysis {
  readonly features: readonly FeatureSection[];
  /** Weights that were left out, and why. */
  readonly notes: readonly string[];
  /** `NFA_RANDOM` of the weights that have it. */
  readonly signatures: readonly FailureSignature<'NFA_RANDOM'>[];
}

export function* analyzeFeatures(rt: Runtime, model: Model, x: Tensor, options: FeatureAnalysisOptions): Steps<FeatureAnalysis> {
  const { dtype, memoryLimit, featureWidth = DEFAULT_FEATURE_WIDTH, initial, image, onProgress } = options;
  const all = featureWeights(model);
  const weights = all.filter(({ inputWidth }) => inputWidth <= featureWidth).map(({ name }) => name);
  const notes = all
    .filter(({ inputWidth }) => inputWidth > featureWidth)
    .map(({ name, inputWidth }) => `${name} has ${inputWidth} inputs, more than the ${featureWidth} up to which features are analyzed.`);
  if (weights.length === 0) return { features: [], notes, signatures: [] };
  // from W₀ = 0 the change is the weight itself, and a change relative to it is undefined: those are computed without W₀
  const fromZero = weights.filter((name) => initial !== undefined && isZero(initial, name));
  const groups = [
    { names: weights.filter((name) => !fromZero.includes(name)), initial },
    { names: fromZero, initial: undefined },
  ].filter(({ names }) => names.length > 0);
  const computed: WeightFeatures[] = [];
  for (const [index, group] of groups.entries()) {
    const features = yield* step(
      (planner, threads) => neuralFeaturesJob(planner, model, x, { weights: group.names, initial: group.initial, dtype, memoryLimit, threads }),
      (tiles) => onProgress((0.5 * (index + tiles.fraction)) / groups.length, tiles),
    );
    computed.push(...features);
  }
  computed.sort((a, b) => weights.indexOf(a.name) - weights.indexOf(b.name));
  const features = computed.map((weight, index): FeatureSection => {
    const section = featureSection(rt, weight, index === 0 && isImageOf(image, weight.nfm.shape[0]) ? image : null);
    onProgress(0.5 + (0.5 * (index + 1)) / computed.length);
    return fromZero.includes(weight.name) ? { ...section, centeredNfa: section.nfa } : section;
  });
  const judged = computed.filter(({ weight }) => weight.shape[0] <= CONTROL_WIDTH);
  const unjudged = computed.filter((weight) => !judged.includes(weight)).map(({ name }) => name);
  if (unjudged.length > 0) notes.push(`NFA_RANDOM was not judged for ${unjudged.join(', ')}: more than ${CONTROL_WIDTH} outputs.`);
  const signatures = judged.flatMap((weight) => nfaRandomSignature(rt, weight) ?? []);
  return { features, notes, signatures };
}

function featureSection(rt: Runtime, weight: WeightFeatures, image: readonly number[] | null): FeatureSection {
  const { name, nfm, agop, ptkCovariance, motion } = weight;
  const { power: root } = symmetricSquareRoot(rt, agop);
  const correlation = (a: Tensor, b: Tensor): Correlation => ({
    cosine: orNull(nfaCorrelation(rt, a, b)),
    centered: orNull(nfaCorrelation(rt, a, b, { centerEntries: true })),
  });
  const centeredNfa = (initial: Tensor, cosine: number): Correlation => ({
    cosine: orNull(cosine),
    centered: orNull(centeredNfaCorrelation(rt, { weight: weight.weight, initial, ptkCovariance }, { centerEntries: true })),
  });
  return {
    weight: name,
    size: nfm.shape[0],
    nfm: matrixSummary(rt, nfm),
    agop: matrixSummary(rt, agop),
    nfa: correlation(nfm, agop),
    rootNfa: correlation(nfm, root),
    centeredNfa: motion === undefined || motion.relativeChange === 0 ? null : centeredNfa(motion.initial, motion.centeredCorrelation),
    image,
  };
}

function matrixSummary(rt: Runtime, matrix: Tensor): MatrixSummary {
  const size = matrix.shape[0];
  return {
    trace: traceOf(matrix),
    eigenvalues: [...eigh(rt, matrix, { vectors: false }).values].reverse(),
    diagonal: Array.from({ length: size }, (_, i) => matrix.data[i * size + i]),
    matrix: storeAveraged(matrix),
  };
}

function isZero(model: Model, name: string): boolean {
  return model.parameters.some((parameter) => parameter.name === name && parameter.value.data.every((value) => value === 0));
}

function isImageOf(image: readonly number[] | null, size: number): boolean {
  return image !== null && image[0] * image[1] === size;
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
