/** @file Layers of an ONNX model for people: nodes grouped by the PyTorch module that wrote them. */

import type { GraphBuilder } from '../../graph/builder.ts';
import type { ValueId } from '../../graph/graph.ts';
import type { Layer } from '../../graph/model.ts';
import type { OnnxNode } from './messages.ts';

/** Collects layers while nodes are lowered, in file order. */
export class LayerList {
  private readonly groups: { module: string; types: string[]; name: string; shape: readonly number[]; parameters: string[] }[] = [];
  private readonly owned = new Set<ValueId>();
  private readonly g: GraphBuilder;

  constructor(g: GraphBuilder) {
    this.g = g;
  }

  /** A node made the batched values `results` of the batched values `inputs`. Nodes of one module that follow each other are one layer. */
  add(node: OnnxNode, inputs: readonly ValueId[], results: readonly ValueId[]): void {
    const [result] = results;
    if (inputs.includes(result)) return;
    const parameters = this.newParameters(inputs, results);
    const module = moduleOf(node, parameters);
    const last = this.groups[this.groups.length - 1];
    if (last !== undefined && module !== '' && last.module === module) {
      last.types.push(node.type);
      last.shape = this.g.shapeOf(result);
      last.parameters.push(...parameters);
      return;
    }
    const name = module || node.name || node.outputs[0];
    this.groups.push({ module, types: [node.type], name, shape: this.g.shapeOf(result), parameters });
  }

  list(): Layer[] {
    return this.groups.map(({ name, types, shape, parameters }) => ({ name, type: [...new Set(types)].join('+'), shape: [...shape], parameters }));
  }

  /** Parameters that the results need, that the inputs do not bring, and that no earlier layer owns. */
  private newParameters(inputs: readonly ValueId[], results: readonly ValueId[]): string[] {
    const seen = new Set<ValueId>(inputs);
    const open = [...results];
    const found: ValueId[] = [];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const { op, inputs: operands } = this.g.definition(id);
      if (op === 'parameter' && !this.owned.has(id)) found.push(id);
      open.push(...operands);
    }
    for (const id of found) this.owned.add(id);
    return found.sort((a, b) => a - b).map((id) => this.g.definition(id).name ?? '');
  }
}

/** `fc1` from the parameter `fc1.weight`, else from the node name `/block/block.0/fc1/Gemm` → `block.0.fc1`; '' outside modules. */
export function moduleOf(node: OnnxNode, parameters: readonly string[]): string {
  const [first] = parameters;
  if (first?.includes('.')) return first.slice(0, first.lastIndexOf('.'));
  if (!node.name.startsWith('/')) return '';
  const path: string[] = [];
  for (const part of node.name.split('/').slice(1, -1)) {
    // A container's children repeat its name: /net/net.0 is net.0.
    if (part.startsWith(`${path[path.length - 1]}.`)) path.pop();
    path.push(part);
  }
  return path.join('.');
}
