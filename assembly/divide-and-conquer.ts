/**
 * @file Eigenvalues and eigenvectors of a symmetric tridiagonal matrix by divide and conquer, in f64.
 *
 *        ┌ T₁      ┐        T₁, T₂ without |e| at the tear are solved first: T = Q·(D + rho·z·zᵀ)·Qᵀ, with z from the
 *    T = │     e   │        last row of Q₁ and the first of Q₂. Entries of z that are negligible, and pairs of equal d
 *        │   e     │        (rotated so that one entry of z vanishes), deflate: their eigenvalue and vector are ready.
 *        └      T₂ ┘        The others are the roots and vectors of a secular equation, and two products give Q.
 *
 * Eigenvectors are rows, so that the products and copies run along memory. Active rows are of three kinds,
 *
 *    kind 1: zero beyond T₁     kind 2: full (was rotated)     kind 3: zero before T₂
 *
 *                 columns of T₁                                columns of T₂
 *    Z[active] ← S[kinds 1, 2]·[rows of kind 1, 2]    |    S[kinds 2, 3]·[rows of kind 2, 3]
 *
 * so that zeros are not multiplied: 4/3·n³ flops at most, of which deflation and the low ranks in S leave a third at n = 1024 (see
 * secular-product.ts); leaves by implicit QL. Scratch: n² f64 for the rows, which are gathered before they are overwritten, and
 * panels. When only some eigenvectors are wanted, the last merge, the largest, makes only those.
 *
 * Scheme: Cuppen, Numer. Math. 36 (1981); deflation and kinds: Rutter, LAPACK Working Note 69 (1994), as in DLAED1–3.
 */

import { rotate } from "./level1";
import { at, index, padded, put, putIndex } from "./memory";
import { exactWeights, SUMS_BYTES, secularRoot } from "./secular";
import { describeRoots, layOutSecularProduct, multiplySecular, SecularProduct, secularProductScratchBytes } from "./secular-product";
import { sortAscending, tridiagonalQl } from "./tridiagonal-ql";

/** Blocks of at most this size are solved by QL. */
const LEAF: i32 = 32;
/** Unit roundoff of f64, 2^−53. */
const UNIT_ROUNDOFF: f64 = 1.1102230246251565e-16;
const SQRT_HALF: f64 = 0.7071067811865476;

/** Where everything is. f64 and i32 arrays have n entries, `gathered` n². */
// @ts-ignore: decorator
@unmanaged
class Workspace {
  /** z, at a row's position in the block. */
  z: usize;
  /** Poles, weights and roots of the secular equation; corrected weights; a row. */
  poles: usize;
  weights: usize;
  roots: usize;
  corrected: usize;
  line: usize;
  sums: usize;
  /** i32: rows in ascending order of d, per solved block, counted from its first row. */
  ascending: usize;
  /** i32: the merged order; kinds by row; active and deflated rows in ascending order. */
  merged: usize;
  kinds: usize;
  active: usize;
  deflated: usize;
  /** Rows gathered before they are overwritten. */
  gathered: usize;
  product: SecularProduct;
  /** The eigenvectors wanted in the end: positions first … last − 1 in ascending order. */
  first: i32;
  last: i32;
}

const HEADER_BYTES: usize = 128;

export function divideAndConquerScratchBytes(n: i32): usize {
  const vectors = HEADER_BYTES + 6 * padded(<usize>n << 3) + SUMS_BYTES + 5 * padded(<usize>n << 2);
  return vectors + padded((<usize>n * <usize>n) << 3) + secularProductScratchBytes(n);
}

function layOut(n: i32, first: i32, last: i32, scratchPtr: usize): Workspace {
  const work = changetype<Workspace>(scratchPtr);
  const f64s = padded(<usize>n << 3), i32s = padded(<usize>n << 2);
  work.z = scratchPtr + HEADER_BYTES;
  work.poles = work.z + f64s;
  work.weights = work.poles + f64s;
  work.roots = work.weights + f64s;
  work.corrected = work.roots + f64s;
  work.line = work.corrected + f64s;
  work.sums = work.line + f64s;
  work.ascending = work.sums + SUMS_BYTES;
  work.merged = work.ascending + i32s;
  work.kinds = work.merged + i32s;
  work.active = work.kinds + i32s;
  work.deflated = work.active + i32s;
  work.gathered = work.deflated + i32s;
  work.product = layOutSecularProduct(n, work.gathered + padded((<usize>n * <usize>n) << 3));
  work.first = first;
  work.last = last;
  return work;
}

/**
 * T = tridiag(e, d, e): d [n] ← eigenvalues, ascending; e [n] destroyed; z [n, n] ← eigenvectors first … last − 1, row k that of
 * d[first + k]; the other rows of z are work.
 * Returns 0, or k + 1 when QL failed on the eigenvalue k of a leaf.
 */
export function divideAndConquer(n: i32, dPtr: usize, ePtr: usize, zPtr: usize, first: i32, last: i32, scratchPtr: usize): i32 {
  const work = layOut(n, first, last, scratchPtr);
  const row = <usize>n << 3;
  memory.fill(zPtr, 0, <usize>n * row);
  const status = solveBlock(n, 0, n, dPtr, ePtr, zPtr, work);
  if (status != 0) return status;
  for (let i = 0; i < n; i++) put(work.line, i, at(dPtr, index(work.ascending, i)));
  memory.copy(dPtr, work.line, row);
  for (let i = first; i < last; i++) memory.copy(work.gathered + <usize>(i - first) * row, zPtr + <usize>index(work.ascending, i) * row, row);
  memory.copy(zPtr, work.gathered, <usize>(last - first) * row);
  return 0;
}

/** Solves rows low … high − 1, on the diagonal block of z; ascending[low …] gives the order of its rows. */
function solveBlock(n: i32, low: i32, high: i32, dPtr: usize, ePtr: usize, zPtr: usize, work: Workspace): i32 {
  const size = high - low;
  if (size <= LEAF) return solveLeaf(n, low, size, dPtr, ePtr, zPtr, work);
  const middle = low + (size >> 1);
  const tear = at(ePtr, middle - 1);
  put(dPtr, middle - 1, at(dPtr, middle - 1) - abs<f64>(tear));
  put(dPtr, middle, at(dPtr, middle) - abs<f64>(tear));
  let status = solveBlock(n, low, middle, dPtr, ePtr, zPtr, work);
  if (status == 0) status = solveBlock(n, middle, high, dPtr, ePtr, zPtr, work);
  if (status == 0) merge(n, low, middle, high, tear, dPtr, zPtr, work);
  return status;
}

function solveLeaf(n: i32, low: i32, size: i32, dPtr: usize, ePtr: usize, zPtr: usize, work: Workspace): i32 {
  const row = <usize>n << 3;
  const d = dPtr + (<usize>low << 3), e = ePtr + (<usize>low << 3);
  const block = zPtr + <usize>low * row + (<usize>low << 3);
  const tear = at(e, size - 1); // QL works in this entry, which belongs to the merge above
  for (let i = 0; i < size; i++) {
    put(block + <usize>i * row, i, 1);
    putIndex(work.ascending, low + i, i);
  }
  const status = tridiagonalQl(size, d, e, block, row);
  put(e, size - 1, tear);
  sortAscending(size, d, block, row);
  return status == 0 ? 0 : low + status;
}

/** Joins two solved blocks across the entry `tear` of e. */
function merge(n: i32, low: i32, middle: i32, high: i32, tear: f64, dPtr: usize, zPtr: usize, work: Workspace): void {
  const row = <usize>n << 3;
  const size = high - low, size1 = middle - low;
  const d = dPtr + (<usize>low << 3);
  const block = zPtr + <usize>low * row + (<usize>low << 3);
  const ascending = work.ascending + (<usize>low << 2);
  const rho = 2 * abs<f64>(tear);
  mergeOrders(size1, size, d, ascending, work.merged);

  // z = (last column of Q₁, sign(e)·first column of Q₂)/√2, of norm 1 and therefore with rho = 2·|e|.
  let largest = rho, largestZ: f64 = 0;
  for (let i = 0; i < size; i++) {
    const factor = i >= size1 && tear < 0 ? -SQRT_HALF : SQRT_HALF;
    const z = factor * at(block + <usize>i * row, i < size1 ? size1 - 1 : size1);
    put(work.z, i, z);
    putIndex(work.kinds, i, i < size1 ? 1 : 3);
    largest = max<f64>(largest, abs<f64>(at(d, i)));
    largestZ = max<f64>(largestZ, abs<f64>(z));
  }
  const tolerance = 8 * UNIT_ROUNDOFF * largest;
  if (rho * largestZ <= tolerance) {
    memory.copy(ascending, work.merged, <usize>size << 2);
    return;
  }
  const count = deflate(size, rho, tolerance, d, block, row, work);
  for (let j = 0; j < count; j++) {
    put(work.poles, j, at(d, index(work.active, j)));
    put(work.weights, j, at(work.z, index(work.active, j)));
  }
  gatherRows(size1, size, count, d, block, row, work);
  solveSecular(count, rho, block, row, work);
  memory.copy(d, work.roots, <usize>count << 3);
  orderResult(size, count, d, ascending, work);
  // Of the roots, which ascend, the last merge makes the vectors of those that are wanted.
  let from = 0, to = count;
  if (size == n) {
    while (from < count && !isWanted(from, work)) from++;
    while (to > from && !isWanted(to - 1, work)) to--;
  }
  updateVectors(size1, size, count, from, to, block, n, work);
}

/** Whether the vector in this row of the whole matrix is among those asked for. */
function isWanted(r: i32, work: Workspace): bool {
  for (let i = work.first; i < work.last; i++) if (index(work.ascending, i) == r) return true;
  return false;
}

/** merged [size] ← the rows of both blocks in ascending order of d. */
function mergeOrders(size1: i32, size: i32, d: usize, ascending: usize, merged: usize): void {
  let i = 0, j = size1;
  for (let k = 0; k < size; k++) {
    const first = i < size1 ? index(ascending, i) : -1;
    const second = j < size ? size1 + index(ascending, j) : -1;
    const takeFirst = second < 0 || (first >= 0 && at(d, first) <= at(d, second));
    putIndex(merged, k, takeFirst ? first : second);
    if (takeFirst) i++;
    else j++;
  }
}

/** Splits the rows into active ones (their number is returned), ascending in d, and deflated ones. */
function deflate(size: i32, rho: f64, tolerance: f64, d: usize, block: usize, row: usize, work: Workspace): i32 {
  let count = 0, deflated = 0, previous = -1;
  for (let k = 0; k < size; k++) {
    const i = index(work.merged, k);
    if (rho * abs<f64>(at(work.z, i)) <= tolerance) {
      putIndex(work.deflated, deflated++, i);
      continue;
    }
    if (previous < 0) {
      previous = i;
      continue;
    }
    const zp = at(work.z, previous), zi = at(work.z, i);
    const radius = sqrt<f64>(zp * zp + zi * zi);
    const c = zi / radius, s = -zp / radius;
    const dp = at(d, previous), di = at(d, i);
    if (abs<f64>((di - dp) * c * s) <= tolerance) {
      put(work.z, i, radius);
      rotate<f64>(size, block + <usize>previous * row, block + <usize>i * row, c, s);
      put(d, previous, dp * (c * c) + di * (s * s));
      put(d, i, dp * (s * s) + di * (c * c));
      if (index(work.kinds, previous) != index(work.kinds, i)) putIndex(work.kinds, i, 2);
      putIndex(work.deflated, deflated++, previous);
    } else {
      putIndex(work.active, count++, previous);
    }
    previous = i;
  }
  putIndex(work.active, count++, previous);
  return count;
}

/** Active rows of a kind. */
function countOfKind(kind: i32, count: i32, work: Workspace): i32 {
  let found = 0;
  for (let j = 0; j < count; j++) if (index(work.kinds, index(work.active, j)) == kind) found++;
  return found;
}

/** Active rows → `gathered`, the half of T₁, then that of T₂; deflated rows → the rows from `count` on, and their d alike. */
function gatherRows(size1: i32, size: i32, count: i32, d: usize, block: usize, row: usize, work: Workspace): void {
  const bytes1 = <usize>size1 << 3, bytes2 = <usize>(size - size1) << 3;
  let gathered1 = work.gathered;
  let gathered3 = gathered1 + <usize>(count - countOfKind(3, count, work)) * bytes1;
  for (let j = 0; j < count; j++) {
    const i = index(work.active, j);
    const from = block + <usize>i * row;
    if (index(work.kinds, i) != 3) {
      memory.copy(gathered1, from, bytes1);
      gathered1 += bytes1;
    }
    if (index(work.kinds, i) != 1) {
      memory.copy(gathered3, from + bytes1, bytes2);
      gathered3 += bytes2;
    }
  }
  const whole = <usize>size << 3;
  for (let j = 0; j < size - count; j++) {
    const i = index(work.deflated, j);
    memory.copy(gathered3 + <usize>j * whole, block + <usize>i * row, whole);
    put(work.line, j, at(d, i));
  }
  for (let j = 0; j < size - count; j++) memory.copy(block + <usize>(count + j) * row, gathered3 + <usize>j * whole, whole);
  memory.copy(d + (<usize>count << 3), work.line, <usize>(size - count) << 3);
}

/** roots; rows of the block ← the differences poles − root of each, corrected ← the weights that make the roots exact. */
function solveSecular(count: i32, rho: f64, block: usize, row: usize, work: Workspace): void {
  let squares: f64 = 0;
  for (let j = 0; j < count; j++) squares += at(work.weights, j) * at(work.weights, j);
  if (count == 1) {
    put(work.roots, 0, at(work.poles, 0) + rho * squares);
    put(work.corrected, 0, 1);
    put(block, 0, 1);
    return;
  }
  for (let k = 0; k < count; k++) {
    put(work.roots, k, secularRoot(count, k, work.poles, work.weights, rho, squares, block + <usize>k * row, work.sums));
  }
  exactWeights(count, work.poles, work.weights, block, row, work.corrected);
}

/** Rows from … to − 1 of the block ← vectors of these roots. */
function updateVectors(size1: i32, size: i32, count: i32, from: i32, to: i32, block: usize, n: i32, work: Workspace): void {
  const product = work.product;
  describeRoots(count, work.poles, work.corrected, block, <usize>n << 3, product);
  product.first = from;
  product.last = to;
  const upper = placePoles(3, count, work);
  multiplySecular(count, upper, size1, work.gathered, block, n, product);
  const gathered2 = work.gathered + (<usize>upper * <usize>size1 << 3);
  const lower = placePoles(1, count, work);
  multiplySecular(count, lower, size - size1, gathered2, block + (<usize>size1 << 3), n, product);
}

/** The poles of the active rows that are not of the kind `other`; their number is returned. */
function placePoles(other: i32, count: i32, work: Workspace): i32 {
  const product = work.product;
  let poles = 0;
  for (let j = 0; j < count; j++) {
    if (index(work.kinds, index(work.active, j)) == other) continue;
    put(product.poles, poles, at(work.poles, j));
    put(product.weights, poles, at(work.corrected, j));
    putIndex(product.positions, poles++, j);
  }
  return poles;
}

/** ascending [size] ← the order of the rows: the roots ascend already, the deflated ones nearly do. */
function orderResult(size: i32, count: i32, d: usize, ascending: usize, work: Workspace): void {
  for (let j = count; j < size; j++) {
    let k = j;
    for (; k > count && at(d, index(work.deflated, k - 1)) > at(d, j); k--) putIndex(work.deflated, k, index(work.deflated, k - 1));
    putIndex(work.deflated, k, j);
  }
  let i = 0, j = count;
  for (let k = 0; k < size; k++) {
    const takeRoot = j == size || (i < count && at(d, i) <= at(d, index(work.deflated, j)));
    putIndex(ascending, k, takeRoot ? i++ : index(work.deflated, j++));
  }
}
