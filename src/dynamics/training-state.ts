/** @file TrainingState: what a run needs to go on where it left off. */

import type { Tensor } from '../core/tensor.ts';

/** Everything a run needs to go on: plain data. Mini-batches follow from the seed and the step. */
export interface TrainingState {
  /** Updates made. */
  readonly step: number;
  /** Loss of step 0, what divergence is judged against. */
  readonly initialLoss: number;
  /** By parameter name, in the dtype trained in. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** `<part>/<parameter>`; empty for optimizers without state. */
  readonly optimizer: ReadonlyMap<string, Tensor>;
  /** What trackers keep between measurements, `<tracker>/<part>`; of a run without trackers, nothing. */
  readonly trackers?: ReadonlyMap<string, Tensor>;
}
