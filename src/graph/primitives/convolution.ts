/**
 * @file 2-D convolution (stride, padding, dilation, groups) and its two gradients.
 *
 * The three are the partial gradients of one trilinear form T(x, k, d) = ⟨d, conv2d(x, k)⟩, so each one's derivatives
 * are the other two. All run through what each tap sees, [channels·kh·kw, positions], one example and group at a time.
 */

import { TangedgeError } from '../../core/errors.ts';
import { bytesOf, formatShape, sizeOf } from '../../core/tensor.ts';
import type { Attributes, ValueId } from '../graph.ts';
import { type Emitter, type Evaluation, entryOf, entryOffset, listAttribute, type Operand, type Primitive } from '../primitive.ts';
import { leavesZerosOut } from '../shared-zeros.ts';
import { bilinearTangent } from './arithmetic.ts';
import { checkOperand, type Geometry, geometryOf, visitWindows } from './convolution-geometry.ts';
import { pad } from './shape.ts';
import { copyStridedBetween } from './strided.ts';
import { checkSharedKernel, type Window, windowArguments, windowAttributes } from './window.ts';

/** y = x ⋆ k: x [c, h, w], k [o, c/groups, kh, kw] → [o, oh, ow] (cross-correlation, as torch.nn.Conv2d). */
export function conv2d(g: Emitter, x: ValueId, k: ValueId, window: Omit<Window, 'kernel'>, groups = 1): ValueId {
  const shape = g.shapeOf(k);
  return convolve(g, x, k, { ...windowAttributes({ ...window, kernel: shape.slice(2) }), groups, image: g.shapeOf(x), outputs: shape[0] });
}

/**
 * Transposed convolution, torch.nn.ConvTranspose2d: the input gradient of a convolution, used forward.
 * x [c, h, w], k [c, o/groups, kh, kw] → [o, (h − 1)·stride − pads + dilation·(kh − 1) + 1 + outputPadding, …].
 */
export function convTranspose2d(
  g: Emitter,
  x: ValueId,
  k: ValueId,
  window: Omit<Window, 'kernel'>,
  outputPadding: readonly [number, number],
  groups = 1,
): ValueId {
  const kernel = g.shapeOf(k);
  const image = [0, 1].map(
    (axis) =>
      (g.shapeOf(x)[axis + 1] - 1) * window.strides[axis] -
      window.padding[axis] -
      window.padding[axis + 2] +
      window.dilation[axis] * (kernel[axis + 2] - 1) +
      1 +
      outputPadding[axis],
  );
  const attributes = {
    ...windowAttributes({ ...window, kernel: kernel.slice(2) }),
    groups,
    image: [kernel[1] * groups, ...image],
    outputs: kernel[0],
  };
  // Output padding of a stride or more makes room for positions of the convolution that x does not have: they are zero.
  const beyond = outputPadding.map((extent, axis) => Math.floor(extent / window.strides[axis]));
  const d = beyond.some((extent) => extent > 0) ? pad(g, x, [0, 0, 0], [0, ...beyond]) : x;
  return inputGradient(g, d, k, attributes);
}

function convolve(g: Emitter, x: ValueId, k: ValueId, attributes: Attributes): ValueId {
  checkSharedKernel(g, 'conv2d', k);
  return g.emit('conv2d', [x, k], attributes);
}

function inputGradient(g: Emitter, d: ValueId, k: ValueId, attributes: Attributes): ValueId {
  checkSharedKernel(g, 'conv2dInputGradient', k);
  return g.emit('conv2dInputGradient', [d, k], attributes);
}

function weightGradient(g: Emitter, d: ValueId, x: ValueId, attributes: Attributes): ValueId {
  return g.emit('conv2dWeightGradient', [d, x], { ...attributes, sumBatch: false });
}

/** Patches of x: [c, h, w] → [oh·ow, c·kh·kw], what every output position of a convolution sees. */
export function patches(g: Emitter, x: ValueId, window: Window): ValueId {
  return g.emit('patches', [x], { ...windowAttributes(window), image: g.shapeOf(x) });
}

/** Address of batch entry b of an operand whose entries hold `size` elements. */
function entryPtr(e: Evaluation, operand: Operand, size: number, b: number): number {
  return operand.ptr + entryOf(operand, b) * size * bytesOf(e.dtype);
}

/** Arena bytes for one group's taps and the product over them. */
function scratchBytes(e: Omit<Evaluation, 'arena' | 'once'>, geometry: Geometry): number {
  const s = geometry.oh * geometry.ow;
  const o = geometry.o / geometry.groups;
  const stacked = stackedEntries(geometry) * o;
  const products = [
    e.routines.gemmScratchBytes(o, s, geometry.patch),
    e.routines.gemmScratchBytes(geometry.patch, s, o),
    e.routines.gemmScratchBytes(stacked, geometry.patch, s),
    e.routines.gemmSharedZerosScratchBytes(geometry.patch, s),
  ];
  return (s * geometry.patch + stacked * (s + geometry.patch)) * bytesOf(e.dtype) + Math.max(...products) + 1024;
}

const conv2dRow: Primitive = {
  name: 'conv2d',
  infer: ([x, k], attributes) => {
    const { c, o, oh, ow, groups } = geometryOf('conv2d', attributes);
    checkOperand('conv2d', 'the input', x, listAttribute(attributes, 'image'));
    if (k.length !== 4 || k[1] !== c / groups) {
      throw new TangedgeError(
        'ERR_SHAPE',
        `conv2d: kernel ${formatShape(k)} and input ${formatShape(x)} do not chain: the kernel takes ${k[1]} channels, each of ${groups} groups has ${c / groups}.`,
        {
          kernel: [...k],
          input: [...x],
        },
      );
    }
    return { shape: [o, oh, ow] };
  },
  evaluate: (e) => {
    const [x, k] = e.inputs;
    const geometry = geometryOf('conv2d', e.attributes);
    const { o, oh, ow, groups, patch } = geometry;
    const s = oh * ow;
    const og = o / groups;
    const bytes = bytesOf(e.dtype);
    e.arena.frame(() => {
      const tapsPtr = e.arena.allocateArray(e.dtype, patch * s);
      const scratch = e.arena.allocate(e.routines.gemmScratchBytes(og, s, patch));
      for (let b = 0; b < e.output.batch; b++) {
        for (let group = 0; group < groups; group++) {
          visitWindows(e, 'unfold', geometry, 1, group, entryPtr(e, x, sizeOf(x.shape), b), tapsPtr);
          const kPtr = k.ptr + group * og * patch * bytes;
          const outPtr = e.output.ptr + (b * o + group * og) * s * bytes;
          e.routines.gemm(og, s, patch, 1, kPtr, patch, 1, tapsPtr, s, 1, 0, outPtr, s, 1, scratch);
        }
      }
    });
  },
  jvp: (g, { inputs, attributes }, tangents) => bilinearTangent(g, inputs, tangents, (x, k) => convolve(g, x, k, attributes)),
  vjp: (g, { inputs: [x, k], attributes }, d) => [inputGradient(g, d, k, attributes), weightGradient(g, d, x, attributes)],
  flops: (_, output, attributes) => 2 * sizeOf(output) * geometryOf('conv2d', attributes).patch,
  scratchBytes: (e) => scratchBytes(e, geometryOf('conv2d', e.attributes)),
};

/** Terms of gemm's longest sum, KC of assembly/gemm.ts: above it a product is the sum of several, which the routine below does not form. */
const LONGEST_SUM = 512;

/** Examples whose outputs' cotangents are zero at the same places, when an input gradient should leave those out; else 0. */
function examplesWithZeros({ batch, sharedZeros = 0 }: Pick<Operand, 'batch' | 'sharedZeros'>, { c, o, groups }: Geometry): number {
  return sharedZeros > 0 && leavesZerosOut(batch / sharedZeros, c / groups) && o / groups <= LONGEST_SUM ? sharedZeros : 0;
}

function nonzerosScratchBytes({ routines }: Pick<Evaluation, 'routines'>, rows: number, { c, h, w, o, ow, groups, window }: Geometry): number {
  const { kernel, dilation } = window;
  return routines.convolutionSharedZerosScratchBytes(rows, c / groups, h, w, o / groups, kernel[0], kernel[1], dilation[0], ow);
}

/** The input gradients of cotangents whose zeros the outputs of an example share. */
function inputGradientsOfNonzeros(e: Evaluation, g: Geometry, examples: number): void {
  const [d, k] = e.inputs;
  const { c, h, w, o, oh, ow, groups, patch } = g;
  const rows = d.batch / examples;
  const bytes = bytesOf(e.dtype);
  const [sizeD, sizeX] = [o * oh * ow, c * h * w];
  e.arena.frame(() => {
    const scratch = e.arena.allocate(nonzerosScratchBytes(e, rows, g));
    for (let group = 0; group < groups; group++) {
      e.routines.convolutionSharedZeros(
        examples,
        rows,
        c / groups,
        h,
        w,
        o / groups,
        ...windowArguments(g.window),
        oh,
        ow,
        d.ptr + (group * sizeD * bytes) / groups,
        sizeD,
        examples * sizeD,
        k.ptr + ((group * o) / groups) * patch * bytes,
        e.wanted ? e.wanted.ptr + (group * sizeX * bytes) / groups : 0,
        sizeX,
        e.output.ptr + (group * sizeX * bytes) / groups,
        sizeX,
        examples * sizeX,
        scratch,
      );
    }
  });
}

const inputGradientRow: Primitive = {
  name: 'conv2dInputGradient',
  infer: ([d], attributes) => {
    const { o, oh, ow } = geometryOf('conv2dInputGradient', attributes);
    checkOperand('conv2dInputGradient', 'the cotangent', d, [o, oh, ow]);
    return { shape: listAttribute(attributes, 'image') };
  },
  evaluate: (e) => {
    const [d, k] = e.inputs;
    const geometry = geometryOf('conv2dInputGradient', e.attributes);
    const { o, oh, ow, groups, patch } = geometry;
    const s = oh * ow;
    const og = o / groups;
    const bytes = bytesOf(e.dtype);
    const imageSize = sizeOf(e.output.shape);
    const examples = examplesWithZeros(d, geometry);
    if (examples > 0) {
      inputGradientsOfNonzeros(e, geometry, examples);
      return;
    }
    e.routines.fill(e.output.batch * imageSize, 0, e.output.ptr);
    e.arena.frame(() => {
      const tapsPtr = e.arena.allocateArray(e.dtype, patch * s);
      const scratch = e.arena.allocate(e.routines.gemmScratchBytes(patch, s, og));
      for (let b = 0; b < e.output.batch; b++) {
        for (let group = 0; group < groups; group++) {
          const dPtr = entryPtr(e, d, o * s, b) + group * og * s * bytes;
          const kPtr = k.ptr + group * og * patch * bytes;
          e.routines.gemm(patch, s, og, 1, kPtr, 1, patch, dPtr, s, 1, 0, tapsPtr, s, 1, scratch);
          visitWindows(e, 'fold', geometry, 1, group, tapsPtr, e.output.ptr + b * imageSize * bytes);
        }
      }
    });
  },
  jvp: (g, { inputs, attributes }, tangents) => bilinearTangent(g, inputs, tangents, (d, k) => inputGradient(g, d, k, attributes)),
  vjp: (g, { inputs: [d, k], attributes }, x) => [convolve(g, x, k, attributes), weightGradient(g, d, x, attributes)],
  flops: ([d], _, attributes) => 2 * sizeOf(d) * geometryOf('conv2dInputGradient', attributes).patch,
  computesWanted: ({ inputs: [d], attributes }, batch) => examplesWithZeros(d, geometryOf('conv2dInputGradient', attributes)) === batch,
  scratchBytes: (e) => {
    const geometry = geometryOf('conv2dInputGradient', e.attributes);
    const examples = examplesWithZeros(e.inputs[0], geometry);
    return examples > 0 ? nonzerosScratchBytes(e, e.inputs[0].batch / examples, geometry) + 1024 : scratchBytes(e, geometry);
  },
};

/** Rows of a product of stacked cotangents: enough for full speed. */
const STACKED_ROWS = 320;

function stackedEntries({ o, groups }: Pick<Geometry, 'o' | 'groups'>): number {
  return Math.max(1, Math.floor(STACKED_ROWS / Math.max(1, o / groups)));
}

interface Stack {
  /** [entries·o, s] cotangents, [entries·o, patch] gradients. */
  readonly dPtr: number;
  readonly outPtr: number;
  readonly scratch: number;
}

function startStack(e: Evaluation, geometry: Geometry): Stack {
  const rows = stackedEntries(geometry) * (geometry.o / geometry.groups);
  const s = geometry.oh * geometry.ow;
  return {
    dPtr: e.arena.allocateArray(e.dtype, rows * s),
    outPtr: e.arena.allocateArray(e.dtype, rows * geometry.patch),
    scratch: e.arena.allocate(e.routines.gemmScratchBytes(rows, geometry.patch, s)),
  };
}

/** The gradients of one group for the entries first, first + step, … that see the same taps, as products of many rows. */
function stackedWeightGradients(
  e: Evaluation,
  { o, oh, ow, groups, patch }: Geometry,
  stack: Stack,
  { first, step, count, group, tapsPtr }: { first: number; step: number; count: number; group: number; tapsPtr: number },
): void {
  const [d] = e.inputs;
  const s = oh * ow;
  const og = o / groups;
  const bytes = bytesOf(e.dtype);
  const most = stackedEntries({ o, groups });
  const dStep = d.each > 1 ? 1 : step;
  for (let start = 0; start < count; start += most) {
    const entries = Math.min(most, count - start);
    const b = first + start * step;
    const from = entryPtr(e, d, o * s, b) + group * og * s * bytes;
    const inPlace = groups === 1 && dStep === 1;
    if (!inPlace) {
      const copy = { extents: [entries, og * s], inStrides: [dStep * o * s, 1], outStrides: [og * s, 1] };
      copyStridedBetween(e, copy, from, stack.dPtr);
    }
    const dPtr = inPlace ? from : stack.dPtr;
    e.routines.gemm(entries * og, patch, s, 1, dPtr, s, 1, tapsPtr, 1, s, 0, stack.outPtr, patch, 1, stack.scratch);
    const at = entryOffset(e.output, b);
    const copy = { extents: [entries, og * patch], inStrides: [og * patch, 1], outStrides: [entryOffset(e.output, b + step) - at, 1] };
    copyStridedBetween(e, copy, stack.outPtr, e.output.ptr + (at + group * og * patch) * bytes);
  }
}

const weightGradientRow: Primitive = {
  name: 'conv2dWeightGradient',
  infer: ([d, x], attributes) => {
    const { c, o, oh, ow, groups, window } = geometryOf('conv2dWeightGradient', attributes);
    checkOperand('conv2dWeightGradient', 'the cotangent', d, [o, oh, ow]);
    checkOperand('conv2dWeightGradient', 'the input', x, listAttribute(attributes, 'image'));
    return { shape: [o, c / groups, ...window.kernel], ...(attributes.sumBatch ? { batched: false } : {}) };
  },
  evaluate: (e) => {
    const [d, x] = e.inputs;
    const geometry = geometryOf('conv2dWeightGradient', e.attributes);
    const { o, oh, ow, groups, patch } = geometry;
    const s = oh * ow;
    const og = o / groups;
    const bytes = bytesOf(e.dtype);
    const sums = Boolean(e.attributes.sumBatch);
    const batch = sums ? Math.max(d.batch, x.batch) : e.output.batch;
    // Taps once per image, for all entries that read it: first, first + step, …
    const perImage = batch / x.batch;
    const step = x.each > 1 ? 1 : x.batch;
    const leavesOut = !sums && x.each === 1 && d.sharedZeros === x.batch && leavesZerosOut(perImage, patch);
    e.arena.frame(() => {
      const tapsPtr = e.arena.allocateArray(e.dtype, patch * s);
      const scratch = e.arena.allocate(leavesOut ? e.routines.gemmSharedZerosScratchBytes(patch, s) : e.routines.gemmScratchBytes(og, patch, s));
      const stack = sums || perImage === 1 || leavesOut ? null : startStack(e, geometry);
      for (let image = 0; image < x.batch; image++) {
        const first = image * x.each;
        for (let group = 0; group < groups; group++) {
          visitWindows(e, 'unfold', geometry, 1, group, entryPtr(e, x, sizeOf(x.shape), first), tapsPtr);
          if (leavesOut) {
            // A channel's cotangents of all outputs are zero at the same positions.
            const dPtr = entryPtr(e, d, o * s, first) + group * og * s * bytes;
            const at = entryOffset(e.output, first);
            const outPtr = e.output.ptr + (at + group * og * patch) * bytes;
            const [rsd, rsOut] = [step * o * s, entryOffset(e.output, first + step) - at];
            e.routines.gemmSharedZeros(og, perImage, patch, s, dPtr, s, rsd, tapsPtr, 1, s, outPtr, patch, rsOut, 0, scratch);
            continue;
          }
          if (stack) {
            stackedWeightGradients(e, geometry, stack, { first, step, count: perImage, group, tapsPtr });
            continue;
          }
          for (let b = first; b < batch; b += step) {
            const dPtr = entryPtr(e, d, o * s, b) + group * og * s * bytes;
            const outPtr = e.output.ptr + ((sums ? 0 : entryOffset(e.output, b)) + group * og * patch) * bytes;
            e.routines.gemm(og, patch, s, 1, dPtr, s, 1, tapsPtr, 1, s, sums && b > 0 ? 1 : 0, outPtr, patch, 1, scratch);
          }
        }
      }
    });
  },
  jvp: (g, { inputs, attributes }, tangents) => bilinearTangent(g, inputs, tangents, (d, x) => g.emit('conv2dWeightGradient', [d, x], attributes)),
  vjp: (g, { inputs: [d, x], attributes }, k) => [convolve(g, x, k, attributes), inputGradient(g, d, k, attributes)],
  flops: ([d], _, attributes) => 2 * sizeOf(d) * geometryOf('conv2dWeightGradient', attributes).patch,
  spacesEntries: true,
  scratchBytes: (e) => scratchBytes(e, geometryOf('conv2dWeightGradient', e.attributes)),
};

const patchesRow: Primitive = {
  name: 'patches',
  infer: (_, attributes) => {
    const { oh, ow, patch } = geometryOf('patches', attributes);
    return { shape: [oh * ow, patch] };
  },
  evaluate: (e) => {
    const [x] = e.inputs;
    visitWindows(e, 'im2col', geometryOf('patches', e.attributes), x.batch, 0, x.ptr, e.output.ptr);
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : g.emit('patches', [tangent], node.attributes)),
  vjp: (g, node, cotangent) => [g.emit('patchesTranspose', [cotangent], node.attributes)],
  flops: () => 0,
};

const patchesTransposeRow: Primitive = {
  name: 'patchesTranspose',
  infer: ([p], attributes) => {
    const { oh, ow, patch } = geometryOf('patchesTranspose', attributes);
    checkOperand('patchesTranspose', 'the patches', p, [oh * ow, patch]);
    return { shape: listAttribute(attributes, 'image') };
  },
  evaluate: (e) => {
    const [p] = e.inputs;
    e.routines.fill(p.batch * sizeOf(e.output.shape), 0, e.output.ptr);
    const geometry = geometryOf('patchesTranspose', e.attributes);
    const [s, patch] = p.shape;
    e.arena.frame(() => {
      const tapsPtr = e.arena.allocateArray(e.dtype, p.batch * s * patch);
      copyStridedBetween(e, { extents: [p.batch, patch, s], inStrides: [s * patch, 1, patch], outStrides: [s * patch, s, 1] }, p.ptr, tapsPtr);
      visitWindows(e, 'fold', geometry, p.batch, 0, tapsPtr, e.output.ptr);
    });
  },
  jvp: (g, node, [tangent]) => (tangent === null ? null : g.emit('patchesTranspose', [tangent], node.attributes)),
  vjp: (g, node, cotangent) => [g.emit('patches', [cotangent], node.attributes)],
  flops: ([p]) => sizeOf(p),
  scratchBytes: (e) => e.inputs[0].batch * sizeOf(e.inputs[0].shape) * bytesOf(e.dtype) + 1024,
};

export const convolutionPrimitives: readonly Primitive[] = [conv2dRow, inputGradientRow, weightGradientRow, patchesRow, patchesTransposeRow];
