/**
 * @file LossGradient: a model, its data and a loss in WebAssembly memory, ready to evaluate the loss and its gradient
 * again and again at parameters that stay in place.
 */

import { TangedgeError } from '../core/errors.ts';
import { lossTerms } from '../core/loss-scale.ts';
import { bytesOf, type Dtype, emptyArray, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { type Derived, vjp } from '../graph/differentiate.ts';
import { Execution } from '../graph/execution.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { affine } from '../graph/primitives/table.ts';
import { planProgram } from '../graph/program.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { withFlatParameters } from './flat-parameters.ts';
import { GramLayer, type GramSite, gramSiteOf, withLeaf } from './gram-layer.ts';
import { type LossOptions, lossGraph } from './loss-graph.ts';
import { checkTrainingData, type TrainingData, type TrainingRows } from './training-data.ts';

export interface LossGradientOptions extends LossOptions {
  /** Default `f64`. */
  readonly dtype?: Dtype;
  /** Most rows that one evaluation takes; default all n. */
  readonly batchSize?: number;
  /**
   * Examples swept at once. Their gradients are added block after block, so the last bits depend on it; the default
   * follows from the model and the batch alone (64 MiB of values), never from the memory limit.
   */
  readonly block?: number;
  /**
   * How a dense layer on flat inputs is kept: `weights`, its weights; `gram`, as W₀ + Aᵀ·X with A [n, h], which is far less
   * work when the n examples are fewer than the d inputs; `auto` takes `gram` where it applies and n ≤ d. Only evaluations
   * of all n examples in one block can use `gram`. The results agree to rounding. Default `weights`.
   */
  readonly firstLayer?: FirstLayer;
}

export type FirstLayer = 'auto' | 'weights' | 'gram';

/** What an optimizer moves in memory: a parameter, or the coefficients A [n, h] of a first layer kept as W₀ + Aᵀ·X. */
export interface Coordinate {
  /** Of the parameter. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
}

/** A trainable parameter and where it stands: `offset` in the flat vector of all p of them. */
export interface ParameterSlot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly offset: number;
}

const BLOCK_BYTES = 64 * 1024 * 1024;

/**
 * The loss and its gradient at the parameters in place.
 *
 * Holds a frame of the Runtime's arena from construction to `release()`: frames nest, so release what was made last
 * first. Flat vectors [p] run over the trainable parameters in the model's order, row-major each, as Jacobian columns do.
 *
 * Cost   a forward and a backward sweep per evaluation, about three times the flops of `forward`; no weight is copied
 *
 * @throws {TangedgeError} ERR_SHAPE, ERR_DOMAIN when the data does not fit · ERR_MEMORY before anything is allocated
 */
export class LossGradient {
  readonly rows: TrainingRows;
  readonly dtype: Dtype;
  readonly slots: readonly ParameterSlot[];
  /** Number of trainable scalars. */
  readonly p: number;
  private readonly rt: Runtime;
  private readonly model: Model;
  private readonly options: LossGradientOptions;
  private readonly loss: ReturnType<typeof lossGraph>;
  private readonly block: number;
  /** One per slot, in their order. */
  readonly coordinates: readonly Coordinate[];
  private readonly execution: Execution;
  private readonly gram: GramLayer | undefined;
  private readonly parameterIds: readonly ValueId[];
  private readonly gradientIds: readonly ValueId[];
  /** Sums of the blocks' gradients, one per parameter; empty when one block holds a whole batch. */
  private readonly totals: readonly number[];
  private readonly mark: number;
  /** Top of the arena between evaluations. */
  private top: number;
  /** Rows now bound to the leaves; −1 when they are not 0 … count − 1 of the data. */
  private boundCount = -1;
  private outputData: FloatArray = new Float64Array(0);

  constructor(rt: Runtime, model: Model, data: TrainingData, options: LossGradientOptions = {}) {
    const operation = 'LossGradient';
    const { dtype = 'f64', loss = 'mse' } = options;
    this.rt = rt;
    this.model = model;
    this.options = options;
    this.dtype = dtype;
    this.rows = checkTrainingData(operation, model, data, loss);
    this.terms(this.rows.n);
    this.loss = lossGraph(model, loss);
    this.slots = slotsOf(model);
    this.p = this.slots.reduce((total, { size }) => total + size, 0);
    this.parameterIds = trainableParameters(model).map(({ id }) => id);
    const batch = Math.min(this.rows.n, options.batchSize ?? this.rows.n);
    const site = this.gramSite(batch);
    const derived = this.differentiate(site);
    this.gradientIds = derived.graph.outputs.slice(1);
    this.block = site ? batch : Math.min(batch, options.block ?? this.defaultBlock(derived.graph, batch));
    this.coordinates = this.slots.map(({ name, shape, size }, k) =>
      site?.index === k ? { name, shape: [batch, site.h], size: batch * site.h } : { name, shape, size },
    );
    const program = this.plan(derived.graph, this.block, site);
    this.mark = rt.arena.mark();
    try {
      this.execution = new Execution(rt, program);
      for (const { id, value } of model.parameters) this.execution.bind(id, value.data);
      this.execution.bind(derived.seeds[0], Float64Array.of(1));
      this.gram = site && new GramLayer(rt, dtype, site, this.rows.inputs, trainableParameters(model)[site.index].value.data);
      this.totals = this.block < batch ? this.slots.map(({ size }) => rt.arena.allocateArray(dtype, size)) : [];
      this.top = rt.arena.mark();
    } catch (error) {
      rt.arena.release(this.mark);
      throw error;
    }
  }

  /** Gives the memory back. */
  release(): void {
    this.rt.arena.release(this.mark);
  }

  /**
   * More memory that lives as long as this object, for an optimizer's state; only directly after construction.
   *
   * @returns the address of `length` zeros.
   */
  allocate(length: number): number {
    this.checkTop();
    const ptr = this.rt.arena.allocateArray(this.dtype, length);
    this.rt.arena.view(this.dtype, ptr, length).fill(0);
    this.top = this.rt.arena.mark();
    return ptr;
  }

  /**
   * The mean loss over `rows` of the data (default: all) at the parameters in place; leaves its gradient in place.
   *
   * @throws {TangedgeError} ERR_ARGUMENT when another computation still holds memory it took after this one, or for rows
   *         with a first layer kept as `gram`.
   */
  evaluate(rows?: Uint32Array): number {
    this.checkTop();
    if (rows !== undefined && this.gram !== undefined) {
      throw new TangedgeError('ERR_ARGUMENT', "LossGradient: a first layer kept as 'gram' sees all examples at once; leave rows out.", {});
    }
    const count = rows?.length ?? this.rows.n;
    const { c } = this.rows;
    const divisor = this.terms(count);
    if (this.outputData.length !== count * c) this.outputData = this.dtype === 'f64' ? new Float64Array(count * c) : new Float32Array(count * c);
    this.execution.run(0);
    let total = 0;
    for (let start = 0; start < count; start += this.block) {
      const size = Math.min(this.block, count - start);
      this.bindBlock(rows, start, size, count);
      this.execution
        .view(this.loss.weight)
        .fill(0)
        .fill(1 / divisor, 0, size);
      this.gram?.preactivations(this.execution.ptr(this.gram.site.preactivation));
      this.execution.run(1);
      const losses = this.execution.view(this.loss.exampleLoss);
      for (let i = 0; i < size; i++) total += losses[i];
      this.outputData.set(this.execution.view(this.model.output.id).subarray(0, size * c), start * c);
      this.addBlock(start === 0);
    }
    return total / divisor;
  }

  /** Outputs f of the rows of the last evaluation, [rows, c]; a view that the next evaluation overwrites. */
  get outputs(): FloatArray {
    return this.outputData;
  }

  /** Address of coordinate k. */
  coordinatePtr(k: number): number {
    return this.gram?.site.index === k ? this.gram.ptr : this.execution.ptr(this.parameterIds[k]);
  }

  /** Address of the gradient that moves coordinate k. */
  gradientPtr(k: number): number {
    return this.totals.length > 0 ? this.totals[k] : this.execution.ptr(this.gradientIds[k]);
  }

  /** Euclidean norm of the gradient in all parameters, or in parameter k. */
  gradientNorm(k?: number): number {
    const routines = routinesOf(this.rt, this.dtype);
    let total = 0;
    this.coordinates.forEach(({ size }, index) => {
      if (k !== undefined && k !== index) return;
      const ptr = this.gradientPtr(index);
      total += this.gram?.site.index === index ? this.gram.squaredNorm(ptr) : routines.dot(size, ptr, ptr);
    });
    return Math.sqrt(total);
  }

  /** Euclidean norm of all parameters; Inf in f32 beyond 1.8·10¹⁹. */
  parameterNorm(): number {
    const routines = routinesOf(this.rt, this.dtype);
    let total = 0;
    this.coordinates.forEach(({ size }, k) => {
      const ptr = this.coordinatePtr(k);
      total += this.gram?.site.index === k ? this.gram.weightNorm2() : routines.dot(size, ptr, ptr);
    });
    return Math.sqrt(Math.max(0, total)); // the sum over W₀ + Aᵀ·X may round below zero; NaN stays
  }

  /** The parameters, a copy [p]. */
  readParameters(): FloatArray {
    return this.snapshot().parameters();
  }

  /**
   * The state of the coordinates as it is now, for little: the parameters of a first layer kept as W₀ + Aᵀ·X are computed
   * when `parameters` asks for them. `own` holds what `restore` needs beside the parameters to go on with the same bits.
   */
  snapshot(): { parameters(): FloatArray; own(): Map<string, Tensor> } {
    const { gram } = this;
    const copies = this.coordinates.map(({ size }, k) => this.rt.arena.read(this.dtype, this.coordinatePtr(k), size));
    const parameters = () => this.flat((k) => (gram?.site.index === k ? gram.weights(copies[k]) : copies[k]));
    if (gram === undefined) return { parameters, own: () => new Map() };
    const { name, shape } = this.coordinates[gram.site.index];
    const start = gram.start();
    return {
      parameters,
      own: () =>
        new Map([
          [`coefficients/${name}`, { shape, data: copies[gram.site.index] }],
          [`start/${name}`, { shape: this.slots[gram.site.index].shape, data: start }],
        ]),
    };
  }

  /** The gradient of the last evaluation, a copy [p]. */
  readGradient(): FloatArray {
    return this.flat((k) => {
      const ptr = this.gradientPtr(k);
      return this.gram?.site.index === k ? this.gram.gradient(ptr) : this.rt.arena.read(this.dtype, ptr, this.slots[k].size);
    });
  }

  /** Replaces the parameters [p]; rounds to the dtype. `own` is what `snapshot` gave with them. */
  writeParameters(theta: FloatArray, own: ReadonlyMap<string, Tensor> = new Map()): void {
    this.slots.forEach(({ name, offset, size }, k) => {
      const values = theta.subarray(offset, offset + size);
      if (this.gram?.site.index === k) this.gram.rebase(own.get(`start/${name}`)?.data ?? values, own.get(`coefficients/${name}`)?.data);
      else this.rt.arena.view(this.dtype, this.coordinatePtr(k), size).set(values);
    });
  }

  /** The model with the parameters in place (copies). */
  currentModel(): Model {
    return withFlatParameters(this.model, this.readParameters());
  }

  private bindBlock(rows: Uint32Array | undefined, start: number, size: number, count: number): void {
    // A full batch in one block stays bound from one evaluation to the next.
    if (rows === undefined && size === count && this.boundCount === count) return;
    const { d, c, inputs, targets } = this.rows;
    // A first layer kept as W₀ + Aᵀ·X is all that reads the inputs.
    const x = this.execution.holds(this.model.input.id) ? this.execution.view(this.model.input.id) : undefined;
    const y = this.execution.view(this.loss.targets);
    for (let i = 0; i < this.block; i++) {
      const position = start + Math.min(i, size - 1); // entries past the end repeat the last row, with weight 0
      const row = rows === undefined ? position : rows[position];
      x?.set(inputs.subarray(row * d, (row + 1) * d), i * d);
      y.set(targets.subarray(row * c, (row + 1) * c), i * c);
    }
    this.boundCount = rows === undefined && size === count ? count : -1;
  }

  private addBlock(first: boolean): void {
    const routines = routinesOf(this.rt, this.dtype);
    this.totals.forEach((total, k) => {
      const { size } = this.slots[k];
      const gradient = this.execution.ptr(this.gradientIds[k]);
      if (first) this.rt.arena.view(this.dtype, total, size).set(this.rt.arena.view(this.dtype, gradient, size));
      else routines.axpy(size, 1, gradient, total);
    });
  }

  private flat(valuesOf: (k: number) => FloatArray): FloatArray {
    const out = emptyArray(this.dtype, this.p);
    this.slots.forEach(({ offset }, k) => void out.set(valuesOf(k), offset));
    return out;
  }

  /** The first layer to be kept as W₀ + Aᵀ·X, if any. */
  private gramSite(batch: number): GramSite | undefined {
    const { firstLayer = 'weights', block } = this.options;
    if (firstLayer === 'weights') return undefined;
    const site = gramSiteOf(this.model);
    const { n } = this.rows;
    const applies = site !== undefined && batch === n && (block === undefined || block >= n);
    if (firstLayer === 'gram' && !applies) {
      throw new TangedgeError(
        'ERR_ARGUMENT',
        "LossGradient: firstLayer 'gram' needs a trained dense layer on flat inputs, and all examples in every step. Use 'weights'.",
        { n, batch },
      );
    }
    return applies && (firstLayer === 'gram' || n <= site.d) ? site : undefined;
  }

  /** The gradient graph: of the parameters, but for a first layer of its pre-activation's cotangent. */
  private differentiate(site: GramSite | undefined): Derived {
    const { graph } = this.loss;
    if (site === undefined) return vjp(graph, this.parameterIds);
    const derived = vjp(
      withLeaf(graph, site.preactivation),
      this.parameterIds.map((id, k) => (k === site.index ? site.preactivation : id)),
    );
    const g = new GraphBuilder(derived.graph);
    const outputs = derived.graph.outputs.map((id, k) => (k === site.index + 1 ? affine(g, id, site.scale, 0) : id));
    return { ...derived, graph: g.build(outputs) };
  }

  private defaultBlock(graph: Graph, batch: number): number {
    const bytes = this.plan(graph, 2).valueBytes - this.plan(graph, 1).valueBytes;
    const most = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(bytes, bytesOf(this.dtype))));
    return Math.ceil(batch / Math.ceil(batch / most));
  }

  private plan(graph: Graph, block: number, site?: GramSite) {
    const { targets, weight, exampleLoss } = this.loss;
    const { input, output } = this.model;
    return planProgram(graph, {
      dtype: this.dtype,
      batch: new Map([input.id, targets, weight, ...(site ? [site.preactivation] : [])].map((id) => [id, block])),
      keep: [...new Set([exampleLoss, output.id, ...this.gradientIds])],
    });
  }

  private terms(count: number): number {
    return lossTerms('LossGradient', { n: count, c: this.rows.c, lossScale: this.options.lossScale });
  }

  private checkTop(): void {
    if (this.rt.arena.mark() === this.top) return;
    throw new TangedgeError(
      'ERR_ARGUMENT',
      'LossGradient: another computation holds memory of this Runtime; finish what was started last first, or give each its own Runtime.',
      {},
    );
  }
}

/** Where every trainable parameter stands in the flat vector. */
export function slotsOf(model: Model): ParameterSlot[] {
  let offset = 0;
  return trainableParameters(model).map(({ name, value: { shape } }) => {
    const size = sizeOf(shape);
    offset += size;
    return { name, shape: [...shape], size, offset: offset - size };
  });
}
