/** @file Layers in training mode: an output then depends on other examples or on chance, and no Jacobian per example exists. */

import type { FailureSignature } from '../../core/failure-signature.ts';

/**
 * `BATCH_COUPLED` when layers mix the examples of a batch or drop parts at random in training mode, else null. `importOnnx`
 * refuses such models; its error has code, evidence and advice as `info.signature`.
 */
export function batchCoupledSignature(
  layers: readonly { readonly name: string; readonly type: string; readonly training: boolean }[],
): FailureSignature | null {
  const coupled = layers.filter(({ type, training }) => training && /^(BatchNorm|SyncBatchNorm|Dropout|AlphaDropout)/.test(type));
  if (coupled.length === 0) return null;
  return {
    code: 'BATCH_COUPLED',
    evidence: `${coupled.map(({ name, type }) => `${name || 'a layer'} (${type})`).join(', ')} in training mode: an output depends on other examples or on chance.`,
    advice: 'A Jacobian per example does not exist then: export the network in evaluation mode.',
  };
}
