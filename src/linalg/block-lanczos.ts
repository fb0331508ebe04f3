/**
 * @file The largest eigenpairs of a symmetric operator by block Lanczos with full reorthogonalization and thick restart.
 *
 *   basis  V [m, n], orthonormal rows      images  W = V·A      H = W·Vᵀ = Y·Θ·Yᵀ      Ritz vectors Yᵀ·V
 *
 *   |  kept Ritz vectors  |  block  |  block  |  block  |        a step multiplies the last block by A; what of the image the
 *   0                     p                          m ≤ capacity       basis does not hold is the next block
 *
 * A·v lies in the basis for every row but those of the last block, so what its image leaves is the residual of every Ritz
 * pair. When the basis is full it becomes its best Ritz vectors, and goes on from the same block.
 *
 * A block of b finds at most b copies of an eigenvalue. So when b of the pairs that have converged agree, a fresh random block
 * joins the wanted Ritz vectors for PROBES steps: a copy that was missed shows as a new Ritz value, and the iteration goes on.
 *
 * Scheme: Wu, Simon, Thick-restart Lanczos method, SIAM J. Matrix Anal. Appl. 22(2), 2000; blocks: Golub, Underwood (1977).
 */

import { TangedgeError } from '../core/errors.ts';
import { uniformArray } from '../core/random.ts';
import { bytesOf, type Dtype, emptyArray, type FloatArray } from '../core/tensor.ts';
import type { Routines } from '../wasm/abi.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { subtractProjections } from './gram-schmidt.ts';
import { largestResidual, type RitzPairs, repeats, ritzPairs, sameValues } from './ritz-pairs.ts';

/** Rows that the basis has room for, however few pairs are wanted: a restart loses more than they cost. */
const LEAST_CAPACITY = 120;
/** Steps of the random block that looks for missed copies. */
const PROBES = 2;
/** No step has lowered the largest residual by more: the Ritz pairs, which cost as much as a step, are looked at when they may be ready. */
const FASTEST = 256;
/** A row that projection leaves with less than this share of its length, or of ‖A‖ for an image, is rounding: a random one replaces it. */
const NEGLIGIBLE = { f64: 1e-14, f32: 1e-6 } as const;

/** out [b, n] ← X·A for X [b, n], both in WebAssembly memory. */
export type BlockProduct = (rows: number, xPtr: number, outPtr: number) => void;

export interface LanczosOptions {
  readonly count: number;
  /** Rows of a block. */
  readonly block: number;
  /** Residuals at most tolerance·max |θ|. */
  readonly tolerance: number;
  /** Rows multiplied by A before it gives up. */
  readonly budget: number;
  readonly seed: number;
}

export interface LanczosResult {
  /** Largest first. */
  readonly values: Float64Array;
  /** [count, n], row k belongs to values[k]. */
  readonly rows: FloatArray;
  /** ‖A·v − λ·v‖ of each pair, from the images. */
  readonly residuals: Float64Array;
  /** Blocks multiplied by A. */
  readonly iterations: number;
  readonly restarts: number;
}

/** Rows that the basis holds at most. */
export function basisCapacity(n: number, count: number, block: number): number {
  return Math.min(n, Math.max(4 * count + 2 * block, LEAST_CAPACITY));
}

/** Bytes of WebAssembly memory that `blockLanczos` holds beside those of the operator. */
export function lanczosBytes(rt: Runtime, n: number, dtype: Dtype, count: number, block: number): number {
  const capacity = basisCapacity(n, count, block);
  const { orthogonalize, gemm } = scratchBytes(routinesOf(rt, dtype), n, capacity, block);
  return 64 * 8 + bytesOf(dtype) * ((2 * capacity + block) * n + capacity * (capacity + block)) + orthogonalize + gemm;
}

function scratchBytes(routines: Routines, n: number, capacity: number, block: number): { readonly orthogonalize: number; readonly gemm: number } {
  return {
    orthogonalize: routines.orthogonalizeScratchBytes(n, capacity) >>> 0,
    gemm: Math.max(routines.gemmScratchBytes(block, block, n) >>> 0, routines.gemmScratchBytes(capacity, n, capacity) >>> 0),
  };
}

/** Runs until all pairs have converged and no copies are missing, or returns undefined when the budget is spent. */
export function blockLanczos(rt: Runtime, dtype: Dtype, n: number, product: BlockProduct, options: LanczosOptions): LanczosResult | undefined {
  return rt.arena.frame(() => new BlockLanczos(rt, dtype, n, product, options).run());
}

class BlockLanczos {
  private readonly rt: Runtime;
  private readonly dtype: Dtype;
  private readonly n: number;
  private readonly product: BlockProduct;
  private readonly options: LanczosOptions;
  private readonly routines: Routines;
  private readonly capacity: number;
  private readonly bytes: number;
  /** Rows: the basis, their images, what the last images leave; coefficients [block, capacity]; Ritz coefficients; scratch. */
  private readonly vPtr: number;
  private readonly wPtr: number;
  private readonly restPtr: number;
  private readonly coefficientsPtr: number;
  private readonly ritzPtr: number;
  private readonly gemmPtr: number;
  private readonly scratchPtr: number;
  /** H, row-major, capacity a row. */
  private readonly h: Float64Array;
  /** Rows of the basis; the first of them whose image is not known. */
  private size = 0;
  private imaged = 0;
  /** The first basis row that the next images have a part along, but for rounding: the block before. */
  private coupled = 0;
  /** Gram matrix [block, block] of what the last images leave. */
  private leftover: Float64Array = new Float64Array(0);
  private multiplied = 0;
  private iterations = 0;
  private restarts = 0;
  private randomRows = 0;

  constructor(rt: Runtime, dtype: Dtype, n: number, product: BlockProduct, options: LanczosOptions) {
    this.rt = rt;
    this.dtype = dtype;
    this.n = n;
    this.product = product;
    this.options = options;
    this.routines = routinesOf(rt, dtype);
    this.bytes = bytesOf(dtype);
    this.capacity = basisCapacity(n, options.count, options.block);
    const { capacity, routines } = this;
    const { block } = options;
    const { arena } = rt;
    this.vPtr = arena.allocateArray(dtype, capacity * n);
    this.wPtr = arena.allocateArray(dtype, capacity * n);
    this.restPtr = arena.allocateArray(dtype, block * n);
    this.coefficientsPtr = arena.allocateArray(dtype, block * capacity);
    this.ritzPtr = arena.allocateArray(dtype, capacity * capacity);
    const scratch = scratchBytes(routines, n, capacity, block);
    this.scratchPtr = arena.allocate(scratch.orthogonalize);
    this.gemmPtr = arena.allocate(scratch.gemm);
    this.h = new Float64Array(capacity * capacity);
  }

  run(): LanczosResult | undefined {
    const { count, block, tolerance, budget } = this.options;
    this.appendRandom(Math.min(block, this.capacity));
    const kept = count + Math.max(block, count >> 1); // Ritz vectors that a restart keeps
    let accepted: Float64Array | undefined; // the values, once all had converged
    let due = Math.min(count + block, this.n); // rows at which the Ritz pairs are looked at again
    for (;;) {
      if (this.multiplied + (this.size - this.imaged) > budget) return undefined;
      this.step();
      const whole = this.size === this.n;
      const full = this.size + block > this.capacity;
      if (whole || full || this.size >= due) {
        const ritz = ritzPairs(this.rt, this.h, this.size, this.capacity, full ? kept : count);
        const residual = largestResidual(ritz, this.leftover, count);
        const bound = tolerance * ritz.norm;
        const converged = residual <= bound;
        const found = converged && (accepted ? sameValues(accepted, ritz, count, tolerance) : !repeats(ritz, count, block, tolerance));
        if (whole || found) return this.result(ritz);
        if (converged) {
          accepted = ritz.values;
          this.restart(ritz, count);
          this.appendRandom(Math.min(block, this.capacity - this.size));
          due = this.size + (PROBES - 1) * block;
          continue;
        }
        accepted = undefined;
        if (full && this.capacity < this.n) this.restart(ritz, kept);
        due = this.size + block;
        for (let left = residual; left > FASTEST * bound && left < Number.POSITIVE_INFINITY; left /= FASTEST) due += block;
      }
      this.appendRest();
    }
  }

  /** Images of the rows that have none, their part of H, and what the basis does not hold of them. */
  private step(): void {
    const { n, size, imaged, capacity, h } = this;
    const rows = size - imaged;
    const image = this.row(this.wPtr, imaged);
    this.product(rows, this.row(this.vPtr, imaged), image);
    this.multiplied += rows;
    this.iterations++;
    const { arena } = this.rt;
    arena.view(this.dtype, this.restPtr, rows * n).set(arena.view(this.dtype, image, rows * n));
    // What couples goes first; then all that rounding has left of the others. Again, should that have been most of it.
    h.fill(0, imaged * capacity, size * capacity);
    this.projectRest(rows, this.coupled);
    for (let pass = 0; pass < 2; pass++) {
      const taken = this.projectRest(rows, 0);
      this.leftover = this.gramOfRest(rows);
      if (taken.every((square, r) => square <= 100 * this.leftover[r * rows + r])) break;
    }
    this.symmetrize(imaged);
    this.coupled = imaged;
    this.imaged = size;
  }

  /** Takes the basis rows from `from` on out of what the images leave, and into H. Returns the squared length of what it took of each. */
  private projectRest(rows: number, from: number): Float64Array {
    const { size, imaged, capacity, h } = this;
    const count = size - from;
    const coefficients = this.project(rows, this.restPtr, from, count);
    const taken = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < count; c++) {
        const value = coefficients[r * count + c];
        h[(imaged + r) * capacity + from + c] += value;
        taken[r] += value * value;
      }
    }
    return taken;
  }

  private gramOfRest(rows: number): Float64Array {
    const { n, routines, restPtr, coefficientsPtr, gemmPtr } = this;
    routines.gemm(rows, rows, n, 1, restPtr, n, 1, restPtr, 1, n, 0, coefficientsPtr, rows, 1, gemmPtr);
    return Float64Array.from(this.rt.arena.view(this.dtype, coefficientsPtr, rows * rows));
  }

  /** x [rows, n] ← x − (x·Vᵀ)·V for the `count` basis rows from `from` on. Returns the coefficients [rows, count]. */
  private project(rows: number, xPtr: number, from = 0, count = this.size): FloatArray {
    const { n, routines, vPtr, coefficientsPtr, scratchPtr } = this;
    if (count === 0) return emptyArray(this.dtype, 0);
    routines.orthogonalize(n, rows, count, this.row(vPtr, from), xPtr, coefficientsPtr, scratchPtr);
    return this.rt.arena.view(this.dtype, coefficientsPtr, rows * count);
  }

  /** H of the rows from `from` on: their columns before it are copied, their square is averaged, and must have been symmetric. */
  private symmetrize(from: number): void {
    const { h, capacity, size } = this;
    let largest = 0;
    let worst = 0;
    for (let i = 0; i < size; i++) largest = Math.max(largest, Math.abs(h[i * capacity + i]));
    for (let i = from; i < size; i++) {
      for (let j = 0; j < i; j++) {
        const lower = h[i * capacity + j];
        if (j < from) {
          h[j * capacity + i] = lower;
          continue;
        }
        const upper = h[j * capacity + i];
        largest = Math.max(largest, Math.abs(lower), Math.abs(upper));
        worst = Math.max(worst, Math.abs(lower - upper));
        h[i * capacity + j] = h[j * capacity + i] = (lower + upper) / 2;
      }
    }
    if (!(worst <= 1e-3 * largest)) {
      throw new TangedgeError(
        'ERR_DOMAIN',
        `topEigenpairs: the operator is not symmetric, or its products are not finite: ⟨u, A·v⟩ and ⟨v, A·u⟩ differ by ${worst} where entries reach ${largest}. Pass a symmetric operator.`,
        { difference: worst, largest },
      );
    }
  }

  /** The basis becomes its first Ritz vectors. What the last images leave stays. */
  private restart({ values, rows: y }: RitzPairs, wanted: number): void {
    const { n, size, capacity, h, routines, ritzPtr, gemmPtr } = this;
    const kept = Math.min(size, capacity - this.options.block, wanted);
    const { arena } = this.rt;
    arena.frame(() => {
      const temporaryPtr = arena.allocateArray(this.dtype, kept * n);
      arena.view(this.dtype, ritzPtr, kept * size).set(y.subarray(0, kept * size));
      for (const rowsPtr of [this.vPtr, this.wPtr]) {
        routines.gemm(kept, n, size, 1, ritzPtr, size, 1, rowsPtr, n, 1, 0, temporaryPtr, n, 1, gemmPtr);
        arena.view(this.dtype, rowsPtr, kept * n).set(arena.view(this.dtype, temporaryPtr, kept * n));
      }
    });
    h.fill(0);
    for (let k = 0; k < kept; k++) h[k * capacity + k] = values[k];
    this.size = kept;
    this.imaged = kept;
    this.coupled = 0;
    this.restarts++;
  }

  /** What the last images leave, made orthonormal, joins the basis. */
  private appendRest(): void {
    const rows = Math.min(Math.round(Math.sqrt(this.leftover.length)), this.capacity - this.size);
    const { arena } = this.rt;
    const at = this.row(this.vPtr, this.size);
    arena.view(this.dtype, at, rows * this.n).set(arena.view(this.dtype, this.restPtr, rows * this.n));
    let norm = 0;
    for (let i = 0; i < this.size; i++) norm = Math.max(norm, Math.abs(this.h[i * this.capacity + i]));
    this.append(rows, NEGLIGIBLE[this.dtype] * norm, 'projected');
  }

  private appendRandom(rows: number): void {
    for (let r = 0; r < rows; r++) this.fillRandom(this.row(this.vPtr, this.size + r));
    this.coupled = 0;
    this.append(rows, 0, 'anywhere');
  }

  private fillRandom(rowPtr: number): void {
    const { n, options } = this;
    const values = uniformArray(options.seed, this.randomRows++, n).map((value) => 2 * value - 1);
    this.rt.arena.view(this.dtype, rowPtr, n).set(values);
  }

  /**
   * The rows behind the basis join it, orthogonal to it and to each other. What a pass leaves of a row has the rounding of the
   * whole row: a second pass follows where one has left less than a tenth. A row no longer than `negligible` is replaced.
   */
  private append(rows: number, negligible: number, where: 'projected' | 'anywhere'): void {
    const start = this.row(this.vPtr, this.size);
    let again = where === 'anywhere';
    for (let pass = 0; pass === 0 || (again && pass < 3); pass++) {
      if (again) this.project(rows, start);
      again = pass === 0 && where === 'anywhere';
      for (let r = 0; r < rows; r++) {
        const rowPtr = this.row(this.vPtr, this.size + r);
        const before = this.norm(rowPtr);
        subtractProjections(this.routines, this.n, this.n * this.bytes, start, r, rowPtr);
        const after = this.norm(rowPtr);
        if (!(after > 0.1 * before)) again = true;
        if (after > NEGLIGIBLE[this.dtype] * before && after > (pass === 0 ? negligible : 0.1)) this.scaleRow(rowPtr, after);
        else this.replace(r);
      }
    }
    this.size += rows;
  }

  /** Row r behind the basis ← a random unit vector orthogonal to all before it. */
  private replace(r: number): void {
    const rowPtr = this.row(this.vPtr, this.size + r);
    for (let attempt = 0; attempt < 3; attempt++) {
      this.fillRandom(rowPtr);
      this.scaleRow(rowPtr, this.norm(rowPtr));
      for (let pass = 0; pass < 2; pass++) {
        this.project(1, rowPtr, 0, this.size + r);
        const norm = this.norm(rowPtr);
        if (norm > 0) this.scaleRow(rowPtr, norm);
      }
      this.project(1, rowPtr, 0, this.size + r);
      if (this.norm(rowPtr) > 0.5) return;
    }
    throw new TangedgeError(
      'ERR_CONVERGENCE',
      `topEigenpairs: no direction is left beside ${this.size + r} of ${this.n}. Please report the operator.`,
      {
        size: this.size + r,
        n: this.n,
      },
    );
  }

  private norm(rowPtr: number): number {
    return Math.sqrt(this.routines.dot(this.n, rowPtr, rowPtr));
  }

  private scaleRow(rowPtr: number, norm: number): void {
    this.routines.affine(this.n, 1 / norm, 0, rowPtr, rowPtr);
  }

  private row(ptr: number, r: number): number {
    return ptr + r * this.n * this.bytes;
  }

  /** The wanted Ritz vectors, and their residuals from their images. */
  private result({ values, rows: y }: RitzPairs): LanczosResult {
    const { count } = this.options;
    const { n, size, routines, ritzPtr, gemmPtr } = this;
    const { arena } = this.rt;
    return arena.frame(() => {
      const xPtr = arena.allocateArray(this.dtype, count * n);
      const imagePtr = arena.allocateArray(this.dtype, count * n);
      arena.view(this.dtype, ritzPtr, count * size).set(y.subarray(0, count * size));
      routines.gemm(count, n, size, 1, ritzPtr, size, 1, this.vPtr, n, 1, 0, xPtr, n, 1, gemmPtr);
      routines.gemm(count, n, size, 1, ritzPtr, size, 1, this.wPtr, n, 1, 0, imagePtr, n, 1, gemmPtr);
      const x = arena.view(this.dtype, xPtr, count * n);
      const image = arena.view(this.dtype, imagePtr, count * n);
      const residuals = Float64Array.from({ length: count }, (_, k) =>
        residualNorm(image.subarray(k * n, (k + 1) * n), x.subarray(k * n, (k + 1) * n), values[k]),
      );
      return { values: values.slice(0, count), rows: x.slice(), residuals, iterations: this.iterations, restarts: this.restarts };
    });
  }
}

/** ‖A·x − λ·x‖ from A·x. */
function residualNorm(image: FloatArray, x: FloatArray, value: number): number {
  let square = 0;
  for (let i = 0; i < x.length; i++) {
    const difference = image[i] - value * x[i];
    square += difference * difference;
  }
  return Math.sqrt(square);
}
