/** @file The sweeps that leave ∂f/∂h of chosen weights' pre-activations, or ∂f/∂x of the model's input, and nothing else. */

import { sizeOf } from '../core/tensor.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { vjp } from '../graph/differentiate.ts';
import type { ValueId } from '../graph/graph.ts';
import { type Model, withTrainable } from '../graph/model.ts';
import { affine, broadcast, reshape, sum } from '../graph/primitives/table.ts';
import { buildSweep, type Sweep } from '../graph/sweep.ts';
import type { FeatureWeight } from './weight.ts';

/** A value of the sweep that holds cotangents, [outputs·n, positions, width] with outputs varying slowest. */
export interface Cotangent {
  readonly id: ValueId;
  readonly positions: number;
  readonly width: number;
}

export interface CotangentSweep {
  readonly sweep: Sweep;
  /** In the order of the weights, or the one of the input. */
  readonly cotangents: readonly Cotangent[];
}

/** δ = ∂f/∂h of every weight: positions are a convolution's pixels, tokens, or the uses of a tied weight. */
export function preactivationSweep(model: Model, weights: readonly FeatureWeight[]): CotangentSweep {
  const sweep = buildSweep(withTrainable(model, { only: weights.map(({ name }) => name) }), () => 'gram');
  const cotangents = weights.map(({ name }) => {
    const factor = sweep.factors.find(({ parameter }) => parameter === name);
    if (factor === undefined) throw new Error(`the sweep has no factor '${name}'`); // withTrainable has checked the names
    return { id: factor.right, positions: factor.positions, width: factor.rightWidth };
  });
  return { sweep, cotangents };
}

/** ∂f/∂x of the model's input, flattened to one position. */
export function inputSweep(model: Model): CotangentSweep {
  const derived = vjp(model.graph, [model.input.id]);
  const g = new GraphBuilder(derived.graph);
  const [seed] = derived.seeds;
  // An input that no output depends on has a zero gradient, one per example and output like any other.
  const gradient = derived.results[0] ?? broadcast(g, affine(g, sum(g, seed, [0]), 0, 0), model.input.shape);
  const width = sizeOf(model.input.shape);
  const id = reshape(g, gradient, [1, width]);
  const sweep = {
    graph: g.build([id]),
    input: model.input.id,
    output: model.output.id,
    seed,
    parameters: model.parameters,
    factors: [],
    norms: [],
  };
  return { sweep, cotangents: [{ id, positions: 1, width }] };
}

/** Elements that one example occupies in a forward sweep: what chunks of examples are sized by, whatever is asked about the model. */
export function elementsPerExample(model: Model): number {
  return model.graph.nodes.reduce((total, { batched, shape }) => total + (batched ? sizeOf(shape) : 0), 0);
}
