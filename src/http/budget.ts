/** @file Whether an analysis fits an isolate, from shapes, before it allocates. */

import type { AnalysisRequest } from '../analysis/analyze.ts';
import { TangedgeError } from '../core/errors.ts';
import { chooseWeights, type FeatureWeight } from '../features/weight.ts';
import { parameterCount } from '../graph/model.ts';
import type { ServiceLimits } from './limits.ts';
import { Refusal } from './refusal.ts';

/** The request as it came and as files, and the tensors that are read from it: at most three times its bytes. */
const COPIES_OF_REQUEST = 3;

/**
 * Refuses what is beyond the limits.
 *
 * @throws {Refusal} 413 with the number, and what may be
 */
export function checkBudget({ model, inputs, initial }: AnalysisRequest, requestBytes: number, limits: ServiceLimits): void {
  const [n] = inputs.shape;
  checkCount('examples', n, limits.examples, 'Send fewer.');
  checkCount('outputs', model.output.size, limits.outputs, 'Send a model with fewer.');
  const weights = chooseWeights('analyze', model).filter(({ i }) => i <= limits.featureWidth);
  const checkpoints = initial ? 2 : 1;
  const needed = COPIES_OF_REQUEST * requestBytes + checkpoints * (kernelBytes(n) + 8 * parameterCount(model)) + featureBytes(weights);
  if (needed <= limits.heapBytes) return;
  const widest = Math.max(...weights.map(({ i }) => i), 0);
  throw new Refusal(
    413,
    new TangedgeError(
      'ERR_MEMORY',
      `the analysis of ${n} examples (request ${requestBytes} bytes, features up to ${widest} inputs) needs ${needed} bytes beside WebAssembly memory, the limit is ${limits.heapBytes}. Send fewer examples or a smaller model.`,
      { needed, limit: limits.heapBytes, n, requestBytes, widest },
    ),
  );
}

function checkCount(what: string, count: number, limit: number, advice: string): void {
  if (count <= limit) return;
  const error = new TangedgeError('ERR_ARGUMENT', `there are ${count} ${what}, the limit is ${limit}. ${advice}`, { [what]: count, limit });
  throw new Refusal(413, error);
}

/** The kernel, its eigenvectors and one copy. */
function kernelBytes(n: number): number {
  return 3 * 8 * n * n;
}

/** NFM, AGOP and covariance of every weight at once, and their sums; while one weight is summarized, three more of its matrices. */
function featureBytes(weights: readonly FeatureWeight[]): number {
  const held = weights.reduce((sum, { h, i }) => sum + 8 * (3 * i * i + 2 * h * h), 0);
  return held + Math.max(...weights.map(({ i }) => 3 * 8 * i * i), 0);
}
