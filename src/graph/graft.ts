/** @file graft: copies a graph into a builder with leaves replaced by values that are there. */

import { TangedgeError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { GraphBuilder } from './builder.ts';
import { type Graph, isLeaf, neededFor, type ValueId } from './graph.ts';

/**
 * Copies what the outputs of `graph` need into `g`, with leaves replaced; returns the outputs' new ids.
 *
 * Equal nodes are made once, so a derivative whose seeds are replaced by one value loses its symmetric terms.
 *
 * @param replace every input and parameter leaf that the outputs need → a value of the same shape in `g`
 * @throws {TangedgeError} ERR_ARGUMENT when a needed leaf is not replaced
 */
export function graft(g: GraphBuilder, graph: Graph, replace: ReadonlyMap<ValueId, ValueId>): ValueId[] {
  const needed = neededFor((id) => graph.nodes[id].inputs, graph.outputs);
  const placed = new Array<ValueId>(graph.nodes.length).fill(-1);
  graph.nodes.forEach((node, id) => {
    if (!needed[id]) return;
    const replacement = replace.get(id);
    if (replacement !== undefined) placed[id] = replacement;
    else if (node.op === 'constant') placed[id] = g.constantTensor(node.value as Tensor);
    else if (isLeaf(node)) throw new TangedgeError('ERR_ARGUMENT', `graft: the leaf '${node.name}' is not replaced.`, { name: node.name });
    else
      placed[id] = g.emit(
        node.op,
        node.inputs.map((input) => placed[input]),
        node.attributes,
      );
  });
  return graph.outputs.map((id) => placed[id]);
}
