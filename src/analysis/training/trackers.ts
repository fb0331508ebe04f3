/** @file From tracker specs to trackers at work. */

import { TangedgeError } from '../../core/errors.ts';
import type { Tensor } from '../../core/tensor.ts';
import type { TrainingData } from '../../dynamics/training-data.ts';
import type { TrainingStep } from '../../dynamics/training-step.ts';
import { activationTracker } from './activation-tracker.ts';
import { cadenceOf } from './cadence.ts';
import { sharpnessTracker } from './curvature-tracker.ts';
import { egopTracker, nfaTracker, ptkTracker, randomNfaTracker } from './feature-trackers.ts';
import { eigenvectorTracker, fullKtaTracker, kernelTracker, ktaTracker, spectrumTracker } from './kernel-trackers.ts';
import { accuracyTracker, distanceTracker, gradientTracker, lossTracker, testTracker } from './loss-trackers.ts';
import { ModelState, type RunContext, TrackedState } from './tracked-state.ts';
import type { Measurement, Measurements, Tracker, TrackerChoice, TrackerSpec } from './tracker.ts';

/** Names of all trackers. */
export const TRACKERS: readonly TrackerChoice['tracker'][] = [
  'loss',
  'accuracy',
  'gradient',
  'distance',
  'test',
  'kta',
  'kta-full',
  'spectrum',
  'eigenvectors',
  'kernel',
  'sharpness',
  'nfa',
  'nfa-random',
  'egop',
  'ptk',
  'activations',
];

/**
 * Steps between measurements where a spec names no cadence: trackers that cost next to nothing beside a step are on every
 * step, the random control of the ansatz at the ends, all others about a hundred times.
 */
export function usualCadence(tracker: TrackerChoice['tracker'], steps: number): number {
  if (tracker === 'loss' || tracker === 'gradient') return 1;
  return Math.max(1, tracker === 'nfa-random' ? steps : Math.round(steps / USUAL_POINTS));
}

const USUAL_POINTS = 100;

/** All trackers of a run with their cadences. */
export class TrackerSet {
  private readonly context: RunContext;
  private readonly initial: ModelState;
  private readonly entries: readonly { readonly tracker: Tracker; readonly due: (step: number) => boolean }[];

  /** @throws {TangedgeError} ERR_ARGUMENT for a tracker that does not exist, is given twice, or lacks what it needs. */
  constructor(context: RunContext, specs: readonly TrackerSpec[], steps: number, testData?: TrainingData) {
    this.context = context;
    this.initial = new ModelState(context, () => context.initial);
    this.entries = specs.map((spec, index) => {
      if (specs.findIndex(({ tracker }) => tracker === spec.tracker) !== index) {
        throw new TangedgeError('ERR_ARGUMENT', `train: tracker '${spec.tracker}' is given twice; give it one cadence.`, { tracker: spec.tracker });
      }
      const tracker = trackerOf(context, spec, testData);
      return { tracker, due: cadenceOf(spec.tracker, spec, steps, usualCadence(spec.tracker, steps)) };
    });
  }

  /** What is due at this state, or all. Nothing is computed or copied for trackers that are not due. */
  measure(step: TrainingStep, which: 'due' | 'all' = 'due'): Measurements {
    return this.measureIn(new TrackedState(this.context, this.initial, step), this.at(step.step, which));
  }

  /** The same, with kernels and features computed in the threads of the run's pool. */
  async measureInPool(step: TrainingStep): Promise<Measurements> {
    const due = this.at(step.step, 'due');
    const state = new TrackedState(this.context, this.initial, step);
    for (const { needs } of due) if (needs !== undefined) await state.prepare(needs);
    return this.measureIn(state, due);
  }

  /** What the trackers keep between measurements, `<tracker>/<part>`. */
  memory(): Map<string, Tensor> {
    return new Map(
      this.entries.flatMap(({ tracker }) => [...(tracker.memory?.() ?? [])].map(([part, value]) => [`${tracker.name}/${part}`, value] as const)),
    );
  }

  remember(memory: ReadonlyMap<string, Tensor>): void {
    for (const { tracker } of this.entries) {
      const prefix = `${tracker.name}/`;
      const own = [...memory].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value] as const);
      tracker.remember?.(new Map(own));
    }
  }

  private at(step: number, which: 'due' | 'all'): Tracker[] {
    return this.entries.filter(({ due }) => which === 'all' || due(step)).map(({ tracker }) => tracker);
  }

  private measureIn(state: TrackedState, trackers: readonly Tracker[]): Measurements {
    const measured: Record<string, Measurement> = {};
    for (const tracker of trackers) Object.assign(measured, tracker.measure(state));
    return measured;
  }
}

function trackerOf(context: RunContext, spec: TrackerSpec, testData?: TrainingData): Tracker {
  switch (spec.tracker) {
    case 'loss':
      return lossTracker;
    case 'accuracy':
      return accuracyTracker;
    case 'gradient':
      return gradientTracker;
    case 'distance':
      return distanceTracker;
    case 'test':
      if (testData === undefined) throw new TangedgeError('ERR_ARGUMENT', "train: tracker 'test' needs test data.", {});
      return testTracker(context, testData);
    case 'kta':
      return ktaTracker;
    case 'kta-full':
      return fullKtaTracker;
    case 'spectrum':
      return spectrumTracker(spec.top);
    case 'eigenvectors':
      return eigenvectorTracker(spec.top);
    case 'kernel':
      return kernelTracker(spec.since);
    case 'sharpness':
      return sharpnessTracker(context, spec.tolerance);
    case 'nfa':
      return nfaTracker;
    case 'nfa-random':
      return randomNfaTracker;
    case 'egop':
      return egopTracker(spec.egop);
    case 'ptk':
      return ptkTracker();
    case 'activations':
      return activationTracker(context);
    default:
      spec satisfies never;
      throw new TangedgeError('ERR_ARGUMENT', `train: there is no tracker '${(spec as TrackerSpec).tracker}'; there are ${TRACKERS.join(', ')}.`, {});
  }
}
