/** @file Which stored arrays of an ONNX model are parameters, in which order, and which of them are trained. */

import type { Graph, ValueId } from '../../graph/graph.ts';
import type { Parameter } from '../../graph/model.ts';
import type { StoredValue } from './value.ts';

/**
 * The parameters in the order of the file's initializers, which torch.onnx.export takes from the state dict.
 *
 * A parameter that an Identity node names (torch writes one where two entries of the state dict have equal values) stands
 * behind the parameter that is used before it.
 */
export function orderedParameters(graph: Graph, used: readonly { readonly id: ValueId; readonly stored: StoredValue }[]): Parameter[] {
  const order = used.filter(({ stored }) => stored.position !== undefined);
  order.sort((a, b) => (a.stored.position as number) - (b.stored.position as number));
  used.forEach((entry, i) => {
    if (entry.stored.position === undefined) order.splice(i === 0 ? 0 : order.indexOf(used[i - 1]) + 1, 0, entry);
  });
  const statistics = storedStatistics(
    graph,
    used.map(({ id }) => id),
  );
  return order.map(({ id, stored }) => ({ name: stored.name, value: stored.value, id, trainable: !statistics.has(id) }));
}

/**
 * Leaves that only shift or divide what depends on the example: x − p and x / p, the normalization of inputs by stored
 * means and deviations, which is not trained. (A file does not say which arrays were buffers; sums and products with
 * stored arrays are taken for biases and gains.)
 */
function storedStatistics(graph: Graph, parameters: readonly ValueId[]): Set<ValueId> {
  const readers: ValueId[][] = graph.nodes.map(() => []);
  graph.nodes.forEach(({ inputs }, id) => {
    for (const input of inputs) readers[input].push(id);
  });
  return new Set(parameters.filter((parameter) => onlyShiftsOrDivides(graph, readers, parameter)));
}

function onlyShiftsOrDivides(graph: Graph, readers: readonly (readonly ValueId[])[], parameter: ValueId): boolean {
  const open = [parameter];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (readers[id].length === 0) return false;
    for (const reader of readers[id]) {
      const { op, inputs, batched } = graph.nodes[reader];
      const statistic = batched && (op === 'sub' || op === 'div') && inputs[1] === id && inputs[0] !== id;
      if (statistic) continue;
      if (batched || !(op === 'reshape' || op === 'transpose')) return false;
      open.push(reader);
    }
  }
  return true;
}
