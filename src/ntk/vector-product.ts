/** @file NTK-vector products over one block of examples each: one vjp on x2, one jvp on x1. */

import { bytesOf, type Dtype, type FloatArray, type Tensor } from '../core/tensor.ts';
import { jvp, vjp } from '../graph/differentiate.ts';
import { type Execution, startExecution } from '../graph/execution.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { type Program, planProgram, programBytes } from '../graph/program.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';

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

export function vectorProductBytes(rt: Runtime, { back, forward }: VectorProductPrograms, dtype: Dtype): number {
  const routines = routinesOf(rt, dtype);
  return programBytes(back, routines) + programBytes(forward, routines);
}

/** One of the programs in memory, for blocks of examples; lives in the arena frame in which it was made. */
export class BlockProducts {
  readonly execution: Execution;
  readonly graphs: VectorProductGraphs;

  constructor(rt: Runtime, graphs: VectorProductGraphs, program: Program) {
    this.graphs = graphs;
    this.execution = startExecution(rt, program, graphs.parameters);
  }

  /** Forward sweep over a block of examples. */
  set(x: FloatArray): void {
    this.execution.bind(this.graphs.input, x);
    this.execution.run(1);
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
}

/** Pushforwards J·t. */
export class Pushforward extends BlockProducts {
  /** Tangents of all parameters, for the pushes to come. */
  setTangents(tangents: readonly FloatArray[]): void {
    this.graphs.pushforward.tangents.forEach((tangent, index) => {
      this.execution.bind(tangent, tangents[index]);
    });
  }

  /** J·t, [block, c], for the tangents that are in memory; a view. */
  push(): FloatArray {
    this.execution.runLate();
    return this.execution.view(this.graphs.pushforward.output);
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
