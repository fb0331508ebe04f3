/** @file Gradient flow and central flow as runs of training: one state per unit of time, which is one step of gradient descent. */

import { TangedgeError } from '../core/errors.ts';
import { sumOfSquares, type Tensor } from '../core/tensor.ts';
import { forward } from '../graph/forward.ts';
import type { Model } from '../graph/model.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { type CentralFlowState, centralFlow } from './central-flow.ts';
import { withFlatParameters } from './flat-parameters.ts';
import { type FlowMemory, type FlowState, gradientFlow } from './gradient-flow.ts';
import { type ParameterSlot, slotsOf } from './loss-gradient.ts';
import { type FlowOptimizer, isFlow, type Optimizer } from './optimizer.ts';
import type { TrainingData } from './training-data.ts';
import { trainingLoss } from './training-loss.ts';
import type { TrainingState } from './training-state.ts';
import type { TrainingOptions, TrainingStep } from './training-step.ts';

export type FlowOptions = TrainingOptions & { readonly optimizer: FlowOptimizer };

export function takesFlow(options: TrainingOptions): options is FlowOptions {
  return isFlow(options.optimizer);
}

/**
 * The states of a flow as training steps: `gradientFlow` or `centralFlow` of the full-batch loss, in f64.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for options that a flow has no use for · ERR_FORMAT for a checkpoint of another run · as the flows
 */
export function* flowSteps(rt: Runtime, model: Model, data: TrainingData, options: FlowOptions): Generator<TrainingStep> {
  const { optimizer, steps, resume } = options;
  const learningRate = rateOf(options);
  const objective = trainingLoss(rt, model, data, { loss: options.loss, lossScale: options.lossScale, batch: options.block });
  const slots = slotsOf(model);
  const start = resume === undefined ? objective.initial : parametersOf(slots, resume);
  const shared = { learningRate, steps, resume: resume && memoryOf(resume) };
  const states: Iterable<FlowState | CentralFlowState> =
    optimizer.name === 'gradient-flow'
      ? gradientFlow(rt, objective, start, { ...shared, method: optimizer.method, alpha: optimizer.alpha })
      : centralFlow(rt, objective, start, { ...shared, substeps: optimizer.substeps, maxCritical: optimizer.maxCritical });
  let initialLoss = resume?.initialLoss;
  for (const state of states) {
    initialLoss ??= state.loss;
    yield stepOf(rt, model, data, { state, slots, learningRate, initialLoss, gradientAt: (theta) => objective.gradient(theta).gradient });
  }
}

interface Moment {
  readonly state: FlowState | CentralFlowState;
  readonly slots: readonly ParameterSlot[];
  readonly learningRate: number;
  readonly initialLoss: number;
  readonly gradientAt: (theta: Float64Array) => Float64Array;
}

function stepOf(rt: Runtime, model: Model, { inputs }: TrainingData, { state, slots, learningRate, initialLoss, gradientAt }: Moment): TrainingStep {
  const { step, theta, loss, gradient2, memory } = state;
  const moved = () => withFlatParameters(model, theta);
  const tensorOf = ({ shape, offset, size }: ParameterSlot): Tensor => ({ shape, data: theta.slice(offset, offset + size) });
  return {
    step,
    epoch: step,
    loss,
    learningRate,
    rows: undefined,
    prediction: 'variances' in state ? { loss: state.predictedLoss, oscillation: oscillationOf(state) } : undefined,
    gradientNorm: (parameter) => {
      if (parameter === undefined) return Math.sqrt(gradient2);
      const slot = slots.find(({ name }) => name === parameter);
      if (slot === undefined) throw new TangedgeError('ERR_ARGUMENT', `train: '${parameter}' is not a trained parameter.`, { parameter });
      const part = gradientAt(theta).subarray(slot.offset, slot.offset + slot.size);
      return Math.sqrt(sumOfSquares(part));
    },
    outputs: () => forward(rt, moved(), inputs),
    parameters: () => theta.slice(),
    gradient: () => gradientAt(theta),
    model: moved,
    state: () => ({
      step,
      initialLoss,
      parameters: new Map(slots.map((slot) => [slot.name, tensorOf(slot)])),
      optimizer: new Map<string, Tensor>([
        ['critical', { shape: [1], data: Float64Array.of(memory.critical) }],
        ...memory.subspace.map((data, k): [string, Tensor] => [`subspace/${k}`, { shape: [data.length], data }]),
      ]),
    }),
  };
}

function oscillationOf({ variances }: CentralFlowState): number {
  return Math.sqrt(variances.reduce((sum, variance) => sum + variance, 0));
}

function parametersOf(slots: readonly ParameterSlot[], { parameters }: TrainingState): Float64Array {
  const theta = new Float64Array(slots.reduce((total, { size }) => total + size, 0));
  for (const { name, offset, size } of slots) {
    const stored = parameters.get(name);
    if (stored?.data.length !== size) {
      throw new TangedgeError('ERR_FORMAT', `checkpoint: parameter '${name}' with ${size} elements is not there; it is from another model.`, {
        name,
      });
    }
    theta.set(stored.data, offset);
  }
  return theta;
}

function memoryOf({ step, optimizer }: TrainingState): FlowMemory {
  const critical = optimizer.get('critical');
  if (critical === undefined) throw new TangedgeError('ERR_FORMAT', 'checkpoint: it is not of a run along a flow.', {});
  const count = [...optimizer.keys()].filter((name) => name.startsWith('subspace/')).length;
  const subspace = Array.from({ length: count }, (_, k) => Float64Array.from((optimizer.get(`subspace/${k}`) as Tensor).data));
  return { step, critical: critical.data[0], subspace };
}

/** @throws {TangedgeError} ERR_ARGUMENT */
function rateOf({ optimizer, learningRate, batchSize, rateFactors = {}, firstLayer, dtype = 'f64' }: FlowOptions): number {
  const name: Optimizer['name'] = optimizer.name;
  const useless = [
    batchSize !== undefined && 'batchSize',
    Object.keys(rateFactors).length > 0 && 'rateFactors',
    firstLayer !== undefined && 'firstLayer',
    dtype !== 'f64' && "dtype 'f32'",
    typeof learningRate !== 'number' && 'a schedule of learning rates',
  ].filter((what) => what !== false);
  if (useless.length > 0 || typeof learningRate !== 'number') {
    throw new TangedgeError(
      'ERR_ARGUMENT',
      `train: ${name} follows the full-batch loss in f64 at one learning rate; leave out ${useless.join(', ')}.`,
      {
        optimizer: name,
      },
    );
  }
  return learningRate;
}
