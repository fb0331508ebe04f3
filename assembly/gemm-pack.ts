/**
 * @file Packing for GEMM: a strided block becomes panels that the microkernel reads front to back.
 *
 *   panel p of a block [rows, k], P rows per panel:     address order
 *
 *     row 0   | 0   P   2P  …          one step of k is P contiguous elements;
 *     row 1   | 1   P+1 …              rows past the end are +0, so that an edge tile
 *       …     | …                      runs through the same microkernel and its live
 *     row P−1 | P−1 2P−1 …             elements have the bits of any other position.
 *
 * Sources contiguous along k are transposed in registers, a panel of five rows at once or one or two strips of 16 / sizeof<T>()
 * rows; sources contiguous along the panel are copied a step at a time; other strides go element by element.
 */

/** Packs [rows, k] at `src` (strides rs, cs in elements) into panels of `P` rows at `dst`; P is a constant at each call. */
// @ts-ignore: decorator
@inline
export function packPanels<T>(P: i32, rows: i32, k: i32, src: usize, rs: i32, cs: i32, dst: usize): void {
  const rsBytes = <usize>rs * sizeof<T>();
  const csBytes = <usize>cs * sizeof<T>();
  for (let r = 0; r < rows; r += P) {
    const live = min(P, rows - r);
    if (rs == 1 && live == P) {
      copySteps<T>(P, k, src, csBytes, dst);
    } else if (P == 5 && cs == 1 && live == P) {
      transposeFive<T>(k, src, rsBytes, dst);
    } else {
      packRows<T>(live, P, k, src, rsBytes, csBytes, dst);
    }
    src += <usize>P * rsBytes;
    dst += <usize>(P * k) * sizeof<T>();
  }
}

/** Elements of a v128. */
// @ts-ignore: decorator
@inline
function LANES<T>(): i32 {
  return 16 / sizeof<T>();
}

/** A whole panel whose steps are contiguous in the source. */
// @ts-ignore: decorator
@inline
function copySteps<T>(P: i32, k: i32, src: usize, csBytes: usize, dst: usize): void {
  const end = dst + <usize>(P * k) * sizeof<T>();
  while (dst < end) {
    v128.store(dst, v128.load(src));
    if (P >= 2 * LANES<T>()) v128.store(dst, v128.load(src, 16), 16);
    if (P >= 4 * LANES<T>()) {
      v128.store(dst, v128.load(src, 32), 32);
      v128.store(dst, v128.load(src, 48), 48);
    }
    if (P == LANES<T>() + 1) store<T>(dst, load<T>(src, 16), 16);
    if (P == 2 * LANES<T>() + 1) store<T>(dst, load<T>(src, 32), 32);
    if (P == 6 && sizeof<T>() == 4) store<f64>(dst, load<f64>(src, 16), 16);
    if (P == 6 && sizeof<T>() == 8) v128.store(dst, v128.load(src, 32), 32);
    src += csBytes;
    dst += <usize>P * sizeof<T>();
  }
}

/** A whole panel of five rows contiguous along k: four are transposed in registers, the fifth is stored lane by lane. */
// @ts-ignore: decorator
@inline
function transposeFive<T>(k: i32, r0: usize, rsBytes: usize, dst: usize): void {
  let r1 = r0 + rsBytes, r2 = r1 + rsBytes, r3 = r2 + rsBytes, r4 = r3 + rsBytes;
  for (const end = r0 + <usize>(k - k % LANES<T>()) * sizeof<T>(); r0 < end; r0 += 16) {
    const v0 = v128.load(r0), v1 = v128.load(r1), v2 = v128.load(r2), v3 = v128.load(r3), v4 = v128.load(r4);
    if (sizeof<T>() == 8) {
      v128.store(dst, v128.shuffle<i64>(v0, v1, 0, 2));
      v128.store(dst, v128.shuffle<i64>(v2, v3, 0, 2), 16);
      v128.store_lane<i64>(dst, v4, 0, 32);
      v128.store(dst, v128.shuffle<i64>(v0, v1, 1, 3), 40);
      v128.store(dst, v128.shuffle<i64>(v2, v3, 1, 3), 56);
      v128.store_lane<i64>(dst, v4, 1, 72);
    } else {
      const low01 = v128.shuffle<i32>(v0, v1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(v0, v1, 2, 6, 3, 7);
      const low23 = v128.shuffle<i32>(v2, v3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(v2, v3, 2, 6, 3, 7);
      v128.store(dst, v128.shuffle<i64>(low01, low23, 0, 2));
      v128.store_lane<i32>(dst, v4, 0, 16);
      v128.store(dst, v128.shuffle<i64>(low01, low23, 1, 3), 20);
      v128.store_lane<i32>(dst, v4, 1, 36);
      v128.store(dst, v128.shuffle<i64>(high01, high23, 0, 2), 40);
      v128.store_lane<i32>(dst, v4, 2, 56);
      v128.store(dst, v128.shuffle<i64>(high01, high23, 1, 3), 60);
      v128.store_lane<i32>(dst, v4, 3, 76);
    }
    r1 += 16;
    r2 += 16;
    r3 += 16;
    r4 += 16;
    dst += 80;
  }
  for (let rest = k % LANES<T>(); rest > 0; rest--) {
    store<T>(dst, load<T>(r0));
    store<T>(dst, load<T>(r1), sizeof<T>());
    store<T>(dst, load<T>(r2), 2 * sizeof<T>());
    store<T>(dst, load<T>(r3), 3 * sizeof<T>());
    store<T>(dst, load<T>(r4), 4 * sizeof<T>());
    r0 += sizeof<T>();
    r1 += sizeof<T>();
    r2 += sizeof<T>();
    r3 += sizeof<T>();
    r4 += sizeof<T>();
    dst += 5 * sizeof<T>();
  }
}

/**
 * Any panel of P rows, of which `live` exist, by strips or row by row. A function of its own: it serves both operands, and what engines
 * have to compile before products run fast is short without it.
 */
function packRows<T>(live: i32, P: i32, k: i32, src: usize, rsBytes: usize, csBytes: usize, dst: usize): void {
  let row = 0;
  if (csBytes == sizeof<T>()) {
    for (; row + 2 * LANES<T>() <= live; row += 2 * LANES<T>()) {
      transposeStrips<T>(2, P, k, src + <usize>row * rsBytes, rsBytes, dst + <usize>row * sizeof<T>(), 0);
    }
    for (; row + LANES<T>() <= live; row += LANES<T>()) {
      transposeStrips<T>(1, P, k, src + <usize>row * rsBytes, rsBytes, dst + <usize>row * sizeof<T>(), 0);
    }
  }
  for (; row < live; row++) copyRow<T>(P, k, src + <usize>row * rsBytes, csBytes, dst + <usize>row * sizeof<T>());
  for (; row < P; row++) zeroRow<T>(P, k, dst + <usize>row * sizeof<T>());
}

/**
 * Strips of 16 / sizeof<T>() rows, contiguous along k, into their lanes of a panel, two of four into those of the panel `next` bytes further:
 * two wait for memory half as often, four of two rows a quarter.
 */
// @ts-ignore: decorator
@inline
function transposeStrips<T>(strips: i32, P: i32, k: i32, src: usize, rsBytes: usize, dst: usize, next: usize): void {
  const step = <usize>P * sizeof<T>(), strip = <usize>LANES<T>() * rsBytes;
  let l = LANES<T>();
  for (; l <= k; l += LANES<T>()) {
    transposeSquare<T>(src, rsBytes, dst, step);
    if (strips >= 2) transposeSquare<T>(src + strip, rsBytes, dst + 16, step);
    if (strips == 4) {
      transposeSquare<T>(src + 2 * strip, rsBytes, dst + next, step);
      transposeSquare<T>(src + 3 * strip, rsBytes, dst + next + 16, step);
    }
    src += 16;
    dst += <usize>LANES<T>() * step;
  }
  for (l -= LANES<T>(); l < k; l++) {
    let s = src;
    for (let i = 0; i < strips * LANES<T>(); i++) {
      store<T>(dst + (i < P ? <usize>i * sizeof<T>() : next + <usize>(i - P) * sizeof<T>()), load<T>(s));
      s += rsBytes;
    }
    src += sizeof<T>();
    dst += step;
  }
}

/** Two whole panels of four doubles, `next` bytes apart, of rows contiguous along k. */
export function packTwoPanels(k: i32, src: usize, rs: i32, dst: usize, next: usize): void {
  transposeStrips<f64>(4, 4, k, src, <usize>rs * sizeof<f64>(), dst, next);
}

/** A vector of each of 16 / sizeof<T>() rows, transposed. */
// @ts-ignore: decorator
@inline
function transposeSquare<T>(src: usize, rsBytes: usize, dst: usize, step: usize): void {
  const r0 = v128.load(src), r1 = v128.load(src + rsBytes);
  if (sizeof<T>() == 8) {
    v128.store(dst, v128.shuffle<i64>(r0, r1, 0, 2));
    v128.store(dst + step, v128.shuffle<i64>(r0, r1, 1, 3));
  } else {
    const r2 = v128.load(src + 2 * rsBytes), r3 = v128.load(src + 3 * rsBytes);
    const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5), high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
    const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5), high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(dst, v128.shuffle<i64>(low01, low23, 0, 2));
    v128.store(dst + step, v128.shuffle<i64>(low01, low23, 1, 3));
    v128.store(dst + 2 * step, v128.shuffle<i64>(high01, high23, 0, 2));
    v128.store(dst + 3 * step, v128.shuffle<i64>(high01, high23, 1, 3));
  }
}

/** One row of a panel, element by element. */
// @ts-ignore: decorator
@inline
function copyRow<T>(P: i32, k: i32, src: usize, csBytes: usize, dst: usize): void {
  const end = dst + <usize>(P * k) * sizeof<T>();
  while (dst < end) {
    store<T>(dst, load<T>(src));
    src += csBytes;
    dst += <usize>P * sizeof<T>();
  }
}

/** One row of a panel that lies outside the block. */
// @ts-ignore: decorator
@inline
function zeroRow<T>(P: i32, k: i32, dst: usize): void {
  const end = dst + <usize>(P * k) * sizeof<T>();
  while (dst < end) {
    store<T>(dst, <T>0);
    dst += <usize>P * sizeof<T>();
  }
}
