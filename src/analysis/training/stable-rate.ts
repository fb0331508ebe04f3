/** @file After divergence: the sharpness of the last good state, and the learning rate that is stable there. */

import { flatParameters } from '../../dynamics/flat-parameters.ts';
import type { Optimizer } from '../../dynamics/optimizer.ts';
import { sharpness, stabilityThreshold } from '../../dynamics/sharpness.ts';
import type { TrainingData } from '../../dynamics/training-data.ts';
import { trainingLoss } from '../../dynamics/training-loss.ts';
import type { TrainingState } from '../../dynamics/training-state.ts';
import type { TrainingOptions } from '../../dynamics/training-step.ts';
import { type Model, trainableParameters } from '../../graph/model.ts';
import type { Runtime } from '../../wasm/runtime.ts';
import type { Divergence } from './run.ts';

/** What ERR_DIVERGED says. */
export interface DivergenceInfo {
  readonly step: number;
  readonly loss: number;
  readonly parameterNorm: number;
  readonly initialParameterNorm: number;
  readonly lastGood?: TrainingState;
}

/** A rough value is enough for advice. */
const TOLERANCE = 1e-2;

export function divergenceOf(
  rt: Runtime,
  model: Model,
  data: TrainingData,
  { optimizer = { name: 'gd' }, loss, lossScale, dtype }: TrainingOptions,
  { lastGood, parameterNorm, initialParameterNorm }: DivergenceInfo,
): Divergence {
  const objective = trainingLoss(rt, model, data, { loss, lossScale, dtype });
  const theta = lastGood === undefined ? objective.initial : stateParameters(model, lastGood);
  const { value } = sharpness(rt, objective, theta, { tolerance: TOLERANCE });
  const known = Number.isFinite(value) && value > 0;
  return {
    parameterNorm: Number.isFinite(parameterNorm) ? parameterNorm : null,
    initialParameterNorm,
    lastGoodStep: lastGood?.step ?? 0,
    sharpness: known ? value : null,
    stableRate: known ? stableRateOf(optimizer, value) : null,
  };
}

/** η at which `stabilityThreshold` is the sharpness: both are inversely proportional. */
function stableRateOf(optimizer: Optimizer, value: number): number | null {
  switch (optimizer.name) {
    case 'gd':
      return stabilityThreshold({ learningRate: 1 }) / value;
    case 'momentum':
    case 'nesterov':
      return (
        stabilityThreshold({ learningRate: 1, momentum: optimizer.momentum ?? 0.9, kind: optimizer.name === 'nesterov' ? 'nesterov' : 'polyak' }) /
        value
      );
    default:
      return null;
  }
}

function stateParameters(model: Model, { parameters }: TrainingState): Float64Array {
  const moved = trainableParameters(model).map((parameter) => ({ ...parameter, value: parameters.get(parameter.name) ?? parameter.value }));
  return flatParameters({ ...model, parameters: moved });
}
