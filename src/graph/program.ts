/** @file The plan of an evaluation: which nodes run in which stage, where each value lives, how many flops and bytes. */

import { TangedgeError } from '../core/errors.ts';
import { bytesOf, type Dtype, sameShape, sizeOf } from '../core/tensor.ts';
import type { Routines } from '../wasm/abi.ts';
import { type Graph, isLeaf, type Node, neededFor, type ValueId } from './graph.ts';
import type { Operand, Primitive } from './primitive.ts';
import { primitiveOf } from './primitives/table.ts';
import { isReluDerivative, zerosOf } from './shared-zeros.ts';

/**
 * When a value is known: 0 parameters, constants and what depends on nothing else; 1 what depends on inputs too; 2 late leaves,
 * which change while the inputs stay (a block of cotangents), and what depends on them and on no input; 3 what depends on both.
 * Each stage keeps what later ones read: neither the forward sweep nor what no example changes in the backward one is computed twice.
 */
export type Stage = 0 | 1 | 2 | 3;

export interface ProgramOptions {
  readonly dtype: Dtype;
  /** Batch entries of each batched leaf. */
  readonly batch: ReadonlyMap<ValueId, number>;
  /** Consecutive entries of everything else that one entry of a batched leaf serves: n for one cotangent per n examples. */
  readonly each?: ReadonlyMap<ValueId, number>;
  /** Leaves of stage 2; other batched leaves are of stage 1. */
  readonly late?: ReadonlySet<ValueId>;
  /** Values to keep; default: the graph's outputs. Nodes that none of them needs are not run. */
  readonly keep?: readonly ValueId[];
  /** Kept values that depend on inputs. Those whose primitives can are not in the program's memory: `Execution.place` says where, before each run. */
  readonly placeable?: readonly ValueId[];
}

/** Plain data; `offset` is relative to where the execution's memory begins. */
export interface Program {
  readonly graph: Graph;
  readonly dtype: Dtype;
  readonly keep: readonly ValueId[];
  /** Batch entries per value, and how many consecutive entries of a whole batch each of them serves. */
  readonly batch: readonly number[];
  readonly each: readonly number[];
  /** Per value when it is known; 0 for values that are not computed. */
  readonly stage: readonly Stage[];
  /** Per value the condition of a ReLU's derivative that alone reads it and is computed with it; −1 if there is none. */
  readonly wanted: readonly ValueId[];
  /** Per value the node that computes it, of one that is written where `Execution.place` says; −1 for all others. */
  readonly placed: readonly ValueId[];
  /** Byte offset per value; −1 for values that are not computed, or placed. */
  readonly offset: readonly number[];
  /** Ids to evaluate, per stage, in order. */
  readonly steps: readonly (readonly ValueId[])[];
  /** Bytes for all values, without the scratch of routines. */
  readonly valueBytes: number;
  /** Flops per stage. */
  readonly flops: readonly number[];
}

const STAGES = 4;
const ALIGNMENT = 64;

/**
 * Plans the evaluation of a graph: dead nodes dropped, stages assigned, memory laid out by liveness (a value's bytes are
 * used again after its last reader; reshapes share memory; element-wise functions overwrite a dying operand).
 */
export function planProgram(graph: Graph, options: ProgramOptions): Program {
  const { dtype } = options;
  const keep = options.keep ?? graph.outputs;
  const { nodes } = graph;
  const live = neededFor((id) => nodes[id].inputs, keep);
  const primitives = nodes.map((node, id) => (live[id] && !isLeaf(node) ? primitiveOf(node.op) : null));
  const batch = new Array<number>(nodes.length).fill(1);
  const each = nodes.map((_, id) => options.each?.get(id) ?? 1);
  const stage = new Array<Stage>(nodes.length).fill(0);
  const steps: ValueId[][] = Array.from({ length: STAGES }, () => []);
  const flops = new Array<number>(STAGES).fill(0);
  nodes.forEach((node, id) => {
    if (!live[id]) return;
    const primitive = primitives[id];
    if (primitive === null) {
      stage[id] = options.late?.has(id) ? 2 : node.batched ? 1 : 0;
      if (!node.batched) return;
      const given = options.batch.get(id);
      if (given === undefined) {
        throw new TangedgeError('ERR_ARGUMENT', `program: the batched leaf '${node.name}' has no batch size.`, { name: node.name });
      }
      batch[id] = given;
      return;
    }
    let entries = 1;
    let servesSeveral = false;
    for (const input of node.inputs) {
      stage[id] = laterStage(stage[id], stage[input]);
      entries = Math.max(entries, batch[input]);
      servesSeveral ||= each[input] > 1;
    }
    const common = commonBatch(node, batch, each);
    if (node.batched) {
      batch[id] = entries = common.batch;
      each[id] = common.each;
    } else if (servesSeveral) {
      throw new TangedgeError('ERR_UNSUPPORTED', `${node.op}: no sum over a batch whose entries serve several examples each.`, {});
    }
    steps[stage[id]].push(id);
    const shapes = node.inputs.map((input) => nodes[input].shape);
    flops[stage[id]] += entries * primitive.flops(shapes, node.shape, node.attributes);
  });
  const readers = countReaders(graph, live, keep);
  const wanted = conditionsOfReaders(graph, { primitives, live, batch, each, stage, readers });
  const placed = sourcesOfPlaced(graph, options.placeable ?? [], { primitives, stage, each, readers });
  const run = steps.map((list) => list.filter((id) => !isComputedWith(graph, wanted, id)));
  const { offset, valueBytes } = layOut(graph, { primitives, live, batch, stage, steps: run, keep, dtype, wanted, placed });
  return { graph, dtype, keep: [...keep], batch, each, stage, wanted, placed, offset, steps: run, valueBytes, flops };
}

/** Nodes that read a value, and one more for a value that is kept. */
function countReaders({ nodes }: Graph, live: readonly boolean[], keep: readonly ValueId[]): number[] {
  const readers = nodes.map(() => 0);
  for (const id of keep) readers[id]++;
  nodes.forEach(({ inputs }, id) => {
    if (live[id]) for (const input of inputs) readers[input]++;
  });
  return readers;
}

/** Program.placed: kept values, and what they are other shapes of, that nothing else reads. */
function sourcesOfPlaced(
  { nodes }: Graph,
  placeable: readonly ValueId[],
  { primitives, stage, each, readers }: Pick<Layout, 'primitives' | 'stage'> & Record<'each' | 'readers', readonly number[]>,
): ValueId[] {
  const placed = nodes.map(() => -1);
  for (const id of placeable) {
    let source = id;
    while (readers[source] === 1 && primitives[source]?.alias) source = nodes[source].inputs[0];
    const ofInputs = stage[source] === 1 || stage[source] === 3;
    if (readers[source] === 1 && primitives[source]?.spacesEntries && ofInputs && nodes[source].batched && each[source] === 1) placed[id] = source;
  }
  return placed;
}

/** The stage in which what depends on values of both is known. */
function laterStage(a: Stage, b: Stage): Stage {
  return a + b === 3 ? 3 : a > b ? a : b;
}

/** Operands of a node, at addresses relative to `base`. */
export function operandsOf(program: Program, id: ValueId, base: number): { inputs: Operand[]; output: Operand; wanted?: Operand } {
  const operand = (value: ValueId): Operand => ({
    ptr: base + program.offset[value],
    batch: program.batch[value],
    each: Math.max(1, program.each[value] / program.each[id]),
    shape: program.graph.nodes[value].shape,
    sharedZeros: sharedZerosOf(program, value),
  });
  const wanted = program.wanted[id];
  return { inputs: program.graph.nodes[id].inputs.map(operand), output: operand(id), ...(wanted < 0 ? {} : { wanted: operand(wanted) }) };
}

/** Entries between those of a value that are zero at the same places; 0 when none are known to be. */
function sharedZerosOf({ graph, batch, each }: Pick<Program, 'graph' | 'batch' | 'each'>, value: ValueId): number {
  const source = each[value] === 1 ? zerosOf((id) => graph.nodes[id], value) : null;
  return source === null || !graph.nodes[source].batched || batch[value] % batch[source] !== 0 ? 0 : batch[source];
}

/** Flops of all that depends on late leaves. */
export function lateFlops({ flops }: Program): number {
  return flops[2] + flops[3];
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

/** The batch of a function of operands: their entries must repeat evenly in the largest, or serve an even number of its entries. */
function commonBatch({ op, inputs }: Node, batch: readonly number[], each: readonly number[]): { batch: number; each: number } {
  const own = inputs.filter((input) => batch[input] > 1 || each[input] > 1);
  if (own.length === 0) return { batch: 1, each: 1 };
  let least = each[own[0]];
  let whole = 1;
  for (const input of own) {
    least = Math.min(least, each[input]);
    whole = Math.max(whole, batch[input] * each[input]);
  }
  for (const input of own) {
    const covered = batch[input] * each[input];
    if (whole % covered !== 0 || each[input] % least !== 0 || (each[input] > least && covered !== whole)) {
      const batches = own.map((operand) => batch[operand]);
      throw new TangedgeError('ERR_SHAPE', `${op}: batches of ${batches.join(' and ')} examples do not fit each other.`, { batches });
    }
  }
  return { batch: whole / least, each: least };
}

/** Whether a node is the ReLU's derivative that its operand was computed with, and so has its memory. */
function isComputedWith({ nodes }: Graph, wanted: readonly ValueId[], id: ValueId): boolean {
  const { inputs } = nodes[id];
  return isReluDerivative(nodes[id]) && wanted[inputs[1]] === inputs[0];
}

/** Program.wanted: what a ReLU's derivative does not let through need not be computed. */
function conditionsOfReaders(
  graph: Graph,
  {
    primitives,
    live,
    batch,
    each,
    stage,
    readers,
  }: Pick<Layout, 'primitives' | 'live' | 'batch' | 'stage'> & Record<'each' | 'readers', readonly number[]>,
): ValueId[] {
  const wanted = graph.nodes.map(() => -1);
  graph.nodes.forEach((node, id) => {
    const [condition, value] = node.inputs;
    if (!live[id] || !isReluDerivative(node) || readers[value] !== 1) return;
    // Known before, and whenever it changes the value is computed anew.
    const isBefore = laterStage(stage[condition], stage[value]) === stage[value] && (stage[condition] < stage[value] || condition < value);
    const isWhole = [condition, value].every((input) => sameShape(graph.nodes[input].shape, node.shape) && each[input] === 1);
    if (!isBefore || !isWhole) return;
    const { inputs, attributes } = graph.nodes[value];
    const operands = inputs.map((input) => ({ batch: batch[input], sharedZeros: sharedZerosOf({ graph, batch, each }, input) }));
    if (primitives[value]?.computesWanted?.({ inputs: operands, attributes }, batch[condition])) wanted[value] = condition;
  });
  return wanted;
}

interface Layout {
  /** Null for leaves and dead nodes. */
  readonly primitives: readonly (Primitive | null)[];
  readonly live: readonly boolean[];
  readonly batch: readonly number[];
  readonly stage: readonly Stage[];
  readonly steps: readonly (readonly ValueId[])[];
  readonly keep: readonly ValueId[];
  readonly dtype: Dtype;
  readonly wanted: readonly ValueId[];
  readonly placed: readonly ValueId[];
}

/**
 *   | leaves, kept values, values that a later stage reads | temporaries of one stage at a time |
 *   0                                                      persistent                          valueBytes
 */
function layOut(
  graph: Graph,
  { primitives, live, batch, stage, steps, keep, dtype, wanted, placed }: Layout,
): { offset: number[]; valueBytes: number } {
  const { nodes } = graph;
  const root = nodes.map((_, id) => id);
  const bytes = new Array<number>(nodes.length).fill(0);
  const persistent = new Array<boolean>(nodes.length).fill(false);
  const lastStep = new Array<number>(nodes.length).fill(-1);
  const readBy = (id: ValueId) => (wanted[id] < 0 ? nodes[id].inputs : [...nodes[id].inputs, wanted[id]]);
  nodes.forEach((node, id) => {
    if (!live[id]) return;
    if (primitives[id]?.alias) root[id] = root[node.inputs[0]];
    if (isComputedWith(graph, wanted, id)) root[id] = root[node.inputs[1]];
    if (primitives[id] === null) persistent[id] = true;
    bytes[id] = alignUp(batch[id] * sizeOf(node.shape) * bytesOf(dtype));
  });
  for (const list of steps) {
    list.forEach((id, index) => {
      for (const input of readBy(id)) {
        const source = root[input];
        if (stage[input] !== stage[id] || stage[source] !== stage[id]) persistent[source] = true;
        else lastStep[source] = index;
      }
    });
  }
  for (const id of keep) persistent[root[id]] = true;

  const offset = new Array<number>(nodes.length).fill(-1);
  const elsewhere = new Set(placed);
  let top = 0;
  nodes.forEach((_, id) => {
    if (live[id] && root[id] === id && persistent[id] && !elsewhere.has(id)) {
      offset[id] = top;
      top += bytes[id];
    }
  });
  let valueBytes = top;
  for (const list of steps) {
    const free = new FreeList(top);
    list.forEach((id, index) => {
      const { inputs } = nodes[id];
      const isPlaced = root[id] === id && !persistent[id];
      if (isPlaced) {
        const first = root[inputs[0]];
        const dying = inputs.length > 0 && !persistent[first] && lastStep[first] === index;
        if (dying && primitives[id]?.inPlace === true && bytes[first] === bytes[id]) {
          offset[id] = offset[first];
          lastStep[first] = -1; // its bytes now belong to this value
        } else {
          offset[id] = free.take(bytes[id]);
        }
      }
      for (const input of readBy(id)) {
        const source = root[input];
        if (persistent[source] || lastStep[source] !== index) continue;
        free.give(offset[source], bytes[source]);
        lastStep[source] = -1; // given once, however often the node reads it
      }
      // A value that nothing reads (kept values are persistent) frees its bytes at once.
      if (isPlaced && lastStep[id] === -1) free.give(offset[id], bytes[id]);
    });
    valueBytes = Math.max(valueBytes, free.end);
  }
  nodes.forEach((_, id) => {
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
