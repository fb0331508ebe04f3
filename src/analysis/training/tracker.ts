/** @file What a tracker is: a name, a cadence, and measurements of a state of a run. */

import type { Tensor } from '../../core/tensor.ts';
import type { Cadence } from './cadence.ts';
import type { TrackedState } from './tracked-state.ts';

/** A number; null where it is 0/0; or several, of fixed number. */
export type Measurement = number | null | readonly number[];

/** By key; keys of a weight's are `<quantity>/<weight>`. */
export type Measurements = Readonly<Record<string, Measurement>>;

/** A tracker by name, with its cadence and options. Plain data. */
export type TrackerSpec = Cadence & TrackerChoice;

/**
 * - `loss`          `loss` of the step's batch and `learningRate`; along the central flow `predictedLoss` of gradient descent and
 *                   `oscillation` √tr Σ; every step unless told otherwise
 * - `accuracy`      `accuracy`: share of training inputs whose largest output is their class (one output: whose sign is right)
 * - `gradient`      `gradientNorm` of the step's batch
 * - `distance`      `distance` ‖θ − θ₀‖, `relativeDistance` ‖θ − θ₀‖/‖θ₀‖
 * - `test`          `testLoss`, `testAccuracy` on the test data
 * - `kta`           `kta`, `ktaCentered` of the trace NTK
 * - `kta-full`      `ktaFull`, `ktaFullCentered` of the full NTK [n·c, n·c]
 * - `spectrum`      `eigenvalues` of the trace NTK (largest `top`, default 10), `alignments` of the targets with their
 *                   eigenvectors, `smallestEigenvalue`, `effectiveRank`, `participationRatio`, `stableRank`, `intrinsicDimension`
 * - `eigenvectors`  of the largest `top` (default 5): `initialOverlap`, `previousOverlap`, the share of each in the span of
 *                   the first state's and of the last measured one's
 * - `kernel`        `kernelDistance` and `kernelDrift` from step 0, `kernelVelocity` since the last measurement, and
 *                   `kernelDistance/<step>`, `kernelVelocity/<step>` from each step of `since`
 * - `sharpness`     `sharpness` λmax of the loss Hessian, `gaussNewton` λmax of its Gauss–Newton part, by warm-started Lanczos
 * - `nfa`           per weight: UC-NFA `nfa`, `nfaCentered` (entries centered), C-NFA `cNfa`, `cNfaCentered`, `dominance`,
 *                   `weightChange` ‖W̄‖/‖W₀‖, and the parts of W = W₀ + W̄: `nfmParts` [W̄W̄, cross, W₀W₀] and `agopParts`
 *                   [W̄KW̄, cross, W₀KW₀] as fractions of the trace
 * - `nfa-random`    per weight, UC-NFA with random K of the same spectrum: `nfaRandom`, the mean of ten, and `nfaRandomDeviation`;
 *                   first and last state unless told otherwise
 * - `egop`          for weights as wide as the given EGOP: `nfmQuality`, `agopQuality`, and overlaps of the leading
 *                   eigenspaces `nfmOverlap`, `agopOverlap`
 * - `ptk`           per weight: `ptkFromInitial`, `ptkFromPrevious`, cosines of the PTK covariances
 * - `activations`   per weight with pre-activation h: `activation` mean |h|, `activationChange` ‖h − h₀‖/‖h₀‖; `outputChange`
 */
export type TrackerChoice =
  | { readonly tracker: 'loss' | 'accuracy' | 'gradient' | 'distance' | 'test' | 'kta' | 'kta-full' | 'nfa' | 'nfa-random' | 'ptk' | 'activations' }
  | { readonly tracker: 'spectrum' | 'eigenvectors'; readonly top?: number }
  | { readonly tracker: 'kernel'; readonly since?: readonly number[] }
  | { readonly tracker: 'sharpness' /** Residual relative to λmax; default 1e-3. */; readonly tolerance?: number }
  | { readonly tracker: 'egop'; readonly egop: Tensor };

/** A tracker at work in one run: it may keep what it saw. */
export interface Tracker {
  readonly name: TrackerChoice['tracker'];
  /** What it reads of every state, so that a pool can compute it. */
  readonly needs?: 'kernel' | 'features';
  measure(state: TrackedState): Measurements;
  /** What later measurements are relative to, or begin from: for a run that is resumed. Not copies. */
  memory?(): ReadonlyMap<string, Tensor>;
  /** Takes what `memory` gave. */
  remember?(memory: ReadonlyMap<string, Tensor>): void;
}
