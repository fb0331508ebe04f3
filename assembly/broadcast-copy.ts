/**
 * @file stridedCopy: out ← in over two strided layouts (transpose, slice, broadcast, pad, concat are all this).
 *
 * Axes that are one run in both layouts are merged; what is left is one of
 *
 *   both innermost strides 1             memory.copy of runs
 *   output 1, another axis has input 1   blocked transpose of those two axes
 *   otherwise                            element by element
 */

import { axisCount, extent, nextIndex, offset, readLayout, stride, swapAxes } from "./broadcast-layout";
import { transpose } from "./broadcast-transpose";
import { copyRun } from "./memory";

const INPUT: i32 = 0;
const OUTPUT: i32 = 1;

/** Bytes from which a run is copied in vectors, and from which it is worth the call of memory.copy. */
const VECTORS: i32 = 32;
const LONG: i32 = 160;

function copyStrided<T>(descriptor: usize, from: usize, to: usize): void {
  if (!readLayout(descriptor, 2)) return;
  const last = axisCount() - 1;
  for (let d = 0; d < last; d++) {
    if (stride(OUTPUT, d) == 1 && stride(OUTPUT, last) != 1) swapAxes(d, last);
  }
  if (stride(OUTPUT, last) == 1 && stride(INPUT, last) != 1) {
    for (let d = 0; d < last; d++) {
      if (stride(INPUT, d) == 1) {
        swapAxes(d, last - 1);
        copyTransposed<T>(last, from, to);
        return;
      }
    }
  }
  copyRuns<T>(last, from, to);
}

/** The innermost axis in runs or element by element, inside the one before it, an odometer over the others. */
function copyRuns<T>(last: i32, from: usize, to: usize): void {
  const rows = extent(last - 1), n = extent(last);
  const si = stride(INPUT, last), so = stride(OUTPUT, last);
  const bytes = n * <i32>sizeof<T>();
  const isRun = bytes >= VECTORS && si == 1 && so == 1;
  const stepIn = <usize>si * sizeof<T>(), stepOut = <usize>so * sizeof<T>();
  const rowIn = <usize>stride(INPUT, last - 1) * sizeof<T>(), rowOut = <usize>stride(OUTPUT, last - 1) * sizeof<T>();
  do {
    let sourceRow = from + offset(INPUT, last - 1) * sizeof<T>();
    let targetRow = to + offset(OUTPUT, last - 1) * sizeof<T>();
    for (let row = 0; row < rows; row++) {
      if (isRun && bytes >= LONG) {
        memory.copy(targetRow, sourceRow, bytes);
      } else if (isRun) {
        copyRun<T>(bytes, sourceRow, targetRow);
      } else {
        let source = sourceRow, target = targetRow;
        for (let i = 0; i < n; i++) {
          store<T>(target, load<T>(source));
          source += stepIn;
          target += stepOut;
        }
      }
      sourceRow += rowIn;
      targetRow += rowOut;
    }
  } while (nextIndex(last - 1));
}

/** Axis last − 1 has input stride 1, axis last has output stride 1. */
function copyTransposed<T>(last: i32, from: usize, to: usize): void {
  const toRow = <usize>stride(OUTPUT, last - 1) * sizeof<T>();
  const fromRow = <usize>stride(INPUT, last) * sizeof<T>();
  do {
    const source = from + offset(INPUT, last - 1) * sizeof<T>();
    const target = to + offset(OUTPUT, last - 1) * sizeof<T>();
    transpose<T>(extent(last), extent(last - 1), source, fromRow, target, toRow);
  } while (nextIndex(last - 1));
}

export function stridedCopyF64(descPtr: usize, inPtr: usize, outPtr: usize): void {
  copyStrided<f64>(descPtr, inPtr, outPtr);
}

export function stridedCopyF32(descPtr: usize, inPtr: usize, outPtr: usize): void {
  copyStrided<f32>(descPtr, inPtr, outPtr);
}
