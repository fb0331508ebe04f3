/** @file Failure signatures: what commonly goes wrong in training and in kernels, each with its evidence and what to do. */

import type { FailureSignature } from '../../core/failure-signature.ts';
import { smoothSeries } from '../../dynamics/stability-phases.ts';
import { congruence } from '../../features/congruence.ts';
import type { WeightFeatures } from '../../features/neural-features.ts';
import { nfaCorrelation } from '../../features/nfa-correlation.ts';
import { sameSpectrumRandom } from '../../linalg/haar.ts';
import type { Runtime } from '../../wasm/runtime.ts';
import type { TrainingRun } from './run.ts';
import { curvatureOf, lastNumber, numbersOf, weightsWith } from './run-series.ts';

/** Where the signatures begin. */
export interface FailureThresholds {
  /** |ΔKTA| below which the alignment has not moved. Default 0.02. */
  readonly alignmentShift?: number;
  /** ‖W − W₀‖/‖W₀‖ below which a weight has hardly moved. Default 0.1. */
  readonly weightChange?: number;
  /** C-NFA − UC-NFA above which the initialization drowns what was learned. Default 0.15. */
  readonly nfaGap?: number;
  /** Cosine of successive PTK covariances below which they move too fast. Default 0.9. */
  readonly ptkCosine?: number;
  /** Mean |h| below which a smooth activation is nearly linear. Default 0.1. */
  readonly activation?: number;
}

const DEFAULTS: Required<FailureThresholds> = { alignmentShift: 0.02, weightChange: 0.1, nfaGap: 0.15, ptkCosine: 0.9, activation: 0.1 };

/**
 * The failure signatures of a training run, from what its trackers measured; what was not tracked is not judged.
 *
 * - `DIVERGED`            the loss left for infinity
 * - `NO_ALIGNMENT_SHIFT`  the kernel's alignment stayed where it was (tracker `kta`)
 * - `LAZY_INIT`           C-NFA far above UC-NFA all through, and a weight that hardly moved (tracker `nfa`)
 * - `ALIGNED_WRONG`       UC-NFA above 0.8 with feature quality under 0.4 (trackers `nfa`, `egop`)
 * - `PTK_MOVING`          the tangents that a weight aligns with change faster than it can follow (tracker `ptk`)
 * - `SMOOTH_AT_ZERO`      a smooth activation that begins where it is nearly linear (tracker `activations`)
 *
 * @see `nfaRandomSignature` and `kernelSignatures`, which `analyze` judges; `centralFlowSignature`; `batchCoupledSignature`.
 */
export function failureSignatures(run: TrainingRun, thresholds: FailureThresholds = {}): FailureSignature[] {
  const limits = { ...DEFAULTS, ...thresholds };
  return [
    ...diverged(run),
    ...noAlignmentShift(run, limits),
    ...lazyInitialization(run, limits),
    ...alignedWrong(run),
    ...movingTangents(run, limits),
    ...smoothAtZero(run, limits),
  ];
}

function diverged({ outcome }: TrainingRun): FailureSignature[] {
  if (outcome.status !== 'diverged') return [];
  const { divergence } = outcome;
  const known = divergence?.sharpness ?? null;
  const rate = divergence?.stableRate ?? null;
  return [
    {
      code: 'DIVERGED',
      evidence: `The loss left for infinity by step ${outcome.step}; the last good state is step ${divergence?.lastGoodStep ?? 0}${known === null ? '' : `, with sharpness ${digits(known)}`}.`,
      advice:
        rate === null
          ? 'Use a smaller learning rate.'
          : `Use a learning rate of at most ${digits(rate)}, the largest that is stable at that sharpness.`,
    },
  ];
}

function noAlignmentShift(run: TrainingRun, { alignmentShift }: Required<FailureThresholds>): FailureSignature[] {
  const kta = numbersOf(run, 'kta').values;
  if (kta.length < 2) return [];
  const change = kta[kta.length - 1] - kta[0];
  if (!(Math.abs(change) < alignmentShift)) return [];
  const flat = `KTA went from ${digits(kta[0])} to ${digits(kta[kta.length - 1])}, a change below ${alignmentShift}`;
  const curvature = curvatureOf(run);
  if (curvature === null || curvature.threshold === null || curvature.values.length < 3) {
    return [
      {
        code: 'NO_ALIGNMENT_SHIFT',
        evidence: `${flat}.`,
        advice: "Track 'sharpness' to see whether the learning rate reaches the edge of stability.",
      },
    ];
  }
  const highest = Math.max(...smoothSeries(curvature.values));
  if (highest < curvature.threshold) {
    return [
      {
        code: 'NO_ALIGNMENT_SHIFT',
        evidence: `${flat}, and the smoothed sharpness stayed below the threshold: at most ${digits(highest)} of ${digits(curvature.threshold)}.`,
        advice: `The learning rate does not trigger the edge of stability. Raise it beyond 2/${digits(highest)} = ${digits(2 / highest)} (plain gradient descent).`,
      },
    ];
  }
  return [
    {
      code: 'NO_ALIGNMENT_SHIFT',
      evidence: `${flat}, although the smoothed sharpness crossed the threshold ${digits(curvature.threshold)} (up to ${digits(highest)}).`,
      advice:
        'The edge of stability was reached and the alignment is still flat: the target may lie in high frequencies, or the run may be too short.',
    },
  ];
}

function lazyInitialization(run: TrainingRun, { weightChange, nfaGap }: Required<FailureThresholds>): FailureSignature[] {
  return weightsWith(run, 'cNfa').flatMap((weight): FailureSignature[] => {
    const centered = numbersOf(run, 'cNfa', weight).values;
    const plain = numbersOf(run, 'nfa', weight);
    const moved = lastNumber(run, 'weightChange', weight);
    // C-NFA is 0/0 before the first step; both series end together.
    const gaps = centered.map((value, k) => value - plain.values[plain.values.length - centered.length + k]);
    const smallest = Math.min(...gaps);
    if (gaps.length === 0 || moved === null || !(smallest > nfaGap && moved < weightChange)) return [];
    return [
      {
        code: 'LAZY_INIT',
        evidence: `${weight}: C-NFA exceeds UC-NFA by at least ${digits(smallest)} all through, and the weight has moved by ${digits(moved)} of its initial norm (thresholds ${nfaGap} and ${weightChange}).`,
        advice: 'The initialization is too large for what training adds to it: scale the initial weights down, or use speed limited optimization.',
      },
    ];
  });
}

function alignedWrong(run: TrainingRun): FailureSignature[] {
  return weightsWith(run, 'nfmQuality').flatMap((weight): FailureSignature[] => {
    const [correlation, quality] = [lastNumber(run, 'nfa', weight), lastNumber(run, 'nfmQuality', weight)];
    if (correlation === null || quality === null || !(correlation > 0.8 && quality < 0.4)) return [];
    return [
      {
        code: 'ALIGNED_WRONG',
        evidence: `${weight}: UC-NFA is ${digits(correlation)}, above 0.8, but its agreement with the known EGOP is ${digits(quality)}, below 0.4.`,
        advice:
          'The weight is aligned, with something other than the task: check the targets, the data’s covariance, and the parts of WᵀW that come from the initial weight.',
      },
    ];
  });
}

function movingTangents(run: TrainingRun, { ptkCosine }: Required<FailureThresholds>): FailureSignature[] {
  return weightsWith(run, 'ptkFromPrevious').flatMap((weight): FailureSignature[] => {
    const { steps, values } = numbersOf(run, 'ptkFromPrevious', weight);
    const lowest = values.reduce((least, value, k) => (value < values[least] ? k : least), 0);
    if (values.length === 0 || !(values[lowest] < ptkCosine)) return [];
    return [
      {
        code: 'PTK_MOVING',
        evidence: `${weight}: between measurements the covariance of its tangents turned to a cosine of ${digits(values[lowest])} by step ${steps[lowest]} (threshold ${ptkCosine}).`,
        advice: 'The weight aligns with a moving target: lower the learning rate of the later layers, or measure more often before concluding.',
      },
    ];
  });
}

const SMOOTH = /^(Tanh|GELU|SiLU|Mish|Sigmoid|Softplus|ELU|CELU|Softsign|Hardtanh|Tanhshrink)$/;

function smoothAtZero(run: TrainingRun, { activation }: Required<FailureThresholds>): FailureSignature[] {
  const smooth = run.model.layers.find(({ type }) => SMOOTH.test(type));
  // The last weight feeds the output, not an activation.
  const weights = weightsWith(run, 'activation').slice(0, -1);
  const first = weights.map((weight) => ({ weight, size: numbersOf(run, 'activation', weight).values[0] }));
  const small = first.filter(({ size }) => size < activation);
  if (smooth === undefined || small.length === 0) return [];
  return [
    {
      code: 'SMOOTH_AT_ZERO',
      evidence: `Before training the pre-activations of ${small.map(({ weight, size }) => `${weight} average ${digits(size)} in magnitude`).join(', ')} (threshold ${activation}), where ${smooth.type} is nearly linear.`,
      advice: 'The network starts as a nearly linear one: use larger initial weights, or a homogeneous activation such as ReLU.',
    },
  ];
}

/** Deviation of the controls below which they are all the same but for rounding. */
const NO_SPREAD = 1e-9;

/**
 * `NFA_RANDOM` when a weight's UC-NFA is within two standard deviations of what random K of the same spectrum give, else null.
 * Where turning K changes nothing (one output, K a multiple of the identity) there is nothing to tell, and it is null too.
 *
 * Cost   `draws` random orthogonal matrices [h, h] and as many products
 */
export function nfaRandomSignature(
  rt: Runtime,
  { name, weight, nfm, ptkCovariance, correlation }: Pick<WeightFeatures, 'name' | 'weight' | 'nfm' | 'ptkCovariance' | 'correlation'>,
  { draws = 10, seed = 0 }: { readonly draws?: number; readonly seed?: number } = {},
): FailureSignature<'NFA_RANDOM'> | null {
  const controls = Array.from({ length: draws }, (_, stream) =>
    nfaCorrelation(rt, nfm, congruence(rt, weight, sameSpectrumRandom(rt, ptkCovariance, { seed, stream }))),
  );
  const mean = controls.reduce((sum, value) => sum + value, 0) / draws;
  const deviation = Math.sqrt(controls.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / Math.max(1, draws - 1));
  if (deviation < NO_SPREAD || !(correlation - mean <= 2 * deviation)) return null;
  return {
    code: 'NFA_RANDOM',
    evidence: `${name}: UC-NFA is ${digits(correlation)}; random matrices with the spectrum of K give ${digits(mean)} ± ${digits(deviation)} (${draws} draws).`,
    advice: 'Weight and tangents are not aligned beyond what their spectra alone give: nothing of the ansatz has been learned here.',
  };
}

/** `NOT_PSD` (λmin < −10⁻⁶·λmax) and `ILL_COND` (λmax/λmin > 10⁸) of a kernel's eigenvalues, in any order. */
export function kernelSignatures(values: ArrayLike<number>): FailureSignature<'NOT_PSD' | 'ILL_COND'>[] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let k = 0; k < values.length; k++) {
    low = Math.min(low, values[k]);
    high = Math.max(high, values[k]);
  }
  if (low < -1e-6 * high) {
    return [
      {
        code: 'NOT_PSD',
        evidence: `The smallest eigenvalue is ${digits(low)}, beyond rounding of the largest, ${digits(high)}.`,
        advice: 'A tangent kernel cannot have this: compute it in f64, and check that both inputs of the kernel are the same.',
      },
    ];
  }
  if (high > 0 && !(high / low <= 1e8 && low > 0)) {
    return [
      {
        code: 'ILL_COND',
        evidence: `The condition number is ${low > 0 ? digits(high / low) : 'infinite to rounding'} (eigenvalues from ${digits(low)} to ${digits(high)}), above 10⁸.`,
        advice: 'Compute the kernel in f64, add jitter before solving with it, and look for duplicate or nearly duplicate samples.',
      },
    ];
  }
  return [];
}

/**
 * `CENTRAL_FLOW_MISMATCH` when the distance of the midpoint iterates from the central flow outgrows the predicted
 * oscillation √tr Σ: their ratio in the last third is over twice that of the middle third. Else null.
 */
export function centralFlowSignature(distances: ArrayLike<number>, sigmaTraces: ArrayLike<number>): FailureSignature | null {
  const ratios = Array.from(distances, (distance, t) => distance / Math.sqrt(sigmaTraces[t])).filter(Number.isFinite);
  const third = Math.floor(ratios.length / 3);
  if (third === 0) return null;
  const mean = (from: number, to: number) => ratios.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  const [middle, late] = [mean(third, 2 * third), mean(2 * third, ratios.length)];
  if (!(late > 2 * middle)) return null;
  return {
    code: 'CENTRAL_FLOW_MISMATCH',
    evidence: `The distance to the central flow went from ${digits(middle)} to ${digits(late)} times √tr Σ.`,
    advice: 'Use smooth activations (ReLU’s kinks have no curvature), track more eigenvalues, and tighten the eigensolver’s tolerance.',
  };
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
