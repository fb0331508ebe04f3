/**
 * @file The first layer in the span of its inputs. Its gradient is δᵀ·X with the same X at every step, so descent never
 * leaves W = W₀ + Aᵀ·X, and A [n, h] is what moves:
 *
 *   h = s·W·x  ⇒  H = s·X·W₀ᵀ + s·(X·Xᵀ)·A        ∂L/∂W = s·δᵀ·X  ⇒  A moves along s·δ, as W does along its gradient
 *
 * A step costs 2·n²·h flops in this layer instead of 4·n·d·h: for n ≪ d, as with images, most of a step's cost is gone.
 * X·Xᵀ and X·W₀ᵀ are computed once. Any optimizer that is linear in the gradients moves A by its own rule.
 */

import { type Dtype, type FloatArray, sizeOf, sumOfSquares } from '../core/tensor.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { primitiveOf } from '../graph/primitives/table.ts';
import { sitesOf } from '../graph/sites.ts';
import { type Runtime, routinesOf } from '../wasm/runtime.ts';

/** Where a model has a dense layer directly on its inputs. */
export interface GramSite {
  /** Of the weight among the trainable parameters. */
  readonly index: number;
  readonly preactivation: ValueId;
  readonly scale: number;
  /** Width of the pre-activation and of the input. */
  readonly h: number;
  readonly d: number;
}

/** The first dense layer on the flat inputs whose weight [h, d] is used nowhere else, if the model has one. */
export function gramSiteOf(model: Model): GramSite | undefined {
  const { graph, input } = model;
  const trainable = trainableParameters(model);
  const sites = sitesOf(
    graph,
    trainable.map(({ id }) => id),
  );
  const index = sites.findIndex(({ kind, uses, positions, parameter }) => {
    if (kind !== 'dense' || uses.length !== 1 || positions !== 1) return false;
    const [, weight] = graph.nodes[uses[0].preactivation].inputs;
    return aliasRoot(graph, uses[0].input) === input.id && isScaled(graph, weight, parameter);
  });
  if (index < 0) return undefined;
  const { uses, scale, cotangentWidth, inputWidth } = sites[index];
  return { index, preactivation: uses[0].preactivation, scale, h: cotangentWidth, d: inputWidth };
}

/** The same graph with the pre-activation as a leaf: ids stay valid. */
export function withLeaf(graph: Graph, id: ValueId): Graph {
  const { shape } = graph.nodes[id];
  const nodes = graph.nodes.map((node, k) =>
    k === id ? { op: 'input', name: 'first-layer', shape, batched: true, inputs: [], attributes: {} } : node,
  );
  return { nodes, outputs: graph.outputs };
}

/** A, X·Xᵀ and X·W₀ᵀ in memory; frames as in the object that holds it. */
export class GramLayer {
  readonly site: GramSite;
  /** A [n, h]. */
  readonly ptr: number;
  readonly size: number;
  private readonly rt: Runtime;
  private readonly dtype: Dtype;
  private readonly n: number;
  /** X [n, d]. */
  private readonly inputs: FloatArray;
  /** W₀ [h, d], in the dtype. */
  private base: FloatArray;
  /** ‖W₀‖² */
  private baseNorm2 = 0;
  private readonly gramPtr: number;
  private readonly startPtr: number;

  constructor(rt: Runtime, dtype: Dtype, site: GramSite, inputs: FloatArray, base: FloatArray) {
    const { h, d } = site;
    this.rt = rt;
    this.dtype = dtype;
    this.site = site;
    this.inputs = inputs;
    this.n = inputs.length / d;
    this.size = this.n * h;
    this.ptr = rt.arena.allocateArray(dtype, this.size);
    this.gramPtr = rt.arena.allocateArray(dtype, this.n * this.n);
    this.startPtr = rt.arena.allocateArray(dtype, this.size);
    this.base = base;
    rt.arena.frame(() => {
      const routines = routinesOf(rt, dtype);
      const x = rt.arena.load(dtype, inputs);
      routines.gram(this.n, d, site.scale, x, d, 1, 0, this.gramPtr, this.n, rt.arena.allocate(routines.gramScratchBytes(this.n, d) >>> 0));
    });
    this.rebase(base, undefined);
  }

  /** Goes on from W₀ = `base` and A, zero when it is not given. */
  rebase(base: FloatArray, a: FloatArray | undefined): void {
    const { rt, dtype, n } = this;
    const { h, d, scale } = this.site;
    this.base = this.array(base);
    this.baseNorm2 = sumOfSquares(this.base);
    const view = rt.arena.view(dtype, this.ptr, this.size);
    if (a === undefined) view.fill(0);
    else view.set(a);
    rt.arena.frame(() => {
      const routines = routinesOf(rt, dtype);
      const x = rt.arena.load(dtype, this.inputs);
      const w = rt.arena.load(dtype, this.base);
      const scratch = rt.arena.allocate(routines.gemmScratchBytes(n, h, d) >>> 0);
      routines.gemm(n, h, d, scale, x, d, 1, w, 1, d, 0, this.startPtr, h, 1, scratch);
    });
  }

  /** H [n, h] ← s·X·W₀ᵀ + s·(X·Xᵀ)·A. */
  preactivations(outPtr: number): void {
    const { rt, dtype, size } = this;
    rt.arena.view(dtype, outPtr, size).set(rt.arena.view(dtype, this.startPtr, size));
    this.gramTimes(this.ptr, 1, outPtr);
  }

  /** A, a copy [n, h]. */
  coefficients(): FloatArray {
    return this.rt.arena.read(this.dtype, this.ptr, this.size);
  }

  /** W₀, not a copy. */
  start(): FloatArray {
    return this.base;
  }

  /** W₀ + Aᵀ·X [h, d] for any A [n, h]. */
  weights(a: FloatArray): FloatArray {
    return this.spanned(a, this.base);
  }

  /** ∂L/∂W = δᵀ·X [h, d] for the s·δ [n, h] at `ptr`. */
  gradient(ptr: number): FloatArray {
    return this.spanned(this.rt.arena.read(this.dtype, ptr, this.size), undefined);
  }

  /** ‖W₀ + Aᵀ·X‖² = ‖W₀‖² + 2·⟨A, X·W₀ᵀ⟩ + ‖Aᵀ·X‖² */
  weightNorm2(): number {
    const { rt, dtype, size, site, baseNorm2 } = this;
    const cross = routinesOf(rt, dtype).dot(size, this.ptr, this.startPtr) / site.scale;
    return baseNorm2 + 2 * cross + this.squaredNorm(this.ptr);
  }

  /** ‖δᵀ·X‖² = ⟨δ, (X·Xᵀ)·δ⟩ for the s·δ at `ptr`. */
  squaredNorm(ptr: number): number {
    const { rt, dtype, size, site } = this;
    return rt.arena.frame(() => {
      const product = rt.arena.allocateArray(dtype, size);
      this.gramTimes(ptr, 0, product);
      return routinesOf(rt, dtype).dot(size, ptr, product) / site.scale;
    });
  }

  /** out ← s·(X·Xᵀ)·A + beta·out. */
  private gramTimes(aPtr: number, beta: number, outPtr: number): void {
    const { rt, dtype, n } = this;
    const { h } = this.site;
    rt.arena.frame(() => {
      const routines = routinesOf(rt, dtype);
      const scratch = rt.arena.allocate(routines.gemmScratchBytes(n, h, n) >>> 0);
      routines.gemm(n, h, n, 1, this.gramPtr, n, 1, aPtr, h, 1, beta, outPtr, h, 1, scratch);
    });
  }

  private spanned(a: FloatArray, start: FloatArray | undefined): FloatArray {
    const { rt, dtype, n } = this;
    const { h, d } = this.site;
    return rt.arena.frame(() => {
      const routines = routinesOf(rt, dtype);
      const aPtr = rt.arena.load(dtype, a);
      const x = rt.arena.load(dtype, this.inputs);
      const out = start === undefined ? rt.arena.allocateArray(dtype, h * d) : rt.arena.load(dtype, start);
      const scratch = rt.arena.allocate(routines.gemmScratchBytes(h, d, n) >>> 0);
      routines.gemm(h, d, n, 1, aPtr, 1, h, x, d, 1, start === undefined ? 0 : 1, out, d, 1, scratch);
      return rt.arena.read(dtype, out, h * d);
    });
  }

  private array(values: FloatArray): FloatArray {
    return this.dtype === 'f64' ? Float64Array.from(values) : Float32Array.from(values);
  }
}

/** The value that this one is under other shapes. */
function aliasRoot(graph: Graph, id: ValueId): ValueId {
  let root = id;
  for (let node = graph.nodes[root]; node.op !== 'input' && node.inputs.length === 1 && primitiveOf(node.op).alias; node = graph.nodes[root]) {
    root = node.inputs[0];
  }
  return root;
}

/** Whether a value is the parameter, or a multiple of it, in its own layout. */
function isScaled(graph: Graph, value: ValueId, parameter: ValueId): boolean {
  if (value === parameter) return true;
  const node = graph.nodes[value];
  return node.op === 'affine' && isScaled(graph, node.inputs[0], parameter) && sizeOf(node.shape) > 0;
}
