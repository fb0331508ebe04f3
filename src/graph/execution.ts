/** @file Runs a Program in the arena: bind leaves, run stages, read values. */

import { TangedgeError } from '../core/errors.ts';
import { type Dtype, type FloatArray, formatShape, sizeOf, type Tensor } from '../core/tensor.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';
import { type Graph, leavesOf, type ValueId } from './graph.ts';
import type { Evaluation, Primitive, Spacing } from './primitive.ts';
import { primitiveOf } from './primitives/table.ts';
import { operandsOf, type Program, planProgram, programBytes, type Stage } from './program.ts';

/** One program in memory. Lives in the arena frame in which it was made: use it inside `rt.arena.frame`. */
export class Execution {
  readonly program: Program;
  private readonly rt: Runtime;
  private readonly base: number;
  /** What the nodes of each stage are given, worked out once for all runs but for what is placed. */
  private readonly calls: readonly (readonly Call[])[];
  /** Of the calls, those that compute placed values. */
  private readonly placing: ReadonlyMap<ValueId, Call>;

  /** @throws {TangedgeError} ERR_MEMORY before anything is allocated. */
  constructor(rt: Runtime, program: Program) {
    this.rt = rt;
    this.program = program;
    checkMemory(rt, programBytes(program, routinesOf(rt, program.dtype)));
    this.base = rt.arena.allocate(program.valueBytes);
    const made = madeOnce.get(program) ?? [];
    madeOnce.set(program, made);
    this.calls = program.steps.map((ids) => ids.map((id) => callOf(rt, program, id, this.base, made)));
    const sources = new Set(program.placed.filter((source) => source >= 0));
    this.placing = new Map(this.calls.flatMap((list) => list.filter(({ id }) => sources.has(id)).map((call) => [call.id, call])));
    for (const id of leavesOf(program.graph, 'constant')) {
      if (program.offset[id] >= 0) this.bind(id, (program.graph.nodes[id].value as Tensor).data);
    }
  }

  /** Copies the values of a leaf, one for each entry of the batch, in. */
  bindBatch(id: ValueId, values: readonly FloatArray[]): void {
    const size = values[0].length;
    const data = new Float64Array(values.length * size);
    values.forEach((value, k) => {
      data.set(value, k * size);
    });
    this.bind(id, data);
  }

  /** Copies the value of a leaf in, rounding or widening it to the program's dtype. */
  bind(id: ValueId, data: FloatArray): void {
    if (this.program.offset[id] < 0) return; // a leaf that no kept value needs
    const view = this.view(id);
    if (view.length !== data.length) {
      const node = this.program.graph.nodes[id];
      throw new TangedgeError(
        'ERR_SHAPE',
        `execution: leaf '${node.name}' ${formatShape(node.shape)} with ${this.program.batch[id]} entries needs ${view.length} elements, got ${data.length}.`,
        { name: node.name, needed: view.length, given: data.length },
      );
    }
    view.set(data);
  }

  /** Where the next runs write a value that the program has placed: its first entry's address, and how its entries lie. */
  place(id: ValueId, ptr: number, spacing: Spacing): void {
    const call = this.placing.get(this.program.placed[id]) as Call;
    call.evaluation = { ...call.evaluation, output: { ...call.evaluation.output, ptr, spacing } };
  }

  /** Evaluates one stage; earlier stages must have run since their leaves were bound. */
  run(stage: Stage): void {
    for (const { primitive, evaluation } of this.calls[stage]) primitive.evaluate(evaluation);
  }

  /** Evaluates all that depends on late leaves. */
  runLate(): void {
    this.run(2);
    this.run(3);
  }

  /** Whether the value is part of the program: a leaf that no kept value needs is not. */
  holds(id: ValueId): boolean {
    return this.program.offset[id] >= 0;
  }

  /** Number of elements of a value, all batch entries together. */
  lengthOf(id: ValueId): number {
    return this.program.batch[id] * sizeOf(this.program.graph.nodes[id].shape);
  }

  ptr(id: ValueId): number {
    return this.base + this.program.offset[id];
  }

  /** A view that the next allocation may detach. */
  view(id: ValueId): FloatArray {
    return this.rt.arena.view(this.program.dtype, this.ptr(id), this.lengthOf(id));
  }

  /** A copy as Tensor: [batch, …shape] for batched values. */
  read(id: ValueId): Tensor {
    const { shape, batched } = this.program.graph.nodes[id];
    return { shape: batched ? [this.program.batch[id], ...shape] : [...shape], data: this.view(id).slice() };
  }
}

/** What the nodes of a program have made once, by id: it depends on shapes alone, and the last program of a graph runs again and again. */
const madeOnce = new WeakMap<Program, unknown[]>();

interface Call {
  readonly id: ValueId;
  readonly primitive: Primitive;
  evaluation: Evaluation;
}

function callOf(rt: Runtime, program: Program, id: ValueId, base: number, made: unknown[]): Call {
  const { dtype, graph } = program;
  const { op, attributes } = graph.nodes[id];
  const once = <T>(make: () => T): T => {
    made[id] ??= make();
    return made[id] as T;
  };
  const evaluation = { arena: rt.arena, routines: routinesOf(rt, dtype), dtype, attributes, once, ...operandsOf(program, id, base) };
  return { id, primitive: primitiveOf(op), evaluation };
}

/**
 * Throws before anything is allocated when the arena cannot hold `bytes` more.
 *
 * @throws {TangedgeError} ERR_MEMORY with info.needed and info.limit.
 */
export function checkMemory(rt: Runtime, bytes: number): void {
  const needed = rt.arena.used + bytes;
  if (needed > rt.arena.limit) {
    throw new TangedgeError(
      'ERR_MEMORY',
      `memory: ${needed} bytes of WebAssembly memory are needed, the limit is ${rt.arena.limit}. Raise the memory limit or use a smaller batch.`,
      { needed, limit: rt.arena.limit },
    );
  }
}

/** Values for leaves by name; batched leaves take [n, …shape], shared ones their shape. */
export type Bindings = Readonly<Record<string, Tensor>>;

export interface EvaluateOptions {
  readonly dtype?: Dtype;
  /** Consecutive examples that one entry of a batched leaf serves, by the leaf's name; default 1. */
  readonly each?: Readonly<Record<string, number>>;
}

/** An execution with the parameters' values, and what depends on them alone computed. */
export function startExecution(rt: Runtime, program: Program, parameters: readonly { readonly id: ValueId; readonly value: Tensor }[]): Execution {
  const execution = new Execution(rt, program);
  for (const { id, value } of parameters) execution.bind(id, value.data);
  execution.run(0);
  return execution;
}

/**
 * The outputs of a graph for given leaves: [n, …shape] for batched outputs, the shape for shared ones.
 *
 * Cost   one pass over the nodes the outputs need; `estimate` says how many flops and bytes.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when a needed leaf has no binding · ERR_SHAPE when one does not fit · ERR_MEMORY.
 */
export function evaluate(rt: Runtime, graph: Graph, bindings: Bindings, { dtype = 'f64', each }: EvaluateOptions = {}): Tensor[] {
  const batch = new Map<ValueId, number>();
  for (const id of leavesOf(graph, 'input')) {
    const { name = '', shape } = graph.nodes[id];
    const bound = bindings[name];
    if (bound) batch.set(id, sizeOf(shape) === 0 ? bound.shape[0] : bound.data.length / sizeOf(shape));
  }
  const program = planProgram(graph, {
    dtype,
    batch,
    each: new Map(Object.entries(each ?? {}).map(([name, count]) => [leafNamed(graph, name), count])),
  });
  return rt.arena.frame(() => {
    const execution = new Execution(rt, program);
    for (const id of [...leavesOf(graph, 'parameter'), ...leavesOf(graph, 'input')]) {
      if (program.offset[id] < 0) continue;
      const name = graph.nodes[id].name ?? '';
      const bound = bindings[name];
      if (!bound) throw new TangedgeError('ERR_ARGUMENT', `evaluate: nothing is bound to '${name}'.`, { name });
      execution.bind(id, bound.data);
    }
    execution.run(0);
    execution.run(1);
    return graph.outputs.map((id) => execution.read(id));
  });
}

function leafNamed(graph: Graph, name: string): ValueId {
  const id = leavesOf(graph, 'input').find((leaf) => graph.nodes[leaf].name === name);
  if (id === undefined) throw new TangedgeError('ERR_ARGUMENT', `evaluate: no batched leaf is called '${name}'.`, { name });
  return id;
}

export interface Estimate {
  readonly flops: number;
  /** Arena bytes. */
  readonly bytes: number;
}

/** Flops and arena bytes of evaluating the graph on a batch of `n` examples, before anything is allocated. */
export function estimate(rt: Runtime, graph: Graph, n: number, { dtype = 'f64' }: { readonly dtype?: Dtype } = {}): Estimate {
  const batch = new Map(leavesOf(graph, 'input').map((id) => [id, n]));
  const program = planProgram(graph, { dtype, batch });
  return { flops: program.flops.reduce((total, flops) => total + flops, 0), bytes: programBytes(program, routinesOf(rt, dtype)) };
}
