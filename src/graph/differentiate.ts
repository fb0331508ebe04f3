/** @file jvp and vjp: graph → graph of the same primitives, so they compose to any order. */

import { TangedgeError } from '../core/errors.ts';
import { formatShape } from '../core/tensor.ts';
import { GraphBuilder } from './builder.ts';
import { dependents, type Graph, isLeaf, type ValueId } from './graph.ts';
import { add, select } from './primitives/arithmetic.ts';
import { sumBatch } from './primitives/reduction.ts';
import { concatOfPads } from './primitives/shape.ts';
import { primitiveOf } from './primitives/table.ts';

/** A derived graph and where its new leaves and results are. Ids of the original graph stay valid in it. */
export interface Derived {
  readonly graph: Graph;
  /** Leaves the caller binds: the tangents of `wrt`, or the cotangents of the outputs. */
  readonly seeds: readonly ValueId[];
  /** Tangents of the outputs, or cotangents of `wrt`; null where the derivative is identically zero. */
  readonly results: readonly (ValueId | null)[];
}

/**
 * Forward mode: J·t, the tangents of the outputs for tangents `t` of the values `wrt`.
 *
 * The derived graph's outputs are the original outputs followed by the tangents (zeros where null). Tangent leaves are
 * named `tangent:0`, … after `prefix`; they are batched when the value is.
 *
 * Cost   at most about 3 times the nodes of the graph, those not needed for the outputs you ask for are not evaluated.
 */
export function jvp(graph: Graph, wrt: readonly ValueId[], prefix = 'tangent'): Derived {
  const g = new GraphBuilder(graph);
  const tangents = new Map<ValueId, ValueId>();
  const seeds = wrt.map((id, index) => {
    const name = `${prefix}:${index}`;
    const seed = graph.nodes[id].batched ? g.input(name, graph.nodes[id].shape) : g.parameter(name, graph.nodes[id].shape);
    tangents.set(id, seed);
    return seed;
  });
  graph.nodes.forEach((node, id) => {
    if (isLeaf(node) || tangents.has(id)) return;
    const own = node.inputs.map((input) => tangents.get(input) ?? null);
    if (own.every((tangent) => tangent === null)) return;
    const tangent = primitiveOf(node.op).jvp(g, { id, inputs: node.inputs, attributes: node.attributes }, own);
    if (tangent !== null) tangents.set(id, tangent);
  });
  const results = graph.outputs.map((id) => matchBatch(g, tangents.get(id) ?? null, id));
  return { graph: g.build([...graph.outputs, ...results.map((result, index) => result ?? zeroLike(g, graph.outputs[index]))]), seeds, results };
}

export interface VjpOptions {
  /** Name of the cotangent leaves: `<prefix>:0`, …; default `cotangent`. */
  readonly prefix?: string;
  /**
   * What becomes of the cotangent of a shared value: `'sum'` adds it up over the examples (a gradient);
   * `'per-example'` keeps one per example (rows of the Jacobian). Default `'sum'`.
   */
  readonly shared?: 'sum' | 'per-example';
}

/**
 * Reverse mode: Jᵀ·u, the cotangents of the values `wrt` for cotangents `u` of the outputs.
 *
 * The derived graph's outputs are the original outputs followed by the cotangents (zeros where null). Only nodes between
 * `wrt` and the outputs are swept.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when an output is shared but `wrt` is batched (it would need a sum that is not there).
 */
export function vjp(graph: Graph, wrt: readonly ValueId[], { prefix = 'cotangent', shared = 'sum' }: VjpOptions = {}): Derived {
  const g = new GraphBuilder(graph);
  const needed = dependents(graph, wrt);
  const parts = new Map<ValueId, ValueId[]>();
  const accumulate = (id: ValueId, part: ValueId): void => {
    const list = parts.get(id);
    if (list) list.push(part);
    else parts.set(id, [part]);
  };
  const seeds = graph.outputs.map((id, index) => {
    const { shape, batched } = graph.nodes[id];
    const name = `${prefix}:${index}`;
    const seed = batched ? g.input(name, shape) : g.parameter(name, shape);
    accumulate(id, seed);
    return seed;
  });
  const cotangents = new Map<ValueId, ValueId>();
  for (let id = graph.nodes.length - 1; id >= 0; id--) {
    const list = parts.get(id);
    if (list === undefined || !needed[id]) continue;
    const node = graph.nodes[id];
    let cotangent = concatOfPads(g, list) ?? list.reduce((total, part) => add(g, total, part));
    if (!node.batched && shared === 'sum') cotangent = sumBatch(g, cotangent);
    cotangents.set(id, cotangent);
    if (isLeaf(node)) continue;
    const own = primitiveOf(node.op).vjp(g, { id, inputs: node.inputs, attributes: node.attributes }, cotangent);
    node.inputs.forEach((input, position) => {
      const part = own[position];
      if (part === null || part === undefined || !needed[input]) return;
      checkShape(node.op, g.shapeOf(part), graph.nodes[input].shape);
      // Sum each part by itself: a weight gradient multiplies and sums in one product.
      accumulate(input, !graph.nodes[input].batched && shared === 'sum' ? sumBatch(g, part) : part);
    });
  }
  const results = wrt.map((id) => matchBatch(g, cotangents.get(id) ?? null, id));
  return { graph: g.build([...graph.outputs, ...results.map((result, index) => result ?? zeroLike(g, wrt[index]))]), seeds, results };
}

/** A derivative that is the same for every example, repeated for each when the value it belongs to is batched. */
function matchBatch(g: GraphBuilder, derivative: ValueId | null, value: ValueId): ValueId | null {
  if (derivative === null || g.isBatched(derivative) || !g.isBatched(value)) return derivative;
  return select(g, value, derivative, derivative);
}

function zeroLike(g: GraphBuilder, value: ValueId): ValueId {
  return matchBatch(g, g.constant(0, g.shapeOf(value)), value) as ValueId;
}

/** A rule that returns a wrong shape is a bug in the rule; better a loud one. */
function checkShape(op: string, actual: readonly number[], expected: readonly number[]): void {
  if (actual.length !== expected.length || actual.some((extent, axis) => extent !== expected[axis])) {
    throw new TangedgeError('ERR_SHAPE', `vjp: the rule of '${op}' returned ${formatShape(actual)} for an input of ${formatShape(expected)}.`, {
      op,
    });
  }
}
