/**
 * @file Many products of one shape in one call, as attention's are: for every entry e of a batch and each of its `leading` matrices
 *
 *     C[e, l] [m, n] ← A[⌊e / eachA⌋ mod entriesA, l] [m, k] · B[⌊e / eachB⌋ mod entriesB, l] [k, n]
 *
 * C is contiguous; entries of A and B are, and within one the matrices are `lead` elements apart, in any strides.
 */

import { multiply } from "./gemm";

function gemmBatch<T>(
  entries: i32, leading: i32, m: i32, n: i32, k: i32,
  a: usize, entriesA: i32, eachA: i32, leadA: i32, rsa: i32, csa: i32,
  b: usize, entriesB: i32, eachB: i32, leadB: i32, rsb: i32, csb: i32,
  c: usize, scratch: usize,
): void {
  const entryA = <usize>leading * <usize>m * <usize>k * sizeof<T>(), entryB = <usize>leading * <usize>k * <usize>n * sizeof<T>();
  const sizeC = <usize>m * <usize>n * sizeof<T>();
  for (let e = 0; e < entries; e++) {
    let atA = a + <usize>(e / eachA % entriesA) * entryA;
    let atB = b + <usize>(e / eachB % entriesB) * entryB;
    for (let l = 0; l < leading; l++) {
      multiply<T>(m, n, k, <T>1, atA, rsa, csa, atB, rsb, csb, <T>0, c, n, 1, scratch);
      atA += <usize>leadA * sizeof<T>();
      atB += <usize>leadB * sizeof<T>();
      c += sizeC;
    }
  }
}

export function gemmBatchF64(
  entries: i32, leading: i32, m: i32, n: i32, k: i32, aPtr: usize, entriesA: i32, eachA: i32, leadA: i32, rsa: i32, csa: i32,
  bPtr: usize, entriesB: i32, eachB: i32, leadB: i32, rsb: i32, csb: i32, cPtr: usize, scratchPtr: usize,
): void {
  gemmBatch<f64>(
    entries, leading, m, n, k, aPtr, entriesA, eachA, leadA, rsa, csa, bPtr, entriesB, eachB, leadB, rsb, csb, cPtr, scratchPtr,
  );
}

export function gemmBatchF32(
  entries: i32, leading: i32, m: i32, n: i32, k: i32, aPtr: usize, entriesA: i32, eachA: i32, leadA: i32, rsa: i32, csa: i32,
  bPtr: usize, entriesB: i32, eachB: i32, leadB: i32, rsb: i32, csb: i32, cPtr: usize, scratchPtr: usize,
): void {
  gemmBatch<f32>(
    entries, leading, m, n, k, aPtr, entriesA, eachA, leadA, rsa, csa, bPtr, entriesB, eachB, leadB, rsb, csb, cPtr, scratchPtr,
  );
}
