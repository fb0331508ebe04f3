/** @file How far gradient descent is from its central flow: midpoints of its iterates beside the flow, and what could part them. */

import type { Tensor } from '../core/tensor.ts';
import type { Model } from '../graph/model.ts';
import { nodeValues } from '../graph/node-values.ts';
import type { Runtime } from '../wasm/runtime.ts';
import type { CentralFlowState } from './central-flow.ts';
import { withFlatParameters } from './flat-parameters.ts';

/** Gradient descent and its central flow between steps t and t + 1. */
export interface CentralFlowGap {
  /** t */
  readonly step: number;
  /** ‖(θ_t + θ_{t+1})/2 − (w(t) + w(t + 1))/2‖: the oscillation of period 2 is not in the midpoints. */
  readonly distance: number;
  /** √tr Σ at t: how far gradient descent swings about the flow, as the flow predicts it. */
  readonly oscillation: number;
  /** λmax(H)·η/2 at w(t): 1 where the flow holds the sharpness at 2/η. */
  readonly held: number;
  /** Rectifiers that changed sides between θ_t and θ_{t+1}, over all examples; null when there are none or they were not counted. */
  readonly kinks: number | null;
}

export interface CentralFlowGapOptions {
  /** η of both. */
  readonly learningRate: number;
  /** On which side of its kink every rectifier is at θ: see `rectifierSides`. */
  readonly sides?: (theta: Float64Array) => Uint8Array;
}

/**
 * The distance between the iterates of gradient descent and its central flow, step by step; ends with the shorter of the two.
 *
 * Shapes     iterates θ_0, θ_1, … [p] of gradient descent, states of the central flow from the same start
 * Cost       O(p) per step, and two calls of `sides` where it is given
 *
 * @see arXiv:2410.24206, section on discretization; `centralFlowSignature` judges what is found.
 * @example
 * const objective = trainingLoss(rt, model, { inputs: x, targets: y });
 * const flow = centralFlow(rt, objective, objective.initial, { learningRate: 0.01, steps: 3 });
 * const theta = [objective.initial, objective.initial, objective.initial]; // of gradient descent
 * const gaps = [...centralFlowGaps(theta, flow, { learningRate: 0.01 })]; // steps 0 and 1
 */
export function* centralFlowGaps(
  iterates: Iterable<Float64Array>,
  flow: Iterable<CentralFlowState>,
  { learningRate, sides }: CentralFlowGapOptions,
): Generator<CentralFlowGap> {
  const descent = iterates[Symbol.iterator]();
  let before: { readonly theta: Float64Array; readonly state: CentralFlowState; readonly sides: Uint8Array | undefined } | undefined;
  for (const state of flow) {
    const { done, value: theta } = descent.next();
    if (done) return;
    const now = { theta, state, sides: sides?.(theta) };
    if (before !== undefined) {
      yield {
        step: before.state.step,
        distance: midpointDistance(before, now),
        oscillation: Math.sqrt(before.state.variances.reduce((sum, variance) => sum + variance, 0)),
        held: (before.state.eigenvalues[0] * learningRate) / 2,
        kinks: now.sides === undefined || now.sides.length === 0 ? null : differences(before.sides as Uint8Array, now.sides),
      };
    }
    before = now;
  }
}

/** For every rectifier (ReLU, LeakyReLU) and example, 1 where its input is positive; empty for a model without. */
export function rectifierSides(rt: Runtime, model: Model, inputs: Tensor, theta: Float64Array): Uint8Array {
  const rectified = model.graph.nodes.flatMap(({ op, inputs: [id] }) => (op === 'relu' || op === 'leakyRelu' ? [id] : []));
  if (rectified.length === 0) return new Uint8Array(0);
  const values = nodeValues(rt, withFlatParameters(model, theta), inputs, [...new Set(rectified)]);
  return Uint8Array.from(values.flatMap((one) => Array.from(one, (value) => Number(value > 0))));
}

interface Moment {
  readonly theta: Float64Array;
  readonly state: CentralFlowState;
}

function midpointDistance(a: Moment, b: Moment): number {
  let squares = 0;
  for (let i = 0; i < a.theta.length; i++) {
    const gap = (a.theta[i] + b.theta[i] - a.state.theta[i] - b.state.theta[i]) / 2;
    squares += gap * gap;
  }
  return Math.sqrt(squares);
}

function differences(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((count, side, i) => count + Number(side !== b[i]), 0);
}
