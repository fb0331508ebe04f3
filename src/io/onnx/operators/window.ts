/** @file Conv, ConvTranspose, MaxPool, AveragePool: sliding windows with ONNX's paddings. 1-D windows run as 2-D ones of height 1. */

import type { ValueId } from '../../../graph/graph.ts';
import { add, avgPool, conv2d, convTranspose2d, maxPool, reshape } from '../../../graph/primitives/table.ts';
import { BATCH_FIRST } from '../batch-axis.ts';
import type { Lowering, OperatorRule } from '../lowering.ts';
import type { ArrayValue, Value } from '../value.ts';

/** Sizes per axis of the image; padding as [low…, high…]. */
interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilation: readonly number[];
  readonly padding: readonly number[];
}

/** The channels and the image of [N, c, w] or [N, c, h, w]. */
export function imageOf(l: Lowering, x: ArrayValue): readonly number[] {
  const image = l.shapeOf(x).slice(1);
  if (image.length < 1 || image.length > 2)
    l.fail(`takes [N, channels, width] or [N, channels, height, width]; its input has ${l.rankOf(x)} axes.`, 'ERR_SHAPE');
  return image;
}

function geometryOf(l: Lowering, image: readonly number[], kernel: readonly number[]): Geometry {
  const axes = image.length;
  const strides = l.extents('strides', axes, 1, 1);
  const dilation = l.extents('dilations', axes, 1, 1);
  const explicit = l.extents('pads', 2 * axes, 0, 0);
  const spans = kernel.map((extent, i) => dilation[i] * (extent - 1) + 1);
  return { kernel, strides, dilation, padding: autoPadding(l, image, spans, strides) ?? explicit };
}

/** Padding that auto_pad asks for; undefined when the attribute `pads` says it. */
function autoPadding(l: Lowering, image: readonly number[], spans: readonly number[], strides: readonly number[]): number[] | undefined {
  const mode = l.string('auto_pad', 'NOTSET');
  if (mode === 'NOTSET') return undefined;
  if (l.integers('pads')?.some((pad) => pad !== 0)) l.fail(`has both pads and auto_pad ${mode}.`, 'ERR_FORMAT');
  if (mode === 'VALID') return image.flatMap(() => [0, 0]);
  if (mode !== 'SAME_UPPER' && mode !== 'SAME_LOWER') return l.fail(`has auto_pad = ${JSON.stringify(mode.slice(0, 40))}.`, 'ERR_FORMAT');
  // As many windows as image / stride, rounded up; what they need beyond the image is split, the odd one at the named end.
  const total = image.map((extent, i) => Math.max(0, (Math.ceil(extent / strides[i]) - 1) * strides[i] + spans[i] - extent));
  const half = total.map((padding) => Math.floor(padding / 2));
  const rest = total.map((padding, i) => padding - half[i]);
  return mode === 'SAME_UPPER' ? [...half, ...rest] : [...rest, ...half];
}

/**
 * ceil_mode: the last window may reach past the padding, but must start before its high end (PyTorch's rule). The padding
 * that makes the floor formula give as many windows.
 */
function ceilPadding(image: readonly number[], { kernel, strides, dilation, padding }: Geometry): number[] {
  const axes = image.length;
  const high = image.map((extent, i) => {
    const span = dilation[i] * (kernel[i] - 1) + 1;
    const padded = extent + padding[i] + padding[axes + i];
    let windows = Math.ceil((padded - span) / strides[i]) + 1;
    if ((windows - 1) * strides[i] >= extent + padding[i]) windows--;
    return Math.max(padding[axes + i], (windows - 1) * strides[i] + span - extent - padding[i]);
  });
  return [...padding.slice(0, axes), ...high];
}

/** 2-D: [top, left, bottom, right] as the graph orders it; a 1-D window gets height 1. */
function window2d({ kernel, strides, dilation, padding }: Geometry) {
  if (kernel.length === 2) return { kernel, strides, dilation, padding };
  return { kernel: [1, ...kernel], strides: [1, ...strides], dilation: [1, ...dilation], padding: [0, padding[0], 0, padding[1]] };
}

/** Runs `f` on the value as an image of two axes, and gives the result its number of axes back. */
export function asImage(l: Lowering, x: ArrayValue, f: (id: ValueId) => ValueId): Value {
  const shape = l.shapeOf(x);
  if (shape.length === 3) return l.result(f(x.id), BATCH_FIRST);
  const image = f(reshape(l.g, x.id, [shape[0], 1, shape[1]]));
  const [channels, , width] = l.g.shapeOf(image);
  return l.result(reshape(l.g, image, [channels, width]), BATCH_FIRST);
}

function convolution(l: Lowering): Value {
  const x = l.examples(0);
  const image = imageOf(l, x);
  const weight = l.shared(1);
  const [outputs, channels, ...kernel] = l.shapeOf(weight);
  if (kernel.length !== image.length) l.fail(`has a kernel of ${kernel.length + 2} axes for an input of ${l.rankOf(x)}.`, 'ERR_SHAPE');
  if (l.integers('kernel_shape')?.some((extent, i) => extent !== kernel[i]))
    l.fail(`has a kernel_shape that is not its weight's [${kernel.join(', ')}].`, 'ERR_FORMAT');
  const window = window2d(geometryOf(l, image, kernel));
  const groups = l.integer('group', 1);
  const k = reshape(l.g, weight.id, [outputs, channels, ...window.kernel]);
  const bias = l.has(2) ? l.shared(2) : undefined;
  return asImage(l, x, (id) => {
    const y = conv2d(l.g, id, k, window, groups);
    return bias === undefined ? y : add(l.g, y, reshape(l.g, bias.id, [outputs, 1, 1]));
  });
}

/** torch.nn.ConvTranspose1d and 2d: weight [channels, outputs/groups, …]. */
function transposedConvolution(l: Lowering): Value {
  const x = l.examples(0);
  const image = imageOf(l, x);
  const weight = l.shared(1);
  const [channels, perGroup, ...kernel] = l.shapeOf(weight);
  if (kernel.length !== image.length) l.fail(`has a kernel of ${kernel.length + 2} axes for an input of ${l.rankOf(x)}.`, 'ERR_SHAPE');
  if (l.string('auto_pad', 'NOTSET') !== 'NOTSET') l.fail('has auto_pad; explicit pads are supported.');
  if (l.attribute('output_shape') !== undefined) l.fail('has output_shape; explicit pads are supported.');
  const window = window2d(geometryOf(l, image, kernel));
  const extra = l.extents('output_padding', image.length, 0, 0);
  const groups = l.integer('group', 1);
  const bias = l.has(2) ? l.shared(2) : undefined;
  const k = reshape(l.g, weight.id, [channels, perGroup, ...window.kernel]);
  return asImage(l, x, (id) => {
    const y = convTranspose2d(l.g, id, k, window, [extra.length === 2 ? extra[0] : 0, extra[extra.length - 1]], groups);
    return bias === undefined ? y : add(l.g, y, reshape(l.g, bias.id, [l.g.shapeOf(y)[0], 1, 1]));
  });
}

function pooled(l: Lowering): { readonly x: ArrayValue; readonly geometry: Geometry; readonly ceilChanges: boolean } {
  const x = l.examples(0);
  const image = imageOf(l, x);
  const geometry = geometryOf(l, image, l.extents('kernel_shape', image.length, 1, 0));
  const { kernel, dilation, padding } = geometry;
  // A window that lies in the padding alone has no maximum and no mean.
  kernel.forEach((extent, i) => {
    const widest = Math.max(padding[i], padding[kernel.length + i]);
    if (widest > dilation[i] * (extent - 1))
      l.fail(`pads by ${widest} with a window of ${extent}: windows would lie in the padding alone.`, 'ERR_SHAPE');
  });
  if (!l.flag('ceil_mode')) return { x, geometry, ceilChanges: false };
  const extended = ceilPadding(image, geometry);
  return { x, geometry: { ...geometry, padding: extended }, ceilChanges: extended.some((pad, i) => pad !== padding[i]) };
}

function maxPooling(l: Lowering): Value {
  if (l.node.outputs.length > 1 && l.node.outputs[1] !== '') l.fail('returns indices as well; only the maxima are supported.');
  const { x, geometry } = pooled(l);
  return asImage(l, x, (id) => maxPool(l.g, id, window2d(geometry)));
}

function averagePooling(l: Lowering): Value {
  const { x, geometry, ceilChanges } = pooled(l);
  const countIncludePad = l.flag('count_include_pad');
  if (ceilChanges && countIncludePad) l.fail('has ceil_mode and count_include_pad, and windows past the padding; export it with ceil_mode=False.');
  if (geometry.dilation.some((step) => step !== 1)) l.fail('has dilations; average pooling without them is supported.');
  return asImage(l, x, (id) => avgPool(l.g, id, window2d(geometry), countIncludePad));
}

const windowAttributes = ['auto_pad', 'dilations', 'kernel_shape', 'pads', 'strides'];

export const windowOperators: Readonly<Record<string, OperatorRule>> = {
  Conv: { attributes: [...windowAttributes, 'group'], lower: convolution },
  ConvTranspose: { attributes: [...windowAttributes, 'group', 'output_padding', 'output_shape'], lower: transposedConvolution },
  MaxPool: { attributes: [...windowAttributes, 'ceil_mode', 'storage_order'], lower: maxPooling },
  AveragePool: { attributes: [...windowAttributes, 'ceil_mode', 'count_include_pad'], lower: averagePooling },
};
