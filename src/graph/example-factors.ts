/**
 * @file Factors of the example in cotangents: c∘f₁∘f₂ … of a cotangent c, which every output has its own of, and values f of the example alone
 * becomes c∘(f₁∘f₂ …): of a chain, one product for each output is left.
 *
 * All gates of a recurrent cell take their cotangents from one, so those of a time step are c∘[F₁, F₂, F₃], and no gate is copied.
 */

import { sameShape, sizeOf } from '../core/tensor.ts';
import type { GraphBuilder } from './builder.ts';
import { neededFor, type ValueId } from './graph.ts';
import { add, affine, concat, mul, reshape } from './primitives/table.ts';
import { dependence } from './separation.ts';

/** A value as base∘factor, which broadcast to each other; it may have another shape of the same size. */
interface Product {
  readonly base: ValueId;
  readonly factor: ValueId;
}

/** Values equal to the given ones of a sweep, computed with one product where theirs are chains. */
export function gatherExampleFactors(g: GraphBuilder, input: ValueId, seed: ValueId, values: readonly ValueId[]): ValueId[] {
  const needed = neededFor((id) => g.definition(id).inputs, values);
  const [ofInput, ofSeed] = [dependence(g, input), dependence(g, seed)];
  const products: (Product | null)[] = [];
  const wholes: ValueId[] = [];

  /** The value, of one that has been visited. */
  const whole = (id: ValueId): ValueId => {
    const product = products[id];
    if (product !== null) wholes[id] ??= reshape(g, mul(g, product.base, product.factor), g.shapeOf(id));
    return wholes[id];
  };
  const alike = (a: ValueId, b: ValueId): boolean => sameShape(g.shapeOf(a), g.shapeOf(b));
  const stack = (list: readonly ValueId[]): ValueId =>
    concat(
      g,
      list.map((id) => reshape(g, id, [1, ...g.shapeOf(id)])),
      0,
    );

  const times = (cotangent: ValueId, factor: ValueId): Product | null => {
    if (ofSeed(factor)) return null;
    const product = products[cotangent];
    if (product === null) return ofInput(factor) ? { base: whole(cotangent), factor } : null;
    return alike(product.factor, cotangent) ? { base: product.base, factor: mul(g, product.factor, factor) } : null;
  };
  const plus = (a: ValueId, b: ValueId): Product | null => {
    const [first, second] = [products[a], products[b]];
    if (first === null || second === null || first.base !== second.base || !alike(a, b) || !alike(first.factor, second.factor)) return null;
    return { base: first.base, factor: add(g, first.factor, second.factor) };
  };
  /** Along the first axis: [c∘f₁, c∘f₂ …] = c∘[f₁, f₂ …], and [c₁∘f₁, c₂∘f₂ …] = [c₁, c₂ …]∘[f₁, f₂ …] where cotangents are the smaller ones. */
  const sideBySide = (inputs: readonly ValueId[]): Product | null => {
    const parts = inputs.map((id) => products[id]).filter((product) => product !== null);
    if (parts.length < inputs.length) return null;
    const [{ base, factor }] = parts;
    if (!parts.every((part) => alike(part.base, base) && alike(part.factor, factor)) || g.shapeOf(base).length !== g.shapeOf(factor).length)
      return null;
    const ofOne = parts.every((part) => part.base === base) && alike(base, factor);
    if (!ofOne && sizeOf(g.shapeOf(base)) >= sizeOf(g.shapeOf(factor))) return null;
    return { base: stack(ofOne ? [base] : parts.map((part) => part.base)), factor: stack(parts.map((part) => part.factor)) };
  };
  const productOf = (id: ValueId): Product | null => {
    const { op, inputs, attributes } = g.definition(id);
    const [a, b] = inputs;
    if (op === 'mul') return ofSeed(a) ? times(a, b) : times(b, a);
    if (op === 'add') return plus(a, b);
    if (op === 'reshape') return products[a];
    if (op === 'concat' && attributes.axis === 0) return sideBySide(inputs);
    const product = products[a] ?? null;
    if (op !== 'affine' || attributes.shift !== 0 || product === null) return null;
    return { base: product.base, factor: affine(g, product.factor, attributes.scale as number, 0) };
  };

  needed.forEach((isNeeded, id) => {
    if (!isNeeded) return;
    const { op, inputs, attributes } = g.definition(id);
    const product = ofSeed(id) ? productOf(id) : null;
    products[id] = product;
    // A single product stays what it is.
    if (product !== null && !(op === 'mul' && inputs.includes(product.base) && inputs.includes(product.factor))) return;
    const operands = inputs.map(whole);
    wholes[id] = operands.every((operand, i) => operand === inputs[i]) ? id : g.emit(op, operands, attributes);
  });
  return values.map(whole);
}
