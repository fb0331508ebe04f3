/** @file NTK-vector products: one vjp on x2, one jvp on x1. Alone, and as an implementation of the whole kernel. */

import { bytesOf, type Dtype, emptyArray, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { jvp, vjp } from '../graph/differentiate.ts';
import { type Execution, startExecution } from '../graph/execution.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { LastOfGraph } from '../graph/last-of-graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { type Program, planProgram, programBytes } from '../graph/program.ts';
import { paddedBlock } from '../graph/sweep.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import type { NtkInputs } from './inputs.ts';

/** The two derived graphs. Plain data. */
export interface VectorProductGraphs {
  readonly pullback: { readonly graph: Graph; readonly seed: ValueId; readonly gradients: readonly ValueId[] };
  readonly pushforward: { readonly graph: Graph; readonly tangents: readonly ValueId[]; readonly output: ValueId };
  readonly input: ValueId;
  readonly parameters: readonly { readonly name: string; readonly id: ValueId; readonly value: Tensor }[];
}

export function vectorProductGraphs(model: Model): VectorProductGraphs {
  const wrt = trainableParameters(model).map(({ id }) => id);
  const count = wrt.length;
  const back = vjp(model.graph, wrt);
  const forward = jvp(model.graph, wrt);
  return {
    pullback: { graph: back.graph, seed: back.seeds[0], gradients: back.graph.outputs.slice(1, 1 + count) },
    pushforward: { graph: forward.graph, tangents: forward.seeds, output: forward.graph.outputs[1] },
    input: model.input.id,
    parameters: model.parameters,
  };
}

/** Programs for `nBack` examples under one vjp and `nForward` under one jvp. */
export interface VectorProductPrograms {
  readonly back: Program;
  readonly forward: Program;
}

export function planVectorProduct(graphs: VectorProductGraphs, nBack: number, nForward: number, dtype: Dtype): VectorProductPrograms {
  const { pullback, pushforward, input } = graphs;
  const back = planProgram(pullback.graph, {
    dtype,
    batch: new Map([
      [input, nBack],
      [pullback.seed, nBack],
    ]),
    late: new Set([pullback.seed]),
    keep: pullback.gradients,
  });
  const forward = planProgram(pushforward.graph, {
    dtype,
    batch: new Map([[input, nForward]]),
    late: new Set(pushforward.tangents),
    keep: [pushforward.output],
  });
  return { back, forward };
}

const lastProducts = new LastOfGraph<{ readonly graphs: VectorProductGraphs; readonly programs: VectorProductPrograms }>();

/** Both for blocks of as many examples, with the parameters' values of now: an iteration asks for product after product of one network. */
export function preparedProducts(model: Model, block: number, dtype: Dtype): { graphs: VectorProductGraphs; programs: VectorProductPrograms } {
  const key = JSON.stringify([block, dtype, model.input.id, trainableParameters(model).map(({ id }) => id)]);
  const { graphs, programs } = lastProducts.get(model.graph, key, () => {
    const made = vectorProductGraphs(model);
    return { graphs: made, programs: planVectorProduct(made, block, block, dtype) };
  });
  return { graphs: { ...graphs, parameters: model.parameters }, programs };
}

export function vectorProductBytes(rt: Runtime, { back, forward }: VectorProductPrograms, dtype: Dtype): number {
  const routines = routinesOf(rt, dtype);
  return programBytes(back, routines) + programBytes(forward, routines);
}

/** One of the programs in memory, for blocks of examples; lives in the arena frame in which it was made. */
class BlockProducts {
  readonly execution: Execution;
  protected readonly graphs: VectorProductGraphs;
  /** First example of the block that was swept forward last. */
  private swept = -1;

  constructor(rt: Runtime, graphs: VectorProductGraphs, program: Program) {
    this.graphs = graphs;
    this.execution = startExecution(rt, program, graphs.parameters);
  }

  /** Examples of a block. */
  protected get block(): number {
    return this.execution.program.batch[this.graphs.input];
  }

  /** Forward sweep over a block of examples. */
  set(x: FloatArray): void {
    this.execution.bind(this.graphs.input, x);
    this.execution.run(1);
  }

  /** The same over the block from `start` of x, examples of `size` numbers, always the same x: once while `start` is. Returns how many there are. */
  protected sweep(x: FloatArray, size: number, start: number): number {
    const count = Math.min(this.block, x.length / size - start);
    if (this.swept !== start) this.set(paddedBlock(x, start, count, this.block, size));
    this.swept = start;
    return count;
  }
}

/** Pullbacks Jᵀu. */
export class Pullback extends BlockProducts {
  /** Jᵀu over the block for u [block, c], one array per parameter in the dtype computed in: views that end with the next call. */
  pull(u: FloatArray): FloatArray[] {
    this.execution.bind(this.graphs.pullback.seed, u);
    this.execution.runLate();
    return this.graphs.pullback.gradients.map((gradient) => this.execution.view(gradient));
  }

  /** The same over the block from `start`, for its part of u [n, c]. */
  pullBlock(x: FloatArray, size: number, start: number, u: FloatArray): FloatArray[] {
    const count = this.sweep(x, size, start);
    const c = (u.length * size) / x.length;
    // Examples that only fill the block up have cotangent 0.
    const cotangents = new Float64Array(this.block * c);
    cotangents.set(u.subarray(start * c, (start + count) * c));
    return this.pull(cotangents);
  }
}

/** Pushforwards J·t. */
export class Pushforward extends BlockProducts {
  /** J·t, [block, c], for the tangents that are in memory; a view. */
  push(): FloatArray {
    this.execution.runLate();
    return this.execution.view(this.graphs.pushforward.output);
  }

  /** J·t over the block from `start`, for tangents of the parameters; a view. */
  pushBlock(x: FloatArray, size: number, start: number, tangents: readonly Float64Array[]): FloatArray {
    const count = this.sweep(x, size, start);
    this.graphs.pushforward.tangents.forEach((tangent, index) => {
      this.execution.bind(tangent, tangents[index]);
    });
    const values = this.push();
    return values.subarray(0, (count * values.length) / this.block);
  }
}

/** Both programs in memory: the gradients of one are the tangents of the other. */
export class VectorProducts {
  readonly back: Pullback;
  readonly forward: Pushforward;
  private readonly rt: Runtime;
  private readonly graphs: VectorProductGraphs;

  constructor(rt: Runtime, graphs: VectorProductGraphs, programs: VectorProductPrograms) {
    this.rt = rt;
    this.graphs = graphs;
    this.back = new Pullback(rt, graphs, programs.back);
    this.forward = new Pushforward(rt, graphs, programs.forward);
  }

  /** J(x1)·t, [n, c], where t is the last pullback, or its part for one parameter with the others zero. */
  push(only: number | null = null): FloatArray {
    const [back, forward] = [this.back.execution, this.forward.execution];
    const { dtype } = forward.program;
    const { gradients } = this.graphs.pullback;
    const bytes = new Uint8Array(this.rt.arena.memory.buffer);
    this.graphs.pushforward.tangents.forEach((tangent, index) => {
      if (forward.program.offset[tangent] < 0) return;
      const to = forward.ptr(tangent);
      const length = forward.lengthOf(tangent) * bytesOf(dtype);
      if (only !== null && only !== index) bytes.fill(0, to, to + length);
      else bytes.copyWithin(to, back.ptr(gradients[index]), back.ptr(gradients[index]) + length);
    });
    return this.forward.push();
  }
}

/** Gradients, one array per parameter, summed over blocks in f64. */
export class GradientSum {
  readonly totals: readonly Float64Array[];

  constructor(model: Model) {
    this.totals = trainableParameters(model).map(({ value }) => new Float64Array(sizeOf(value.shape)));
  }

  add(gradients: readonly FloatArray[]): void {
    gradients.forEach((gradient, index) => {
      const total = this.totals[index];
      for (let i = 0; i < total.length; i++) total[i] += gradient[i];
    });
  }
}

/** Examples swept at once: one number, whatever the memory, because it orders the sum over examples. */
export const BLOCK = 64;

/** Products Θ(x1, x2)·u, one after the other; lives in the arena frame in which it was made. Sides of one block are swept forward once. */
export class KernelProducts {
  private readonly model: Model;
  private readonly inputs: NtkInputs;
  private readonly dtype: Dtype;
  private readonly block: number;
  private readonly back: Pullback;
  private readonly forward: Pushforward;

  constructor(rt: Runtime, model: Model, inputs: NtkInputs, dtype: Dtype) {
    this.model = model;
    this.inputs = inputs;
    this.dtype = dtype;
    this.block = Math.min(BLOCK, Math.max(inputs.x1.length, inputs.x2.length) / inputs.size);
    const { graphs, programs } = preparedProducts(model, this.block, dtype);
    this.back = new Pullback(rt, graphs, programs.back);
    this.forward = new Pushforward(rt, graphs, programs.forward);
  }

  /** u [n2, c] → [n1, c]. */
  times(u: FloatArray): FloatArray {
    const { x1, x2, size } = this.inputs;
    const [n1, n2] = [x1.length / size, x2.length / size];
    const c = this.model.output.size;
    const sum = new GradientSum(this.model);
    for (let start = 0; start < n2; start += this.block) sum.add(this.back.pullBlock(x2, size, start, u));
    const data = emptyArray(this.dtype, n1 * c);
    for (let start = 0; start < n1; start += this.block) data.set(this.forward.pushBlock(x1, size, start, sum.totals), start * c);
    return data;
  }
}
