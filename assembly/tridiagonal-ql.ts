/**
 * @file Eigenvalues and eigenvectors of a symmetric tridiagonal matrix: implicit QL with Wilkinson's shift, in f64; eigenvalues
 * alone by its root-free form, which has no square root in the loop and works on squares of e.
 *
 * Scheme: Bowdler, Martin, Reinsch, Wilkinson, Numer. Math. 11 (1968); Parlett, The Symmetric Eigenvalue Problem, §8; root-free:
 * Pal, Walker, Kahan, ibid. §8.15, as in LAPACK's DSTERF.
 */

import { rotate, exchange } from "./level1";

/** Unit roundoff of f64, 2^−53. */
const UNIT_ROUNDOFF: f64 = 1.1102230246251565e-16;
/** Sweeps allowed per eigenvalue, on average over the matrix (LAPACK's DSTEQR allows as many). */
const SWEEPS: i32 = 30;

/**
 * T = tridiag(e, d, e), d [n] f64 destroyed: eigenvalues (unordered); e [n] f64 destroyed, e[n − 1] is used as work.
 * z [n, n] f64, row stride `row` bytes, is multiplied from the left by the transposed eigenvectors: from the identity, row k
 * becomes the eigenvector of d[k].
 * Returns 0, or k + 1 when the eigenvalue k had not converged after 30·n sweeps.
 */
export function tridiagonalQl(n: i32, dPtr: usize, ePtr: usize, zPtr: usize, row: usize): i32 {
  let sweepsLeft = SWEEPS * n;
  if (n > 0) store<f64>(ePtr + ((<usize>(n - 1)) << 3), 0);
  for (let l = 0; l < n; l++) {
    for (;;) {
      const m = blockEnd(n, l, dPtr, ePtr);
      if (m == l) break;
      if (sweepsLeft-- == 0) return l + 1;
      sweep(l, m, dPtr, ePtr, n, zPtr, row);
    }
  }
  return 0;
}

/** The last index of the unreduced block that starts at l: the first m ≥ l whose e[m] is negligible. */
function blockEnd(n: i32, l: i32, dPtr: usize, ePtr: usize): i32 {
  for (let m = l; m < n - 1; m++) {
    const d = dPtr + ((<usize>m) << 3);
    const scale = abs<f64>(load<f64>(d)) + abs<f64>(load<f64>(d, 8));
    if (abs<f64>(load<f64>(ePtr + ((<usize>m) << 3))) <= UNIT_ROUNDOFF * scale) return m;
  }
  return n - 1;
}

/** One implicit QL sweep on the unreduced block l … m: the bulge is chased from the bottom to the top. */
function sweep(l: i32, m: i32, dPtr: usize, ePtr: usize, n: i32, zPtr: usize, row: usize): void {
  const dl = load<f64>(dPtr + ((<usize>l) << 3)), el = load<f64>(ePtr + ((<usize>l) << 3));
  const half = (load<f64>(dPtr + ((<usize>l) << 3), 8) - dl) / (2 * el);
  const shift = dl - el / (half + copysign<f64>(radius(half, 1), half));

  let g = load<f64>(dPtr + ((<usize>m) << 3)) - shift;
  let c: f64 = 1, s: f64 = 1, p: f64 = 0;
  for (let i = m - 1; i >= l; i--) {
    const d = dPtr + ((<usize>i) << 3), e = ePtr + ((<usize>i) << 3);
    const f = s * load<f64>(e), b = c * load<f64>(e);
    const r = radius(f, g);
    store<f64>(e, r, 8);
    if (r == 0) { // the matrix split: what is left of the sweep would be the identity
      store<f64>(d, load<f64>(d, 8) - p, 8);
      store<f64>(ePtr + ((<usize>m) << 3), 0);
      return;
    }
    s = f / r;
    c = g / r;
    g = load<f64>(d, 8) - p;
    const t = (load<f64>(d) - g) * s + 2 * c * b;
    p = s * t;
    store<f64>(d, g + p, 8);
    g = c * t - b;
    const z = zPtr + <usize>i * row;
    rotate<f64>(n, z + row, z, c, s);
  }
  const d = dPtr + ((<usize>l) << 3);
  store<f64>(d, load<f64>(d) - p);
  store<f64>(ePtr + ((<usize>l) << 3), g);
  store<f64>(ePtr + ((<usize>m) << 3), 0);
}

/**
 * T = tridiag(e, d, e), d [n] f64 ← eigenvalues (unordered), e [n] f64 destroyed. Returns 0, or k + 1 as `tridiagonalQl`.
 */
export function tridiagonalValues(n: i32, dPtr: usize, ePtr: usize): i32 {
  let sweepsLeft = SWEEPS * n;
  for (let i = 0; i < n - 1; i++) {
    const e = ePtr + (<usize>i << 3);
    store<f64>(e, load<f64>(e) * load<f64>(e));
  }
  for (let l = 0; l < n; l++) {
    for (;;) {
      const m = squaredBlockEnd(n, l, dPtr, ePtr);
      if (m == l) break;
      if (sweepsLeft-- == 0) return l + 1;
      rootFreeSweep(l, m, dPtr, ePtr);
    }
  }
  return 0;
}

/** `blockEnd` for squares of e. */
function squaredBlockEnd(n: i32, l: i32, dPtr: usize, ePtr: usize): i32 {
  for (let m = l; m < n - 1; m++) {
    const d = dPtr + ((<usize>m) << 3);
    const negligible = UNIT_ROUNDOFF * (abs<f64>(load<f64>(d)) + abs<f64>(load<f64>(d, 8)));
    if (load<f64>(ePtr + ((<usize>m) << 3)) <= negligible * negligible) return m;
  }
  return n - 1;
}

/** `sweep` on squares of e. */
function rootFreeSweep(l: i32, m: i32, dPtr: usize, ePtr: usize): void {
  const dl = load<f64>(dPtr + ((<usize>l) << 3)), el = sqrt<f64>(load<f64>(ePtr + ((<usize>l) << 3)));
  const half = (load<f64>(dPtr + ((<usize>l) << 3), 8) - dl) / (2 * el);
  const shift = dl - el / (half + copysign<f64>(radius(half, 1), half));

  let c: f64 = 1, s: f64 = 0;
  let gamma = load<f64>(dPtr + ((<usize>m) << 3)) - shift;
  let p = gamma * gamma;
  let d = dPtr + ((<usize>(m - 1)) << 3), e = ePtr + ((<usize>(m - 1)) << 3);
  for (const first = dPtr + ((<usize>l) << 3); d >= first; d -= 8) {
    const square = load<f64>(e), r = p + square;
    store<f64>(e, s * r, 8); // first e[m], which counts as 0, becomes 0
    const before = c, gammaBefore = gamma, alpha = load<f64>(d);
    c = p / r;
    s = square / r;
    gamma = c * (alpha - shift) - s * gammaBefore;
    store<f64>(d, gammaBefore + (alpha - gamma), 8);
    p = c != 0 ? (gamma * gamma) / c : before * square;
    e -= 8;
  }
  store<f64>(e, s * p, 8);
  store<f64>(d, shift + gamma, 8);
}

/** √(f² + g²), with full relative accuracy for tiny arguments too. Large ones do not occur: the matrix is scaled. */
function radius(f: f64, g: f64): f64 {
  const squares = f * f + g * g;
  if (squares >= 1e-280 && squares <= 1e280) return sqrt<f64>(squares);
  const largest = max<f64>(abs<f64>(f), abs<f64>(g));
  if (largest == 0) return 0;
  const x = f / largest, y = g / largest;
  return largest * sqrt<f64>(x * x + y * y);
}

/** Sorts d [n] ascending and the rows of z [n, n] with it; zPtr = 0: d alone. Selection, at most n exchanges of rows. */
export function sortAscending(n: i32, dPtr: usize, zPtr: usize, row: usize): void {
  for (let i = 0; i < n - 1; i++) {
    let least = i;
    for (let j = i + 1; j < n; j++) {
      if (load<f64>(dPtr + ((<usize>j) << 3)) < load<f64>(dPtr + ((<usize>least) << 3))) least = j;
    }
    if (least == i) continue;
    exchange<f64>(1, dPtr + ((<usize>i) << 3), dPtr + ((<usize>least) << 3));
    if (zPtr != 0) exchange<f64>(n, zPtr + <usize>i * row, zPtr + <usize>least * row);
  }
}
