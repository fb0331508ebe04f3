/** @file Coordinate check: whether activations and their changes keep their size as the width grows. */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { type FittedSlope, fitSlope } from '../linalg/fit-slope.ts';
import type { Runtime } from '../wasm/runtime.ts';

/** Mean magnitude of one layer's activation (or of its change) after a few steps, by width. */
export interface CoordinateSizes {
  readonly layer: string;
  readonly widths: readonly number[];
  readonly sizes: readonly number[];
}

export interface CoordinateVerdict extends FittedSlope {
  readonly layer: string;
  readonly passes: boolean;
}

/**
 * Fits size ∝ widthˢ per layer and passes those with |s| at most `tolerance`: in the maximal-update parameterization all of them.
 *
 * Expected exceptions before training: network output and attention logits, which shrink as width^(−½) unless they start at 0.
 *
 * @param tolerance largest |s|; default 0.1
 * @throws {TangedgeError} ERR_ARGUMENT for fewer than 3 widths of a layer · ERR_DOMAIN for sizes that are not positive
 * @see Yang et al. (2022). Tensor Programs V. arXiv:2203.03466.
 */
export function coordinateCheck(
  rt: Runtime,
  layers: readonly CoordinateSizes[],
  { tolerance = 0.1 }: { readonly tolerance?: number } = {},
): CoordinateVerdict[] {
  if (!(tolerance >= 0)) throw new TangedgeError('ERR_ARGUMENT', `coordinateCheck: tolerance is ${tolerance}; it must be at least 0.`, { tolerance });
  return layers.map(({ layer, widths, sizes }) => {
    checkInteger('coordinateCheck', `number of widths of ${layer}`, new Set(widths).size, 3);
    const fit = fitSlope(rt, widths, sizes);
    return { layer, ...fit, passes: Math.abs(fit.slope) <= tolerance };
  });
}
