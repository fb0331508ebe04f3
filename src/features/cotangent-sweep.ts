/** @file The sweeps that leave ∂f/∂h of chosen weights' pre-activations, or ∂f/∂x of the model's input, and nothing else. */

import { sizeOf } from '../core/tensor.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { vjp } from '../graph/differentiate.ts';
import { gatherExampleFactors } from '../graph/example-factors.ts';
import type { ValueId } from '../graph/graph.ts';
import { LastOfGraph } from '../graph/last-of-graph.ts';
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
  const names = weights.map(({ name }) => name);
  return lastSweep(model, names, () => {
    const sweep = buildSweep(withTrainable(model, { only: names }), () => 'gram');
    const cotangents = names.map((name) => {
      const factor = sweep.factors.find(({ parameter }) => parameter === name);
      if (factor === undefined) throw new Error(`the sweep has no factor '${name}'`); // withTrainable has checked the names
      return { id: factor.right, positions: factor.positions, width: factor.rightWidth };
    });
    return { sweep, cotangents };
  });
}

/** ∂f/∂x of the model's input, flattened to one position. */
export function inputSweep(model: Model): CotangentSweep {
  return lastSweep(model, null, () => {
    const derived = vjp(model.graph, [model.input.id]);
    const g = new GraphBuilder(derived.graph);
    const [seed] = derived.seeds;
    // An input that no output depends on has a zero gradient, one per example and output like any other.
    const gradient = derived.results[0] ?? broadcast(g, affine(g, sum(g, seed, [0]), 0, 0), model.input.shape);
    const width = sizeOf(model.input.shape);
    const [id] = gatherExampleFactors(g, model.input.id, seed, [reshape(g, gradient, [1, width])]);
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
  });
}

const lastSweeps = new LastOfGraph<CotangentSweep>();

/** The sweep of these weights, or of the input: the last one once more while the network stays the same, with the parameters' values of now. */
function lastSweep(model: Model, weights: readonly string[] | null, make: () => CotangentSweep): CotangentSweep {
  const { input, output, parameters } = model;
  const key = JSON.stringify([weights, input.id, output.id, parameters.map(({ name, id }) => [name, id])]);
  const { sweep, cotangents } = lastSweeps.get(model.graph, key, make);
  return { sweep: { ...sweep, parameters }, cotangents };
}
