/** @file Descriptors for the routines that walk strided operands: what extents and strides each operand has. */

import { bytesOf, type Dtype, sizeOf, stridesOf } from '../../core/tensor.ts';
import type { Arena } from '../../wasm/arena.ts';
import type { Evaluation, Operand } from '../primitive.ts';

export interface StridedCopy {
  readonly extents: readonly number[];
  readonly inStrides: readonly number[];
  readonly outStrides: readonly number[];
  readonly inOffset?: number;
  readonly outOffset?: number;
}

/** A copy worked out: its descriptor, and its offsets in bytes. */
export interface PreparedCopy {
  readonly words: Int32Array;
  readonly inBytes: number;
  readonly outBytes: number;
}

export function prepareCopy(dtype: Dtype, { extents, inStrides, outStrides, inOffset = 0, outOffset = 0 }: StridedCopy): PreparedCopy {
  return { words: descriptorOf(extents, [inStrides, outStrides]), inBytes: inOffset * bytesOf(dtype), outBytes: outOffset * bytesOf(dtype) };
}

type CopyContext = Pick<Evaluation, 'arena' | 'routines' | 'dtype'>;

export function runCopy({ arena, routines }: CopyContext, { words, inBytes, outBytes }: PreparedCopy, inPtr: number, outPtr: number): void {
  arena.frame(() => routines.stridedCopy(placeDescriptor(arena, words), inPtr + inBytes, outPtr + outBytes));
}

/** Copies the first input of an evaluation into its output, by strides and offsets in elements. */
export function copyStrided(e: Evaluation, copy: () => StridedCopy): void {
  const prepared = e.once(() => prepareCopy(e.dtype, copy()));
  runCopy(e, prepared, e.inputs[0].ptr, e.output.ptr);
}

/** The same between two addresses. */
export function copyStridedBetween(context: CopyContext, copy: StridedCopy, inPtr: number, outPtr: number): void {
  runCopy(context, prepareCopy(context.dtype, copy), inPtr, outPtr);
}

/** Address of the descriptor that broadcasts the inputs of an evaluation to its output, in the current frame. */
export function broadcastInputs(e: Evaluation): number {
  return placeDescriptor(
    e.arena,
    e.once(() => broadcastWords(e.inputs, e.output)),
  );
}

/** The same of any operands. */
export function broadcastDescriptor(arena: Arena, operands: readonly Operand[], output: Operand): number {
  return placeDescriptor(arena, broadcastWords(operands, output));
}

/** The descriptor of an element-wise operation that broadcasts operands, batch axis included, to the output. */
function broadcastWords(operands: readonly Operand[], output: Operand): Int32Array {
  // The batch axis is split as [repeats, block]: an operand with a smaller batch is read again for every repeat, or has one
  // entry for each repeat.
  let block = output.batch;
  for (const { batch, each } of operands) {
    if (each > 1) block = Math.min(block, each);
    else if (batch > 1) block = Math.min(block, batch);
  }
  const extents = [output.batch / block, block, ...output.shape];
  return descriptorOf(
    extents,
    operands.map((operand) => broadcastStrides(operand, output.shape, block)),
  );
}

function placeDescriptor(arena: Arena, words: Int32Array): number {
  const ptr = arena.allocate(words.byteLength);
  arena.i32(ptr, words.length).set(words);
  return ptr;
}

function broadcastStrides(operand: Operand, shape: readonly number[], block: number): number[] {
  const size = sizeOf(operand.shape);
  const own = stridesOf(operand.shape);
  const missing = shape.length - operand.shape.length;
  const strides = shape.map((_, axis) => (axis < missing || operand.shape[axis - missing] === 1 ? 0 : own[axis - missing]));
  const blockStride = operand.batch === 1 || operand.each > 1 ? 0 : size;
  const repeatStride = operand.each > 1 ? size : operand.batch > block ? block * size : 0;
  return [repeatStride, blockStride, ...strides];
}

/** [ rank | extents | strides of each operand ], with neighbouring axes merged where every operand allows it. */
function descriptorOf(extents: readonly number[], strides: readonly (readonly number[])[]): Int32Array {
  const keptExtents: number[] = [];
  const keptStrides: number[][] = strides.map(() => []);
  for (let axis = 0; axis < extents.length; axis++) {
    if (extents[axis] === 1) continue;
    const last = keptExtents.length - 1;
    const merges = last >= 0 && strides.every((s, k) => keptStrides[k][last] === s[axis] * extents[axis]);
    if (merges) {
      keptExtents[last] *= extents[axis];
      keptStrides.forEach((kept, k) => {
        kept[last] = strides[k][axis];
      });
    } else {
      keptExtents.push(extents[axis]);
      keptStrides.forEach((kept, k) => {
        kept.push(strides[k][axis]);
      });
    }
  }
  if (keptExtents.length === 0) {
    keptExtents.push(1);
    for (const kept of keptStrides) kept.push(1);
  }
  return Int32Array.of(keptExtents.length, ...keptExtents, ...keptStrides.flat());
}
