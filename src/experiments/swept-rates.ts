/** @file A sweep of learning rates as the experiments read it: every run's kernel at its end, and the sharpness on the way. */

import type { LearningRateSweepOptions, SweptRun } from '../analysis/training/learning-rate-sweep.ts';
import type { TrackerSpec } from '../analysis/training/tracker.ts';
import type { TrainingData } from '../dynamics/training-data.ts';
import type { Model } from '../graph/model.ts';

/** Trains the runs of a sweep: `learningRateSweep` here, or a pool's in its workers. */
export type Sweep = (model: Model, data: TrainingData, options: LearningRateSweepOptions) => Promise<SweptRun[]>;

/** The kernel of a run's last state. */
export interface SweptEnd {
  /** λmax(Θ)/n */
  readonly sharpness: number;
  readonly kta: number;
  /** c_1 + … + c_k along the eigenvectors, largest eigenvalue first. */
  readonly cumulative: readonly number[];
}

export interface SweptRate {
  readonly rate: number;
  readonly steps: number;
  readonly loss: number;
  /** Whether the loss got there; false when the steps ran out or the run diverged. */
  readonly reached: boolean;
  readonly diverged: boolean;
  /** Largest λmax(Θ)/n seen on the way. */
  readonly largestSharpness: number;
  /** null for a run that diverged. */
  readonly end: SweptEnd | null;
}

/** Steps between looks at the kernel on the way. */
const EVERY = 20;

/** The trackers that `sweptRates` reads, with the `top` leading eigenvectors. */
export function sweepTrackers(top: number): TrackerSpec[] {
  return [
    { tracker: 'kta', every: EVERY },
    { tracker: 'spectrum', every: EVERY, top },
  ];
}

export function sweptRates(runs: readonly SweptRun[], samples: number): SweptRate[] {
  return runs.map(({ learningRate: rate, outcome, steps, loss, series }) => {
    const values = (key: string) => series.find((one) => one.key === key)?.values ?? [];
    const sharpness = values('eigenvalues').map((eigenvalues) => (eigenvalues as readonly number[])[0] / samples);
    const diverged = outcome === 'diverged';
    const alignments = (values('alignments').at(-1) ?? []) as readonly number[];
    let total = 0;
    const cumulative = alignments.map((share) => {
      total += share;
      return total;
    });
    const end = { sharpness: sharpness[sharpness.length - 1], kta: values('kta').at(-1) as number, cumulative };
    return { rate, steps, loss, reached: outcome === 'reached', diverged, largestSharpness: Math.max(...sharpness), end: diverged ? null : end };
  });
}

/** Share of pairs of runs in which the larger rate ended with the larger alignment. */
export function concordance(runs: readonly SweptRate[]): number {
  let [agreeing, pairs] = [0, 0];
  for (const a of runs) {
    for (const b of runs) {
      if (!(a.rate < b.rate) || a.end === null || b.end === null) continue;
      pairs++;
      if (b.end.kta > a.end.kta) agreeing++;
    }
  }
  return agreeing / pairs;
}
