/**
 * @file Elementwise routines of two and three strided operands (stride 0 broadcasts); out is contiguous.
 *
 * One loop serves every pattern whose innermost strides are 0 or 1: an operand of stride 0 is splatted once into a
 * 16-byte cell and read with step 0. Other strides run element by element. Each element is one operation: no order of
 * summation. out may be an operand that is contiguous over the whole extent; it must not overlap an operand otherwise.
 */

import { axisCount, extent, nextIndex, offset, readLayout, stride } from "./broadcast-layout";

const ADD: i32 = 0;
const SUB: i32 = 1;
const MUL: i32 = 2;
const DIV: i32 = 3;

/** Cells that hold the splat of an operand of stride 0. */
const cellA: usize = memory.data(16, 16);
const cellB: usize = memory.data(16, 16);
const cellC: usize = memory.data(16, 16);

// @ts-ignore: decorator
@inline
function isUnit(s: i32): bool {
  return s == 0 || s == 1;
}

/** Where the vector loop reads an operand: its own memory, or the cell after splatting. */
// @ts-ignore: decorator
@inline
function vectorBase<T>(s: i32, at: usize, cell: usize): usize {
  if (s != 0) return at;
  v128.store(cell, v128.load_splat<T>(at));
  return cell;
}

// @ts-ignore: decorator
@inline
function apply<T>(operation: i32, x: T, y: T): T {
  if (operation == ADD) return x + y;
  if (operation == SUB) return x - y;
  if (operation == MUL) return x * y;
  return x / y;
}

// @ts-ignore: decorator
@inline
function applyVector<T>(operation: i32, x: v128, y: v128): v128 {
  if (operation == ADD) return v128.add<T>(x, y);
  if (operation == SUB) return v128.sub<T>(x, y);
  if (operation == MUL) return v128.mul<T>(x, y);
  return v128.div<T>(x, y);
}

// @ts-ignore: decorator
@inline
function arithmetic<T>(operation: i32, descriptor: usize, a: usize, b: usize, out: usize): void {
  if (!readLayout(descriptor, 2)) return;
  const last = axisCount() - 1;
  const n = extent(last);
  const sa = stride(0, last), sb = stride(1, last);
  const stepA = <usize>sa * sizeof<T>(), stepB = <usize>sb * sizeof<T>();
  const vectors: usize = isUnit(sa) && isUnit(sb) ? (<usize>n * sizeof<T>()) >> 4 : 0;
  const rest = <usize>n - vectors * (16 / sizeof<T>());
  const rows = extent(last - 1);
  const rowA = <usize>stride(0, last - 1) * sizeof<T>(), rowB = <usize>stride(1, last - 1) * sizeof<T>();
  do {
    let startA = a + offset(0, last - 1) * sizeof<T>();
    let startB = b + offset(1, last - 1) * sizeof<T>();
    for (let row = 0; row < rows; row++) {
      let pa = startA, pb = startB;
      startA += rowA;
      startB += rowB;
      if (vectors > 0) {
        let va = vectorBase<T>(sa, pa, cellA), vb = vectorBase<T>(sb, pb, cellB);
        const stepVa = <usize>sa << 4, stepVb = <usize>sb << 4;
        for (const end = out + (vectors << 4); out < end; out += 16) {
          v128.store(out, applyVector<T>(operation, v128.load(va), v128.load(vb)));
          va += stepVa;
          vb += stepVb;
        }
        pa += vectors * stepVa;
        pb += vectors * stepVb;
      }
      for (const end = out + rest * sizeof<T>(); out < end; out += sizeof<T>()) {
        store<T>(out, apply<T>(operation, load<T>(pa), load<T>(pb)));
        pa += stepA;
        pb += stepB;
      }
    }
  } while (nextIndex(last - 1));
}

/** out ← a > 0 ? b : slope·b; slope = 0 gives +0 whatever b is. */
function gate<T>(slope: T, descriptor: usize, a: usize, b: usize, out: usize): void {
  if (!readLayout(descriptor, 2)) return;
  const last = axisCount() - 1;
  const n = extent(last);
  const sa = stride(0, last), sb = stride(1, last);
  const stepA = <usize>sa * sizeof<T>(), stepB = <usize>sb * sizeof<T>();
  const vectors: usize = isUnit(sa) && isUnit(sb) ? (<usize>n * sizeof<T>()) >> 4 : 0;
  const rest = <usize>n - vectors * (16 / sizeof<T>());
  const zero = v128.splat<T>(<T>0), slopes = v128.splat<T>(slope);
  const rows = extent(last - 1);
  const rowA = <usize>stride(0, last - 1) * sizeof<T>(), rowB = <usize>stride(1, last - 1) * sizeof<T>();
  do {
    let startA = a + offset(0, last - 1) * sizeof<T>();
    let startB = b + offset(1, last - 1) * sizeof<T>();
    for (let row = 0; row < rows; row++) {
      let pa = startA, pb = startB;
      startA += rowA;
      startB += rowB;
      if (vectors > 0) {
        let va = vectorBase<T>(sa, pa, cellA), vb = vectorBase<T>(sb, pb, cellB);
        const stepVa = <usize>sa << 4, stepVb = <usize>sb << 4;
        const end = out + (vectors << 4);
        if (slope == <T>0) {
          for (; out < end; out += 16) {
            v128.store(out, v128.and(v128.load(vb), v128.gt<T>(v128.load(va), zero)));
            va += stepVa;
            vb += stepVb;
          }
        } else {
          for (; out < end; out += 16) {
            const y = v128.load(vb);
            v128.store(out, v128.bitselect(y, v128.mul<T>(slopes, y), v128.gt<T>(v128.load(va), zero)));
            va += stepVa;
            vb += stepVb;
          }
        }
        pa += vectors * stepVa;
        pb += vectors * stepVb;
      }
      for (const end = out + rest * sizeof<T>(); out < end; out += sizeof<T>()) {
        const y = load<T>(pb);
        store<T>(out, load<T>(pa) > <T>0 ? y : slope == <T>0 ? <T>0 : slope * y);
        pa += stepA;
        pb += stepB;
      }
    }
  } while (nextIndex(last - 1));
}

/** out ← a > 0 ? b : c. */
function select3<T>(descriptor: usize, a: usize, b: usize, c: usize, out: usize): void {
  if (!readLayout(descriptor, 3)) return;
  const last = axisCount() - 1;
  const n = extent(last);
  const sa = stride(0, last), sb = stride(1, last), sc = stride(2, last);
  const stepA = <usize>sa * sizeof<T>(), stepB = <usize>sb * sizeof<T>(), stepC = <usize>sc * sizeof<T>();
  const vectors: usize = isUnit(sa) && isUnit(sb) && isUnit(sc) ? (<usize>n * sizeof<T>()) >> 4 : 0;
  const rest = <usize>n - vectors * (16 / sizeof<T>());
  const zero = v128.splat<T>(<T>0);
  const rows = extent(last - 1);
  const rowA = <usize>stride(0, last - 1) * sizeof<T>(), rowB = <usize>stride(1, last - 1) * sizeof<T>();
  const rowC = <usize>stride(2, last - 1) * sizeof<T>();
  do {
    let startA = a + offset(0, last - 1) * sizeof<T>();
    let startB = b + offset(1, last - 1) * sizeof<T>();
    let startC = c + offset(2, last - 1) * sizeof<T>();
    for (let row = 0; row < rows; row++) {
      let pa = startA, pb = startB, pc = startC;
      startA += rowA;
      startB += rowB;
      startC += rowC;
      if (vectors > 0) {
        let va = vectorBase<T>(sa, pa, cellA), vb = vectorBase<T>(sb, pb, cellB), vc = vectorBase<T>(sc, pc, cellC);
        const stepVa = <usize>sa << 4, stepVb = <usize>sb << 4, stepVc = <usize>sc << 4;
        for (const end = out + (vectors << 4); out < end; out += 16) {
          v128.store(out, v128.bitselect(v128.load(vb), v128.load(vc), v128.gt<T>(v128.load(va), zero)));
          va += stepVa;
          vb += stepVb;
          vc += stepVc;
        }
        pa += vectors * stepVa;
        pb += vectors * stepVb;
        pc += vectors * stepVc;
      }
      for (const end = out + rest * sizeof<T>(); out < end; out += sizeof<T>()) {
        store<T>(out, load<T>(pa) > <T>0 ? load<T>(pb) : load<T>(pc));
        pa += stepA;
        pb += stepB;
        pc += stepC;
      }
    }
  } while (nextIndex(last - 1));
}

function fillArray<T>(n: i32, value: T, out: usize): void {
  const v = v128.splat<T>(value);
  const end = out + <usize>n * sizeof<T>();
  for (; out + 16 <= end; out += 16) v128.store(out, v);
  for (; out < end; out += sizeof<T>()) store<T>(out, value);
}

export function addF64(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f64>(ADD, descPtr, aPtr, bPtr, outPtr);
}

export function addF32(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f32>(ADD, descPtr, aPtr, bPtr, outPtr);
}

export function subF64(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f64>(SUB, descPtr, aPtr, bPtr, outPtr);
}

export function subF32(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f32>(SUB, descPtr, aPtr, bPtr, outPtr);
}

export function mulF64(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f64>(MUL, descPtr, aPtr, bPtr, outPtr);
}

export function mulF32(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f32>(MUL, descPtr, aPtr, bPtr, outPtr);
}

export function divF64(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f64>(DIV, descPtr, aPtr, bPtr, outPtr);
}

export function divF32(descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  arithmetic<f32>(DIV, descPtr, aPtr, bPtr, outPtr);
}

export function gateF64(slope: f64, descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  gate<f64>(slope, descPtr, aPtr, bPtr, outPtr);
}

export function gateF32(slope: f64, descPtr: usize, aPtr: usize, bPtr: usize, outPtr: usize): void {
  gate<f32>(<f32>slope, descPtr, aPtr, bPtr, outPtr);
}

export function selectF64(descPtr: usize, aPtr: usize, bPtr: usize, cPtr: usize, outPtr: usize): void {
  select3<f64>(descPtr, aPtr, bPtr, cPtr, outPtr);
}

export function selectF32(descPtr: usize, aPtr: usize, bPtr: usize, cPtr: usize, outPtr: usize): void {
  select3<f32>(descPtr, aPtr, bPtr, cPtr, outPtr);
}

export function fillF64(n: i32, value: f64, outPtr: usize): void {
  fillArray<f64>(n, value, outPtr);
}

export function fillF32(n: i32, value: f64, outPtr: usize): void {
  fillArray<f32>(n, <f32>value, outPtr);
}
