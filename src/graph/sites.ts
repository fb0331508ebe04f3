/**
 * @file Sites: where a parameter meets the data.
 *
 * A weight used by dense products or a convolution has gradient Σ_s δ[s]·a[s]ᵀ over positions s: kept factored as the
 * pair (a, δ). Any other parameter (biases, gains, tokens, grouped kernels) has its gradient kept whole per example.
 */

import { sizeOf } from '../core/tensor.ts';
import { dependents, type Graph, type ValueId } from './graph.ts';
import { numberAttribute } from './primitive.ts';
import { type Window, windowOf } from './primitives/window.ts';

/** One use of a factored weight: its input and its pre-activation. */
export interface SiteUse {
  readonly input: ValueId;
  readonly preactivation: ValueId;
}

export interface Site {
  /** The parameter's leaf. */
  readonly parameter: ValueId;
  /** `dense` and `conv2d` weights and embedding tables (`gather`) are factored; `whole` gradients are not. */
  readonly kind: 'dense' | 'conv2d' | 'gather' | 'whole';
  /** Every use, in graph order; empty for `whole`. Several uses (tied weights, time steps) count as more positions. */
  readonly uses: readonly SiteUse[];
  /** Convolutions only: also [channels, height, width] of the input. */
  readonly window?: Window;
  readonly image?: readonly number[];
  /** Of a convolution's channels: each is a factored weight of its own. 1 for anything else. */
  readonly groups: number;
  /** The weight as used is `scale` times the parameter, axes permuted: 1 but for the NTK parameterization. */
  readonly scale: number;
  /** Positions s of all uses together, width of a (of one group), width of δ (of all groups); 1, 0 and the parameter's size for `whole`. */
  readonly positions: number;
  readonly inputWidth: number;
  readonly cotangentWidth: number;
}

/** The site of every given parameter. */
export function sitesOf(graph: Graph, parameters: readonly ValueId[]): Site[] {
  return parameters.map((parameter) => siteOf(graph, parameter));
}

interface Use {
  readonly node: ValueId;
  readonly position: number;
  readonly shared: ValueId;
}

function siteOf(graph: Graph, parameter: ValueId): Site {
  const depends = dependents(graph, [parameter]);
  const uses: Use[] = [];
  graph.nodes.forEach((node, id) => {
    if (!node.batched) return;
    node.inputs.forEach((shared, position) => {
      if (depends[shared] && !graph.nodes[shared].batched) uses.push({ node: id, position, shared });
    });
  });
  const whole: Site = {
    parameter,
    kind: 'whole',
    uses: [],
    groups: 1,
    scale: 1,
    positions: 1,
    inputWidth: 0,
    cotangentWidth: sizeOf(graph.nodes[parameter].shape),
  };
  const [first] = uses;
  if (first === undefined || uses.some(({ shared }) => shared !== first.shared)) return whole;
  const scale = scaleBetween(graph, parameter, first.shared);
  if (scale === null) return whole;
  const isWeightOf = (op: string) => uses.every(({ node, position }) => graph.nodes[node].op === op && position === 1);
  if (isWeightOf('dense')) return denseSite(graph, parameter, uses, scale);
  if (isWeightOf('conv2d') && uses.length === 1) return convolutionSite(graph, parameter, first, scale);
  if (uses.length === 1 && graph.nodes[first.node].op === 'gather' && first.position === 0) return embeddingSite(graph, parameter, first, scale);
  return whole;
}

/** A table looked up by index is a dense weight whose inputs are one-hot. */
function embeddingSite(graph: Graph, parameter: ValueId, { node, shared }: Use, scale: number): Site {
  const [tableRows, width] = graph.nodes[shared].shape;
  const indices = graph.nodes[node].inputs[1];
  return {
    parameter,
    kind: 'gather',
    groups: 1,
    uses: [{ input: indices, preactivation: node }],
    scale,
    positions: sizeOf(graph.nodes[indices].shape),
    inputWidth: tableRows,
    cotangentWidth: width,
  };
}

function denseSite(graph: Graph, parameter: ValueId, uses: readonly Use[], scale: number): Site {
  const [h, i] = graph.nodes[uses[0].shared].shape;
  return {
    parameter,
    kind: 'dense',
    groups: 1,
    uses: uses.map(({ node }) => ({ input: graph.nodes[node].inputs[0], preactivation: node })),
    scale,
    positions: uses.reduce((total, { node }) => total + sizeOf(graph.nodes[node].shape) / h, 0),
    inputWidth: i,
    cotangentWidth: h,
  };
}

function convolutionSite(graph: Graph, parameter: ValueId, use: Use, scale: number): Site {
  const node = graph.nodes[use.node];
  const [outputs, ...kernel] = graph.nodes[use.shared].shape;
  return {
    parameter,
    kind: 'conv2d',
    groups: numberAttribute(node.attributes, 'groups'),
    uses: [{ input: node.inputs[0], preactivation: use.node }],
    window: windowOf(node.attributes),
    image: graph.nodes[node.inputs[0]].shape,
    scale,
    positions: node.shape[1] * node.shape[2],
    inputWidth: sizeOf(kernel),
    cotangentWidth: outputs,
  };
}

/** The factor between a parameter and the shared value made of it by scalings and moves of axes alone; null otherwise. */
function scaleBetween(graph: Graph, parameter: ValueId, shared: ValueId): number | null {
  let scale = 1;
  let id = shared;
  while (id !== parameter) {
    const { op, inputs, attributes } = graph.nodes[id];
    if (op === 'affine') scale *= numberAttribute(attributes, 'scale');
    else if (op !== 'reshape' && op !== 'transpose') return null;
    id = inputs[0];
  }
  return scale;
}
