/**
 * @file stridedCopy: out ← in over two strided layouts (transpose, slice, broadcast, pad, concat are all this).
 *
 * The axes are put in order of the output's strides and merged again by the caller's descriptor; what is left is one of
 *
 *   both innermost strides 1             memory.copy of runs
 *   output 1, another axis has input 1   blocked transpose of those two axes
 *   otherwise                            element by element
 */

import { axisCount, extent, nextIndex, offset, readLayout, stride, swapAxes } from "./broadcast-layout";

const INPUT: i32 = 0;
const OUTPUT: i32 = 1;

/** Side of the square blocks of a transpose: their rows of input and output stay in L1. */
const BLOCK: i32 = 32;

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

/** The innermost axis in runs or element by element, an odometer over the others. */
function copyRuns<T>(last: i32, from: usize, to: usize): void {
  const n = extent(last);
  const si = stride(INPUT, last), so = stride(OUTPUT, last);
  const stepIn = <usize>si * sizeof<T>(), stepOut = <usize>so * sizeof<T>();
  do {
    let source = from + offset(INPUT, last) * sizeof<T>();
    let target = to + offset(OUTPUT, last) * sizeof<T>();
    if (si == 1 && so == 1) {
      memory.copy(target, source, <usize>n * sizeof<T>());
      continue;
    }
    for (let i = 0; i < n; i++) {
      store<T>(target, load<T>(source));
      source += stepIn;
      target += stepOut;
    }
  } while (nextIndex(last));
}

/** Axis last − 1 has input stride 1, axis last has output stride 1. */
function copyTransposed<T>(last: i32, from: usize, to: usize): void {
  const rows = extent(last - 1), columns = extent(last);
  const rowOut = <usize>stride(OUTPUT, last - 1) * sizeof<T>();
  const columnIn = <usize>stride(INPUT, last) * sizeof<T>();
  do {
    const source = from + offset(INPUT, last - 1) * sizeof<T>();
    const target = to + offset(OUTPUT, last - 1) * sizeof<T>();
    for (let ib = 0; ib < rows; ib += BLOCK) {
      const iEnd = min(ib + BLOCK, rows);
      for (let jb = 0; jb < columns; jb += BLOCK) {
        const jEnd = min(jb + BLOCK, columns);
        for (let i = ib; i < iEnd; i++) {
          let s = source + <usize>i * sizeof<T>() + <usize>jb * columnIn;
          let t = target + <usize>i * rowOut + <usize>jb * sizeof<T>();
          for (let j = jb; j < jEnd; j++) {
            store<T>(t, load<T>(s));
            s += columnIn;
            t += sizeof<T>();
          }
        }
      }
    }
  } while (nextIndex(last - 1));
}

export function stridedCopyF64(descPtr: usize, inPtr: usize, outPtr: usize): void {
  copyStrided<f64>(descPtr, inPtr, outPtr);
}

export function stridedCopyF32(descPtr: usize, inPtr: usize, outPtr: usize): void {
  copyStrided<f32>(descPtr, inPtr, outPtr);
}
