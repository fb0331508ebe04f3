/** @file The experiments by name. A new one is a file and a line here. */

import { TangedgeError } from '../core/errors.ts';
import { centralFlowExperiment } from './central-flow.ts';
import { chebyshev } from './chebyshev.ts';
import type { Experiment } from './experiment.ts';
import { falsifier } from './falsifier.ts';
import { fortVelocity } from './fort-velocity.ts';
import { lazyScale } from './lazy-scale.ts';
import { linearNet } from './linear-net.ts';
import { lrSweep } from './lr-sweep.ts';
import { nfaEarly } from './nfa-early.ts';
import { nfaInitScale } from './nfa-init-scale.ts';
import { nfaRandomKernel } from './nfa-random-kernel.ts';
import { nfaSlo } from './nfa-slo.ts';
import { widthLaws } from './width-laws.ts';

/** Every experiment that `tangedge reproduce` runs. */
export const experiments: readonly Experiment[] = [
  centralFlowExperiment,
  chebyshev,
  falsifier,
  fortVelocity,
  lazyScale,
  linearNet,
  lrSweep,
  nfaEarly,
  nfaInitScale,
  nfaRandomKernel,
  nfaSlo,
  widthLaws,
];

/**
 * The experiment of a name.
 *
 * @throws {TangedgeError} ERR_ARGUMENT with the names there are.
 */
export function experimentNamed(name: string): Experiment {
  const found = experiments.find((experiment) => experiment.name === name);
  if (found !== undefined) return found;
  const names = experiments.map((experiment) => experiment.name);
  throw new TangedgeError('ERR_ARGUMENT', `reproduce: there is no experiment '${name}'; there are ${names.join(', ')}.`, { name, names });
}
