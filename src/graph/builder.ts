/** @file GraphBuilder: appends nodes with inferred shapes; equal nodes are made once. */

import { TangedgeError } from '../core/errors.ts';
import { sizeOf, type Tensor } from '../core/tensor.ts';
import type { Attributes, Graph, Node, ValueId } from './graph.ts';
import type { Emitter } from './primitive.ts';
import { primitiveOf } from './primitives/table.ts';

/**
 * Builds a Graph. Leaves first (`input`, `parameter`, `constant`), then primitives through the constructors of
 * `graph/primitives` (`dense(g, x, w)`, `add(g, a, b)`, …). Ids are stable: a transform that starts from an existing
 * graph keeps every id of it.
 */
export class GraphBuilder implements Emitter {
  private readonly nodes: Node[];
  private readonly known: Map<string, ValueId>;

  constructor(graph?: Graph) {
    this.nodes = graph ? [...graph.nodes] : [];
    const built = graph && knownOf.get(graph.nodes);
    this.known = new Map(built);
    if (built) return;
    this.nodes.forEach((node, id) => {
      const key = keyOf(node);
      if (key !== null && !this.known.has(key)) this.known.set(key, id);
    });
  }

  /** A batched array that the caller binds by name; `shape` is per example. */
  input(name: string, shape: readonly number[]): ValueId {
    return this.leaf({ op: 'input', name, shape: [...shape], batched: true, inputs: [], attributes: {} });
  }

  /** A shared array that the caller binds by name. */
  parameter(name: string, shape: readonly number[]): ValueId {
    return this.leaf({ op: 'parameter', name, shape: [...shape], batched: false, inputs: [], attributes: {} });
  }

  /** A shared array whose values are part of the graph. */
  constantTensor(value: Tensor): ValueId {
    return this.append({ op: 'constant', value, shape: [...value.shape], batched: false, inputs: [], attributes: {} });
  }

  constant(value: number, shape: readonly number[] = []): ValueId {
    return this.constantTensor({ shape, data: new Float64Array(sizeOf(shape)).fill(value) });
  }

  emit(op: string, inputs: readonly ValueId[], attributes: Attributes = {}): ValueId {
    const primitive = primitiveOf(op);
    const inferred = primitive.infer(
      inputs.map((id) => this.shapeOf(id)),
      attributes,
    );
    const batched = inferred.batched ?? inputs.some((id) => this.isBatched(id));
    return this.append({ op, inputs: [...inputs], attributes, shape: [...inferred.shape], batched });
  }

  shapeOf(id: ValueId): readonly number[] {
    return this.nodes[id].shape;
  }

  isBatched(id: ValueId): boolean {
    return this.nodes[id].batched;
  }

  definition(id: ValueId): Node {
    return this.nodes[id];
  }

  /** The graph so far, with these results. */
  build(outputs: readonly ValueId[]): Graph {
    const graph = { nodes: [...this.nodes], outputs: [...outputs] };
    knownOf.set(graph.nodes, new Map(this.known));
    return graph;
  }

  private leaf(node: Node): ValueId {
    if (this.nodes.some((other) => other.op === node.op && other.name === node.name)) {
      throw new TangedgeError('ERR_ARGUMENT', `graph: there is already a leaf ${node.op} named '${node.name}'.`, { name: node.name });
    }
    return this.append(node);
  }

  private append(node: Node): ValueId {
    const key = keyOf(node);
    const seen = key === null ? undefined : this.known.get(key);
    if (seen !== undefined) return seen;
    this.nodes.push(node);
    const id = this.nodes.length - 1;
    if (key !== null) this.known.set(key, id);
    return id;
  }
}

/** Of the graphs that builders made, by their nodes: whoever goes on from one need not form the keys again. */
const knownOf = new WeakMap<readonly Node[], ReadonlyMap<string, ValueId>>();

/** Equal keys: equal values. Null for leaves with a name, which are never merged, and for large constants. */
function keyOf(node: Node): string | null {
  if (node.op === 'input' || node.op === 'parameter') return null;
  if (node.op === 'constant') {
    const { data, shape } = node.value as Tensor;
    const first = data[0];
    if (!data.every((value) => Object.is(value, first))) return null;
    return `constant|${shape.join()}|${Object.is(first, -0) ? '-0' : first}`;
  }
  let key = `${node.op}|${node.inputs.join()}`;
  for (const name in node.attributes) key += `|${name}:${node.attributes[name]}`;
  return key;
}
