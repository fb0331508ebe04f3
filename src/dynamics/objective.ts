/** @file Objective: a number as a function of flat parameters, with its first, second and third derivatives. */

import { TangedgeError } from '../core/errors.ts';
import { type Dtype, type FloatArray, sizeOf, type Tensor } from '../core/tensor.ts';
import { jvp, vjp } from '../graph/differentiate.ts';
import { Execution } from '../graph/execution.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { lateFlops, type Program, planProgram } from '../graph/program.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface LossAndGradient {
  readonly loss: number;
  /** [p] */
  readonly gradient: Float64Array;
}

/** v [p] → A·v [p] for a symmetric A. */
export type VectorProduct = (v: Float64Array) => Float64Array;

/** What the dynamics need to know of a loss. θ, gradients and products are flat f64 vectors [p]. */
export interface Objective {
  /** p */
  readonly size: number;
  /** L and ∇L at θ. */
  gradient(theta: Float64Array): LossAndGradient;
  /** Products H·v, H = ∇²L(θ), valid inside `body`: the sweeps that do not depend on v run once. */
  withHessian<T>(theta: Float64Array, body: (product: VectorProduct) => T): T;
  /** ∇_θ(uᵀ·H(θ)·v), valid inside `body`. */
  withThird<T>(theta: Float64Array, body: (product: (u: Float64Array, v: Float64Array) => Float64Array) => T): T;
  /** What one product H·v and one ∇(uᵀHv) cost, as a multiple of the flops of one gradient. */
  readonly costs: { readonly hessian: number; readonly third: number };
}

/** A shared leaf of the graph and where it lies in θ. */
interface Slot {
  readonly id: ValueId;
  readonly start: number;
  readonly size: number;
}

/** A batched leaf: `data` holds its value for every example. */
export interface BatchedLeaf {
  readonly id: ValueId;
  readonly data: FloatArray;
}

export interface GraphObjectiveParts {
  /** Its first output is the number, a shared value []. */
  readonly graph: Graph;
  /** The leaves θ is made of, in order. */
  readonly parameters: readonly ValueId[];
  /** The other shared leaves. */
  readonly constants?: readonly { readonly id: ValueId; readonly value: Tensor }[];
  /** Batched leaves, for sums over examples; every one has `examples` entries. */
  readonly inputs?: readonly BatchedLeaf[];
  readonly examples?: number;
  /**
   * Examples evaluated at once, a divisor of `examples`. With several blocks the number must be a sum over examples; the
   * blocks' results are added in order. Default: all.
   */
  readonly block?: number;
  readonly dtype?: Dtype;
}

/**
 * An Objective from a graph with one scalar output: derivatives are graphs of the same primitives.
 *
 *   ∇L = vjp(L)     H·v = jvp∘vjp(L)     ∇(uᵀHv) = vjp∘jvp∘vjp(L)
 *
 * Cost       planned when first used; H·v costs about 2 gradients, ∇(uᵀHv) about 5 (`costs` has the flops)
 * Numerics   sums over examples run block by block in f64, in an order that depends on their number and `block` alone
 *
 * @throws {TangedgeError} ERR_SHAPE when the output is not one number · ERR_MEMORY before anything is allocated
 */
export function graphObjective(rt: Runtime, parts: GraphObjectiveParts): Objective {
  const { graph, parameters } = parts;
  const output = graph.nodes[graph.outputs[0]];
  if (graph.outputs.length !== 1 || output.batched || output.shape.length !== 0) {
    throw new TangedgeError('ERR_SHAPE', 'graphObjective: the graph must have one output that is one shared number.', {
      outputs: graph.outputs.length,
      shape: [...output.shape],
    });
  }
  const count = parameters.length;
  const back = vjp(graph, parameters);
  const gradientOnly: Graph = { nodes: back.graph.nodes, outputs: back.graph.outputs.slice(1) };
  const derivation = once(() => {
    const second = jvp(gradientOnly, parameters, 'direction');
    const product: Graph = { nodes: second.graph.nodes, outputs: second.graph.outputs.slice(count) };
    return { second, product, third: vjp(product, parameters, { prefix: 'left' }) };
  });
  const one = new Map([[back.seeds[0], Float64Array.of(1)]]);
  const runner = new BlockRunner(rt, parts, one);
  const gradientRun = once(() => runner.plan(back.graph, [], back.graph.outputs));
  const hessianRun = once(() => runner.plan(derivation().product, derivation().second.seeds, derivation().product.outputs));
  const thirdRun = once(() => {
    const { second, third } = derivation();
    return runner.plan(third.graph, [...second.seeds, ...third.seeds], third.graph.outputs.slice(count));
  });
  return {
    size: runner.size,
    gradient: (theta) => {
      const flat = runner.open(gradientRun(), theta, (run) => run([]));
      return { loss: flat[0], gradient: flat.slice(1) };
    },
    withHessian: (theta, body) => runner.open(hessianRun(), theta, (run) => body((v) => run([v]))),
    withThird: (theta, body) => runner.open(thirdRun(), theta, (run) => body((u, v) => run([v, u]))),
    get costs() {
      const gradient = gradientRun().program.flops.reduce((total, flops) => total + flops, 0);
      return { hessian: lateFlops(hessianRun().program) / gradient, third: lateFlops(thirdRun().program) / gradient };
    },
  };
}

/** A derived graph, ready to run. */
export interface PlannedRun {
  readonly program: Program;
  /** Leaves given with every run: groups of as many as there are parameters, one flat vector per group. */
  readonly late: readonly ValueId[];
}

/** Runs graphs over all examples, a block at a time, and adds up what they keep. */
export class BlockRunner {
  readonly size: number;
  private readonly rt: Runtime;
  private readonly parts: GraphObjectiveParts;
  private readonly fixed: ReadonlyMap<ValueId, FloatArray>;
  private readonly slots: readonly Slot[];
  private readonly block: number;

  constructor(rt: Runtime, parts: GraphObjectiveParts, fixed: ReadonlyMap<ValueId, FloatArray>) {
    this.rt = rt;
    this.parts = parts;
    this.fixed = fixed;
    let start = 0;
    this.slots = parts.parameters.map((id) => {
      const size = sizeOf(parts.graph.nodes[id].shape);
      start += size;
      return { id, start: start - size, size };
    });
    this.size = start;
    const examples = parts.examples ?? 1;
    this.block = parts.block ?? examples;
    if (examples % this.block !== 0) {
      throw new TangedgeError('ERR_ARGUMENT', `objective: blocks of ${this.block} do not divide ${examples} examples.`, {
        block: this.block,
        examples,
      });
    }
  }

  plan(graph: Graph, late: readonly ValueId[], keep: readonly ValueId[]): PlannedRun {
    const { inputs = [], dtype = 'f64' } = this.parts;
    const program = planProgram(graph, {
      dtype,
      batch: new Map(inputs.map(({ id }) => [id, this.block])),
      late: new Set(late),
      keep,
    });
    return { program, late };
  }

  /** Opens a frame, binds θ, and gives `body` a function from late vectors to the flat kept values. */
  open<T>(planned: PlannedRun, theta: Float64Array, body: (run: (late: readonly Float64Array[]) => Float64Array) => T): T {
    this.checkLength('theta', theta);
    const { constants = [], examples = 1 } = this.parts;
    const blocks = examples / this.block;
    return this.rt.arena.frame(() => {
      const execution = new Execution(this.rt, planned.program);
      for (const { id, value } of constants) execution.bind(id, value.data);
      for (const [id, data] of this.fixed) execution.bind(id, data);
      this.bindFlat(
        execution,
        this.slots.map(({ id }) => id),
        theta,
      );
      execution.run(0);
      if (blocks === 1) this.bindBlock(execution, 0);
      return body((late) => {
        late.forEach((vector, group) => {
          this.checkLength('a direction', vector);
          this.bindFlat(execution, planned.late.slice(group * this.slots.length, (group + 1) * this.slots.length), vector);
        });
        let total: Float64Array | undefined;
        for (let b = 0; b < blocks; b++) {
          if (blocks > 1) this.bindBlock(execution, b);
          execution.runLate();
          total = this.addKept(execution, planned.program.keep, total);
        }
        return total as Float64Array;
      });
    });
  }

  private bindFlat(execution: Execution, ids: readonly ValueId[], vector: Float64Array): void {
    ids.forEach((id, index) => {
      const { start, size } = this.slots[index];
      execution.bind(id, vector.subarray(start, start + size));
    });
  }

  private bindBlock(execution: Execution, b: number): void {
    const { inputs = [], examples = 1 } = this.parts;
    for (const { id, data } of inputs) {
      const length = (data.length / examples) * this.block;
      execution.bind(id, data.subarray(b * length, (b + 1) * length));
    }
    execution.run(1);
  }

  private addKept(execution: Execution, keep: readonly ValueId[], total: Float64Array | undefined): Float64Array {
    const sum = total ?? new Float64Array(keep.reduce((length, id) => length + execution.lengthOf(id), 0));
    let at = 0;
    for (const id of keep) {
      const view = execution.view(id);
      if (total === undefined) sum.set(view, at);
      else for (let i = 0; i < view.length; i++) sum[at + i] += view[i];
      at += view.length;
    }
    return sum;
  }

  private checkLength(name: string, vector: Float64Array): void {
    if (vector.length === this.size) return;
    throw new TangedgeError('ERR_SHAPE', `objective: ${name} has ${vector.length} elements; the parameters are ${this.size} numbers.`, {
      given: vector.length,
      needed: this.size,
    });
  }
}

/** The value of `make`, made when first asked for. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
