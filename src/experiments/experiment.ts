/** @file What an experiment is: a claim, and a seeded computation that can contradict it. */

import { type LearningRateSweepOptions, learningRateSweep, type SweptRun } from '../analysis/training/learning-rate-sweep.ts';
import { TangedgeError } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import type { TrainingData } from '../dynamics/training-data.ts';
import type { Model } from '../graph/model.ts';
import { arithmeticNotes, type Runtime } from '../wasm/runtime.ts';
import { EXPERIMENT_FORMAT, type ExperimentReport } from './experiment-report.ts';
import type { Sweep } from './swept-rates.ts';

/** What an experiment finds; the rest of its report is the same for all. */
export type Findings = Pick<ExperimentReport, 'settings' | 'checks' | 'conclusion' | 'figures'> & Partial<Pick<ExperimentReport, 'tables'>>;

export interface ExperimentContext {
  readonly rt: Runtime;
  readonly seed: number;
  /** `full` is the size of the source; `default` takes under a minute on one core. */
  readonly size: 'default' | 'full';
  /** The bytes of a data file of the package's `data` folder. */
  readonly dataFile: (name: string) => Uint8Array;
  /** Trains a network once per learning rate, in the threads of the experiment's pool if it has one: the same bits. */
  readonly sweep: Sweep;
  /** Says how far it is: a fraction in [0, 1], and what is being done. */
  readonly progress: (fraction: number, stage: string) => void;
}

export interface Experiment {
  /** The name that `tangedge reproduce` takes. */
  readonly name: string;
  readonly title: string;
  readonly claim: string;
  readonly source: string;
  /** Whether it trains runs side by side in the workers of a pool. */
  readonly sweeps?: true;
  readonly run: (context: ExperimentContext) => Findings | Promise<Findings>;
}

/** Threads that train the runs of a sweep side by side, with the bits of one: a `Pool` is this. */
export interface ExperimentThreads {
  learningRateSweep(model: Model, data: TrainingData, options: LearningRateSweepOptions): Promise<SweptRun[]>;
}

export interface RunOptions {
  /** Seed of the random numbers. Default 0. Data that a source fixes by its own generator do not depend on it. */
  readonly seed?: number;
  readonly size?: 'default' | 'full';
  /** How to read a data file of the package; needed by the experiments on images. */
  readonly dataFile?: (name: string) => Uint8Array;
  readonly onProgress?: (progress: { readonly fraction: number; readonly stage: string }) => void;
  /** Worker threads for the experiments that sweep learning rates. */
  readonly pool?: ExperimentThreads;
}

/**
 * Runs one experiment and reports every check, whichever way it comes out.
 *
 * Cost       under a minute on one core; `size: 'full'` takes what the source took
 * Numerics   the same seed gives the same report, bit for bit
 *
 * @throws {TangedgeError} ERR_ARGUMENT when the experiment needs a data file and no `dataFile` is given
 */
export async function runExperiment(rt: Runtime, experiment: Experiment, options: RunOptions = {}): Promise<ExperimentReport> {
  const { seed = 0, size = 'default', onProgress, pool } = options;
  const { name, title, claim, source } = experiment;
  const dataFile =
    options.dataFile ??
    ((file) => {
      throw new TangedgeError('ERR_ARGUMENT', `runExperiment: ${name} reads ${file}. Pass dataFile, which returns the bytes of a file of data/.`, {
        name,
        file,
      });
    });
  const progress = (fraction: number, stage: string) => onProgress?.({ fraction, stage });
  const sweep: Sweep = async (model, data, sweepOptions) =>
    pool ? pool.learningRateSweep(model, data, sweepOptions) : learningRateSweep(rt, model, data, sweepOptions);
  const { settings, checks, conclusion, figures, tables = [] } = await experiment.run({ rt, seed, size, dataFile, sweep, progress });
  const holds = checks.every((check) => check.holds);
  return {
    format: EXPERIMENT_FORMAT,
    name,
    title,
    claim,
    source,
    version: VERSION,
    size,
    seed,
    settings: [...settings, ...arithmeticNotes(rt).map((note) => ({ name: 'arithmetic', value: note }))],
    holds,
    checks,
    conclusion,
    tables,
    figures,
  };
}
