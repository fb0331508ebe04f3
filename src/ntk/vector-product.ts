/** @file NTK-vector products: one vjp on x2, one jvp on x1. Alone, and as an implementation of the whole kernel. */

import { bytesOf, type Dtype, emptyArray, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { jvp, vjp } from '../graph/differentiate.ts';
import { Execution } from '../graph/execution.ts';
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

/** Pullbacks Jᵀu of a block of examples; lives in the arena frame in which it was made. */
export class Pullback {
  readonly execution: Execution;
  private readonly graphs: VectorProductGraphs;

  constructor(rt: Runtime, graphs: VectorProductGraphs, program: Program) {
    this.graphs = graphs;
    this.execution = boundExecution(rt, graphs, program);
  }

  /** Forward sweep over the examples the cotangents belong to. */
  set(x: FloatArray): void {
    this.execution.bind(this.graphs.input, x);
    this.execution.run(1);
  }

  /** Jᵀu for u [n, c], kept as `gradients`. */
  pull(u: FloatArray): void {
    this.execution.bind(this.graphs.pullback.seed, u);
    this.execution.runLate();
  }

  /** The last pullback, one array per parameter, in the dtype computed in: views that end with the next call. */
  gradients(): FloatArray[] {
    return this.graphs.pullback.gradients.map((gradient) => this.execution.view(gradient));
  }
}

/** Pushforwards J·t of a block of examples; lives in the arena frame in which it was made. */
export class Pushforward {
  readonly execution: Execution;
  private readonly graphs: VectorProductGraphs;

  constructor(rt: Runtime, graphs: VectorProductGraphs, program: Program) {
    this.graphs = graphs;
    this.execution = boundExecution(rt, graphs, program);
  }

  /** Forward sweep over the examples the result belongs to. */
  set(x: FloatArray): void {
    this.execution.bind(this.graphs.input, x);
    this.execution.run(1);
  }

  /** J·t, [n, c], for tangents of the parameters; a view. */
  push(tangents: readonly Float64Array[]): FloatArray {
    this.graphs.pushforward.tangents.forEach((tangent, index) => {
      this.execution.bind(tangent, tangents[index]);
    });
    return this.pushBound();
  }

  /** J·t, [n, c], for the tangents that are in memory. */
  pushBound(): FloatArray {
    this.execution.runLate();
    return this.execution.view(this.graphs.pushforward.output);
  }
}

function boundExecution(rt: Runtime, graphs: VectorProductGraphs, program: Program): Execution {
  const execution = new Execution(rt, program);
  for (const { id, value } of graphs.parameters) execution.bind(id, value.data);
  execution.run(0);
  return execution;
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
    return this.forward.pushBound();
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
  private readonly products: VectorProducts;
  /** First examples of the blocks that were swept forward last. */
  private readonly swept = { back: -1, forward: -1 };

  constructor(rt: Runtime, model: Model, inputs: NtkInputs, dtype: Dtype) {
    this.model = model;
    this.inputs = inputs;
    this.dtype = dtype;
    this.block = Math.min(BLOCK, Math.max(inputs.x1.length, inputs.x2.length) / inputs.size);
    const { graphs, programs } = preparedProducts(model, this.block, dtype);
    this.products = new VectorProducts(rt, graphs, programs);
  }

  /** u [n2, c] → [n1, c]. */
  times(u: FloatArray): FloatArray {
    const { model, inputs, block, products, swept } = this;
    const { x1, x2, size } = inputs;
    const [n1, n2] = [x1.length / size, x2.length / size];
    const c = model.output.size;
    const sum = new GradientSum(model);
    for (let start = 0; start < n2; start += block) {
      const count = Math.min(block, n2 - start);
      if (swept.back !== start) products.back.set(paddedBlock(x2, start, count, block, size));
      swept.back = start;
      products.back.pull(paddedCotangents(u, start, count, block, c));
      sum.add(products.back.gradients());
    }
    const data = emptyArray(this.dtype, n1 * c);
    for (let start = 0; start < n1; start += block) {
      const count = Math.min(block, n1 - start);
      if (swept.forward !== start) products.forward.set(paddedBlock(x1, start, count, block, size));
      swept.forward = start;
      data.set(products.forward.push(sum.totals).subarray(0, count * c), start * c);
    }
    return data;
  }
}

/** Those of a block of examples; examples that only fill the block up have cotangent 0. */
export function paddedCotangents(u: FloatArray, start: number, count: number, block: number, c: number): FloatArray {
  const cotangents = new Float64Array(block * c);
  cotangents.set(u.subarray(start * c, (start + count) * c));
  return cotangents;
}
