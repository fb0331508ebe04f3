/** @file Options that every feature quantity takes: weights, precision, memory, tiles, progress. */

import type { OnProgress } from '../core/computation.ts';
import type { Dtype } from '../core/tensor.ts';

export interface FeatureOptions {
  /** Precision of the sweeps and products; sums over examples and outputs are f64 either way. Default `f64`. */
  readonly dtype?: Dtype;
  /** Most bytes to use, WebAssembly and result together. Default 4 GiB. */
  readonly memoryLimit?: number;
  /** Examples per tile. Changes no bit of the result. */
  readonly tileSize?: number;
  /** Called after every tile. */
  readonly onProgress?: OnProgress;
}

/** What a job is planned from: the same, and for how many threads to cut. */
export interface FeatureJobOptions extends Omit<FeatureOptions, 'onProgress'> {
  readonly threads?: number;
}
