/**
 * @file Jacobian assembly: rows of outer products, out[r, (h, i)] ← Σ_s D[r, s, h]·A[⌊r / v⌋, s, i].
 *
 *   D [rows, s, h], A [rows / v, s, i] contiguous; out row stride `rso`, columns (h − h0)·i_extent + i, h0 ≤ h < h1.
 *
 * Order of summation: the product of s = 0, then s = 1, 2, … added in T (multiply, then add); s = 0 sites give +0.
 */

function jacobianRows<T>(
  rows: i32, v: i32, s: i32, h: i32, i: i32, h0: i32, h1: i32, d: usize, a: usize, out: usize, rso: i32,
): void {
  const stepD = <usize>h * sizeof<T>(), stepA = <usize>i * sizeof<T>();
  for (let r = 0; r < rows; r++) {
    const rowD = d + <usize>r * <usize>s * stepD;
    const rowA = a + <usize>(r / v) * <usize>s * stepA;
    let to = out + <usize>r * <usize>rso * sizeof<T>();
    for (let o = h0; o < h1; o++) {
      for (let c = 0; c < i; c++) {
        let x = rowD + <usize>o * sizeof<T>(), y = rowA + <usize>c * sizeof<T>();
        let sum: T = s > 0 ? load<T>(x) * load<T>(y) : <T>0;
        for (let t = 1; t < s; t++) {
          x += stepD;
          y += stepA;
          sum += load<T>(x) * load<T>(y);
        }
        store<T>(to, sum);
        to += sizeof<T>();
      }
    }
  }
}

export function jacobianRowsF64(
  rows: i32, v: i32, s: i32, h: i32, i: i32, h0: i32, h1: i32, dPtr: usize, aPtr: usize, outPtr: usize, rso: i32,
): void {
  jacobianRows<f64>(rows, v, s, h, i, h0, h1, dPtr, aPtr, outPtr, rso);
}

export function jacobianRowsF32(
  rows: i32, v: i32, s: i32, h: i32, i: i32, h0: i32, h1: i32, dPtr: usize, aPtr: usize, outPtr: usize, rso: i32,
): void {
  jacobianRows<f32>(rows, v, s, h, i, h0, h1, dPtr, aPtr, outPtr, rso);
}
