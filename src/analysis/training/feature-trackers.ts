/** @file Trackers of the features: NFA and its parts, quality against a known EGOP, motion of the PTK, activations. */

import { TangedgeError } from '../../core/errors.ts';
import { differences, formatShape, type Tensor } from '../../core/tensor.ts';
import { congruence } from '../../features/congruence.ts';
import { featureQuality } from '../../features/feature-quality.ts';
import type { WeightFeatures } from '../../features/neural-features.ts';
import { centeredNfaCorrelation, nfaCorrelation } from '../../features/nfa-correlation.ts';
import { nfaRandomControl } from '../../features/nfa-random-control.ts';
import { nfmOf } from '../../features/nfm.ts';
import type { Runtime } from '../../wasm/runtime.ts';
import { traceOf } from '../kernel-analysis.ts';
import type { TrackedState } from './tracked-state.ts';
import type { Measurement, Tracker } from './tracker.ts';

export const nfaTracker: Tracker = {
  name: 'nfa',
  needs: 'features',
  measure: (state) => perWeight(state.features(), (weight) => nfaOf(state.run.rt, weight)),
};

/** UC-NFA with random tangents of the same spectrum, the same draws at every state. */
export const randomNfaTracker: Tracker = {
  name: 'nfa-random',
  needs: 'features',
  measure: (state) =>
    perWeight(state.features(), (weight) => {
      const { mean, deviation } = nfaRandomControl(state.run.rt, weight);
      return { nfaRandom: orNull(mean), nfaRandomDeviation: orNull(deviation) };
    }),
};

export function egopTracker(egop: Tensor): Tracker {
  return {
    name: 'egop',
    needs: 'features',
    measure: (state: TrackedState) => {
      const { rt } = state.run;
      const fitting = state.features().filter(({ nfm }) => nfm.shape[0] === egop.shape[0]);
      if (fitting.length === 0) {
        throw new TangedgeError('ERR_SHAPE', `tracker 'egop': no weight has the input width of the EGOP ${formatShape(egop.shape)}.`, {
          egop: [...egop.shape],
        });
      }
      return perWeight(fitting, ({ nfm, agop }) => {
        const [own, gradient] = [featureQuality(rt, nfm, egop), featureQuality(rt, agop, egop)];
        return {
          nfmQuality: orNull(own.correlation),
          nfmOverlap: own.subspaceOverlap,
          agopQuality: orNull(gradient.correlation),
          agopOverlap: gradient.subspaceOverlap,
        };
      });
    },
  };
}

export function ptkTracker(): Tracker {
  let previous: readonly Tensor[] = [];
  return {
    name: 'ptk',
    needs: 'features',
    measure: (state) => {
      const { rt } = state.run;
      const now = state.features();
      const start = state.initial.features();
      const covariances = now.map(({ ptkCovariance }) => ptkCovariance);
      const before = previous.length === 0 ? covariances : previous;
      previous = covariances;
      const cosine = (a: Tensor, b: Tensor) => orNull(nfaCorrelation(rt, a, b));
      return perWeight(now, ({ ptkCovariance }, index) => ({
        ptkFromInitial: cosine(ptkCovariance, start[index].ptkCovariance),
        ptkFromPrevious: cosine(ptkCovariance, before[index]),
      }));
    },
    memory: () => new Map(previous.map((covariance, k) => [String(k), covariance])),
    remember: (memory) => {
      previous = Array.from({ length: memory.size }, (_, k) => memory.get(String(k)) as Tensor);
    },
  };
}

function nfaOf(rt: Runtime, { weight, nfm, agop, ptkCovariance, correlation, motion }: WeightFeatures): Record<string, Measurement> {
  const measured: Record<string, Measurement> = {
    nfa: orNull(correlation),
    nfaCentered: orNull(nfaCorrelation(rt, nfm, agop, { centerEntries: true })),
  };
  if (motion === undefined) return measured;
  const { initial } = motion;
  const change: Tensor = { shape: weight.shape, data: differences(weight.data, initial.data) };
  return {
    ...measured,
    cNfa: orNull(motion.centeredCorrelation),
    cNfaCentered: orNull(centeredNfaCorrelation(rt, { weight, initial, ptkCovariance }, { centerEntries: true })),
    dominance: orNull(motion.dominance),
    weightChange: motion.relativeChange,
    nfmParts: partsOf(traceOf(nfm), traceOf(nfmOf(rt, change)), traceOf(nfmOf(rt, initial))),
    agopParts: partsOf(traceOf(agop), traceOf(congruence(rt, change, ptkCovariance)), traceOf(congruence(rt, initial, ptkCovariance))),
  };
}

/** Fractions [change, cross, initial] of tr(W·W) = tr(W̄·W̄) + 2·tr(W₀·W̄) + tr(W₀·W₀), of WᵀKW alike. */
function partsOf(whole: number, change: number, initial: number): number[] {
  return whole > 0 ? [change / whole, (whole - change - initial) / whole, initial / whole] : [0, 0, 0];
}

/** `<quantity>/<weight>` of every weight. */
export function perWeight<W extends { readonly name: string }>(
  weights: readonly W[],
  measure: (weight: W, index: number) => Record<string, Measurement>,
): Record<string, Measurement> {
  return Object.fromEntries(
    weights.flatMap((weight, index) => Object.entries(measure(weight, index)).map(([key, value]) => [`${key}/${weight.name}`, value])),
  );
}

export function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
