/** @file Graph: an SSA list of primitive nodes over per-example shapes, with an implicit batch axis. Plain data. */

import type { Tensor } from '../core/tensor.ts';

/** A value is named by the position of the node that makes it. */
export type ValueId = number;

export type Attributes = Readonly<Record<string, number | boolean | readonly number[]>>;

/**
 * One node, one value. Leaves have op `input` (a batched array the caller binds), `parameter` or `constant` (shared).
 *
 * `shape` is per example: the batch axis is implicit. A value is `batched` when it depends on the example, and shared
 * (parameters, constants, functions of these alone) when not; a shared operand of a batched node serves every example.
 */
export interface Node {
  readonly op: string;
  readonly inputs: readonly ValueId[];
  readonly attributes: Attributes;
  readonly shape: readonly number[];
  readonly batched: boolean;
  /** Leaves only: what to bind. */
  readonly name?: string;
  /** Constants only. */
  readonly value?: Tensor;
}

/** Nodes in topological order, and which of them are the results. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly outputs: readonly ValueId[];
}

export type LeafKind = 'input' | 'parameter' | 'constant';

export function isLeaf(node: Node): boolean {
  return node.op === 'input' || node.op === 'parameter' || node.op === 'constant';
}

/** Ids of the leaves of a kind, in graph order. */
export function leavesOf(graph: Graph, kind: LeafKind): ValueId[] {
  const ids: ValueId[] = [];
  graph.nodes.forEach((node, id) => {
    if (node.op === kind) ids.push(id);
  });
  return ids;
}

/** For every value up to the last of `values`, whether one of them depends on it (themselves included). */
export function neededFor(inputsOf: (id: ValueId) => readonly ValueId[], values: readonly ValueId[]): boolean[] {
  const needed = new Array<boolean>(Math.max(-1, ...values) + 1).fill(false);
  for (const id of values) needed[id] = true;
  for (let id = needed.length - 1; id >= 0; id--) if (needed[id]) for (const input of inputsOf(id)) needed[input] = true;
  return needed;
}

/** For every value, whether it depends on one of `sources` (sources included). */
export function dependents(graph: Graph, sources: Iterable<ValueId>): boolean[] {
  const depends = new Array<boolean>(graph.nodes.length).fill(false);
  for (const id of sources) depends[id] = true;
  graph.nodes.forEach((node, id) => {
    if (!depends[id]) depends[id] = node.inputs.some((input) => depends[input]);
  });
  return depends;
}
