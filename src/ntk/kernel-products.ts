/** @file Products Θ(x1, x2)·u over any number of examples: pullbacks summed over the blocks of x2, then pushforwards over those of x1. */

import { type Dtype, emptyArray, type FloatArray, sizeOf } from '../core/tensor.ts';
import { LastOfGraph } from '../graph/last-of-graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { paddedBlock } from '../graph/sweep.ts';
import { readSwept, writeSwept } from '../graph/swept-values.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { NtkInputs } from './inputs.ts';
import {
  type BlockProducts,
  Pullback,
  Pushforward,
  planVectorProduct,
  type VectorProductGraphs,
  type VectorProductPrograms,
  vectorProductGraphs,
} from './vector-product.ts';

/** Examples of a block where there are more; up to so many are one block. */
export const LEAST_BLOCK = 64;
/** Examples of the longest block. */
const MOST_BLOCK = 256;
/** Larger blocks take at most so many bytes. */
const BLOCK_BYTES = 64 * 1024 * 1024;

interface PreparedProducts {
  readonly graphs: VectorProductGraphs;
  readonly programs: VectorProductPrograms;
  /** Examples of a block. */
  readonly block: number;
}

const lastProducts = new LastOfGraph<PreparedProducts>();

/**
 * Both for blocks of n examples, with the parameters' values of now: an iteration asks for product after product of one network. A block is
 * as long as the model and n alone say, because it orders the sum over examples: n of at most 64, else 64, doubled while there remain four.
 */
export function preparedProducts(model: Model, n: number, dtype: Dtype): PreparedProducts {
  const key = JSON.stringify([n, dtype, model.input.id, trainableParameters(model).map(({ id }) => id)]);
  const { graphs, programs, block } = lastProducts.get(model.graph, key, () => {
    const made = vectorProductGraphs(model);
    const plan = (block: number) => ({ graphs: made, programs: planVectorProduct(made, block, block, dtype), block });
    const least = plan(Math.min(LEAST_BLOCK, n));
    const bytes = least.programs.back.valueBytes + least.programs.forward.valueBytes;
    let times = 1;
    while (8 * times * LEAST_BLOCK <= n && 2 * times * LEAST_BLOCK <= MOST_BLOCK && 2 * times * bytes <= BLOCK_BYTES) times *= 2;
    return times === 1 ? least : plan(times * LEAST_BLOCK);
  });
  return { graphs: { ...graphs, parameters: model.parameters }, programs, block };
}

/** The blocks of x, one after the other in the memory of a pullback or a pushforward: swept forward, or put back from a copy. */
export class Blocks<Products extends BlockProducts> {
  readonly products: Products;
  /** Examples of x, and of a block. */
  readonly examples: number;
  readonly length: number;
  private readonly x: FloatArray;
  private readonly size: number;
  private shown = -1;

  /** Examples of `size` numbers. */
  constructor(products: Products, x: FloatArray, size: number) {
    this.products = products;
    this.x = x;
    this.size = size;
    this.examples = x.length / size;
    this.length = products.execution.program.batch[products.graphs.input];
  }

  get count(): number {
    return Math.ceil(this.examples / this.length);
  }

  /** Makes this block the one in memory. Returns the number of its first example and how many there are. */
  show(block: number, swept?: Uint8Array): { start: number; count: number } {
    const { products, x, size, length } = this;
    const start = block * length;
    const count = Math.min(length, this.examples - start);
    if (this.shown !== block) {
      if (swept) writeSwept(products.execution, swept);
      else products.set(paddedBlock(x, start, count, length, size));
    }
    this.shown = block;
    return { start, count };
  }

  /** What the forward sweep of the block in memory has left: for `show`, of this or another `Blocks` of the same program and x. */
  swept(): Uint8Array {
    return readSwept(this.products.execution);
  }
}

/** Jᵀu over a block, for its part of u [n, c]; views that end with the next call. */
export function pullBlock(blocks: Blocks<Pullback>, block: number, u: FloatArray, swept?: Uint8Array): FloatArray[] {
  const { start, count } = blocks.show(block, swept);
  const c = u.length / blocks.examples;
  // Examples that only fill the block up have cotangent 0.
  const cotangents = new Float64Array(blocks.length * c);
  cotangents.set(u.subarray(start * c, (start + count) * c));
  return blocks.products.pull(cotangents);
}

/** J·t over a block, for the tangents that are in memory; a view. */
export function pushBlock(blocks: Blocks<Pushforward>, block: number, swept?: Uint8Array): FloatArray {
  const { count } = blocks.show(block, swept);
  const values = blocks.products.push();
  return values.subarray(0, (count * values.length) / blocks.length);
}

/** Gradients, one array per parameter, summed over blocks in f64. */
export class GradientSum {
  readonly totals: readonly Float64Array[];

  constructor(model: Model) {
    this.totals = trainableParameters(model).map(({ value }) => new Float64Array(sizeOf(value.shape)));
  }

  add(gradients: readonly FloatArray[]): void {
    gradients.forEach((gradient, index) => {
      const total = this.totals[index];
      for (let i = 0; i < total.length; i++) total[i] += gradient[i];
    });
  }
}

/** Products Θ(x1, x2)·u, one after the other; lives in the arena frame in which it was made. Sides of one block are swept forward once. */
export class KernelProducts {
  private readonly model: Model;
  private readonly dtype: Dtype;
  private readonly back: Blocks<Pullback>;
  private readonly forward: Blocks<Pushforward>;

  constructor(rt: Runtime, model: Model, { x1, x2, size }: NtkInputs, dtype: Dtype) {
    const { graphs, programs } = preparedProducts(model, Math.max(x1.length, x2.length) / size, dtype);
    this.model = model;
    this.dtype = dtype;
    this.back = new Blocks(new Pullback(rt, graphs, programs.back), x2, size);
    this.forward = new Blocks(new Pushforward(rt, graphs, programs.forward), x1, size);
  }

  /** u [n2, c] → [n1, c]. */
  times(u: FloatArray): FloatArray {
    const { model, dtype, back, forward } = this;
    const c = model.output.size;
    const sum = new GradientSum(model);
    for (let block = 0; block < back.count; block++) sum.add(pullBlock(back, block, u));
    forward.products.setTangents(sum.totals);
    const data = emptyArray(dtype, forward.examples * c);
    for (let block = 0; block < forward.count; block++) data.set(pushBlock(forward, block), block * forward.length * c);
    return data;
  }
}
