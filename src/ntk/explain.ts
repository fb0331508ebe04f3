/** @file explain: what each NTK implementation would cost, and which one `auto` takes. */

import { checkInteger } from '../core/check.ts';
import { DEFAULT_MEMORY_LIMIT } from '../core/computation.ts';
import { TangedgeError } from '../core/errors.ts';
import type { Dtype } from '../core/tensor.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { lateFlops, planProgram } from '../graph/program.ts';
import { buildSweep, type Contraction, type Factor, type OutputForm, type Sweep } from '../graph/sweep.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { cheapestContraction, groupFlops, type Problem, pairs, siteCost } from './cost.ts';
import type { NtkImplementation, NtkOutputs } from './options.ts';
import {
  exampleFlops,
  type FactoredImplementation,
  kernelForm,
  type NtkPlan,
  type NtkRequest,
  outputForm,
  planFactoredNtk,
  spreadPlan,
} from './plan.ts';
import { planVectorProductNtk, type VectorProductPlan } from './vector-product-tile.ts';

export interface ImplementationCost {
  readonly implementation: Exclude<NtkImplementation, 'auto'>;
  readonly flops: number;
  /** WebAssembly memory and result; what is needed at the least when it does not fit. */
  readonly bytes: number;
  readonly fits: boolean;
}

export interface SiteExplanation {
  readonly parameter: string;
  readonly kind: 'dense' | 'conv2d' | 'gather' | 'whole';
  readonly positions: number;
  readonly inputWidth: number;
  readonly cotangentWidth: number;
  /** Flops of each contraction over the whole problem; `gram` is null where the gradient has no factors. */
  readonly gramFlops: number | null;
  readonly rowsFlops: number;
  readonly chosen: Contraction;
  /** `summed` where one cotangent per example stands for those of all outputs, `exchangeable` where half of their pairs stand for all, `switched` where also a ReLU turns them on or off, `fixed` where examples share them. */
  readonly outputs: OutputForm;
}

export interface NtkExplanation {
  readonly chosen: Exclude<NtkImplementation, 'auto'>;
  readonly costs: readonly ImplementationCost[];
  /** Under structured derivatives. */
  readonly sites: readonly SiteExplanation[];
}

export interface ExplainOptions {
  /** Omitted: the same inputs. */
  readonly n2?: number;
  readonly outputs?: NtkOutputs;
  readonly dtype?: Dtype;
  readonly memoryLimit?: number;
}

/**
 * Costs of the three implementations for n examples, and what `auto` chooses: the fewest flops among those that fit.
 *
 * @throws {TangedgeError} ERR_ARGUMENT n or n2 is not a whole number, at least 1
 * @example
 * const { chosen, costs } = explainNtk(rt, model, 64, { outputs: 'trace' });
 */
export function explainNtk(rt: Runtime, model: Model, n: number, options: ExplainOptions = {}): NtkExplanation {
  checkInteger('explainNtk', 'n', n, 1);
  if (options.n2 !== undefined) checkInteger('explainNtk', 'n2', options.n2, 1);
  return explainRequest(rt, model, {
    n1: n,
    n2: options.n2 ?? n,
    symmetric: options.n2 === undefined,
    outputs: options.outputs ?? 'full',
    implementation: 'structured-derivatives',
    dtype: options.dtype ?? 'f64',
    perParameter: false,
    memoryLimit: options.memoryLimit ?? DEFAULT_MEMORY_LIMIT,
  });
}

export function explainRequest(rt: Runtime, model: Model, request: NtkRequest): NtkExplanation {
  const { problem, costs, chosen, plans } = comparePlans(rt, model, request);
  const plan = plans.get('structured-derivatives');
  const { factors } = plan && plan.implementation !== 'ntk-vector-products' ? plan.sweep : cheapestSweep(model, request, problem);
  const sites = trainableParameters(model).map(({ name }, index): SiteExplanation => {
    // Groups of a convolution are factors of their own, alike.
    const { site, contraction, outputs } = factors.find((factor) => factor.index === index) as Factor;
    const { kind, positions, inputWidth, cotangentWidth } = site;
    return {
      parameter: name,
      kind,
      positions,
      inputWidth,
      cotangentWidth,
      gramFlops: kind === 'whole' ? null : siteCost(site, 'gram', problem, outputs).flops,
      rowsFlops: siteCost(site, 'rows', problem, outputs).flops,
      chosen: contraction,
      outputs,
    };
  });
  return { chosen, costs, sites };
}

/** The sweep of structured derivatives, whether it fits or not. */
function cheapestSweep(model: Model, request: NtkRequest, problem: Problem): Sweep {
  const { layout } = kernelForm(request.outputs, model.output.size);
  return buildSweep(model, (site, form) => cheapestContraction(site, problem, form), {
    outputs: outputForm('structured-derivatives', problem, layout),
  });
}

/** The plan of the implementation that `explainRequest` chooses, which tiles and threads do not change. */
export function cheapestPlan(rt: Runtime, model: Model, request: NtkRequest): NtkPlan | VectorProductPlan {
  const { chosen, plans } = comparePlans(rt, model, { ...request, tileSize: undefined, threads: undefined }, 'skip-hopeless');
  const plan = request.tileSize === undefined ? plans.get(chosen) : undefined;
  if (plan && plan.implementation !== 'ntk-vector-products') return spreadPlan(rt, plan, request);
  if (plan && request.threads === undefined) return plan;
  // Nothing fits: planning once more says so, with the numbers.
  return planImplementation(rt, model, { ...request, implementation: plans.has(chosen) ? chosen : 'structured-derivatives' });
}

export function planImplementation(rt: Runtime, model: Model, request: NtkRequest): NtkPlan | VectorProductPlan {
  return request.implementation === 'ntk-vector-products' ? planVectorProductNtk(rt, model, request) : planFactoredNtk(rt, model, request);
}

/** Flops of a plan: sweeps and contractions, or products. */
export function planFlops(plan: NtkPlan | VectorProductPlan): number {
  if (plan.implementation === 'ntk-vector-products') {
    const { n1, n2, symmetric } = plan.request;
    const { back, forward } = plan.programs;
    const rows = symmetric ? n1 / 2 + plan.tileSize / 2 : n1;
    return n2 * plan.seeds.length * (back.flops[1] / plan.seeds.length + lateFlops(back) + (rows / plan.tileSize) * lateFlops(forward));
  }
  const { problem } = plan;
  return (
    (problem.n1 + (problem.symmetric ? 0 : problem.n2)) * exampleFlops(plan) +
    plan.blocks.groups.reduce((total, group) => total + groupFlops(group, problem), 0)
  );
}

/** Every implementation's plan and cost; what cannot be the cheapest is not planned where that is all one asks. */
function comparePlans(rt: Runtime, model: Model, request: NtkRequest, wanted: 'all' | 'skip-hopeless' = 'all') {
  const plans = new Map<ImplementationCost['implementation'], NtkPlan | VectorProductPlan>();
  const outputs = request.outputs === 'pseudo' ? 1 : model.output.size;
  const problem: Problem = { ...request, outputs, crossOutputs: request.outputs === 'full' };
  const keep = (plan: NtkPlan | VectorProductPlan) => {
    plans.set(plan.implementation, plan);
    return { flops: planFlops(plan), bytes: plan.wasmBytes + plan.resultBytes };
  };
  const factoredCost = (implementation: FactoredImplementation) =>
    costOf(implementation, request.memoryLimit, () => keep(planFactoredNtk(rt, model, { ...request, implementation })));
  const costs = [factoredCost('structured-derivatives')];
  const skips = wanted === 'skip-hopeless';
  // Structured derivatives keep whole gradients where that is cheaper: Jacobian contraction, which always does, has no fewer flops.
  if (!skips || !costs[0].fits) costs.push(factoredCost('jacobian-contraction'));
  if (!skips || costs.every(({ flops }) => flops >= leastProductFlops(model, problem))) {
    costs.push(costOf('ntk-vector-products', request.memoryLimit, () => keep(planVectorProductNtk(rt, model, request))));
  }
  const fitting = costs.filter(({ fits }) => fits);
  const pool = fitting.length > 0 ? fitting : costs;
  const { implementation: chosen } = pool.reduce((best, cost) => (cost.flops < best.flops ? cost : best));
  return { problem, costs, chosen, plans };
}

/** Fewer flops than NTK-vector products take: a tangent for every pair of examples costs about a forward pass or more. */
function leastProductFlops(model: Model, problem: Problem): number {
  const forwardPass = planProgram(model.graph, { dtype: 'f64', batch: new Map([[model.input.id, 1]]) }).flops[1];
  return (pairs(problem) * problem.outputs * forwardPass) / 2;
}

/** A plan's cost, or what it lacks when it does not fit. */
function costOf(
  implementation: ImplementationCost['implementation'],
  limit: number,
  plan: () => { flops: number; bytes: number },
): ImplementationCost {
  try {
    return { implementation, ...plan(), fits: true };
  } catch (error) {
    if (!(error instanceof TangedgeError && error.code === 'ERR_MEMORY')) throw error;
    return { implementation, flops: Number.POSITIVE_INFINITY, bytes: (error.info.needed as number) ?? limit, fits: false };
  }
}
