/**
 * @file Where an ONNX value has the batch, which the graph keeps implicit.
 *
 * Exporters move the batch (recurrent layers take [T, N, d]) and merge it with its neighbours (attention multiplies
 * [N·heads, T, d], and projects [T·N, d]). Row-major, a file's value is [before…, outer·N·inner, after…].
 */

import { sizeOf } from '../../core/tensor.ts';
import { type Extent, isMultipleOfBatch } from './extent.ts';

/**
 * Axis `axis` of the file has outer·N·inner entries. The graph's value has no such axis where outer and inner are 1, and
 * two axes [outer, inner] in its place otherwise.
 */
export interface BatchAxis {
  readonly axis: number;
  readonly outer: number;
  readonly inner: number;
}

/** The batch as models take it. */
export const BATCH_FIRST: BatchAxis = { axis: 0, outer: 1, inner: 1 };

export function isMerged({ outer, inner }: BatchAxis): boolean {
  return outer * inner !== 1;
}

/** The batch axis alone, at another position. */
export function movedTo(batch: BatchAxis | undefined, axis: number): BatchAxis | undefined {
  return batch === undefined ? undefined : { ...batch, axis };
}

/** The axes of the graph's value that are axis `axis` of the file's: none for the batch, two where it is merged. */
export function graphAxes(batch: BatchAxis | undefined, axis: number): readonly number[] {
  if (batch === undefined || axis < batch.axis) return [axis];
  if (axis === batch.axis) return isMerged(batch) ? [axis, axis + 1] : [];
  return [isMerged(batch) ? axis + 1 : axis - 1];
}

/** The file's shape of a value whose graph shape is `shape`. */
export function fileShape(shape: readonly number[], batch: BatchAxis | undefined): Extent[] {
  if (batch === undefined) return [...shape];
  const { axis, outer, inner } = batch;
  return [...shape.slice(0, axis), { perExample: outer * inner, plus: 0 }, ...shape.slice(isMerged(batch) ? axis + 2 : axis)];
}

export interface Regrouped {
  readonly shape: readonly number[];
  readonly batch: BatchAxis | undefined;
}

/**
 * The reshape of [before…, outer·N·inner, after…] to `target` (no zeros, no −1), N kept between the elements before and
 * after it; undefined when no axis of the target can hold it.
 *
 * A fixed batch of one that does not keep an axis of its own could be anywhere: it is given up, and the value is taken as
 * what one example makes.
 */
export function regroup(
  from: Regrouped & { readonly batch: BatchAxis },
  target: readonly Extent[],
  fixedBatch: number | undefined,
): Regrouped | undefined {
  const { axis, outer } = from.batch;
  const before = sizeOf(from.shape.slice(0, axis)) * (isMerged(from.batch) ? outer : 1);
  const after = sizeOf(from.shape) / before;
  const candidates = target.flatMap((extent, position): BatchAxis[] => {
    const rest = target.filter((_, i) => i !== position);
    if (!rest.every((other) => typeof other === 'number')) return [];
    const numbers = rest as number[];
    const outerPart = before / sizeOf(numbers.slice(0, position));
    const innerPart = after / sizeOf(numbers.slice(position));
    const whole = Number.isInteger(outerPart) && Number.isInteger(innerPart);
    return whole && isMultipleOfBatch(extent, outerPart * innerPart, fixedBatch) ? [{ axis: position, outer: outerPart, inner: innerPart }] : [];
  });
  const alone = candidates.filter((candidate) => !isMerged(candidate));
  const batch = alone.find((candidate) => candidate.axis === axis) ?? alone[0] ?? (fixedBatch === 1 ? undefined : candidates[0]);
  if (batch !== undefined) {
    const own = isMerged(batch) ? [batch.outer, batch.inner] : [];
    return { shape: target.flatMap((extent, i) => (i === batch.axis ? own : [extent as number])), batch };
  }
  if (fixedBatch !== 1) return undefined;
  const shape = target.map((extent) => (typeof extent === 'number' ? extent : extent.perExample + extent.plus));
  return sizeOf(shape) === sizeOf(from.shape) ? { shape, batch: undefined } : undefined;
}
