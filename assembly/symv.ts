/**
 * @file Symmetric matrix–vector product from the lower triangle; every entry of the triangle is read once.
 */

import { addLanes, lanes } from "./level1";

/**
 * y [n] ← A·x; A [n, n] symmetric, lower triangle read, row stride `row` bytes. y is written, never read before.
 *
 * Two rows at a time: each loaded entry A[r, c] adds to y[r] (a dot product with x) and to y[c] (a multiple of the row).
 *
 *             c →
 *     r    |A A A A A A A|d
 *     r+1  |A A A A A A A|d d        the corner beside the diagonal is scalar
 */
export function symvLower<T>(n: i32, aPtr: usize, row: usize, xPtr: usize, yPtr: usize): void {
  let r = 0;
  for (; r + 2 <= n; r += 2) {
    const a0 = aPtr + <usize>r * row, a1 = a0 + row;
    const x0 = load<T>(xPtr + <usize>r * sizeof<T>()), x1 = load<T>(xPtr + <usize>(r + 1) * sizeof<T>());
    const xx0 = v128.splat<T>(x0), xx1 = v128.splat<T>(x1);
    let s0 = v128.splat<T>(<T>0), s1 = s0;
    let c = 0, offset: usize = 0;
    for (; c + lanes<T>() <= r; c += lanes<T>()) {
      const x = v128.load(xPtr + offset);
      const p = v128.load(a0 + offset), q = v128.load(a1 + offset);
      s0 = v128.add<T>(s0, v128.mul<T>(p, x));
      s1 = v128.add<T>(s1, v128.mul<T>(q, x));
      const y = v128.add<T>(v128.load(yPtr + offset), v128.mul<T>(p, xx0));
      v128.store(yPtr + offset, v128.add<T>(y, v128.mul<T>(q, xx1)));
      offset += 16;
    }
    let sum0 = addLanes<T>(s0), sum1 = addLanes<T>(s1);
    for (; c < r; c++) {
      const x = load<T>(xPtr + offset), p = load<T>(a0 + offset), q = load<T>(a1 + offset);
      sum0 += p * x;
      sum1 += q * x;
      store<T>(yPtr + offset, load<T>(yPtr + offset) + p * x0 + q * x1);
      offset += sizeof<T>();
    }
    const d00 = load<T>(a0 + offset), d10 = load<T>(a1 + offset), d11 = load<T>(a1 + offset + sizeof<T>());
    store<T>(yPtr + offset, sum0 + d00 * x0 + d10 * x1);
    store<T>(yPtr + offset + sizeof<T>(), sum1 + d10 * x0 + d11 * x1);
  }
  if (r < n) {
    const a0 = aPtr + <usize>r * row;
    const x0 = load<T>(xPtr + <usize>r * sizeof<T>());
    let sum = <T>0, offset: usize = 0;
    for (let c = 0; c < r; c++) {
      const p = load<T>(a0 + offset);
      sum += p * load<T>(xPtr + offset);
      store<T>(yPtr + offset, load<T>(yPtr + offset) + p * x0);
      offset += sizeof<T>();
    }
    store<T>(yPtr + offset, sum + load<T>(a0 + offset) * x0);
  }
}
