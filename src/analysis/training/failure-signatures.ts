/** @file Failure signatures: what commonly goes wrong in training and in kernels, each with its evidence and what to do. */

import type { FailureSignature } from '../../core/failure-signature.ts';
import type { CentralFlowGap } from '../../dynamics/central-flow-gap.ts';
import { smoothSeries } from '../../dynamics/stability-phases.ts';
import type { WeightFeatures } from '../../features/neural-features.ts';
import { type NfaRandomControl, type NfaRandomControlOptions, nfaRandomControl } from '../../features/nfa-random-control.ts';
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
 * - `NFA_RANDOM`          UC-NFA at the end within what random tangents of the same spectrum give (trackers `nfa`, `nfa-random`)
 * - `SMOOTH_AT_ZERO`      a smooth activation that begins where it is nearly linear (tracker `activations`)
 * - `NOT_PSD`             a negative eigenvalue of the kernel beyond rounding (tracker `spectrum`)
 * - `ILL_COND`            a condition number of the kernel above 10⁸ at the end (tracker `spectrum`)
 *
 * @see `centralFlowSignature`, of a run beside its central flow; `batchCoupledSignature`, of a model that cannot be trained
 */
export function failureSignatures(run: TrainingRun, thresholds: FailureThresholds = {}): FailureSignature[] {
  const limits = { ...DEFAULTS, ...thresholds };
  return [
    ...diverged(run),
    ...noAlignmentShift(run, limits),
    ...lazyInitialization(run, limits),
    ...alignedWrong(run),
    ...randomAlignment(run),
    ...movingTangents(run, limits),
    ...smoothAtZero(run, limits),
    ...illPosed(run),
  ];
}

function diverged({ outcome }: TrainingRun): FailureSignature[] {
  if (outcome.status !== 'diverged') return [];
  const { divergence } = outcome;
  const known = divergence?.sharpness ?? null;
  const rate = divergence?.stableRate ?? null;
  const [norm, before] = [divergence?.parameterNorm ?? null, divergence?.initialParameterNorm ?? 0];
  // The loss of a run whose parameters left first is still a number.
  const what =
    outcome.loss === null || norm === null || norm <= before
      ? 'The loss left for infinity'
      : `The loss was ${digits(outcome.loss)} and the norm of the parameters ${digits(norm)}, up from ${digits(before)},`;
  return [
    {
      code: 'DIVERGED',
      evidence: `${what} by step ${outcome.step}; the last good state is step ${divergence?.lastGoodStep ?? 0}${known === null ? '' : `, with sharpness ${digits(known)}`}.`,
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
 * Cost   that of `nfaRandomControl`
 */
export function nfaRandomSignature(
  rt: Runtime,
  features: Pick<WeightFeatures, 'name' | 'weight' | 'nfm' | 'ptkCovariance' | 'correlation'>,
  options: NfaRandomControlOptions = {},
): FailureSignature<'NFA_RANDOM'> | null {
  return withinControl(features.name, features.correlation, nfaRandomControl(rt, features, options));
}

function withinControl(
  name: string,
  correlation: number,
  { mean, deviation }: Omit<NfaRandomControl, 'draws'>,
): FailureSignature<'NFA_RANDOM'> | null {
  if (deviation < NO_SPREAD || !(correlation - mean <= 2 * deviation)) return null;
  return {
    code: 'NFA_RANDOM',
    evidence: `${name}: UC-NFA is ${digits(correlation)}; random matrices with the spectrum of K give ${digits(mean)} ± ${digits(deviation)}.`,
    advice: 'Weight and tangents are not aligned beyond what their spectra alone give: nothing of the ansatz has been learned here.',
  };
}

/** At the end of the run. */
function randomAlignment(run: TrainingRun): FailureSignature[] {
  return weightsWith(run, 'nfaRandom').flatMap((weight): FailureSignature[] => {
    const [correlation, mean, deviation] = [
      lastNumber(run, 'nfa', weight),
      lastNumber(run, 'nfaRandom', weight),
      lastNumber(run, 'nfaRandomDeviation', weight),
    ];
    const found = correlation !== null && mean !== null && deviation !== null && withinControl(weight, correlation, { mean, deviation });
    return found ? [found] : [];
  });
}

/** Of the trace NTK on the kernel samples, at the last state whose spectrum was measured. */
function illPosed(run: TrainingRun): FailureSignature[] {
  const [largest, smallest] = [numbersOf(run, 'eigenvalues').values.at(-1), lastNumber(run, 'smallestEigenvalue')];
  return largest === undefined || smallest === null ? [] : kernelSignatures([largest, smallest]);
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

/** Overshoot λmax·η/2 − 1 that Euler's steps of a smooth loss do not reach. */
const OVERSHOOT = 1e-3;

/**
 * `CENTRAL_FLOW_MISMATCH`, else null: of a run of gradient descent beside its central flow (`centralFlowGaps`),
 *
 * - when the midpoints have moved away from the flow by more than the largest oscillation √tr Σ that it predicts, counted
 *   from where it first predicts one: what is left is not an oscillation about the flow; or
 * - when the flow lets the sharpness exceed 2/η by more than a thousandth: it did not see what raised it.
 *
 * The evidence says how many rectifiers changed sides, for kinks have no curvature that the flow could see.
 */
export function centralFlowSignature(gaps: readonly CentralFlowGap[]): FailureSignature<'CENTRAL_FLOW_MISMATCH'> | null {
  const first = gaps.findIndex(({ oscillation }) => oscillation > 0);
  if (first < 0) return null;
  const edge = gaps.slice(first);
  const last = edge[edge.length - 1];
  const oscillation = Math.max(...edge.map((gap) => gap.oscillation));
  const growth = last.distance - edge[0].distance;
  const overshoot = Math.max(...edge.map(({ held }) => held - 1));
  if (growth <= oscillation && overshoot <= OVERSHOOT) return null;
  const kinks = edge.reduce((sum, gap) => sum + (gap.kinks ?? 0), 0);
  const counted =
    last.kinks === null
      ? ''
      : ` ${kinks === 0 ? 'No rectifier changed sides' : `Rectifiers changed sides ${digits(kinks / edge.length)} times a step`}.`;
  return {
    code: 'CENTRAL_FLOW_MISMATCH',
    evidence: `The distance of the midpoints from the central flow went from ${digits(edge[0].distance)} at step ${edge[0].step} to ${digits(last.distance)} at step ${last.step}, with oscillations √tr Σ of at most ${digits(oscillation)}; the flow let the sharpness exceed 2/η by up to ${digits(Math.max(0, overshoot))} of it.${counted}`,
    advice:
      kinks > 0
        ? 'Use smooth activations: ReLU’s kinks have no curvature, and the flow does not see them.'
        : 'Take more substeps, tighten the tolerance of the eigenpairs, or use a smaller learning rate: the oscillation may be too wide for a flow to second order.',
  };
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
