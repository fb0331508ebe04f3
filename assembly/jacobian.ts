/**
 * @file Jacobian assembly: rows of outer products, out[r, (h, i)] ← Σ_s D[r, s, h]·A[⌊r / v⌋, s, i].
 *
 *   D [rows, s, h], A [rows / v, s, i] contiguous; out row stride `rso`, columns (h − h0)·i_extent + i, h0 ≤ h < h1.
 *
 * Order of summation: the product of s = 0, then s = 1, 2, … added in T (multiply, then add); no sites give +0.
 *
 * One site is an outer product and bound by stores. More sites run through a register tile of 4 h × 32 bytes of i that
 * reads D and A where they are; the last tile of a row of tiles is moved back over the one before it, which writes the
 * same bits twice and needs no edge code.
 */

/** Values of h in a register tile. */
const TILE_ROWS: i32 = 4;
/** Bytes of i in a register tile: two v128. */
const TILE_BYTES: i32 = 32;

function jacobianRows<T>(
  rows: i32, v: i32, s: i32, h: i32, i: i32, h0: i32, h1: i32, d: usize, a: usize, out: usize, rso: i32,
): void {
  const bytesOfD = <usize>s * <usize>h * sizeof<T>(), bytesOfA = <usize>s * <usize>i * sizeof<T>();
  for (let r = 0; r < rows; r++) {
    const from = d + <usize>r * bytesOfD + <usize>h0 * sizeof<T>();
    const inputs = a + <usize>(r / v) * bytesOfA;
    const to = out + <usize>r * <usize>rso * sizeof<T>();
    if (s == 0) memory.fill(to, 0, <usize>(h1 - h0) * <usize>i * sizeof<T>());
    else if (s == 1) outerProduct<T>(h1 - h0, i, from, inputs, to);
    else sumOuterProducts<T>(h1 - h0, i, s, from, <usize>h * sizeof<T>(), inputs, to);
  }
}

/** to[o, c] ← d[o]·a[c]. */
function outerProduct<T>(outputs: i32, i: i32, d: usize, a: usize, to: usize): void {
  const rowBytes = <usize>i * sizeof<T>();
  for (const dEnd = d + <usize>outputs * sizeof<T>(); d < dEnd; d += sizeof<T>()) {
    const x = v128.load_splat<T>(d);
    const end = a + rowBytes;
    let c = a;
    for (const vectorEnd = a + (rowBytes & ~15); c < vectorEnd; c += 16) {
      v128.store(to, v128.mul<T>(x, v128.load(c)));
      to += 16;
    }
    for (; c < end; c += sizeof<T>()) {
      store<T>(to, load<T>(d) * load<T>(c));
      to += sizeof<T>();
    }
  }
}

/** to[o, c] ← Σ_s d[s, o]·a[s, c]; rows of d are stepD bytes apart. */
function sumOuterProducts<T>(outputs: i32, i: i32, s: i32, d: usize, stepD: usize, a: usize, to: usize): void {
  const rowBytes = <usize>i * sizeof<T>();
  const width = TILE_BYTES / sizeof<T>();
  if (i < width) {
    for (let o = 0; o < outputs; o++) {
      for (let c = 0; c < i; c++) {
        store<T>(to, sumProducts<T>(s, d + <usize>o * sizeof<T>(), stepD, a + <usize>c * sizeof<T>(), rowBytes));
        to += sizeof<T>();
      }
    }
    return;
  }
  let o = 0;
  while (o < outputs) {
    const four = outputs >= TILE_ROWS;
    if (four) o = min(o, outputs - TILE_ROWS);
    for (let c = 0; c < i; c += width) {
      const column = min(c, i - width);
      const from = d + <usize>o * sizeof<T>();
      const inputs = a + <usize>column * sizeof<T>();
      const corner = to + <usize>o * rowBytes + <usize>column * sizeof<T>();
      if (four) tileOfFour<T>(s, from, stepD, inputs, rowBytes, corner);
      else tileOfOne<T>(s, from, stepD, inputs, rowBytes, corner);
    }
    o += four ? TILE_ROWS : 1;
  }
}

function sumProducts<T>(s: i32, d: usize, stepD: usize, a: usize, stepA: usize): T {
  let sum = load<T>(d) * load<T>(a);
  while (--s > 0) {
    d += stepD;
    a += stepA;
    sum += load<T>(d) * load<T>(a);
  }
  return sum;
}

/** Four values of h, 32 bytes of i; a row of `to` is as long as a row of a. */
function tileOfFour<T>(s: i32, d: usize, stepD: usize, a: usize, stepA: usize, to: usize): void {
  let b0 = v128.load(a), b1 = v128.load(a, 16);
  let x = v128.load_splat<T>(d);
  let c00 = v128.mul<T>(x, b0), c01 = v128.mul<T>(x, b1);
  x = v128.load_splat<T>(d, sizeof<T>());
  let c10 = v128.mul<T>(x, b0), c11 = v128.mul<T>(x, b1);
  x = v128.load_splat<T>(d, 2 * sizeof<T>());
  let c20 = v128.mul<T>(x, b0), c21 = v128.mul<T>(x, b1);
  x = v128.load_splat<T>(d, 3 * sizeof<T>());
  let c30 = v128.mul<T>(x, b0), c31 = v128.mul<T>(x, b1);
  while (--s > 0) {
    d += stepD;
    a += stepA;
    b0 = v128.load(a);
    b1 = v128.load(a, 16);
    x = v128.load_splat<T>(d);
    c00 = v128.add<T>(c00, v128.mul<T>(x, b0));
    c01 = v128.add<T>(c01, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(d, sizeof<T>());
    c10 = v128.add<T>(c10, v128.mul<T>(x, b0));
    c11 = v128.add<T>(c11, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(d, 2 * sizeof<T>());
    c20 = v128.add<T>(c20, v128.mul<T>(x, b0));
    c21 = v128.add<T>(c21, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(d, 3 * sizeof<T>());
    c30 = v128.add<T>(c30, v128.mul<T>(x, b0));
    c31 = v128.add<T>(c31, v128.mul<T>(x, b1));
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
  to += stepA;
  v128.store(to, c10);
  v128.store(to, c11, 16);
  to += stepA;
  v128.store(to, c20);
  v128.store(to, c21, 16);
  to += stepA;
  v128.store(to, c30);
  v128.store(to, c31, 16);
}

/** One value of h, 32 bytes of i. */
function tileOfOne<T>(s: i32, d: usize, stepD: usize, a: usize, stepA: usize, to: usize): void {
  let b0 = v128.load(a), b1 = v128.load(a, 16);
  let x = v128.load_splat<T>(d);
  let c00 = v128.mul<T>(x, b0), c01 = v128.mul<T>(x, b1);
  while (--s > 0) {
    d += stepD;
    a += stepA;
    b0 = v128.load(a);
    b1 = v128.load(a, 16);
    x = v128.load_splat<T>(d);
    c00 = v128.add<T>(c00, v128.mul<T>(x, b0));
    c01 = v128.add<T>(c01, v128.mul<T>(x, b1));
  }
  v128.store(to, c00);
  v128.store(to, c01, 16);
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
