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
}

const lastProducts = new LastOfGraph<PreparedProducts>();

/**
 * Both for blocks of n examples, with the parameters' values of now: an iteration asks for product after product of one network. A block is
 * as long as the model and n alone say, because it orders the sum over examples: n of at most 64, else 64, doubled while there remain four.
 */
export function preparedProducts(model: Model, n: number, dtype: Dtype): PreparedProducts {
  const key = JSON.stringify([n, dtype, model.input.id, trainableParameters(model).map(({ id }) => id)]);
  const { graphs, programs } = lastProducts.get(model.graph, key, () => {
    const made = vectorProductGraphs(model);
    const plan = (block: number) => planVectorProduct(made, block, block, dtype);
    const least = plan(Math.min(LEAST_BLOCK, n));
    const bytes = least.back.valueBytes + least.forward.valueBytes;
    let times = 1;
    while (8 * times * LEAST_BLOCK <= n && 2 * times * LEAST_BLOCK <= MOST_BLOCK && 2 * times * bytes <= BLOCK_BYTES) times *= 2;
    return { graphs: made, programs: times === 1 ? least : plan(times * LEAST_BLOCK) };
  });
  return { graphs: { ...graphs, parameters: model.parameters }, programs };
}

/** The blocks of x, one after the other in the memory of a pullback or a pushforward: swept forward, or put back from a copy. */
export class Blocks {
  /** Examples of a block. */
  readonly length: number;
  readonly count: number;
  private readonly rt: Runtime;
  private readonly products: BlockProducts;
  private readonly x: FloatArray;
  private readonly size: number;
  private shown = -1;

  /** Examples of `size` numbers. */
  constructor(rt: Runtime, products: BlockProducts, x: FloatArray, size: number) {
    const { execution, graphs } = products;
    this.rt = rt;
    this.products = products;
    this.x = x;
    this.size = size;
    this.length = execution.program.batch[graphs.input];
    this.count = Math.ceil(x.length / size / this.length);
  }

  /** Makes this block the one in memory. Returns the number of its first example and how many there are. */
  show(block: number, swept?: Uint8Array): { start: number; count: number } {
    const { rt, products, x, size, length } = this;
    const start = block * length;
    const count = Math.min(length, x.length / size - start);
    if (this.shown !== block) {
      if (swept) writeSwept(rt, products.execution, swept);
      else products.set(paddedBlock(x, start, count, length, size));
    }
    this.shown = block;
    return { start, count };
  }

  /** What its forward sweep has left: for `show`, of this or another `Blocks` of the same program and x. */
  swept(): Uint8Array {
    return readSwept(this.rt, this.products.execution);
  }
}

/** u [n, c] of some examples; those that only fill a block up have cotangent 0. */
export function cotangentsOf(u: FloatArray, c: number, length: number, { start, count }: { start: number; count: number }): FloatArray {
  const cotangents = new Float64Array(length * c);
  cotangents.set(u.subarray(start * c, (start + count) * c));
  return cotangents;
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
  private readonly n1: number;
  private readonly back: Pullback;
  private readonly forward: Pushforward;
  private readonly backBlocks: Blocks;
  private readonly forwardBlocks: Blocks;

  constructor(rt: Runtime, model: Model, { x1, x2, size }: NtkInputs, dtype: Dtype) {
    this.model = model;
    this.dtype = dtype;
    this.n1 = x1.length / size;
    const { graphs, programs } = preparedProducts(model, Math.max(x1.length, x2.length) / size, dtype);
    this.back = new Pullback(rt, graphs, programs.back);
    this.forward = new Pushforward(rt, graphs, programs.forward);
    this.backBlocks = new Blocks(rt, this.back, x2, size);
    this.forwardBlocks = new Blocks(rt, this.forward, x1, size);
  }

  /** u [n2, c] → [n1, c]. */
  times(u: FloatArray): FloatArray {
    const { backBlocks, forwardBlocks } = this;
    const c = this.model.output.size;
    const sum = new GradientSum(this.model);
    for (let block = 0; block < backBlocks.count; block++) {
      sum.add(this.back.pull(cotangentsOf(u, c, backBlocks.length, backBlocks.show(block))));
    }
    this.forward.setTangents(sum.totals);
    const data = emptyArray(this.dtype, this.n1 * c);
    for (let block = 0; block < forwardBlocks.count; block++) {
      const { start, count } = forwardBlocks.show(block);
      data.set(this.forward.push().subarray(0, count * c), start * c);
    }
    return data;
  }
}
