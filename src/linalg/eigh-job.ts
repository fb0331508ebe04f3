/** @file The eigendecomposition as jobs: of a large matrix, first the tridiagonal form in one piece, then runs of eigenvectors side by side. */

import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { bytesOf, type Dtype, type FloatArray, type Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type Steps, step, type TiledJob, type TileKind } from '../wasm/tiled.ts';
import { type Eigenvalues, type Eigenvectors, type EighOptions, eigh } from './eigh.ts';
import { backTransformRows, eighBytes, inDtype, type Tridiagonalization, tridiagonalEigenpairs, tridiagonalize } from './eigh-stages.ts';
import { checkIndices, type IndexRange } from './index-range.ts';
import { checkSymmetric } from './symmetric.ts';

type Eigenpairs = Eigenvalues & Partial<Eigenvectors>;

/** Eigenvectors below which handing n² numbers to other threads costs more than they save. */
const LEAST_DIVIDED = 512;

/**
 * `eigh` in steps, to its bits, whoever runs them. With several threads and at least 512 eigenvectors, each thread computes the
 * last half of the divide and conquer, and the transformation back, for its own eigenvectors.
 */
export function eighSteps(a: Tensor, options?: EighOptions & { readonly vectors?: true }): Steps<Eigenvectors>;
export function eighSteps(a: Tensor, options?: EighOptions): Steps<Eigenpairs>;
export function* eighSteps(a: Tensor, options: EighOptions = {}): Steps<Eigenpairs> {
  const { vectors = true, dtype = 'f64' } = options;
  const n = checkSymmetric('eigh', 'a', a);
  const indices = checkIndices('eigh', options.indices, n);
  const problem: Problem = { a: { shape: a.shape, data: inDtype('eigh', a, dtype) }, dtype, vectors, indices };
  const found = yield* step((rt, threads) => wholeJob(rt, problem, threads), undefined, 'transient');
  if (!('reflectors' in found)) return found;
  return yield* step((rt, threads) => vectorsJob(rt, problem, found, threads), undefined, 'transient');
}

interface Problem {
  readonly a: Tensor;
  readonly dtype: Dtype;
  readonly vectors: boolean;
  readonly indices: IndexRange;
}

interface WholePlan extends Problem {
  /** Whether the tridiagonal form is all that is wanted here. */
  readonly divided: boolean;
}

export const eighTiles: TileKind<WholePlan, Eigenpairs | Tridiagonalization> = {
  name: 'eigh',
  start: (rt, { a, dtype, vectors, indices, divided }) => ({
    compute: () => (divided ? tridiagonalize(rt, a, { dtype }) : eigh(rt, a, { dtype, vectors, indices })),
  }),
};

function wholeJob(rt: Runtime, problem: Problem, threads: number): TiledJob<Eigenpairs | Tridiagonalization, WholePlan> {
  const { vectors, indices } = problem;
  const [n] = problem.a.shape;
  const count = indices[1] - indices[0];
  const divided = vectors && threads > 1 && count >= LEAST_DIVIDED;
  let result: Eigenpairs | Tridiagonalization | undefined;
  return {
    kind: eighTiles,
    plan: { ...problem, divided },
    tiles: 1,
    flops: n * n * ((4 / 3) * n + (vectors ? (4 / 3) * n + 2 * count : 0)),
    memory: memoryOf(rt, problem, n * (n + count)),
    place: (_, part) => {
      result = part as Eigenpairs | Tridiagonalization;
    },
    finish: () => result as Eigenpairs | Tridiagonalization,
  };
}

interface VectorsPlan {
  readonly tridiagonal: Tridiagonalization;
  /** Positions of the eigenpairs of each tile. */
  readonly ranges: readonly IndexRange[];
}

export const eigenvectorTiles: TileKind<VectorsPlan, { readonly values: Float64Array; readonly vectors: FloatArray }> = {
  name: 'eigenvectors',
  start: (rt, { tridiagonal, ranges }) => ({
    compute(tile) {
      const { values, rows } = tridiagonalEigenpairs(rt, tridiagonal, { indices: ranges[tile] });
      return { values, vectors: backTransformRows(rt, tridiagonal, rows).data };
    },
  }),
};

function vectorsJob(rt: Runtime, problem: Problem, tridiagonal: Tridiagonalization, threads: number): TiledJob<Eigenvectors, VectorsPlan> {
  const { dtype, indices } = problem;
  const n = tridiagonal.diagonal.length;
  const [first, last] = indices;
  const count = last - first;
  const block = Math.ceil(count / threads);
  const ranges = Array.from({ length: Math.ceil(count / block) }, (_, tile): IndexRange => {
    const start = first + tile * block;
    return [start, Math.min(start + block, last)];
  });
  const buffer = new ArrayBuffer(count * 8 + n * count * bytesOf(dtype));
  const all = new Float64Array(buffer, 0, count);
  const data = dtype === 'f64' ? new Float64Array(buffer, count * 8, n * count) : new Float32Array(buffer, count * 8, n * count);
  return {
    kind: eigenvectorTiles,
    plan: { tridiagonal, ranges },
    tiles: ranges.length,
    flops: n * n * ((4 / 3) * n + 2 * count),
    memory: memoryOf(rt, problem, n * (n + count)),
    place(tile, part) {
      const { values, vectors } = part as { values: Float64Array; vectors: FloatArray };
      const [start, end] = ranges[tile];
      const columns = end - start;
      all.set(values, start - first);
      for (let i = 0; i < n; i++) data.set(vectors.subarray(i * columns, (i + 1) * columns), i * count + start - first);
    },
    finish: () => ({ values: all, vectors: { shape: [n, count], data } }),
  };
}

function memoryOf(rt: Runtime, { a, dtype, vectors, indices }: Problem, results: number) {
  const workerBytes = eighBytes(rt, dtype, a.shape[0], vectors, indices[1] - indices[0]);
  return { limit: DEFAULT_MEMORY_LIMIT, workerBytes, resultBytes: results * bytesOf(dtype) };
}
