/**
 * @file The ABI: every routine's signature, once for both element types (exported as `<name>F64` and `<name>F32`).
 *
 * Sizes and strides are element counts (i32), strides of matrices are `rs` (row) and `cs` (column); `…Ptr` are byte
 * addresses in the arena, 64-byte aligned where the arena gave them; scalars are f64 whatever the element type.
 * `tests/structure/abi.test.ts` compares this list with the compiled module: names and number of parameters.
 *
 * Strided operands of any rank are described by an i32 array in memory (`descPtr`):
 *
 *   binary, select:  [ rank | extents… | strides of a… | strides of b… | (strides of c…) ]      output is contiguous
 *   stridedCopy:     [ rank | extents… | strides of the input… | strides of the output… ]
 *
 * rank ≤ 8. A stride 0 broadcasts.
 */
// biome-ignore format: operands of one routine stay together, in the order of its picture.
export interface Routines {
  // ── gemm.ts ────────────────────────────────────────────────────────────────────────────────────────────────────
  /** C[m, n] ← alpha·A[m, k]·B[k, n] + beta·C, any strides; beta = 0 never reads C. */
  gemm(
    m: number,
    n: number,
    k: number,
    alpha: number,
    aPtr: number,
    rsa: number,
    csa: number,
    bPtr: number,
    rsb: number,
    csb: number,
    beta: number,
    cPtr: number,
    rsc: number,
    csc: number,
    scratchPtr: number,
  ): void;
  gemmScratchBytes(m: number, n: number, k: number): number;

  // ── gemm-batch.ts ──────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * C[e, l] [m, n] ← A[⌊e / eachA⌋ mod entriesA, l] [m, k]·B[⌊e / eachB⌋ mod entriesB, l] [k, n] for e < entries, l < leading. C is
   * contiguous; entries of A and B are, and within one the matrices are `lead` elements apart. Scratch: gemmScratchBytes(m, n, k).
   */
  gemmBatch(
    entries: number,
    leading: number,
    m: number,
    n: number,
    k: number,
    aPtr: number,
    entriesA: number,
    eachA: number,
    leadA: number,
    rsa: number,
    csa: number,
    bPtr: number,
    entriesB: number,
    eachB: number,
    leadB: number,
    rsb: number,
    csb: number,
    cPtr: number,
    scratchPtr: number,
  ): void;

  // ── shared-zeros.ts ────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * C[g, r, :] [n] ← A[g, r, :] [k]·B [k, n] for g < groups, r < rows: groups `group…` elements apart, A contiguous along k, C along n.
   * Steps at which five rows of a group are zero are left out; gemm's bits for finite B. lower ≠ 0: of the square C [groups·rows, n]
   * entries with row ≥ column are written, others perhaps.
   */
  gemmSharedZeros(
    groups: number, rows: number, n: number, k: number,
    aPtr: number, groupA: number, rsa: number, bPtr: number, rsb: number, csb: number,
    cPtr: number, groupC: number, rsc: number, lower: number, scratchPtr: number,
  ): void;
  gemmSharedZerosScratchBytes(n: number, k: number): number;

  // ── own-zeros.ts ───────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * C [m, n] ← A [m, k]·W [n, k]ᵀ, rows contiguous and rsa, rsw and rsc elements apart. Where many of A's terms are zero, each row leaves its
   * own out; gemm's bits. symmetric ≠ 0: W is A, half the work, both triangles written, as gram does.
   */
  gemmOwnZeros(
    m: number, n: number, k: number, aPtr: number, rsa: number, wPtr: number, rsw: number, cPtr: number, rsc: number,
    symmetric: number, scratchPtr: number,
  ): void;
  gemmOwnZerosScratchBytes(m: number, n: number, k: number): number;

  // ── switched-products.ts ───────────────────────────────────────────────────────────────────────────────────────
  /**
   * C[(n, o), (m, q)] ← Σ_i u[o, i]·u[q, i] over i with e1[n, i] ≠ 0 and e2[m, i] ≠ 0: e1 [n1, k], e2 [n2, k], u [outputs, k], contiguous;
   * rows of C rsc apart. gemm's bits for the rows e·u where e is 0 or 1 and u finite. lower ≠ 0: e1 is e2, and only pairs n ≥ m are written.
   */
  switchedProducts(
    n1: number, n2: number, outputs: number, k: number,
    e1Ptr: number, e2Ptr: number, uPtr: number, cPtr: number, rsc: number, lower: number, scratchPtr: number,
  ): void;
  switchedProductsScratchBytes(n1: number, n2: number, outputs: number, k: number): number;

  // ── gram.ts ────────────────────────────────────────────────────────────────────────────────────────────────────
  /** C[n, n] ← alpha·A[n, k]·A[n, k]ᵀ + beta·C, both triangles written, exactly symmetric; half the work of gemm, the same bits. */
  gram(
    n: number, k: number, alpha: number, aPtr: number, rsa: number, csa: number, beta: number, cPtr: number, rsc: number, scratchPtr: number,
  ): void;
  gramScratchBytes(n: number, k: number): number;

  // ── kronecker.ts ───────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * The Kronecker core, accumulated in f64:  K[(n, v), (m, w)] += Σ_s Σ_t A[(n, s), (m, t)]·D[(n, v, s), (m, w, t)].
   *
   * K f64 [n1·v1, n2·v2] row stride ldk; A [n1·s1, n2·s2], or aPtr = 0 for all ones; D [n1·v1·s1, n2·v2·s2]; A and D
   * contiguous. lower ≠ 0 writes only entries with row ≥ column. plusOnes ≠ 0, with an A: then the same with all ones. Products in T
   * widened to f64; the order of the sum depends on s1 and s2 alone (eight lanes in t, see kronecker.ts), then one addition to K.
   */
  gramHadamard(
    n1: number,
    n2: number,
    v1: number,
    v2: number,
    s1: number,
    s2: number,
    lower: number,
    aPtr: number,
    plusOnes: number,
    dPtr: number,
    kPtr: number,
    ldk: number,
  ): void;

  // ── jacobian.ts ────────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Jacobian assembly: out[r, (h, i)] ← Σ_s D[r, s, h]·A[⌊r / v⌋, s, i] for r < rows, h0 ≤ h < h1 (rows of outer products).
   *
   * D [rows, s, h] and A [rows / v, s, i] contiguous; out has row stride `rso`, columns (h − h0)·i_extent + i.
   */
  jacobianRows(
    rows: number,
    v: number,
    s: number,
    h: number,
    i: number,
    h0: number,
    h1: number,
    dPtr: number,
    aPtr: number,
    outPtr: number,
    rso: number,
  ): void;

  // ── convolution.ts ─────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * Patches of x [n, c, h, w] (contiguous): out [n, oh·ow, c·kh·kw], zero outside the image; channels c0 ≤ c < c1 only,
   * so that groups need no copy: then out is [n, oh·ow, (c1 − c0)·kh·kw].
   */
  im2col(
    n: number, c: number, h: number, w: number, c0: number, c1: number, kh: number, kw: number, strideH: number, strideW: number,
    padTop: number, padLeft: number, dilationH: number, dilationW: number, oh: number, ow: number, xPtr: number, outPtr: number,
  ): void;
  /** The same tap by tap: out [n, (c1 − c0)·kh·kw, oh·ow]. */
  unfold(
    n: number, c: number, h: number, w: number, c0: number, c1: number, kh: number, kw: number, strideH: number, strideW: number,
    padTop: number, padLeft: number, dilationH: number, dilationW: number, oh: number, ow: number, xPtr: number, outPtr: number,
  ): void;
  /** Transpose of unfold: adds taps [n, (c1 − c0)·kh·kw, oh·ow] into x [n, c, h, w]; x is not cleared. */
  fold(
    n: number, c: number, h: number, w: number, c0: number, c1: number, kh: number, kw: number, strideH: number, strideW: number,
    padTop: number, padLeft: number, dilationH: number, dilationW: number, oh: number, ow: number, tapsPtr: number, xPtr: number,
  ): void;

  // ── convolution-shared-zeros.ts ────────────────────────────────────────────────────────────────────────────────
  /**
   * x[image, row] [c, h, w] ← transpose of the convolution with k [o, c, kh, kw], of d[image, row] [o, oh, ow]; images and rows of d and x
   * are `imageD`, `rowD`, `imageX`, `rowX` elements apart. Terms at which five rows of an image are zero are left out; for o ≤ 512 and
   * finite k the bits of gemm and fold. wanted[image] [c, h, w], images `imageWanted` apart, or 0: where it is not > 0, entries of x may be
   * +0 instead.
   */
  convolutionSharedZeros(
    images: number, rows: number, c: number, h: number, w: number, o: number, kh: number, kw: number, strideH: number, strideW: number,
    padTop: number, padLeft: number, dilationH: number, dilationW: number, oh: number, ow: number,
    dPtr: number, imageD: number, rowD: number, kPtr: number, wantedPtr: number, imageWanted: number,
    xPtr: number, imageX: number, rowX: number, scratchPtr: number,
  ): void;
  convolutionSharedZerosScratchBytes(
    rows: number, c: number, h: number, w: number, o: number, kh: number, kw: number, dilationH: number, ow: number,
  ): number;

  // ── pooling.ts (planes = batch × channels, each h × w → oh × ow) ───────────────────────────────────────────────
  /** out[p] ← t[argmax of x over the window of p]; padding counts as −∞; the first maximum in row-major order wins. x has `xPlanes` planes and plane p of t reads plane p mod xPlanes. maxPool is t = x. */
  maxPoolSelect(
    planes: number,
    xPlanes: number,
    h: number,
    w: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    padTop: number,
    padLeft: number,
    dilationH: number,
    dilationW: number,
    oh: number,
    ow: number,
    xPtr: number,
    tPtr: number,
    outPtr: number,
  ): void;
  /** Transpose of maxPoolSelect in t: out [planes, h, w] is cleared, then out[argmax of x over the window of p] += d[p]. */
  maxPoolScatter(
    planes: number,
    xPlanes: number,
    h: number,
    w: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    padTop: number,
    padLeft: number,
    dilationH: number,
    dilationW: number,
    oh: number,
    ow: number,
    xPtr: number,
    dPtr: number,
    outPtr: number,
  ): void;
  /** Window means; countIncludePad ≠ 0 divides by kh·kw, 0 by the number of positions inside the image. */
  avgPool(
    planes: number,
    h: number,
    w: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    padTop: number,
    padLeft: number,
    oh: number,
    ow: number,
    countIncludePad: number,
    xPtr: number,
    outPtr: number,
  ): void;
  /** Transpose of avgPool; out [planes, h, w] is cleared first. */
  avgPoolTranspose(
    planes: number,
    h: number,
    w: number,
    kh: number,
    kw: number,
    strideH: number,
    strideW: number,
    padTop: number,
    padLeft: number,
    oh: number,
    ow: number,
    countIncludePad: number,
    dPtr: number,
    outPtr: number,
  ): void;

  // ── elementwise.ts (n contiguous elements; out may be x) ───────────────────────────────────────────────────────
  exp(n: number, xPtr: number, outPtr: number): void;
  expm1(n: number, xPtr: number, outPtr: number): void;
  log(n: number, xPtr: number, outPtr: number): void;
  sqrt(n: number, xPtr: number, outPtr: number): void;
  /** Any finite x; NaN for ±∞. */
  sin(n: number, xPtr: number, outPtr: number): void;
  cos(n: number, xPtr: number, outPtr: number): void;
  tanh(n: number, xPtr: number, outPtr: number): void;
  sigmoid(n: number, xPtr: number, outPtr: number): void;
  erf(n: number, xPtr: number, outPtr: number): void;
  /** x·Φ(x) with the exact error function. */
  gelu(n: number, xPtr: number, outPtr: number): void;
  /** x·sigmoid(x). */
  silu(n: number, xPtr: number, outPtr: number): void;
  /** log(1 + e^x). */
  softplus(n: number, xPtr: number, outPtr: number): void;
  /** 2/√π·e^(−x²). */
  erfDerivative(n: number, xPtr: number, outPtr: number): void;
  /** 1/cosh²(x), the derivative of tanh. */
  sechSquared(n: number, xPtr: number, outPtr: number): void;
  /** sigmoid(x)·(1 − sigmoid(x)), to the last place where it is small too. */
  sigmoidDerivative(n: number, xPtr: number, outPtr: number): void;
  geluDerivative(n: number, xPtr: number, outPtr: number): void;
  siluDerivative(n: number, xPtr: number, outPtr: number): void;
  relu(n: number, xPtr: number, outPtr: number): void;
  /** x > 0 ? x : slope·x. */
  leakyRelu(n: number, slope: number, xPtr: number, outPtr: number): void;
  /** x > 0 ? x : alpha·expm1(x). */
  elu(n: number, alpha: number, xPtr: number, outPtr: number): void;
  /** out ← scale·x + shift. */
  affine(n: number, scale: number, shift: number, xPtr: number, outPtr: number): void;

  // ── broadcast.ts (see the descriptor above; out contiguous) ────────────────────────────────────────────────────
  add(descPtr: number, aPtr: number, bPtr: number, outPtr: number): void;
  sub(descPtr: number, aPtr: number, bPtr: number, outPtr: number): void;
  mul(descPtr: number, aPtr: number, bPtr: number, outPtr: number): void;
  div(descPtr: number, aPtr: number, bPtr: number, outPtr: number): void;
  /** out ← a > 0 ? b : slope·b (the derivative of relu and leakyRelu applied to b). slope = 0 gives exactly 0. */
  gate(slope: number, descPtr: number, aPtr: number, bPtr: number, outPtr: number): void;
  /** out ← a > 0 ? b : c. */
  select(descPtr: number, aPtr: number, bPtr: number, cPtr: number, outPtr: number): void;
  stridedCopy(descPtr: number, inPtr: number, outPtr: number): void;
  fill(n: number, value: number, outPtr: number): void;

  // ── gather.ts (indices are whole numbers in range, stored as elements) ─────────────────────────────────────────
  /** out[i, :] ← table[index[i], :] for i < n, rows of d elements. */
  gatherRows(n: number, d: number, tablePtr: number, indexPtr: number, outPtr: number): void;
  /** out[index[i], :] += x[i, :] in the order of i; out is not cleared. */
  scatterAddRows(n: number, d: number, xPtr: number, indexPtr: number, outPtr: number): void;

  // ── reduce.ts (one fixed order: it depends on the reduced length alone) ────────────────────────────────────────
  /** out[o, i] ← Σ_r x[o, r, i]; x [outer, reduce, inner] contiguous. */
  sum(outer: number, reduce: number, inner: number, xPtr: number, outPtr: number): void;
  /** Σ_i x[i]·y[i], accumulated in f64. */
  dot(n: number, xPtr: number, yPtr: number): number;

  // ── finite.ts ──────────────────────────────────────────────────────────────────────────────────────────────────
  /** Whether all of n contiguous elements are finite: 1 or 0. */
  allFinite(n: number, xPtr: number): number;

  // ── optimizer.ts (n contiguous scalars, element by element) ────────────────────────────────────────────────────
  /** y ← y + alpha·x. */
  axpy(n: number, alpha: number, xPtr: number, yPtr: number): void;
  /** v ← mu·v + g; p ← p − rate·v, or with nesterov ≠ 0 p ← p − rate·(g + mu·v). */
  momentumStep(n: number, rate: number, mu: number, nesterov: number, gPtr: number, vPtr: number, pPtr: number): void;
  /** m ← b1·m + (1 − b1)·g; v ← b2·v + (1 − b2)·g²; p ← p − rate·m/(√v·scale + eps). */
  adamStep(
    n: number,
    rate: number,
    b1: number,
    b2: number,
    scale: number,
    eps: number,
    gPtr: number,
    mPtr: number,
    vPtr: number,
    pPtr: number,
  ): void;

  // ── eigh.ts ────────────────────────────────────────────────────────────────────────────────────────────────────
  /**
   * A·scale = Q·T·Qᵀ for symmetric A [n, n], row stride rsa, lower triangle read: A ← reflectors, tau [n]; d [n] and e [n − 1]
   * in f64 ← T (e has room for n). Returns the scale, a power of two.
   */
  tridiagonalize(n: number, aPtr: number, rsa: number, dPtr: number, ePtr: number, tauPtr: number, scratchPtr: number): number;
  tridiagonalizeScratchBytes(n: number): number;
  /**
   * d [n] ← eigenvalues of T, ascending; e is destroyed; both f64. zPtr = 0: values only, no scratch. Otherwise z has room for
   * n² f64, and its first last − first rows of n T become the eigenvectors of d[first] … d[last − 1].
   * Returns 0, or k > 0 when the k-th eigenvalue did not converge.
   */
  tridiagonalEigen(n: number, dPtr: number, ePtr: number, zPtr: number, first: number, last: number, scratchPtr: number): number;
  tridiagonalEigenScratchBytes(n: number): number;
  /** out [n, rows], row stride rsOut, ← Q·Uᵀ for U [rows, n] contiguous; A, tau as left by `tridiagonalize`; out may be A. */
  backTransform(
    n: number,
    rows: number,
    aPtr: number,
    rsa: number,
    tauPtr: number,
    uPtr: number,
    outPtr: number,
    rsOut: number,
    scratchPtr: number,
  ): void;
  backTransformScratchBytes(n: number, rows: number): number;

  // ── symmetric-product.ts ───────────────────────────────────────────────────────────────────────────────────────
  /** Bytes of the lower triangle of A [n, n], packed. */
  symmetricTilesBytes(n: number): number;
  /**
   * Packs rows first … first + count − 1 of A, its lower triangle, from aPtr with row stride rsa. Rows come in ascending order.
   * Returns how many entries are not finite or not equal to their mirror.
   */
  packSymmetricRows(n: number, first: number, count: number, aPtr: number, rsa: number, tilesPtr: number): number;
  /** out [vectors, n] ← X [vectors, n]·A for packed A; X and out contiguous. */
  symmetricProduct(n: number, vectors: number, tilesPtr: number, xPtr: number, outPtr: number, scratchPtr: number): void;
  symmetricProductScratchBytes(n: number): number;

  // ── orthogonalize.ts ───────────────────────────────────────────────────────────────────────────────────────────
  /** C [rows, count] ← X·Vᵀ, X [rows, n] ← X − C·V for V [count, n] of orthonormal rows; all contiguous. */
  orthogonalize(n: number, rows: number, count: number, vPtr: number, xPtr: number, cPtr: number, scratchPtr: number): void;
  orthogonalizeScratchBytes(n: number, count: number): number;

  // ── cholesky.ts ────────────────────────────────────────────────────────────────────────────────────────────────
  /** A = L·Lᵀ in place in the lower triangle (row-major, row stride rsa); the upper triangle is not touched. Returns 0, or k > 0 when the leading minor of order k is not positive. */
  cholesky(n: number, aPtr: number, rsa: number, scratchPtr: number): number;
  choleskyScratchBytes(n: number): number;
  /** B [n, m] ← op(L)⁻¹·B, in place; L lower triangular, transpose ≠ 0 solves with Lᵀ. B row-major with row stride rsb. */
  triangularSolve(n: number, m: number, transpose: number, lPtr: number, rsl: number, bPtr: number, rsb: number, scratchPtr: number): void;
  triangularSolveScratchBytes(n: number, m: number): number;
}
