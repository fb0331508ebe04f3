/**
 * @file Strided operands: reads a descriptor, drops extents of 1 and merges neighbouring axes that are one run in every operand.
 *
 * A descriptor is i32s in memory: [ rank | extents… | strides of operand 0… | strides of operand 1… | … ], rank ≤ 8.
 * The result is the module's one `layout` table, of which every broadcasting routine reads what the last call wrote:
 *
 *   extents      | e0 e1 e2 … e7 |     at least two axes, so that there are always two innermost loops
 *   strides of 0 | s0 s1 s2 … s7 |     in elements
 *   strides of 1 | …             |
 *   strides of 2 | …             |
 *   index        | i0 i1 i2 … i7 |     odometer over all axes but the innermost ones
 */

const MAX_RANK: i32 = 8;
const ROW: usize = 32;
const layout: usize = memory.data(160, 16);
const INDEX: usize = 4 * ROW;

let axes: i32 = 0;
let operands: i32 = 0;

/** Reads the descriptor of `count` operands. Returns false when an extent is 0: there is nothing to do. */
export function readLayout(descriptor: usize, count: i32): bool {
  const rank = load<i32>(descriptor);
  operands = count;
  axes = 0;
  for (let d = 0; d < rank; d++) {
    const e = load<i32>(descriptor + (<usize>(1 + d) << 2));
    if (e <= 0) return false;
    if (e == 1) continue;
    if (axes > 0 && continuesRun(descriptor, rank, d, e)) {
      setExtent(axes - 1, extent(axes - 1) * e);
      for (let p = 0; p < count; p++) setStride(p, axes - 1, descriptorStride(descriptor, rank, p, d));
    } else {
      setExtent(axes, e);
      for (let p = 0; p < count; p++) setStride(p, axes, descriptorStride(descriptor, rank, p, d));
      axes++;
    }
  }
  while (axes < 2) prependAxis();
  memory.fill(layout + INDEX, 0, ROW);
  return true;
}

/** A new outermost axis of extent 1. As the only axis it has stride 1: one element is a run. */
function prependAxis(): void {
  for (let d = axes; d > 0; d--) {
    setExtent(d, extent(d - 1));
    for (let p = 0; p < operands; p++) setStride(p, d, stride(p, d - 1));
  }
  setExtent(0, 1);
  for (let p = 0; p < operands; p++) setStride(p, 0, axes == 0 ? 1 : 0);
  axes++;
}

function descriptorStride(descriptor: usize, rank: i32, operand: i32, axis: i32): i32 {
  return load<i32>(descriptor + (<usize>(1 + (1 + operand) * rank + axis) << 2));
}

/** Whether axis d (extent e) of the descriptor continues the last axis read, in every operand. */
function continuesRun(descriptor: usize, rank: i32, d: i32, e: i32): bool {
  for (let p = 0; p < operands; p++) {
    if (stride(p, axes - 1) != descriptorStride(descriptor, rank, p, d) * e) return false;
  }
  return true;
}

/** Number of axes after merging, at least 2. */
export function axisCount(): i32 {
  return axes;
}

export function extent(axis: i32): i32 {
  return load<i32>(layout + (<usize>axis << 2));
}

function setExtent(axis: i32, value: i32): void {
  store<i32>(layout + (<usize>axis << 2), value);
}

/** Stride of an operand, in elements. */
export function stride(operand: i32, axis: i32): i32 {
  return load<i32>(layout + <usize>(1 + operand) * ROW + (<usize>axis << 2));
}

function setStride(operand: i32, axis: i32, value: i32): void {
  store<i32>(layout + <usize>(1 + operand) * ROW + (<usize>axis << 2), value);
}

/** Steps the odometer over the axes before `last`; returns false after the last index. */
export function nextIndex(last: i32): bool {
  for (let d = last - 1; d >= 0; d--) {
    const at = layout + INDEX + (<usize>d << 2);
    const i = load<i32>(at) + 1;
    if (i < extent(d)) {
      store<i32>(at, i);
      return true;
    }
    store<i32>(at, 0);
  }
  return false;
}

/** Offset of an operand at the odometer's index, in elements (modulo 2³²: negative strides are exact). */
export function offset(operand: i32, last: i32): usize {
  let sum: usize = 0;
  for (let d = 0; d < last; d++) sum += <usize>load<i32>(layout + INDEX + (<usize>d << 2)) * <usize>stride(operand, d);
  return sum;
}

/** Exchanges two axes in every operand. */
export function swapAxes(d: i32, e: i32): void {
  const x = extent(d);
  setExtent(d, extent(e));
  setExtent(e, x);
  for (let p = 0; p < operands; p++) {
    const s = stride(p, d);
    setStride(p, d, stride(p, e));
    setStride(p, e, s);
  }
}
