/** @file Convolution, transposed convolution, pooling and upsampling in 1-D and 2-D, with torch.nn's semantics. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape, sizeOf } from '../core/tensor.ts';
import type { ValueId } from '../graph/graph.ts';
import type { Emitter } from '../graph/primitive.ts';
import { add, affine, avgPool, broadcast, conv2d, convTranspose2d, dense, maxPool, reshape, sum, transpose } from '../graph/primitives/table.ts';
import { type InitialDistribution, uniformByFan } from './initial-distribution.ts';
import { booleanOption, choiceOption, describe, integerOption, type LayerContext, type LayerSpec, nameOption, pairOption } from './layer-context.ts';
import { parameterizationOf } from './parameterization.ts';

type Dimensions = 1 | 2;

/** An option of a 1-D or 2-D layer as [h, w]: 1-D layers have height 1. */
function extents(
  layer: LayerSpec,
  option: string,
  min: number,
  dimensions: Dimensions,
  flat: number,
  fallback?: number | readonly number[],
): [number, number] {
  if (dimensions === 2) return pairOption(layer, option, min, fallback);
  const given = Array.isArray(layer[option]) && layer[option].length === 1 ? { ...layer, [option]: layer[option][0] } : layer;
  const [extent] = pairOption(given, option, min, fallback);
  return [flat, extent];
}

/** [c, l] as [c, 1, l] for the 2-D routines, and back. */
function asImage(c: LayerContext, layer: LayerSpec, x: ValueId, dimensions: Dimensions): ValueId {
  const shape = c.g.shapeOf(x);
  if (shape.length !== dimensions + 1) {
    const wanted = dimensions === 1 ? '[channels, length]' : '[channels, height, width]';
    throw new TangedgeError('ERR_SHAPE', `spec: layer ${describe(layer)} takes ${wanted}, not ${formatShape(shape)}.`, { shape: [...shape] });
  }
  return dimensions === 2 ? x : reshape(c.g, x, [shape[0], 1, shape[1]]);
}

function fromImage(g: Emitter, x: ValueId, dimensions: Dimensions): ValueId {
  const [channels, , width] = g.shapeOf(x);
  return dimensions === 2 ? x : reshape(g, x, [channels, width]);
}

function checkZeroPadding(layer: LayerSpec): void {
  const mode = layer.padding_mode ?? 'zeros';
  if (mode !== 'zeros') {
    throw new TangedgeError(
      'ERR_UNSUPPORTED',
      `spec: layer ${describe(layer)} has padding_mode ${JSON.stringify(mode)}; only 'zeros' is supported.`,
      { mode },
    );
  }
}

function addBias(c: LayerContext, layer: LayerSpec, y: ValueId, channels: number, initial: InitialDistribution, scale: number): ValueId {
  if (!booleanOption(layer, 'bias', true)) return y;
  const bias = affine(c.g, c.parameter(`${nameOption(layer)}.bias`, [channels], initial), scale, 0);
  return add(c.g, y, reshape(c.g, bias, [channels, 1, 1]));
}

export const convolution =
  (dimensions: Dimensions) =>
  (c: LayerContext, layer: LayerSpec, input: ValueId): ValueId => {
    checkZeroPadding(layer);
    const x = asImage(c, layer, input, dimensions);
    const inChannels = integerOption(layer, 'in_channels', 1);
    const outChannels = integerOption(layer, 'out_channels', 1);
    const kernel = extents(layer, 'kernel_size', 1, dimensions, 1);
    const groups = layer.groups === undefined ? 1 : integerOption(layer, 'groups', 1);
    const strides = extents(layer, 'stride', 1, dimensions, 1, 1);
    const dilation = extents(layer, 'dilation', 1, dimensions, 1, 1);
    const padding = convolutionPadding(layer, dimensions, kernel, dilation);
    const rule = parameterizationOf(layer, (inChannels / groups) * kernel[0] * kernel[1]);
    const shape = [outChannels, inChannels / groups, ...kernel.slice(2 - dimensions)];
    const stored = c.parameter(`${nameOption(layer)}.weight`, shape, rule.weightInitial);
    const weight = affine(c.g, reshape(c.g, stored, [outChannels, inChannels / groups, ...kernel]), rule.weight, 0);
    const y = conv2d(c.g, x, weight, { strides, dilation, padding }, groups);
    return fromImage(c.g, addBias(c, layer, y, outChannels, rule.biasInitial, rule.bias), dimensions);
  };

/** [top, left, bottom, right]; 'same' keeps the size at stride 1, the odd element at the end, as torch. */
function convolutionPadding(layer: LayerSpec, dimensions: Dimensions, kernel: readonly number[], dilation: readonly number[]): number[] {
  if (layer.padding === 'valid') return [0, 0, 0, 0];
  if (layer.padding === 'same') {
    const total = kernel.map((extent, axis) => dilation[axis] * (extent - 1));
    const low = total.map((extent) => Math.floor(extent / 2));
    return [...low, ...total.map((extent, axis) => extent - low[axis])];
  }
  const [padH, padW] = extents(layer, 'padding', 0, dimensions, 0, 0);
  return [padH, padW, padH, padW];
}

export const transposedConvolution =
  (dimensions: Dimensions) =>
  (c: LayerContext, layer: LayerSpec, input: ValueId): ValueId => {
    checkZeroPadding(layer);
    const x = asImage(c, layer, input, dimensions);
    const inChannels = integerOption(layer, 'in_channels', 1);
    const outChannels = integerOption(layer, 'out_channels', 1);
    const kernel = extents(layer, 'kernel_size', 1, dimensions, 1);
    const groups = layer.groups === undefined ? 1 : integerOption(layer, 'groups', 1);
    const strides = extents(layer, 'stride', 1, dimensions, 1, 1);
    const [padH, padW] = extents(layer, 'padding', 0, dimensions, 0, 0);
    const dilation = extents(layer, 'dilation', 1, dimensions, 1, 1);
    // As torch: the fan of the stored kernel [in, out/groups, …], whose second axis is the outputs here.
    const initial = uniformByFan((outChannels / groups) * kernel[0] * kernel[1]);
    const shape = [inChannels, outChannels / groups, ...kernel.slice(2 - dimensions)];
    const stored = c.parameter(`${nameOption(layer)}.weight`, shape, initial);
    const weight = reshape(c.g, stored, [inChannels, outChannels / groups, ...kernel]);
    const window = { strides, dilation, padding: [padH, padW, padH, padW] };
    const outputPadding = extents(layer, 'output_padding', 0, dimensions, 0, 0);
    outputPadding.forEach((extent, axis) => {
      if (extent < Math.max(strides[axis], dilation[axis])) return;
      throw new TangedgeError(
        'ERR_SHAPE',
        `spec: layer ${describe(layer)} has output_padding ${extent} ≥ stride ${strides[axis]} and dilation ${dilation[axis]}; it must be smaller than one of them.`,
        { outputPadding: extent, stride: strides[axis], dilation: dilation[axis] },
      );
    });
    const y = convTranspose2d(c.g, x, weight, window, outputPadding, groups);
    return fromImage(c.g, addBias(c, layer, y, outChannels, initial, 1), dimensions);
  };

function poolWindow(layer: LayerSpec, dimensions: Dimensions) {
  if (booleanOption(layer, 'ceil_mode', false)) {
    throw new TangedgeError('ERR_UNSUPPORTED', `spec: layer ${describe(layer)} has ceil_mode; only floor mode is supported.`, { type: layer.type });
  }
  const kernel = extents(layer, 'kernel_size', 1, dimensions, 1);
  const strides = layer.stride === undefined || layer.stride === null ? kernel : extents(layer, 'stride', 1, dimensions, 1);
  const [padH, padW] = extents(layer, 'padding', 0, dimensions, 0, 0);
  return { kernel, strides, padding: [padH, padW, padH, padW] };
}

export const maxPooling =
  (dimensions: Dimensions) =>
  (c: LayerContext, layer: LayerSpec, x: ValueId): ValueId => {
    const window = { ...poolWindow(layer, dimensions), dilation: extents(layer, 'dilation', 1, dimensions, 1, 1) };
    return fromImage(c.g, maxPool(c.g, asImage(c, layer, x, dimensions), window), dimensions);
  };

export const averagePooling =
  (dimensions: Dimensions) =>
  (c: LayerContext, layer: LayerSpec, x: ValueId): ValueId => {
    const pooled = avgPool(c.g, asImage(c, layer, x, dimensions), poolWindow(layer, dimensions), booleanOption(layer, 'count_include_pad', true));
    return fromImage(c.g, pooled, dimensions);
  };

/** AdaptiveAvgPool to sizes that divide the input's; 1 is the mean. */
export const adaptiveAveragePooling =
  (dimensions: Dimensions) =>
  (c: LayerContext, layer: LayerSpec, input: ValueId): ValueId => {
    const x = asImage(c, layer, input, dimensions);
    const [channels, ...size] = c.g.shapeOf(x);
    const output = extents(layer, 'output_size', 1, dimensions, 1, 1);
    if (output.some((extent, axis) => size[axis] % extent !== 0)) {
      throw new TangedgeError(
        'ERR_UNSUPPORTED',
        `spec: layer ${describe(layer)} pools ${formatShape(size)} to ${formatShape(output)}; only sizes that divide it are supported.`,
        {
          size: [...size],
          output,
        },
      );
    }
    if (sizeOf(output) === 1) {
      const total = affine(c.g, sum(c.g, x, [1, 2]), 1 / sizeOf(size), 0);
      return fromImage(c.g, reshape(c.g, total, [channels, 1, 1]), dimensions);
    }
    const kernel = output.map((extent, axis) => size[axis] / extent);
    return fromImage(c.g, avgPool(c.g, x, { kernel, strides: kernel, padding: [0, 0, 0, 0] }, true), dimensions);
  };

/** torch.nn.Upsample(scale_factor, mode): whole factors, `nearest` or `bilinear` (align_corners or not). */
export function upsample(c: LayerContext, layer: LayerSpec, x: ValueId): ValueId {
  const shape = c.g.shapeOf(x);
  const dimensions: Dimensions = shape.length === 2 ? 1 : 2;
  const image = asImage(c, layer, x, dimensions);
  const [scaleH, scaleW] = extents(layer, 'scale_factor', 1, dimensions, 1);
  const mode = choiceOption(layer, 'mode', ['nearest', 'bilinear', 'linear'], 'nearest');
  const resized =
    mode === 'nearest'
      ? repeatPixels(c.g, image, scaleH, scaleW)
      : interpolateLinearly(c.g, image, [scaleH, scaleW], booleanOption(layer, 'align_corners', false));
  return fromImage(c.g, resized, dimensions);
}

/** Each pixel repeated scaleH × scaleW times. */
export function repeatPixels(g: Emitter, x: ValueId, scaleH: number, scaleW: number): ValueId {
  const [channels, h, w] = g.shapeOf(x);
  const spread = broadcast(g, reshape(g, x, [channels, h, 1, w, 1]), [channels, h, scaleH, w, scaleW]);
  return reshape(g, spread, [channels, h * scaleH, w * scaleW]);
}

/** Bilinear interpolation as one small matrix per axis. */
export function interpolateLinearly(g: Emitter, x: ValueId, scales: readonly [number, number], alignCorners: boolean): ValueId {
  const [, h, w] = g.shapeOf(x);
  const alongWidth = dense(g, x, g.constantTensor(interpolationMatrix(w, scales[1], alignCorners)));
  const turned = transpose(g, alongWidth, [0, 2, 1]);
  return transpose(g, dense(g, turned, g.constantTensor(interpolationMatrix(h, scales[0], alignCorners))), [0, 2, 1]);
}

/** [size·scale, size]: row i holds the weights of its two source pixels, torch's half-pixel rule or aligned corners. */
function interpolationMatrix(size: number, scale: number, alignCorners: boolean): { shape: number[]; data: Float64Array } {
  const out = size * scale;
  const data = new Float64Array(out * size);
  for (let i = 0; i < out; i++) {
    const source = alignCorners ? (out > 1 ? (i * (size - 1)) / (out - 1) : 0) : Math.max(0, (i + 0.5) / scale - 0.5);
    const low = Math.min(size - 1, Math.floor(source));
    const high = Math.min(size - 1, low + 1);
    data[i * size + low] += 1 - (source - low);
    data[i * size + high] += source - low;
  }
  return { shape: [out, size], data };
}
