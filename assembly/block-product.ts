/**
 * @file Products of one matrix with many blocks of vectors: the matrix is packed once.
 *
 *   out [vectors, n] ← X [vectors, k]·Aᵀ
 *
 *   packed A: panels of MR rows, one behind the other, each in blocks of DEPTH steps; the microkernel's left operand. Vectors are
 *   its right operand, NR of them to a panel, and a panel of A is read once for all of them.
 *
 * Vectors do not meet: the bits of one do not depend on how many others there are.
 */

import { packA, packB } from "./gemm";
import { MR, NR_BYTES, microkernelAddF32, microkernelAddF64, microkernelF32, microkernelF64 } from "./gemm-microkernel";

/** Steps of a block: short, so that while later vectors use a block the next one is already on its way from memory. */
const DEPTH: i32 = 64;

// @ts-ignore: decorator
@inline
function NR<T>(): i32 {
  return NR_BYTES / sizeof<T>();
}

// @ts-ignore: decorator
@inline
function wholePanels(rows: i32): i32 {
  return ((rows + MR - 1) / MR) * MR;
}

/** Bytes of packed [rows, k]. */
function packedRowsBytes<T>(rows: i32, k: i32): usize {
  return <usize>wholePanels(rows) * <usize>k * sizeof<T>();
}

/** Packs A [rows, k], row stride rsa. */
function packRows<T>(rows: i32, k: i32, aPtr: usize, rsa: i32, outPtr: usize): void {
  for (let r = 0; r < rows; r += MR) {
    const a = aPtr + <usize>r * <usize>rsa * sizeof<T>();
    for (let pc = 0; pc < k; pc += DEPTH) {
      const kc = min(DEPTH, k - pc);
      packA<T>(min(MR, rows - r), kc, a + <usize>pc * sizeof<T>(), rsa, 1, outPtr);
      outPtr += <usize>(MR * kc) * sizeof<T>();
    }
  }
}

function packedProductScratchBytes<T>(n: i32, k: i32, vectors: i32): usize {
  const panels: usize = (vectors + NR<T>() - 1) / NR<T>();
  return panels * (<usize>k + <usize>wholePanels(n)) * NR_BYTES;
}

/** X [vectors, k] and out [vectors, n] contiguous. */
function packedProduct<T>(n: i32, k: i32, vectors: i32, packedPtr: usize, xPtr: usize, outPtr: usize, scratchPtr: usize): void {
  const panels = (vectors + NR<T>() - 1) / NR<T>();
  const xStep = <usize>k * NR_BYTES, cStep = <usize>wholePanels(n) * NR_BYTES;
  const cPtr = scratchPtr + <usize>panels * xStep;
  packB<T>(vectors, k, xPtr, k, 1, scratchPtr);
  for (let r = 0; r < n; r += MR) {
    for (let pc = 0; pc < k; pc += DEPTH) {
      const kc = min(DEPTH, k - pc);
      let x = scratchPtr + <usize>pc * NR_BYTES, c = cPtr + <usize>r * NR_BYTES;
      for (let g = 0; g < panels; g++) {
        if (sizeof<T>() == 8) {
          if (pc == 0) microkernelF64(kc, packedPtr, x, c, NR_BYTES);
          else microkernelAddF64(kc, packedPtr, x, c, NR_BYTES);
        } else {
          if (pc == 0) microkernelF32(kc, packedPtr, x, c, NR_BYTES);
          else microkernelAddF32(kc, packedPtr, x, c, NR_BYTES);
        }
        x += xStep;
        c += cStep;
      }
      packedPtr += <usize>(MR * kc) * sizeof<T>();
    }
  }
  for (let v = 0; v < vectors; v++) {
    let from = cPtr + <usize>(v / NR<T>()) * cStep + <usize>(v % NR<T>()) * sizeof<T>();
    for (let i = 0; i < n; i++) {
      store<T>(outPtr, load<T>(from));
      from += NR_BYTES;
      outPtr += sizeof<T>();
    }
  }
}

export function packedRowsBytesF64(rows: i32, k: i32): usize { return packedRowsBytes<f64>(rows, k); }
export function packedRowsBytesF32(rows: i32, k: i32): usize { return packedRowsBytes<f32>(rows, k); }
export function packRowsF64(rows: i32, k: i32, aPtr: usize, rsa: i32, outPtr: usize): void { packRows<f64>(rows, k, aPtr, rsa, outPtr); }
export function packRowsF32(rows: i32, k: i32, aPtr: usize, rsa: i32, outPtr: usize): void { packRows<f32>(rows, k, aPtr, rsa, outPtr); }
export function packedProductScratchBytesF64(n: i32, k: i32, vectors: i32): usize { return packedProductScratchBytes<f64>(n, k, vectors); }
export function packedProductScratchBytesF32(n: i32, k: i32, vectors: i32): usize { return packedProductScratchBytes<f32>(n, k, vectors); }
export function packedProductF64(n: i32, k: i32, vectors: i32, packedPtr: usize, xPtr: usize, outPtr: usize, scratchPtr: usize): void {
  packedProduct<f64>(n, k, vectors, packedPtr, xPtr, outPtr, scratchPtr);
}
export function packedProductF32(n: i32, k: i32, vectors: i32, packedPtr: usize, xPtr: usize, outPtr: usize, scratchPtr: usize): void {
  packedProduct<f32>(n, k, vectors, packedPtr, xPtr, outPtr, scratchPtr);
}
