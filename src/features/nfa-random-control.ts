/** @file The control of the neural feature ansatz: its correlation with tangents of the same spectrum in random directions. */

import { checkInteger } from '../core/check.ts';
import { eigh } from '../linalg/eigh.ts';
import { sameSpectrumRandom } from '../linalg/haar.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { congruence } from './congruence.ts';
import type { WeightFeatures } from './neural-features.ts';
import { nfaCorrelation } from './nfa-correlation.ts';

export interface NfaRandomControlOptions {
  /** Random matrices; default 10. */
  readonly draws?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Of the seed: the first of `draws` streams that the matrices are drawn from. Default 0. */
  readonly stream?: number;
}

export interface NfaRandomControl {
  /** Of ρ(WᵀW, WᵀQΛQᵀW) over the draws of Q. */
  readonly mean: number;
  /** Their standard deviation; 0 to rounding where turning K changes nothing (one output, K a multiple of the identity). */
  readonly deviation: number;
  readonly draws: number;
}

/**
 * UC-NFA of a weight W with random matrices in the place of its tangents' covariance K, of K's spectrum: what an ansatz of
 * spectra alone would give.
 *
 *   ρ(WᵀW, Wᵀ·QΛQᵀ·W),  K = UΛUᵀ,  Q Haar
 *
 * Shapes     W [h, d], WᵀW [d, d], K [h, h]
 * Cost       the eigenvalues of K, once, and per draw a random orthogonal matrix and three products
 *
 * @throws {TangedgeError} ERR_ARGUMENT for fewer than two draws
 * @see Beaglehole et al. (2024). arXiv:2402.05271, on the role of alignment.
 */
export function nfaRandomControl(
  rt: Runtime,
  { weight, nfm, ptkCovariance }: Pick<WeightFeatures, 'weight' | 'nfm' | 'ptkCovariance'>,
  { draws = 10, seed = 0, stream = 0 }: NfaRandomControlOptions = {},
): NfaRandomControl {
  checkInteger('nfaRandomControl', 'draws', draws, 2);
  const { values } = eigh(rt, ptkCovariance, { vectors: false });
  const controls = Array.from({ length: draws }, (_, draw) =>
    nfaCorrelation(rt, nfm, congruence(rt, weight, sameSpectrumRandom(rt, values, { seed, stream: stream + draw }))),
  );
  const mean = controls.reduce((sum, value) => sum + value, 0) / draws;
  const squares = controls.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return { mean, deviation: Math.sqrt(squares / (draws - 1)), draws };
}
