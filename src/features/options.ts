/** @file Options that every feature quantity takes: weights, precision, memory, tiles, progress. */

import type { Progress } from '../core/computation.ts';
import type { Dtype } from '../core/tensor.ts';

export interface FeatureOptions {
  /** Precision of the sweeps and products; sums over examples and outputs are f64 either way. Default `f64`. */
  readonly dtype?: Dtype;
  /** Most bytes to use, WebAssembly and result together. Default 4 GiB. */
  readonly memoryLimit?: number;
  /** Examples per tile. Changes no bit of the result. */
  readonly tileSize?: number;
  /** Called after every tile. */
  readonly onProgress?: (progress: Progress) => void;
}
