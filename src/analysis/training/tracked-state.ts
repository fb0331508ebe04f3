/** @file TrackedState: one state of a run, and what trackers compute of it, each at most once and only when asked for. */

import { type Dtype, type FloatArray, sizeOf, type Tensor } from '../../core/tensor.ts';
import { withFlatParameters } from '../../dynamics/flat-parameters.ts';
import type { LossOptions } from '../../dynamics/loss-graph.ts';
import type { TrainingRows } from '../../dynamics/training-data.ts';
import type { TrainingStep } from '../../dynamics/training-step.ts';
import { type NeuralFeaturesOptions, neuralFeatures, type WeightFeatures } from '../../features/neural-features.ts';
import { forward } from '../../graph/forward.ts';
import type { Model } from '../../graph/model.ts';
import { type Eigenvectors, eigh } from '../../linalg/eigh.ts';
import { empiricalNtk } from '../../ntk/empirical-ntk.ts';
import type { NtkOptions } from '../../ntk/options.ts';
import type { Runtime } from '../../wasm/runtime.ts';

/** Threads that compute kernels and features with the bits of one: a `Pool` is this. */
export interface TrackerThreads {
  empiricalNtk(model: Model, x: Tensor, options: NtkOptions): Promise<Tensor>;
  neuralFeatures(model: Model, x: Tensor, options: NeuralFeaturesOptions): Promise<WeightFeatures[]>;
}

/** What stays the same during a run. */
export interface RunContext {
  readonly rt: Runtime;
  /** The model before step 0. */
  readonly initial: Model;
  readonly theta0: Float64Array;
  readonly rows: TrainingRows;
  /** [n, …input] and [n, c]: what the network is trained on. */
  readonly inputs: Tensor;
  readonly targets: Tensor;
  /** The first `samples` of them: what kernels and features are computed on. */
  readonly kernelInputs: Tensor;
  readonly kernelTargets: Tensor;
  readonly dtype: Dtype;
  readonly loss: LossOptions;
  readonly memoryLimit?: number;
  readonly pool?: TrackerThreads;
}

/** A model on a run's data: kernel, spectrum and features when first asked for. */
export class ModelState {
  protected readonly context: RunContext;
  private readonly modelOf: () => Model;
  private readonly known = new Map<string, unknown>();

  constructor(context: RunContext, model: () => Model) {
    this.context = context;
    this.modelOf = model;
  }

  get model(): Model {
    return this.once('model', this.modelOf);
  }

  /** Trace NTK [m, m] on the kernel samples. */
  kernel(): Tensor {
    return this.once('kernel', () => {
      const { rt, kernelInputs, dtype, memoryLimit } = this.context;
      return empiricalNtk(rt, this.model, kernelInputs, { outputs: 'trace', dtype, memoryLimit });
    });
  }

  /** Of the trace NTK, ascending. */
  eigenpairs(): Eigenvectors {
    return this.once('eigenpairs', () => eigh(this.context.rt, this.kernel()));
  }

  /** NFM, AGOP and covariance of every weight, with its motion since step 0. */
  features(): readonly WeightFeatures[] {
    return this.once('features', () => {
      const { rt, kernelInputs, dtype, memoryLimit, initial } = this.context;
      return neuralFeatures(rt, this.model, kernelInputs, { dtype, memoryLimit, initial });
    });
  }

  /** Outputs on all training inputs, [n, c]. */
  outputs(): Tensor {
    return this.once('outputs', () => forward(this.context.rt, this.model, this.context.inputs, { dtype: this.context.dtype }));
  }

  /** Computes the kernel or the features in the threads of the run's pool, if it has one: the same bits. */
  async prepare(need: 'kernel' | 'features'): Promise<void> {
    const { pool, kernelInputs, dtype, memoryLimit, initial } = this.context;
    if (pool === undefined || this.known.has(need)) return;
    const value =
      need === 'kernel'
        ? await pool.empiricalNtk(this.model, kernelInputs, { outputs: 'trace', dtype, memoryLimit })
        : await pool.neuralFeatures(this.model, kernelInputs, { dtype, memoryLimit, initial });
    this.known.set(need, value);
  }

  protected once<T>(name: string, make: () => T): T {
    if (!this.known.has(name)) this.known.set(name, make());
    return this.known.get(name) as T;
  }
}

/** The state of a run that trackers measure. */
export class TrackedState extends ModelState {
  readonly step: TrainingStep;
  /** The model before step 0; what trackers ask of it is kept for the whole run. */
  readonly initial: ModelState;

  constructor(context: RunContext, initial: ModelState, step: TrainingStep) {
    super(context, () => withFlatParameters(context.initial, this.parameters()));
    this.step = step;
    this.initial = initial;
  }

  get run(): RunContext {
    return this.context;
  }

  /** θ [p]. */
  parameters(): FloatArray {
    return this.once('parameters', () => this.step.parameters());
  }

  override outputs(): Tensor {
    return this.step.rows === undefined ? this.step.outputs() : super.outputs();
  }
}

/** The first `samples` rows. */
export function firstRows(t: Tensor, samples: number): Tensor {
  const size = sizeOf(t.shape.slice(1));
  return t.shape[0] === samples ? t : { shape: [samples, ...t.shape.slice(1)], data: t.data.subarray(0, samples * size) };
}
