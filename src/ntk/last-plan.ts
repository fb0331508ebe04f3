/**
 * @file The last plan of every graph: planning a deep network's kernel takes as long as a small kernel, and one is asked of the same
 * network again and again, with other examples or other values of its parameters.
 */

import { LastOfGraph } from '../graph/last-of-graph.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { cheapestPlan, planImplementation } from './explain.ts';
import type { NtkPlan, NtkRequest } from './plan.ts';
import type { VectorProductPlan } from './vector-product-tile.ts';

type Plan = NtkPlan | VectorProductPlan;

const lastPlans = new WeakMap<Runtime, LastOfGraph<Plan>>();

/** The plan of a request, `automatic` the cheapest implementation's; for the last request once more, the last plan. */
export function planOf(rt: Runtime, model: Model, request: NtkRequest, automatic: boolean): Plan {
  const plans = lastPlans.get(rt) ?? new LastOfGraph<Plan>();
  lastPlans.set(rt, plans);
  const names = model.parameters.map(({ name, id, trainable }) => [name, id, trainable]);
  const key = JSON.stringify([request, automatic, model.input.id, model.output, names, rt.arena.limit - rt.arena.used]);
  const plan = plans.get(model.graph, key, () => (automatic ? cheapestPlan(rt, model, request) : planImplementation(rt, model, request)));
  // It depends on the shapes of parameters alone: their values are those of now.
  const { parameters } = model;
  return plan.implementation === 'ntk-vector-products'
    ? { ...plan, graphs: { ...plan.graphs, parameters } }
    : { ...plan, sweep: { ...plan.sweep, parameters } };
}
