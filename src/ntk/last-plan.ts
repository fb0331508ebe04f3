/**
 * @file The last plan of every graph: planning a deep network's kernel takes as long as a small kernel, and one is asked of the same
 * network again and again, with other examples or other values of its parameters.
 */

import type { Graph } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { cheapestPlan, planImplementation } from './explain.ts';
import type { NtkPlan, NtkRequest } from './plan.ts';
import type { VectorProductPlan } from './vector-product-tile.ts';

type Plan = NtkPlan | VectorProductPlan;

const lastPlans = new WeakMap<Runtime, WeakMap<Graph, { readonly key: string; readonly plan: Plan }>>();

/** The plan of a request, `automatic` the cheapest implementation's; for the last request once more, the last plan. */
export function planOf(rt: Runtime, model: Model, request: NtkRequest, automatic: boolean): Plan {
  const { graph, input, output } = model;
  const ids = trainableParameters(model).map(({ id }) => id);
  const names = model.parameters.map(({ name, id }) => [name, id]);
  const key = JSON.stringify([request, automatic, input.id, output, ids, names, rt.arena.limit - rt.arena.used]);
  const plans = lastPlans.get(rt) ?? new WeakMap();
  lastPlans.set(rt, plans);
  const last = plans.get(graph);
  if (last?.key === key) return withParameters(last.plan, model);
  const plan = automatic ? cheapestPlan(rt, model, request) : planImplementation(rt, model, request);
  plans.set(graph, { key, plan });
  return plan;
}

/** A plan depends on the shapes of parameters alone. */
function withParameters(plan: Plan, model: Model): Plan {
  const parameters = model.parameters.map(({ name, id, value }) => ({ name, id, value }));
  return plan.implementation === 'ntk-vector-products'
    ? { ...plan, graphs: { ...plan.graphs, parameters } }
    : { ...plan, sweep: { ...plan.sweep, parameters } };
}
