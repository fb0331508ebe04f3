/** @file Mirrors of gemm and of the lane sums: slow scalar code with the documented order of summation. */

/** Depth of a block of gemm's sums. */
export const KC = 512;

/** A strided matrix operand. */
export interface Operand {
  readonly data: ArrayLike<number>;
  readonly rs: number;
  readonly cs: number;
}

/**
 * C ← alpha·A·B + beta·C in gemm's order: per block of KC, Σ a·b from +0, then C ← alpha·P + (beta or 1)·C.
 * `c` is changed in place; `round` is applied after every operation.
 */
export function gemmMirror(
  round: (x: number) => number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: Operand,
  b: Operand,
  beta: number,
  c: { data: number[] | Float64Array | Float32Array; rs: number; cs: number },
): void {
  const al = round(alpha),
    be = round(beta);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const at = i * c.rs + j * c.cs;
      if (k === 0) c.data[at] = be === 0 ? 0 : round(be * c.data[at]);
      for (let start = 0; start < k; start += KC) {
        let sum = 0;
        for (let l = start; l < Math.min(start + KC, k); l++) {
          sum = round(sum + round(a.data[i * a.rs + l * a.cs] * b.data[l * b.rs + j * b.cs]));
        }
        const scale = start === 0 ? be : 1;
        const scaled = round(al * sum);
        c.data[at] = scale === 0 ? scaled : round(scaled + round(scale * c.data[at]));
      }
    }
  }
}

/** Lanes joined as ((0+2)+(4+6)) + ((1+3)+(5+7)). */
export function joinLanes(lane: readonly number[]): number {
  return lane[0] + lane[2] + (lane[4] + lane[6]) + (lane[1] + lane[3] + (lane[5] + lane[7]));
}

/** The fixed order of sums: term r goes to lane r mod 8, in f64. */
export function laneSum(length: number, term: (r: number) => number): number {
  const lane = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let r = 0; r < length; r++) lane[r % 8] += term(r);
  return joinLanes(lane);
}
