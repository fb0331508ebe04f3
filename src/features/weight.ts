/** @file Weights that have features: matrices between an input and a pre-activation, with the factor of their parameterization. */

import { TangedgeError } from '../core/errors.ts';
import { sizeOf, type Tensor } from '../core/tensor.ts';
import { startExecution } from '../graph/execution.ts';
import type { ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { planProgram } from '../graph/program.ts';
import { type Site, sitesOf } from '../graph/sites.ts';
import type { Runtime } from '../wasm/runtime.ts';

export interface FeatureWeight {
  readonly name: string;
  readonly site: Site;
  /** The value that multiplies the input: the parameter times the factor of its parameterization. */
  readonly effective: ValueId;
  /** Width of the pre-activation and of the input; a convolution's input is its patch, channels × kernel height × kernel width. */
  readonly h: number;
  readonly i: number;
}

/** The trainable weights that have features, in the model's order: of dense layers, and of convolutions without groups. */
export function featureWeights(model: Model): { readonly name: string; readonly inputWidth: number }[] {
  return allFeatureWeights(model).map(({ name, i }) => ({ name, inputWidth: i }));
}

/**
 * The chosen weights; all of them when `names` is undefined.
 *
 * @throws {TangedgeError} ERR_ARGUMENT when a name is not such a weight, with the list of those that are.
 */
export function chooseWeights(operation: string, model: Model, names?: readonly string[]): FeatureWeight[] {
  const all = allFeatureWeights(model);
  if (names === undefined) return all;
  return names.map((name) => {
    const weight = all.find((candidate) => candidate.name === name);
    if (weight !== undefined) return weight;
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `${operation}: '${name}' is not a trainable weight of a dense layer or an ungrouped convolution; the model has ${all.map((other) => other.name).join(', ') || 'none'}.`,
      { name, weights: all.map((other) => other.name) },
    );
  });
}

/** The weight of the dense layer through which alone the model reads its input, whole, at one position; undefined when there is none. */
export function weightOfInput(model: Model): FeatureWeight | undefined {
  const { nodes } = model.graph;
  let value = model.input.id;
  for (;;) {
    const readers = [...nodes.keys()].filter((id) => nodes[id].inputs.includes(value));
    if (readers.length !== 1 || value === model.output.id) return undefined;
    if (nodes[readers[0]].op !== 'reshape') break;
    value = readers[0];
  }
  return allFeatureWeights(model).find(({ site }) => site.kind === 'dense' && site.positions === 1 && site.uses[0].input === value);
}

/** The weight as used, [h, i], f64: σ_w/√fan_in times the parameter in the NTK parameterization, the parameter itself in the standard one. */
export function effectiveWeight(rt: Runtime, model: Model, weight: FeatureWeight): Tensor {
  const program = planProgram(model.graph, { dtype: 'f64', batch: new Map(), keep: [weight.effective] });
  const data = rt.arena.frame(() => startExecution(rt, program, model.parameters).view(weight.effective).slice());
  return { shape: [weight.h, weight.i], data };
}

function allFeatureWeights(model: Model): FeatureWeight[] {
  const trainable = trainableParameters(model);
  const sites = sitesOf(
    model.graph,
    trainable.map(({ id }) => id),
  );
  return sites.flatMap((site, index): FeatureWeight[] => {
    if ((site.kind !== 'dense' && site.kind !== 'conv2d') || site.groups > 1) return [];
    const effective = model.graph.nodes[site.uses[0].preactivation].inputs[1];
    const h = site.cotangentWidth;
    return [{ name: trainable[index].name, site, effective, h, i: sizeOf(model.graph.nodes[effective].shape) / h }];
  });
}
