/** @file createPool: the tiled quantities over worker threads, with the bits of one thread. */

/// <reference lib="esnext.disposable" preserve="true" />

import { type AnalysisOptions, type AnalysisRequest, analysisSteps } from '../analysis/analyze.ts';
import type { Report } from '../analysis/report.ts';
import { type LearningRateSweepOptions, learningRateSweepJob, type SweptRun } from '../analysis/training/learning-rate-sweep.ts';
import { checkInteger } from '../core/check.ts';
import { canShareMemory, type UrlLike } from '../core/host-objects.ts';
import type { Tensor } from '../core/tensor.ts';
import type { TrainingData } from '../dynamics/training-data.ts';
import { type AgopOptions, agopJob, ptkCovarianceJob } from '../features/agop.ts';
import { type NeuralFeaturesOptions, neuralFeaturesJob, type WeightFeatures } from '../features/neural-features.ts';
import type { FeatureOptions } from '../features/options.ts';
import { ptkJob } from '../features/preactivation-tangent-kernel.ts';
import { type ForwardOptions, forwardJob } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import type { Eigenvalues, Eigenvectors, EighOptions } from '../linalg/eigh.ts';
import { eighSteps } from '../linalg/eigh-job.ts';
import { inputJacobianJob, type JacobianOptions, jacobianJob } from '../ntk/jacobian.ts';
import { ntkJob, type ParameterKernel, parameterNtkJob } from '../ntk/ntk-job.ts';
import type { NtkOptions } from '../ntk/options.ts';
import { loadRuntime, type Runtime, type WasmSource } from '../wasm/runtime.ts';
import type { Steps, TiledJob } from '../wasm/tiled.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { type CallOptions, JobRun } from './job-run.ts';
import { closedError, Scheduler } from './scheduler.ts';
import { SharedMemory } from './shared-memory.ts';
import { coreCount, hasThreads } from './thread.ts';

export interface PoolOptions {
  /** Worker threads; 0 computes in this thread, tile by tile. Default: the number of cores. Runtimes without threads always take 0. */
  readonly workers?: number;
  /** The worker's file; default: `worker.node.js` or `worker.web.js` beside this module. For bundlers that move it. */
  readonly workerUrl?: UrlLike | string;
  /** Milliseconds until a worker that has not answered counts as not started. Default 30 000. */
  readonly startTimeout?: number;
  /** The compiled module or its bytes, as `loadRuntime` takes it. */
  readonly source?: WasmSource;
  /** Most bytes of WebAssembly memory of each thread. */
  readonly memoryLimit?: number;
  /** Wide routines in every thread, as `loadRuntime` documents them. */
  readonly wide?: boolean;
  /** Fused routines in every thread, likewise. */
  readonly fused?: boolean;
  /** Whether inputs go to workers in shared memory; default: where it can be posted. Without, they are copied. */
  readonly sharedMemory?: boolean;
  /**
   * `workers` starts them now and gives them every job; `inline` computes what takes less than about 0.1 s in this thread, and
   * starts workers for the first job that takes longer. Default `workers`.
   */
  readonly smallJobs?: 'workers' | 'inline';
}

/** How a call of `analyze` is aborted, kept, and watched. */
export interface AnalysisCall extends Omit<CallOptions, 'onProgress'> {
  readonly onProgress?: AnalysisOptions['onProgress'];
}

/** A quantity's own options, and how the call is aborted. */
export type Pooled<Options> = Options & CallOptions;

/**
 * Makes a pool of worker threads. Close it, or declare it with `await using`: in Deno and browsers workers live until then;
 * in Node and Bun idle ones do not keep the process alive.
 *
 * Cost   about 25 ms to start a worker, 0.1 ms per tile; a runtime in each
 *
 * @throws {TangedgeError} ERR_WORKER, with info.workerUrl, when a worker does not start · ERR_ARGUMENT · ERR_UNSUPPORTED for
 * `wide` and `fused` where they cannot run
 * @example
 * const pool = await createPool({ workers: 0 });
 * const kernel = await pool.empiricalNtk(model, x, { outputs: 'trace' }); // the bits of empiricalNtk(rt, model, x, …)
 * await pool.close();
 */
export async function createPool(options: PoolOptions = {}): Promise<Pool> {
  const { source, memoryLimit, wide, fused, smallJobs = 'workers' } = options;
  checkInteger('createPool', 'workers', options.workers ?? 0, 0);
  checkInteger('createPool', 'startTimeout', options.startTimeout ?? 1, 1);
  const workers = hasThreads() ? (options.workers ?? coreCount()) : 0;
  const rt = await loadRuntime({ source, memoryLimit, wide, fused });
  const runtime = { source: rt.tested ?? source, memoryLimit };
  const scheduler = new Scheduler(workers, { workerUrl: options.workerUrl, startTimeout: options.startTimeout ?? 30_000, runtime });
  if (smallJobs === 'workers') {
    try {
      await scheduler.startAll();
    } catch (error) {
      await scheduler.close();
      throw error;
    }
  }
  return new Pool(rt, scheduler, { workers, smallJobs, share: options.sharedMemory ?? canShareMemory() });
}

/** Threads that tiles of a checkpoint are cut for. */
const CHECKPOINT_THREADS = 8;

/** Flops below which a job is small: about 0.1 s of one thread. */
const SMALL_JOB_FLOPS = 1e9;

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/** The tiled quantities, each as the function of its name but without `rt`: same checks, options, bits and errors. */
export class Pool {
  /** Worker threads; 0 when everything is computed in this thread. */
  readonly workers: number;
  /** This thread's runtime, which plans and finishes jobs: for what has no tiles, there need not be another. */
  readonly rt: Runtime;
  private readonly scheduler: Scheduler;
  private readonly smallJobs: 'workers' | 'inline';
  private readonly share: boolean;
  private readonly memory = new SharedMemory();
  private lastId = 0;

  /** Use `createPool`. */
  constructor(
    rt: Runtime,
    scheduler: Scheduler,
    settings: { readonly workers: number; readonly smallJobs: 'workers' | 'inline'; readonly share: boolean },
  ) {
    this.rt = rt;
    this.scheduler = scheduler;
    this.workers = settings.workers;
    this.smallJobs = settings.smallJobs;
    this.share = settings.share;
  }

  async empiricalNtk(model: Model, x: Tensor, options: Pooled<NtkOptions> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt, threads) => ntkJob(rt, model, x, { ...own, outputs: own.outputs ?? 'full', threads }), call);
  }

  async empiricalNtkByParameter(model: Model, x: Tensor, options: Pooled<NtkOptions> = {}): Promise<ParameterKernel[]> {
    const { own, call } = split(options);
    return this.run((rt, threads) => parameterNtkJob(rt, model, x, { ...own, outputs: own.outputs ?? 'full', threads }), call);
  }

  async pseudoNtk(model: Model, x: Tensor, options: Pooled<Omit<NtkOptions, 'outputs'>> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt, threads) => ntkJob(rt, model, x, { ...own, outputs: 'pseudo', threads }), call);
  }

  async jacobian(model: Model, x: Tensor, options: Pooled<JacobianOptions> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt) => jacobianJob(rt, model, x, own), call);
  }

  async inputJacobian(model: Model, x: Tensor, options: Pooled<JacobianOptions> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt) => inputJacobianJob(rt, model, x, own), call);
  }

  async forward(model: Model, x: Tensor, options: Pooled<ForwardOptions> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt) => forwardJob(rt, model, x, own), call);
  }

  async agop(model: Model, x: Tensor, options: Pooled<AgopOptions> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt, threads) => agopJob(rt, model, x, { ...own, threads }), call);
  }

  async ptkCovariance(model: Model, x: Tensor, weight: string, options: Pooled<FeatureOptions> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt, threads) => ptkCovarianceJob(rt, model, x, weight, { ...own, threads }), call);
  }

  async neuralFeatures(model: Model, x: Tensor, options: Pooled<NeuralFeaturesOptions> = {}): Promise<WeightFeatures[]> {
    const { own, call } = split(options);
    return this.run((rt, threads) => neuralFeaturesJob(rt, model, x, { ...own, threads }), call);
  }

  async preactivationTangentKernel(model: Model, x: Tensor, weight: string, options: Pooled<FeatureOptions> = {}): Promise<Tensor> {
    const { own, call } = split(options);
    return this.run((rt, threads) => ptkJob(rt, model, x, weight, { ...own, threads }), call);
  }

  async learningRateSweep(model: Model, data: TrainingData, options: Pooled<LearningRateSweepOptions>): Promise<SweptRun[]> {
    const { own, call } = split(options);
    return this.run((rt) => learningRateSweepJob(rt, model, data, own), call);
  }

  /** Eigenvectors of a large matrix over the workers; its tridiagonal form, and what is small, in one of them. */
  async eigh(a: Tensor, options: Pooled<EighOptions> & { readonly vectors: false }): Promise<Eigenvalues>;
  async eigh(a: Tensor, options?: Pooled<EighOptions> & { readonly vectors?: true }): Promise<Eigenvectors>;
  async eigh(a: Tensor, options?: Pooled<EighOptions>): Promise<Eigenvalues & Partial<Eigenvectors>>;
  async eigh(a: Tensor, options: Pooled<EighOptions> = {}): Promise<Eigenvalues & Partial<Eigenvectors>> {
    const { own, call } = split(options);
    return this.runSteps(eighSteps(a, own), call);
  }

  /** Kernels, their eigenvectors, feature moments, and products with more than 64 examples over the workers; the rest in this thread. */
  async analyze(request: AnalysisRequest, options: Omit<AnalysisOptions, 'onProgress'> & AnalysisCall = {}): Promise<Report> {
    const { signal, checkpoint, ...own } = options;
    return this.runSteps(analysisSteps(this.rt, request, own), { signal, checkpoint });
  }

  private async runSteps<Result>(steps: Steps<Result>, { signal, checkpoint, onProgress }: CallOptions): Promise<Result> {
    let next = steps.next();
    while (!next.done) {
      const { plan, onProgress: watch = onProgress, keep } = next.value;
      next = steps.next(await this.run(plan, { signal, checkpoint: keep === 'transient' ? undefined : checkpoint, onProgress: watch }));
    }
    return next.value;
  }

  /**
   * Runs any tiled job: `plan` makes it, for as many threads as will share it. The kind of its tiles is in src/pool/kinds.ts.
   *
   * @throws {TangedgeError} what planning and tiles throw · ERR_WORKER when a tile loses its worker three times · ERR_CLOSED ·
   *         the signal's reason
   */
  async run<Result, Plan, Part>(plan: (rt: Runtime, threads: number) => TiledJob<Result, Plan, Part>, options: CallOptions = {}): Promise<Result> {
    const { signal, onProgress, checkpoint: store } = options;
    if (this.scheduler.isClosed) throw closedError();
    signal?.throwIfAborted();
    const workers = Math.max(1, this.workers);
    // A checkpoint is of use to a run with other workers only if its tiles do not depend on them.
    const job = plan(this.rt, store ? CHECKPOINT_THREADS : workers);
    const checkpoint = store && (await openCheckpoint(store, job, this.rt.fused));
    const placed = checkpoint && (await restore(job, checkpoint, signal));
    if (placed) store?.restored?.(placed.size, job.tiles);
    signal?.throwIfAborted();
    const small = this.smallJobs === 'inline' && !this.scheduler.hasStarted && job.flops < SMALL_JOB_FLOPS;
    const settings = { id: ++this.lastId, workers, share: this.share, memory: this.memory, inline: this.workers === 0 || small, checkpoint, placed };
    const run = new JobRun(job, settings, onProgress);
    const abort = () => this.scheduler.abort(run, signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      run.finishWhenPlaced();
      if (!run.over) this.scheduler.add(run);
      return (await run.result) as Result;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends the workers and resolves when they have stopped. Calls under way, and later ones, reject with ERR_CLOSED. */
  async close(): Promise<void> {
    await this.scheduler.close();
  }

  async [asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Places the tiles that a checkpoint has, whole. */
async function restore(job: TiledJob<unknown>, checkpoint: Checkpoint, signal: AbortSignal | undefined): Promise<Set<number>> {
  const placed = new Set<number>();
  for (let tile = 0; tile < job.tiles; tile++) {
    const part = await checkpoint.read(tile);
    signal?.throwIfAborted();
    if (part === undefined) continue;
    job.place(tile, part);
    placed.add(tile);
  }
  return placed;
}

/** A quantity's own options, and those of the call. */
function split<Options extends CallOptions>(options: Options): { own: Omit<Options, keyof CallOptions>; call: CallOptions } {
  const { signal, onProgress, checkpoint, ...own } = options;
  return { own, call: { signal, onProgress, checkpoint } };
}
