/** @file Strided layouts: the offset of every element of an array of any rank, in row-major order of its extents. */

/** Offsets Σ index·stride for every index, row-major. */
export function offsetsOf(extents: readonly number[], strides: readonly number[]): number[] {
  let offsets = [0];
  extents.forEach((extent, axis) => {
    offsets = offsets.flatMap((base) => Array.from({ length: extent }, (_, i) => base + i * strides[axis]));
  });
  return offsets;
}
