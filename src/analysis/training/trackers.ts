/** @file From tracker specs to trackers at work. */

import { TangedgeError } from '../../core/errors.ts';
import type { TrainingStep } from '../../dynamics/train.ts';
import type { TrainingData } from '../../dynamics/training-data.ts';
import { activationTracker } from './activation-tracker.ts';
import { cadenceOf } from './cadence.ts';
import { sharpnessTracker } from './curvature-tracker.ts';
import { egopTracker, nfaTracker, ptkTracker } from './feature-trackers.ts';
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
  'egop',
  'ptk',
  'activations',
];

/** Trackers that cost next to nothing beside a step are on every step unless told otherwise. */
const EVERY_STEP: readonly TrackerChoice['tracker'][] = ['loss', 'gradient'];

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
      return { tracker, due: cadenceOf(spec.tracker, spec, steps, EVERY_STEP.includes(spec.tracker) ? 1 : undefined) };
    });
  }

  /** Whether anything is measured at this step. */
  due(step: number): boolean {
    return this.entries.some(({ due }) => due(step));
  }

  /** What is due at this state. Nothing is computed or copied for trackers that are not. */
  async measure(step: TrainingStep): Promise<Measurements> {
    const due = this.entries.filter((entry) => entry.due(step.step));
    if (due.length === 0) return {};
    const measured: Record<string, Measurement> = {};
    const state = new TrackedState(this.context, this.initial, step);
    for (const { tracker } of due) {
      if (tracker.needs !== undefined) await state.prepare(tracker.needs);
      Object.assign(measured, tracker.measure(state));
    }
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
