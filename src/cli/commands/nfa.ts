/** @file `tangedge nfa`: how well the neural feature ansatz holds, weight by weight. */

import type { Command } from 'commander';
import type { Tensor } from '../../core/tensor.ts';
import type { WeightFeatures } from '../../features/neural-features.ts';
import { centeredNfaCorrelation, nfaCorrelation } from '../../features/nfa-correlation.ts';
import { eigh } from '../../linalg/eigh.ts';
import type { Runtime } from '../../wasm/runtime.ts';
import { readInputs } from '../array-files.ts';
import { defineCommand } from '../command.ts';
import {
  addCheckpointOption,
  addInitialOptions,
  addModelOptions,
  type InitialOptions,
  MODEL_OPERAND,
  readInitialModel,
  readModel,
} from '../model-files.ts';
import type { ResultRecord } from '../session.ts';

interface NfaOptions extends InitialOptions {
  readonly inputs: string;
}

export function nfaCommand(): Command {
  return defineCommand<NfaOptions>({
    name: 'nfa',
    summary: 'the neural feature ansatz per weight: UC-NFA, C-NFA, spectra of NFM and AGOP, as JSON',
    operands: MODEL_OPERAND,
    declare: (command) => addCheckpointOption(addInitialOptions(addModelOptions(command))),
    required: ['inputs'],
    acts: ['dtype', 'workers', 'batch', 'parameters', 'freeze', 'output'],
    async run({ rt, pool, dtype, checkpoint, progress, finishJson }, options, path) {
      const model = readModel(path, options);
      const initial = readInitialModel(path, options);
      const { x, n } = await readInputs(options.inputs, model);
      const bar = progress('nfa', 'tiles');
      const features = await pool.neuralFeatures(model, x, {
        initial,
        dtype,
        memoryLimit: options.memoryLimit,
        tileSize: options.batch,
        checkpoint,
        onProgress: ({ tilesDone, tiles }) => bar.update(tilesDone, tiles),
      });
      bar.end();
      finishJson({ examples: n, dtype, weights: features.map((weight) => weightRecord(rt, weight)) });
    },
  });
}

/** Correlations as the plain cosine, and as Pearson's form with each matrix's mean entry subtracted. */
function weightRecord(rt: Runtime, { name, weight, nfm, agop, ptkCovariance, correlation, motion }: WeightFeatures): ResultRecord {
  const centerEntries = { centerEntries: true };
  return {
    weight: name,
    shape: weight.shape,
    ucNfa: correlation,
    ucNfaPearson: nfaCorrelation(rt, nfm, agop, centerEntries),
    ...(motion && {
      cNfa: motion.centeredCorrelation,
      cNfaPearson: centeredNfaCorrelation(rt, { weight, initial: motion.initial, ptkCovariance }, centerEntries),
      dominance: motion.dominance,
      relativeChange: motion.relativeChange,
    }),
    nfmEigenvalues: largestFirst(rt, nfm),
    agopEigenvalues: largestFirst(rt, agop),
  };
}

function largestFirst(rt: Runtime, matrix: Tensor): Float64Array {
  return eigh(rt, matrix, { vectors: false }).values.slice().reverse();
}
