/** @file FailureSignature: a known way in which training, kernels or models go wrong, found with its evidence. */

export type FailureCode =
  | 'NO_ALIGNMENT_SHIFT'
  | 'DIVERGED'
  | 'CENTRAL_FLOW_MISMATCH'
  | 'NFA_RANDOM'
  | 'LAZY_INIT'
  | 'ALIGNED_WRONG'
  | 'PTK_MOVING'
  | 'SMOOTH_AT_ZERO'
  | 'NOT_PSD'
  | 'ILL_COND'
  | 'BATCH_COUPLED';

/** Something that looks wrong. `evidence` states the numbers and the threshold, `advice` what to change. */
export interface FailureSignature<Code extends FailureCode = FailureCode> {
  readonly code: Code;
  readonly evidence: string;
  readonly advice: string;
}
