/** @file The inputs of a kernel as flat arrays. */

import { checkFinite } from '../core/check.ts';
import type { FloatArray, Tensor } from '../core/tensor.ts';
import { batchSize, type Model } from '../graph/model.ts';

/** x2 is x1 when the problem is symmetric. */
export interface NtkInputs {
  readonly x1: FloatArray;
  readonly x2: FloatArray;
  /** Elements per example. */
  readonly size: number;
}

/** Number of examples of x, which fits the model and is finite. */
export function checkInputs(operation: string, model: Model, name: string, x: Tensor): number {
  const n = batchSize(operation, model, name, x);
  checkFinite(operation, name, x);
  return n;
}
