/** @file The kernel half of an analysis: the trace NTK of one checkpoint, its spectrum, and how it lies to the targets. */

import { eigenvectorAlignment } from '../alignment/eigenvector-alignment.ts';
import { centeredKernelAlignment, kernelTargetAlignment } from '../alignment/kernel-target-alignment.ts';
import { TangedgeError } from '../core/errors.ts';
import { type Dtype, EPSILON, type Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { effectiveRank, intrinsicDimension, participationRatio, rankAtThreshold, stableRank } from '../linalg/effective-ranks.ts';
import type { Eigenvectors } from '../linalg/eigh.ts';
import { eighSteps } from '../linalg/eigh-job.ts';
import { ntkJob, parameterNtkJob } from '../ntk/ntk-job.ts';
import type { NtkImplementation } from '../ntk/options.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type Steps, step } from '../wasm/tiled.ts';
import type { AlignmentSection, EffectiveRanks, ParameterTrace } from './report.ts';
import type { StageProgress } from './stage-progress.ts';

export interface KernelOptions {
  readonly dtype: Dtype;
  readonly implementation: NtkImplementation;
  readonly memoryLimit?: number;
  readonly onProgress: StageProgress;
}

/** The trace NTK of one checkpoint and its eigenpairs, ascending. */
export interface AnalyzedKernel {
  readonly kernel: Tensor;
  readonly eigenpairs: Eigenvectors;
}

export function* analyzeKernel(model: Model, x: Tensor, options: KernelOptions): Steps<AnalyzedKernel> {
  const { dtype, implementation, memoryLimit, onProgress } = options;
  const kernel = yield* step(
    (planner, threads) => ntkJob(planner, model, x, { outputs: 'trace', dtype, implementation, memoryLimit, threads }),
    (tiles) => onProgress(0.6 * tiles.fraction, tiles),
  );
  const eigenpairs = yield* eighSteps(kernel);
  onProgress(1);
  return { kernel, eigenpairs };
}

/** Samples at once: whole kernels per parameter would need n² numbers for each of them, and only diagonals are wanted. */
const TRACE_BLOCK = 16;

/** tr Θ of each trainable parameter alone, in the model's order. */
export function* parameterTraces(model: Model, x: Tensor, { dtype, memoryLimit, onProgress }: KernelOptions): Steps<ParameterTrace[]> {
  const n = x.shape[0];
  const size = x.data.length / n;
  const totals = new Map<string, number>();
  for (let start = 0; start < n; start += TRACE_BLOCK) {
    const rows = Math.min(TRACE_BLOCK, n - start);
    const block: Tensor = { shape: [rows, ...x.shape.slice(1)], data: x.data.subarray(start * size, (start + rows) * size) };
    const plan = (planner: Runtime, threads: number) => parameterNtkJob(planner, model, block, { outputs: 'trace', dtype, memoryLimit, threads });
    const kernels = yield* step(plan, undefined, 'transient');
    for (const { parameter, kernel } of kernels) totals.set(parameter, (totals.get(parameter) ?? 0) + traceOf(kernel));
    onProgress((start + rows) / n);
  }
  return [...totals].map(([name, trace]) => ({ name, trace }));
}

export function traceOf({ shape: [n], data }: Tensor): number {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += data[i * n + i];
  return trace;
}

export function ranksOf(rt: Runtime, values: Float64Array, dtype: Dtype): EffectiveRanks {
  const rounding = values.length * EPSILON[dtype];
  const largest = values[values.length - 1];
  return {
    effectiveRank: effectiveRank(rt, values),
    participationRatio: participationRatio(values),
    stableRank: stableRank(values),
    intrinsicDimension: intrinsicDimension(values),
    rankAt95: rankAtThreshold(values, { threshold: 0.95 }),
    numericalRank: values.filter((value) => value > rounding * largest).length,
  };
}

/** @throws {TangedgeError} ERR_DOMAIN when the targets or the kernel are zero. */
export function alignmentOf(rt: Runtime, { kernel, eigenpairs }: AnalyzedKernel, targets: Tensor, dtype: Dtype): AlignmentSection {
  // eigenvalues of a kernel from f32 sweeps agree only to single precision
  const baseline = identity(kernel.shape[0]);
  const { alignments, eigenspaces } = eigenvectorAlignment(eigenpairs, targets, dtype === 'f32' ? { rtol: 1e-5 } : {});
  return {
    kernelTargetAlignment: kernelTargetAlignment(rt, kernel, targets),
    centeredKernelAlignment: unlessConstant(() => centeredKernelAlignment(rt, kernel, targets)),
    identityAlignment: kernelTargetAlignment(rt, baseline, targets),
    centeredIdentityAlignment: unlessConstant(() => centeredKernelAlignment(rt, baseline, targets)),
    eigenvectorAlignment: [...alignments],
    eigenspaces: eigenspaces.map(({ indices, multiplicity, value, alignment }) => ({
      start: indices[0],
      dimension: multiplicity,
      eigenvalue: value,
      alignment,
    })),
  };
}

/** null where a quantity is 0/0 because something does not vary. */
export function unlessConstant(quantity: () => number): number | null {
  try {
    return quantity();
  } catch (error) {
    if (error instanceof TangedgeError && error.code === 'ERR_DOMAIN') return null;
    throw error;
  }
}

function identity(n: number): Tensor {
  const data = new Float64Array(n * n);
  for (let i = 0; i < n; i++) data[i * n + i] = 1;
  return { shape: [n, n], data };
}
