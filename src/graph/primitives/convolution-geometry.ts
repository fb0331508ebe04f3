/** @file Extents of a 2-D convolution, from the attributes of its primitives, and the routines that visit its windows. */

import { TangedgeError } from '../../core/errors.ts';
import { formatShape, sameShape } from '../../core/tensor.ts';
import type { Attributes } from '../graph.ts';
import { type Evaluation, listAttribute, numberAttribute } from '../primitive.ts';
import { checkImage, type Window, windowArguments, windowOf, windowOutput } from './window.ts';

/** Everything a routine call needs, from the attributes. */
export interface Geometry {
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly o: number;
  readonly oh: number;
  readonly ow: number;
  readonly groups: number;
  readonly window: Window;
  /** Channels per group × kh × kw. */
  readonly patch: number;
}

export function geometryOf(operation: string, attributes: Attributes): Geometry {
  const [c, h, w] = checkImage(operation, listAttribute(attributes, 'image'));
  const window = windowOf(attributes);
  const [oh, ow] = windowOutput(operation, [h, w], window);
  const groups = 'groups' in attributes ? numberAttribute(attributes, 'groups') : 1;
  const o = 'outputs' in attributes ? numberAttribute(attributes, 'outputs') : 0;
  if (!(Number.isInteger(groups) && groups >= 1 && c % groups === 0 && o % groups === 0)) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: ${groups} groups do not divide ${c} input and ${o} output channels.`, { groups, c, o });
  }
  return { c, h, w, o, oh, ow, groups, window, patch: (c / groups) * window.kernel[0] * window.kernel[1] };
}

/** Throws unless an operand has the shape that the geometry gives it. */
export function checkOperand(operation: string, name: string, shape: readonly number[], expected: readonly number[]): void {
  if (!sameShape(shape, expected)) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: ${name} is ${formatShape(shape)}, the geometry needs ${formatShape(expected)}.`, {
      shape: [...shape],
      expected: [...expected],
    });
  }
}

/** Calls a routine of convolution.ts on the channels of one group of consecutive images. */
export function visitWindows(
  e: Evaluation,
  name: 'im2col' | 'unfold' | 'fold',
  g: Geometry,
  examples: number,
  group: number,
  from: number,
  to: number,
): void {
  e.routines[name](
    examples,
    g.c,
    g.h,
    g.w,
    (group * g.c) / g.groups,
    ((group + 1) * g.c) / g.groups,
    ...windowArguments(g.window),
    g.oh,
    g.ow,
    from,
    to,
  );
}
