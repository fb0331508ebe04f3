/** @file The training loss as a graph: the model, its targets and a weight per example, down to one number. */

import { TangedgeError } from '../core/errors.ts';
import type { LossScale } from '../core/loss-scale.ts';
import { GraphBuilder } from '../graph/builder.ts';
import { jvp } from '../graph/differentiate.ts';
import type { Graph, ValueId } from '../graph/graph.ts';
import { type Model, trainableParameters } from '../graph/model.ts';
import type { Emitter } from '../graph/primitive.ts';
import { affine, logSoftmax, mul, neg, reshape, softmax, sub, sum, sumBatch } from '../graph/primitives/table.ts';

/**
 * - `'mse'`            ½·Σ_c (f_c − y_c)² per example
 * - `'cross-entropy'`  −Σ_c y_c·log softmax(f)_c per example; y [n, c] one-hot or probabilities
 */
export type LossName = 'mse' | 'cross-entropy';

/** A graph whose one output is the number L = Σ_n weight_n·ℓ(f(x_n), y_n). */
export interface LossGraph {
  readonly graph: Graph;
  /** Batched leaf [c]. */
  readonly targets: ValueId;
  /** Batched leaf []: the weight of each example. */
  readonly weight: ValueId;
}

export interface LossOptions {
  /** Default `'mse'`. */
  readonly loss?: LossName;
  /** What the sum over examples is divided by; default `'mean-batch'`: n, so 1/(2n)·Σ|f − y|² for the squared loss. */
  readonly lossScale?: LossScale;
}

export function lossGraph(model: Model, kind: LossName): LossGraph & { /** ℓ of each example, []. */ readonly exampleLoss: ValueId } {
  const g = new GraphBuilder(model.graph);
  const { targets, weight } = lossLeaves(g, model);
  const perExample = exampleLoss(g, kind, model.output.id, targets);
  return { graph: g.build([sumBatch(g, mul(g, weight, perExample))]), targets, weight, exampleLoss: perExample };
}

/**
 * The quadratic model of the loss in the outputs: ½·Σ_n weight_n·(J_n·t)ᵀ·S_n·(J_n·t) with t the tangents of the
 * parameters and S_n = ∇²_f ℓ. Its gradient in t is the Gauss–Newton product.
 */
export function gaussNewtonGraph(model: Model, kind: LossName): LossGraph & { readonly directions: readonly ValueId[] } {
  const forward = jvp(
    model.graph,
    trainableParameters(model).map(({ id }) => id),
    'direction',
  );
  const g = new GraphBuilder(forward.graph);
  const { targets, weight } = lossLeaves(g, model);
  const pushed = forward.graph.outputs[1];
  const energy = affine(g, curvature(g, kind, model.output.id, pushed, targets), 0.5, 0);
  return { graph: g.build([sumBatch(g, mul(g, weight, energy))]), targets, weight, directions: forward.seeds };
}

function lossLeaves(g: GraphBuilder, model: Model): { targets: ValueId; weight: ValueId } {
  return { targets: g.input('loss:targets', [model.output.size]), weight: g.input('loss:weight', []) };
}

export function exampleLoss(g: Emitter, kind: LossName, output: ValueId, targets: ValueId): ValueId {
  const f = reshape(g, output, [sizeOfLast(g, targets)]);
  switch (kind) {
    case 'mse': {
      const residual = sub(g, f, targets);
      return affine(g, sum(g, mul(g, residual, residual), [0]), 0.5, 0);
    }
    case 'cross-entropy':
      return neg(g, sum(g, mul(g, targets, logSoftmax(g, f)), [0]));
    default:
      throw unknownLoss(kind);
  }
}

/** rᵀ·∇²_f ℓ·r for r [c]. */
function curvature(g: Emitter, kind: LossName, output: ValueId, r: ValueId, targets: ValueId): ValueId {
  const size = sizeOfLast(g, targets);
  const pushed = reshape(g, r, [size]);
  const squares = mul(g, pushed, pushed);
  switch (kind) {
    case 'mse':
      return sum(g, squares, [0]);
    case 'cross-entropy': {
      // (Σ y)·(Σ p·r² − (Σ p·r)²)
      const p = softmax(g, reshape(g, output, [size]));
      const mean = sum(g, mul(g, p, pushed), [0]);
      return mul(g, sum(g, targets, [0]), sub(g, sum(g, mul(g, p, squares), [0]), mul(g, mean, mean)));
    }
    default:
      throw unknownLoss(kind);
  }
}

function sizeOfLast(g: Emitter, targets: ValueId): number {
  return g.shapeOf(targets)[0];
}

function unknownLoss(kind: never): TangedgeError {
  return new TangedgeError('ERR_ARGUMENT', `loss: '${kind as string}' is not a loss; it must be 'mse' or 'cross-entropy'.`, { loss: kind });
}
