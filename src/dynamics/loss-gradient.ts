/**
 * @file LossGradient: a model, its data and a loss in WebAssembly memory, ready to evaluate the loss and its gradient
 * again and again at parameters that stay in place.
 */

import { TangedgeError } from '../core/errors.ts';
import { lossTerms } from '../core/loss-scale.ts';
import { bytesOf, type Dtype, type FloatArray, sizeOf } from '../core/tensor.ts';
import { vjp } from '../graph/differentiate.ts';
import { Execution } from '../graph/execution.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { planProgram } from '../graph/program.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { withFlatParameters } from './flat-parameters.ts';
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
  private readonly options: LossOptions;
  private readonly loss: ReturnType<typeof lossGraph>;
  private readonly block: number;
  private readonly execution: Execution;
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
    const derived = vjp(this.loss.graph, this.parameterIds);
    this.gradientIds = derived.graph.outputs.slice(1);
    const batch = Math.min(this.rows.n, options.batchSize ?? this.rows.n);
    this.block = Math.min(batch, options.block ?? this.defaultBlock(derived.graph, batch));
    const program = this.plan(derived.graph, this.block);
    this.mark = rt.arena.mark();
    try {
      this.execution = new Execution(rt, program);
      for (const { id, value } of model.parameters) this.execution.bind(id, value.data);
      this.execution.bind(derived.seeds[0], Float64Array.of(1));
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
   * @throws {TangedgeError} ERR_ARGUMENT when another computation still holds memory it took after this one.
   */
  evaluate(rows?: Uint32Array): number {
    this.checkTop();
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

  /** Address of parameter k of `slots`. */
  parameterPtr(k: number): number {
    return this.execution.ptr(this.parameterIds[k]);
  }

  /** Address of the gradient in parameter k. */
  gradientPtr(k: number): number {
    return this.totals.length > 0 ? this.totals[k] : this.execution.ptr(this.gradientIds[k]);
  }

  /** Euclidean norm of the gradient, or of one parameter's. */
  gradientNorm(k?: number): number {
    const routines = routinesOf(this.rt, this.dtype);
    const squares = this.slots.map(({ size }, index) =>
      k === undefined || k === index ? routines.dot(size, this.gradientPtr(index), this.gradientPtr(index)) : 0,
    );
    return Math.sqrt(squares.reduce((total, square) => total + square, 0));
  }

  /** The parameters, a copy [p]. */
  readParameters(): FloatArray {
    return this.gather((k) => this.parameterPtr(k));
  }

  /** The gradient of the last evaluation, a copy [p]. */
  readGradient(): FloatArray {
    return this.gather((k) => this.gradientPtr(k));
  }

  /** Replaces the parameters; rounds to the dtype. */
  writeParameters(theta: FloatArray): void {
    this.slots.forEach(({ offset, size }, k) => {
      this.rt.arena.view(this.dtype, this.parameterPtr(k), size).set(theta.subarray(offset, offset + size));
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
    const x = this.execution.view(this.model.input.id);
    const y = this.execution.view(this.loss.targets);
    for (let i = 0; i < this.block; i++) {
      const position = start + Math.min(i, size - 1); // entries past the end repeat the last row, with weight 0
      const row = rows === undefined ? position : rows[position];
      x.set(inputs.subarray(row * d, (row + 1) * d), i * d);
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

  private gather(ptrOf: (k: number) => number): FloatArray {
    const out = this.dtype === 'f64' ? new Float64Array(this.p) : new Float32Array(this.p);
    this.slots.forEach(({ offset, size }, k) => void out.set(this.rt.arena.view(this.dtype, ptrOf(k), size), offset));
    return out;
  }

  private defaultBlock(graph: Graph, batch: number): number {
    const bytes = this.plan(graph, 2).valueBytes - this.plan(graph, 1).valueBytes;
    const most = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(bytes, bytesOf(this.dtype))));
    return Math.ceil(batch / Math.ceil(batch / most));
  }

  private plan(graph: Graph, block: number) {
    const { targets, weight, exampleLoss } = this.loss;
    const { input, output } = this.model;
    return planProgram(graph, {
      dtype: this.dtype,
      batch: new Map([input.id, targets, weight].map((id) => [id, block])),
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
