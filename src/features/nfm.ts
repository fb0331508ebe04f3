/** @file The neural feature matrix (NFM) of a weight: WᵀW, the weight's own account of which inputs matter. */

import { castTensor, type Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { gram } from '../linalg/gram.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { chooseWeights, effectiveWeight } from './weight.ts';

/**
 * Neural feature matrix F = WᵀW of one weight as the network uses it: not divided by anything.
 *
 *   F = WᵀW,   W = σ_w/√fan_in times the parameter in the NTK parameterization
 *
 * Shapes     W [h, i]  →  [i, i] f64; a convolution's W is [out, channels·kh·kw], its inputs the patches
 * Units      (pre-activation unit / input unit)²
 * Symmetry   exact; positive semidefinite, rank at most min(h, i)
 * Cost       i²·h multiply-adds
 *
 * @throws {TangedgeError} ERR_ARGUMENT when there is no such weight, with the list of those there are
 * @see Radhakrishnan, Beaglehole, Pandit, Belkin (2022). Mechanism of feature learning in deep fully connected networks and kernel machines that recursively learn features. arXiv:2212.13881.
 */
export function nfm(rt: Runtime, model: Model, weight: string): Tensor {
  const [chosen] = chooseWeights('nfm', model, [weight]);
  return nfmOf(rt, effectiveWeight(rt, model, chosen));
}

/** WᵀW of a matrix [h, i]. */
export function nfmOf(rt: Runtime, w: Tensor): Tensor {
  return gram(rt, castTensor(w, 'f64'), { of: 'columns' });
}
