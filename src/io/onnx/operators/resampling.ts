/** @file Resize as torch.nn.Upsample exports it: whole factors, nearest or linear. */

import { sizeOf } from '../../../core/tensor.ts';
import { interpolateLinearly, repeatPixels } from '../../../nn/spatial.ts';
import { type Extent, formatExtents } from '../extent.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { Value } from '../value.ts';
import { asImage, imageOf } from './window.ts';

/** The factor per axis of the image, from `scales` (input 2) or `sizes` (input 3). */
function factors(l: Lowering, image: readonly number[]): number[] {
  const list = (position: number) => (l.has(position) && l.known(position).elements.length > 0 ? l.known(position).elements : undefined);
  const scales = list(2);
  const given: readonly Extent[] = scales ?? list(3) ?? l.fail('has neither scales nor sizes.', 'ERR_FORMAT');
  if (given.length !== image.length + 2) l.fail(`has ${given.length} numbers for ${image.length + 2} axes.`, 'ERR_SHAPE');
  const found = given.slice(2).map((extent, i) => (typeof extent === 'number' ? (scales ? extent : extent / image[i]) : Number.NaN));
  const leading = scales === undefined || (given[0] === 1 && given[1] === 1);
  if (!leading || !found.every((factor) => Number.isInteger(factor) && factor >= 1) || !(sizeOf(found) <= 0x1000000)) {
    l.fail(`resizes an image ${formatExtents(image)} by ${formatExtents(given)}; whole factors of its height and width are supported.`);
  }
  return found;
}

function resize(l: Lowering): Value {
  const x = l.examples(0);
  const image = imageOf(l, x);
  const found = factors(l, image);
  const [h, w] = [found.length === 2 ? found[0] : 1, found[found.length - 1]];
  const mode = l.string('mode', 'nearest');
  const coordinates = l.string('coordinate_transformation_mode', 'half_pixel');
  if (mode === 'nearest') {
    const rounding = l.string('nearest_mode', 'round_prefer_floor');
    const repeats = coordinates === 'asymmetric' ? rounding === 'floor' : coordinates === 'half_pixel' || coordinates === 'pytorch_half_pixel';
    if (!repeats) l.fail(`samples by ${coordinates.slice(0, 40)} and ${rounding.slice(0, 40)}; export it from torch.nn.Upsample.`);
    return asImage(l, x, (id) => repeatPixels(l.g, id, h, w));
  }
  if (mode !== 'linear') return l.fail(`interpolates by ${JSON.stringify(mode.slice(0, 40))}; nearest and linear are supported.`);
  if (coordinates !== 'align_corners' && coordinates !== 'half_pixel' && coordinates !== 'pytorch_half_pixel') {
    return l.fail(`samples by ${coordinates.slice(0, 40)}; align_corners and half_pixel are supported.`);
  }
  return asImage(l, x, (id) => interpolateLinearly(l.g, id, [h, w], coordinates === 'align_corners'));
}

export const resamplingOperators: Readonly<Record<string, OperatorRule>> = {
  Resize: {
    attributes: ['coordinate_transformation_mode', 'cubic_coeff_a', 'exclude_outside', 'extrapolation_value', 'mode', 'nearest_mode'],
    lower: resize,
  },
};
