/** @file Geometry of a sliding window over an image: what convolution, patches and pooling share. */

import { TangedgeError } from '../../core/errors.ts';
import { formatShape } from '../../core/tensor.ts';
import type { Attributes, ValueId } from '../graph.ts';
import { type Emitter, listAttribute } from '../primitive.ts';

/** Sizes in [height, width]; padding in [top, left, bottom, right], as ONNX orders it. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

export function windowAttributes(window: Window): Attributes {
  return { kernel: window.kernel, strides: window.strides, padding: window.padding, dilation: window.dilation };
}

export function windowOf(attributes: Attributes): Window {
  return {
    kernel: listAttribute(attributes, 'kernel'),
    strides: listAttribute(attributes, 'strides'),
    padding: listAttribute(attributes, 'padding'),
    dilation: listAttribute(attributes, 'dilation'),
  };
}

/** A window as routines take it: kernel, strides, padding at the top and left, dilation. */
export function windowArguments({ kernel, strides, padding, dilation }: Window) {
  return [kernel[0], kernel[1], strides[0], strides[1], padding[0], padding[1], dilation[0], dilation[1]] as const;
}

/** [oh, ow] of a window over an image of [h, w]: ⌊(h + pads − dilation·(kernel − 1) − 1) / stride⌋ + 1. */
export function windowOutput(operation: string, image: readonly number[], window: Window): [number, number] {
  const extents = [0, 1].map((axis) => {
    const span = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
    return Math.floor((image[axis] + window.padding[axis] + window.padding[axis + 2] - span) / window.strides[axis]) + 1;
  });
  const whole = [...window.kernel, ...window.strides, ...window.dilation].every((extent) => Number.isInteger(extent) && extent >= 1);
  if (!(whole && window.padding.every((extent) => extent >= 0) && extents.every((extent) => extent >= 1))) {
    throw new TangedgeError(
      'ERR_SHAPE',
      `${operation}: a window ${formatShape(window.kernel)} with stride ${formatShape(window.strides)}, padding ${formatShape(window.padding)} and dilation ${formatShape(window.dilation)} has no position in an image of ${formatShape(image)}.`,
      { image: [...image], ...window },
    );
  }
  return [extents[0], extents[1]];
}

/** Throws unless `shape` is [channels, height, width]. */
export function checkImage(operation: string, shape: readonly number[]): readonly [number, number, number] {
  if (shape.length !== 3) {
    throw new TangedgeError('ERR_SHAPE', `${operation}: the input is ${formatShape(shape)} per example; it must be [channels, height, width].`, {
      shape: [...shape],
    });
  }
  return [shape[0], shape[1], shape[2]];
}

/** Convolution kernels are shared by all examples; one that depends on the example has no routine. */
export function checkSharedKernel(g: Emitter, operation: string, kernel: ValueId): void {
  if (g.isBatched(kernel)) {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `${operation}: the kernel depends on the example; only kernels shared by all examples are supported.`,
      {},
    );
  }
}
