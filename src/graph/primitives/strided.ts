/** @file Descriptors for the routines that walk strided operands: what extents and strides each operand has. */

import { bytesOf, sizeOf, stridesOf } from '../../core/tensor.ts';
import type { Arena } from '../../wasm/arena.ts';
import type { Evaluation, Operand } from '../primitive.ts';

export interface StridedCopy {
  readonly extents: readonly number[];
  readonly inStrides: readonly number[];
  readonly outStrides: readonly number[];
  readonly inOffset?: number;
  readonly outOffset?: number;
}

/** Copies input `index` of an evaluation into its output, by strides and offsets in elements. */
export function copyStrided(e: Evaluation, copy: StridedCopy, index = 0): void {
  copyStridedBetween(e, copy, e.inputs[index].ptr, e.output.ptr);
}

/** The same between two addresses. */
export function copyStridedBetween(
  { arena, routines, dtype }: Pick<Evaluation, 'arena' | 'routines' | 'dtype'>,
  copy: StridedCopy,
  inPtr: number,
  outPtr: number,
): void {
  const bytes = bytesOf(dtype);
  arena.frame(() => {
    const descPtr = writeDescriptor(arena, copy.extents, [copy.inStrides, copy.outStrides]);
    routines.stridedCopy(descPtr, inPtr + (copy.inOffset ?? 0) * bytes, outPtr + (copy.outOffset ?? 0) * bytes);
  });
}

/** The descriptor of an element-wise operation that broadcasts operands, batch axis included, to the output. */
export function broadcastDescriptor(arena: Arena, operands: readonly Operand[], output: Operand): number {
  // The batch axis is split as [repeats, block]: an operand with a smaller batch is read again for every repeat, or has one
  // entry for each repeat.
  let block = output.batch;
  for (const { batch, each } of operands) {
    if (each > 1) block = Math.min(block, each);
    else if (batch > 1) block = Math.min(block, batch);
  }
  const extents = [output.batch / block, block, ...output.shape];
  return writeDescriptor(
    arena,
    extents,
    operands.map((operand) => broadcastStrides(operand, output.shape, block)),
  );
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
function writeDescriptor(arena: Arena, extents: readonly number[], strides: readonly (readonly number[])[]): number {
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
  const words = [keptExtents.length, ...keptExtents, ...keptStrides.flat()];
  const ptr = arena.allocate(words.length * 4);
  arena.i32(ptr, words.length).set(words);
  return ptr;
}
