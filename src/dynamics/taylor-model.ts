/** @file A network's Taylor expansion in its parameters as a network of its own: the linearized model, and higher degrees. */

import { checkInteger } from '../core/check.ts';
import { TangedgeError } from '../core/errors.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { jvp } from '../graph/differentiate.ts';
import { graft } from '../graph/graft.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import { add, affine, sub } from '../graph/primitives/table.ts';

/** Nested derivatives grow by a factor of about 2 each before equal terms are merged. */
const MAX_DEGREE = 6;

/**
 * The linearized model f_lin(θ) = f(θ₀) + J(θ₀)·(θ − θ₀) of a network at its own parameters θ₀.
 *
 * It is a Model with the same parameters, which begin at θ₀: `train`, `forward` and `empiricalNtk` take it as it is. Its
 * kernel is the network's kernel at θ₀ and stays that.
 *
 * Shapes     as the model
 * Cost       about three forward passes each time; θ₀ is part of the graph
 *
 * @throws {TangedgeError} ERR_ARGUMENT when no parameter is trainable
 * @see Lee et al. (2019). Wide neural networks of any depth evolve as linear models under gradient descent. arXiv:1902.06720.
 * @example
 * const difference = forward(rt, linearize(model), x).data[0] - forward(rt, model, x).data[0]; // 0
 */
export function linearize(model: Model): Model {
  return taylorModel(model, 1);
}

/**
 * The Taylor expansion of a network in its trainable parameters around their values θ₀, up to a degree.
 *
 *   f_k(θ) = Σ_{j ≤ k} D^j f(θ₀)[θ − θ₀, …, θ − θ₀]/j!
 *
 * Shapes     as the model
 * Cost       grows about twofold per degree
 * Numerics   exact for a network that is a polynomial of that degree in its parameters (two linear layers: degree 2)
 *
 * @param degree from 0 to 6
 * @throws {TangedgeError} ERR_ARGUMENT for another degree, or when no parameter is trainable
 * @example
 * const quadratic = taylorModel(model, 2);
 */
export function taylorModel(model: Model, degree: number): Model {
  checkInteger('taylorModel', 'degree', degree, 0, MAX_DEGREE);
  const trainable = trainableParameters(model);
  if (trainable.length === 0) throw new TangedgeError('ERR_ARGUMENT', 'taylorModel: no parameter of the model is trainable.', {});
  const { graph, tangents } = derivatives(model, degree);
  const g = new GraphBuilder();
  const input = g.input(model.input.name, model.input.shape);
  const parameters = model.parameters.map((parameter) => ({ ...parameter, id: g.parameter(parameter.name, parameter.value.shape) }));
  const replace = new Map<ValueId, ValueId>([[model.input.id, input]]);
  let seed = 0;
  model.parameters.forEach(({ id, value, trainable: trained }, index) => {
    if (!trained) {
      replace.set(id, parameters[index].id);
      return;
    }
    const origin = g.constantTensor({ shape: value.shape, data: Float64Array.from(value.data) });
    const displacement = sub(g, parameters[index].id, origin);
    replace.set(id, origin);
    for (const level of tangents) replace.set(level[seed], displacement);
    seed++;
  });
  const terms = graft(g, graph, replace);
  let factorial = 1;
  const output = terms.reduce((sum, term, j) => {
    factorial *= j;
    return add(g, sum, affine(g, term, 1 / factorial, 0));
  });
  return { ...model, graph: g.build([output]), input: { ...model.input, id: input }, output: { ...model.output, id: output }, parameters };
}

/** f, Df[t], D²f[t, t], … as outputs of one graph, and the leaves of each t; derivatives that are zero are left out. */
function derivatives(model: Model, degree: number): { graph: Graph; tangents: readonly (readonly ValueId[])[] } {
  const wrt = trainableParameters(model).map(({ id }) => id);
  const outputs = [model.output.id];
  const tangents: (readonly ValueId[])[] = [];
  let graph: Graph = { nodes: model.graph.nodes, outputs: [...outputs] };
  for (let j = 1; j <= degree; j++) {
    const derived = jvp({ nodes: graph.nodes, outputs: [outputs[j - 1]] }, wrt, `tangent${j}`);
    const [result] = derived.results;
    if (result === null) break;
    outputs.push(result);
    tangents.push(derived.seeds);
    graph = derived.graph;
  }
  return { graph: { nodes: graph.nodes, outputs }, tangents };
}
