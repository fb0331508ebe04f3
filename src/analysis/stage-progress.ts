/** @file How far an analysis is: the stage, the share of the whole, and the tiles of the job that runs. */

import type { Progress } from '../core/computation.ts';

export interface AnalysisProgress {
  /** What is being done, for people. */
  readonly stage: string;
  /** Of the whole analysis, in [0, 1]. */
  readonly fraction: number;
  /** While the stage computes tiles: their number, rate and time left. */
  readonly tiles?: Progress;
}

/** Reports the fraction of one stage that is done, in [0, 1], and its tiles. */
export type StageProgress = (fraction: number, tiles?: Progress) => void;
