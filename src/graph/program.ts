/** @file The plan of an evaluation: which nodes run in which stage, where each value lives, how many flops and bytes. */

import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, sizeOf } from '../core/tensor.ts';
import type { Routines } from '../wasm/abi.ts';
import { type Graph, isLeaf, type ValueId } from './graph.ts';
import type { Operand } from './primitive.ts';
import { primitiveOf } from './primitives/table.ts';
import { zerosOf } from './shared-zeros.ts';

/**
 * A leaf's stage says when its value is known: 0 parameters and constants, 1 inputs, 2 whatever changes while the inputs
 * stay (a block of cotangents). A node runs in the last stage of its inputs, so running stage 2 again reuses everything
 * that the forward sweep stored.
 */
export type Stage = 0 | 1 | 2;

export interface ProgramOptions {
  readonly dtype: Dtype;
  /** Batch entries of each batched leaf. */
  readonly batch: ReadonlyMap<ValueId, number>;
  /** Consecutive entries of everything else that one entry of a batched leaf serves: n for one cotangent per n examples. */
  readonly each?: ReadonlyMap<ValueId, number>;
  /** Leaves of stage 2; batched leaves are otherwise of stage 1. */
  readonly late?: ReadonlySet<ValueId>;
  /** Values to keep; default: the graph's outputs. Nodes that none of them needs are not run. */
  readonly keep?: readonly ValueId[];
}

/** Plain data; `offset` is relative to where the execution's memory begins. */
export interface Program {
  readonly graph: Graph;
  readonly dtype: Dtype;
  readonly keep: readonly ValueId[];
  /** Batch entries per value, and how many consecutive entries of a whole batch each of them serves. */
  readonly batch: readonly number[];
  readonly each: readonly number[];
  /** Byte offset per value; −1 for values that are not computed. */
  readonly offset: readonly number[];
  /** Ids to evaluate, per stage, in order. */
  readonly steps: readonly (readonly ValueId[])[];
  /** Bytes for all values, without the scratch of routines. */
  readonly valueBytes: number;
  /** Flops per stage. */
  readonly flops: readonly number[];
}

const STAGES = 3;
const ALIGNMENT = 64;

/**
 * Plans the evaluation of a graph: dead nodes dropped, stages assigned, memory laid out by liveness (a value's bytes are
 * used again after its last reader; reshapes share memory; element-wise functions overwrite a dying operand).
 */
export function planProgram(graph: Graph, options: ProgramOptions): Program {
  const { dtype } = options;
  const keep = options.keep ?? graph.outputs;
  const live = liveValues(graph, keep);
  const batch = graph.nodes.map((node, id) => {
    if (!live[id] || !node.batched) return 1;
    if (!isLeaf(node)) return 0;
    const entries = options.batch.get(id);
    if (entries === undefined) {
      throw new TangedgeError('ERR_ARGUMENT', `program: the batched leaf '${node.name}' has no batch size.`, { name: node.name });
    }
    return entries;
  });
  const each = graph.nodes.map((_, id) => options.each?.get(id) ?? 1);
  const stage = new Array<Stage>(graph.nodes.length).fill(0);
  const steps: ValueId[][] = Array.from({ length: STAGES }, () => []);
  const flops = new Array<number>(STAGES).fill(0);
  graph.nodes.forEach((node, id) => {
    if (!live[id]) return;
    if (isLeaf(node)) {
      stage[id] = options.late?.has(id) ? 2 : node.batched ? 1 : 0;
      return;
    }
    stage[id] = Math.max(0, ...node.inputs.map((input) => stage[input])) as Stage;
    const common = commonBatch(
      node.op,
      node.inputs.map((input) => ({ batch: batch[input], each: each[input] })),
    );
    if (node.batched) {
      batch[id] = common.batch;
      each[id] = common.each;
    } else if (node.inputs.some((input) => each[input] > 1)) {
      throw new TangedgeError('ERR_UNSUPPORTED', `${node.op}: no sum over a batch whose entries serve several examples each.`, {});
    }
    steps[stage[id]].push(id);
    const shapes = node.inputs.map((input) => graph.nodes[input].shape);
    const entries = node.batched ? batch[id] : Math.max(...node.inputs.map((input) => batch[input]));
    flops[stage[id]] += entries * primitiveOf(node.op).flops(shapes, node.shape, node.attributes);
  });
  const { offset, valueBytes } = layOut(graph, { live, batch, stage, steps, keep, dtype });
  return { graph, dtype, keep: [...keep], batch, each, offset, steps, valueBytes, flops };
}

/** Operands of a node, at addresses relative to `base`. */
export function operandsOf(program: Program, id: ValueId, base: number): { inputs: Operand[]; output: Operand } {
  const operand = (value: ValueId): Operand => ({
    ptr: base + program.offset[value],
    batch: program.batch[value],
    each: Math.max(1, program.each[value] / program.each[id]),
    shape: program.graph.nodes[value].shape,
    sharedZeros: sharedZerosOf(program, value),
  });
  return { inputs: program.graph.nodes[id].inputs.map(operand), output: operand(id) };
}

/** Entries between those of a value that are zero at the same places; 0 when none are known to be. */
function sharedZerosOf({ graph, batch, each }: Program, value: ValueId): number {
  const source = each[value] === 1 ? zerosOf((id) => graph.nodes[id], value) : null;
  return source === null || !graph.nodes[source].batched || batch[value] % batch[source] !== 0 ? 0 : batch[source];
}

/** Arena bytes an execution of the program needs: its values, and the largest scratch of one node. */
export function programBytes(program: Program, routines: Routines): number {
  let scratch = 0;
  for (const id of program.steps.flat()) {
    const { op, attributes } = program.graph.nodes[id];
    const primitive = primitiveOf(op);
    if (!primitive.scratchBytes) continue;
    scratch = Math.max(scratch, primitive.scratchBytes({ ...operandsOf(program, id, 0), routines, dtype: program.dtype, attributes }));
  }
  return program.valueBytes + scratch + 4096;
}

function liveValues(graph: Graph, keep: readonly ValueId[]): boolean[] {
  const live = new Array<boolean>(graph.nodes.length).fill(false);
  for (const id of keep) live[id] = true;
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    if (live[id]) for (const input of graph.nodes[id].inputs) live[input] = true;
  }
  return live;
}

interface BatchShape {
  readonly batch: number;
  readonly each: number;
}

/** The batch of a function of operands: their entries must repeat evenly in the largest, or serve an even number of its entries. */
function commonBatch(op: string, operands: readonly BatchShape[]): BatchShape {
  const own = operands.filter(({ batch, each }) => batch > 1 || each > 1);
  if (own.length === 0) return { batch: 1, each: 1 };
  const each = Math.min(...own.map((operand) => operand.each));
  const whole = Math.max(...own.map((operand) => operand.batch * operand.each));
  for (const operand of own) {
    const covered = operand.batch * operand.each;
    if (whole % covered !== 0 || operand.each % each !== 0 || (operand.each > each && covered !== whole)) {
      const batches = own.map(({ batch }) => batch);
      throw new TangedgeError('ERR_SHAPE', `${op}: batches of ${batches.join(' and ')} examples do not fit each other.`, { batches });
    }
  }
  return { batch: whole / each, each };
}

interface Layout {
  readonly live: readonly boolean[];
  readonly batch: readonly number[];
  readonly stage: readonly Stage[];
  readonly steps: readonly (readonly ValueId[])[];
  readonly keep: readonly ValueId[];
  readonly dtype: Dtype;
}

/**
 *   | leaves, kept values, values that a later stage reads | temporaries of one stage at a time |
 *   0                                                      persistent                          valueBytes
 */
function layOut(graph: Graph, { live, batch, stage, steps, keep, dtype }: Layout): { offset: number[]; valueBytes: number } {
  const root = graph.nodes.map((_, id) => id);
  graph.nodes.forEach((node, id) => {
    if (live[id] && !isLeaf(node) && primitiveOf(node.op).alias) root[id] = root[node.inputs[0]];
  });
  const persistent = new Array<boolean>(graph.nodes.length).fill(false);
  const lastStep = new Array<number>(graph.nodes.length).fill(-1);
  const position = new Map<ValueId, number>();
  for (const list of steps) list.forEach((id, index) => void position.set(id, index));
  graph.nodes.forEach((node, id) => {
    if (!live[id]) return;
    if (isLeaf(node)) persistent[root[id]] = true;
    for (const input of node.inputs) {
      if (stage[input] !== stage[id] || stage[root[input]] !== stage[id]) persistent[root[input]] = true;
      else lastStep[root[input]] = Math.max(lastStep[root[input]], position.get(id) as number);
    }
  });
  for (const id of keep) persistent[root[id]] = true;

  const bytes = (id: ValueId) => alignUp(batch[id] * sizeOf(graph.nodes[id].shape) * bytesOf(dtype));
  const offset = new Array<number>(graph.nodes.length).fill(-1);
  let top = 0;
  graph.nodes.forEach((_, id) => {
    if (live[id] && root[id] === id && persistent[id]) {
      offset[id] = top;
      top += bytes(id);
    }
  });
  let valueBytes = top;
  for (const list of steps) {
    const free = new FreeList(top);
    list.forEach((id, index) => {
      const node = graph.nodes[id];
      if (root[id] === id && !persistent[id]) {
        const first = node.inputs[0];
        const dying = first !== undefined && !persistent[root[first]] && lastStep[root[first]] === index;
        const overwrites = dying && primitiveOf(node.op).inPlace === true && bytes(root[first]) === bytes(id);
        if (overwrites) {
          offset[id] = offset[root[first]];
          lastStep[root[first]] = -1; // its bytes now belong to this value
        } else {
          offset[id] = free.take(bytes(id));
        }
      }
      for (const input of new Set(node.inputs.map((value) => root[value]))) {
        if (!persistent[input] && lastStep[input] === index) free.give(offset[input], bytes(input));
      }
      // A value that nothing reads (kept values are persistent) frees its bytes at once.
      if (root[id] === id && !persistent[id] && lastStep[id] === -1) free.give(offset[id], bytes(id));
    });
    valueBytes = Math.max(valueBytes, free.end);
  }
  graph.nodes.forEach((_, id) => {
    if (live[id] && root[id] !== id) offset[id] = offset[root[id]];
  });
  return { offset, valueBytes };
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** First-fit free list over one growing region. */
class FreeList {
  end: number;
  private readonly holes: { start: number; bytes: number }[] = [];

  constructor(start: number) {
    this.end = start;
  }

  take(bytes: number): number {
    const hole = this.holes.find((candidate) => candidate.bytes >= bytes);
    if (hole === undefined) {
      const start = this.end;
      this.end += bytes;
      return start;
    }
    const { start } = hole;
    hole.start += bytes;
    hole.bytes -= bytes;
    return start;
  }

  give(start: number, bytes: number): void {
    if (bytes === 0) return;
    const before = this.holes.find((hole) => hole.start + hole.bytes === start);
    const after = this.holes.find((hole) => hole.start === start + bytes);
    if (before && after) {
      before.bytes += bytes + after.bytes;
      this.holes.splice(this.holes.indexOf(after), 1);
    } else if (before) {
      before.bytes += bytes;
    } else if (after) {
      after.start = start;
      after.bytes += bytes;
    } else {
      this.holes.push({ start, bytes });
    }
  }
}
