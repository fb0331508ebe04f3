/** @file Optimizers: how a step turns the gradient in memory into new parameters, and the state it keeps for that. */

import { TangedgeError } from '../core/errors.ts';
import type { FloatArray, Tensor } from '../core/tensor.ts';
import type { Runtime } from '../wasm/runtime.ts';
import { routinesOf } from '../wasm/runtime.ts';
import type { LossGradient } from './loss-gradient.ts';

/**
 * How parameters move along the gradient g with rate η.
 *
 * - `gd`        θ ← θ − η·g; with mini-batches plain SGD
 * - `momentum`  v ← μ·v + g, θ ← θ − η·v (heavy ball, as torch.optim.SGD)
 * - `nesterov`  v ← μ·v + g, θ ← θ − η·(g + μ·v)
 * - `adam`      Kingma and Ba's algorithm 1, bias corrected
 * - `slo`       speed limited optimization: each named weight W moves by exactly η·C_W along its gradient,
 *               W ← W − η·C_W·∇/(‖∇‖_F + ε); every other parameter stays where it is
 */
export type Optimizer =
  | { readonly name: 'gd' }
  | { readonly name: 'momentum' | 'nesterov' /** In [0, 1); default 0.9. */; readonly momentum?: number }
  | {
      readonly name: 'adam' /** Default 0.9. */;
      readonly beta1?: number /** Default 0.999. */;
      readonly beta2?: number /** Default 1e-8. */;
      readonly epsilon?: number;
    }
  | {
      readonly name: 'slo' /** C by parameter name. */;
      readonly speeds: Readonly<Record<string, number>> /** Default 0. */;
      readonly epsilon?: number;
    }
  | FlowOptimizer;

/**
 * Not a step but the differential equation it approximates; one unit of time stands for one step of gradient descent.
 *
 * - `gradient-flow`  dθ/dt = −η·∇L, as `gradientFlow`
 * - `central-flow`   gradient descent’s time average at the edge of stability, as `centralFlow`
 */
export type FlowOptimizer =
  | { readonly name: 'gradient-flow'; readonly method?: 'rk4' | 'stable-euler'; readonly alpha?: number }
  | { readonly name: 'central-flow'; readonly substeps?: number; readonly maxCritical?: number };

export function isFlow(optimizer: Optimizer | undefined): optimizer is FlowOptimizer {
  return optimizer?.name === 'gradient-flow' || optimizer?.name === 'central-flow';
}

export interface OptimizerOptions {
  readonly optimizer?: Optimizer;
  /**
   * Factors of the learning rate by parameter name, default 1: negative ascends, 0 freezes (`mupLearningRates` gives
   * those of the maximal-update parameterization).
   */
  readonly rateFactors?: Readonly<Record<string, number>>;
}

/** An optimizer bound to parameters in memory. */
export interface BoundOptimizer {
  /** Moves the parameters along the gradient in place; `step` counts from 0. */
  update(learningRate: number, step: number): void;
  /** Copies of the state by name; empty for optimizers without. */
  state(): Map<string, Tensor>;
  /** @throws {TangedgeError} ERR_FORMAT when an entry is missing or has another shape. */
  restore(state: ReadonlyMap<string, Tensor>): void;
}

/**
 * Allocates the optimizer's state beside the parameters of `gradient`.
 *
 * @throws {TangedgeError} ERR_ARGUMENT for a hyperparameter outside its range, or a name that is not trained.
 */
export function bindOptimizer(
  rt: Runtime,
  gradient: LossGradient,
  { optimizer = { name: 'gd' }, rateFactors = {} }: OptimizerOptions,
): BoundOptimizer {
  checkNames(gradient, 'rateFactors', rateFactors);
  const factors = gradient.slots.map(({ name }) => rateFactors[name] ?? 1);
  const routines = routinesOf(rt, gradient.dtype);
  const each = (move: (k: number, size: number, factor: number) => void): void => {
    gradient.coordinates.forEach(({ size }, k) => {
      if (factors[k] !== 0) move(k, size, factors[k]);
    });
  };
  switch (optimizer.name) {
    case 'gd':
      return {
        update: (rate) => each((k, size, factor) => routines.axpy(size, -rate * factor, gradient.gradientPtr(k), gradient.coordinatePtr(k))),
        ...keeping(rt, gradient, []),
      };
    case 'momentum':
    case 'nesterov': {
      const { momentum = 0.9 } = optimizer;
      checkRange('momentum', momentum);
      const nesterov = optimizer.name === 'nesterov' ? 1 : 0;
      const kept = keeping(rt, gradient, ['velocity']);
      return {
        ...kept,
        update: (rate) =>
          each((k, size, factor) =>
            routines.momentumStep(
              size,
              rate * factor,
              momentum,
              nesterov,
              gradient.gradientPtr(k),
              kept.ptr('velocity', k),
              gradient.coordinatePtr(k),
            ),
          ),
      };
    }
    case 'adam': {
      const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer;
      checkRange('beta1', beta1);
      checkRange('beta2', beta2);
      const kept = keeping(rt, gradient, ['mean', 'square']);
      return {
        ...kept,
        update: (rate, step) => {
          const scale = 1 / Math.sqrt(1 - integerPower(beta2, step + 1));
          const corrected = rate / (1 - integerPower(beta1, step + 1));
          each((k, size, factor) =>
            routines.adamStep(
              size,
              corrected * factor,
              beta1,
              beta2,
              scale,
              epsilon,
              gradient.gradientPtr(k),
              kept.ptr('mean', k),
              kept.ptr('square', k),
              gradient.coordinatePtr(k),
            ),
          );
        },
      };
    }
    case 'slo': {
      const { speeds, epsilon = 0 } = optimizer;
      checkNames(gradient, 'speeds', speeds);
      return {
        update: (rate) =>
          each((k, size, factor) => {
            const speed = speeds[gradient.slots[k].name] ?? 0;
            const norm = speed === 0 ? 0 : gradient.gradientNorm(k) + epsilon;
            // A zero gradient has no direction: the weight stays.
            if (norm !== 0) routines.axpy(size, (-rate * factor * speed) / norm, gradient.gradientPtr(k), gradient.coordinatePtr(k));
          }),
        ...keeping(rt, gradient, []),
      };
    }
    case 'gradient-flow':
    case 'central-flow':
      throw new TangedgeError('ERR_ARGUMENT', `Trainer: ${optimizer.name} has no step to make; train() integrates it.`, {
        optimizer: optimizer.name,
      });
    default:
      optimizer satisfies never;
      throw new TangedgeError(
        'ERR_ARGUMENT',
        `optimizer: it is '${(optimizer as Optimizer).name}'; it must be gd, momentum, nesterov, adam or slo.`,
        {},
      );
  }
}

interface Kept extends Pick<BoundOptimizer, 'state' | 'restore'> {
  ptr(part: string, k: number): number;
}

/** Arrays like the parameters, zero at first, named `<part>/<parameter>`. */
function keeping(rt: Runtime, gradient: LossGradient, parts: readonly string[]): Kept {
  const { coordinates, dtype } = gradient;
  const ptrs = new Map(parts.map((part) => [part, coordinates.map(({ size }) => gradient.allocate(size))]));
  const view = (part: string, k: number): FloatArray => rt.arena.view(dtype, (ptrs.get(part) as number[])[k], coordinates[k].size);
  return {
    ptr: (part, k) => (ptrs.get(part) as number[])[k],
    state: () =>
      new Map(parts.flatMap((part) => coordinates.map(({ name, shape }, k) => [`${part}/${name}`, { shape, data: view(part, k).slice() }]))),
    restore: (state) => {
      for (const part of parts) {
        coordinates.forEach(({ name, size }, k) => {
          const stored = state.get(`${part}/${name}`);
          if (stored?.data.length !== size) {
            throw new TangedgeError('ERR_FORMAT', `checkpoint: '${part}/${name}' with ${size} elements is not there; it is from another run.`, {
              name,
              part,
            });
          }
          view(part, k).set(stored.data);
        });
      }
    },
  };
}

/** base^exponent by repeated multiplication: the same bits however a run is cut by checkpoints. */
function integerPower(base: number, exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent && power > 0; i++) power *= base;
  return power;
}

function checkRange(name: string, value: number): void {
  if (!(value >= 0 && value < 1)) throw new TangedgeError('ERR_ARGUMENT', `optimizer: ${name} is ${value}; it must be in [0, 1).`, { name, value });
}

function checkNames(gradient: LossGradient, option: string, values: Readonly<Record<string, number>>): void {
  const names = gradient.slots.map(({ name }) => name);
  for (const [name, value] of Object.entries(values)) {
    if (!names.includes(name)) {
      throw new TangedgeError('ERR_ARGUMENT', `optimizer: ${option} names '${name}', which is not trained; trained are ${names.join(', ')}.`, {
        name,
        names,
      });
    }
    if (!Number.isFinite(value))
      throw new TangedgeError('ERR_ARGUMENT', `optimizer: ${option} of '${name}' is ${value}; it must be finite.`, { name, value });
  }
}
