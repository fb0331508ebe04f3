/** @file Experiment: speed limited optimization makes the ansatz hold without a small initialization. */

import { above, below } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import { featureFigure, featureRun, featureTable, nfaTask, SLO_RUN, STANDARD_RUN } from './nfa-runs.ts';

export const nfaSlo: Experiment = {
  name: 'nfa-slo',
  title: 'A speed limit learns features',
  claim:
    'Normalizing each layer’s gradient, the first layer fast and the others slow (C = 500, 0.002, 0.002), raises UC-NFA and feature quality and lowers the test error, from the same initial weights as standard training.',
  source: 'Beaglehole, Mitliagkas, Agarwala 2024, arXiv:2402.05271, section 4.2',
  run,
};

function run(context: ExperimentContext): Findings {
  const task = nfaTask(context);
  const runs = [STANDARD_RUN, SLO_RUN].map((plan) => featureRun(context, task, plan, 14));
  const [standard, limited] = runs.map(({ end }) => end);
  return {
    settings: [
      ...task.settings,
      { name: 'speed limited', value: 'C = 500, 0.002, 0.002 by layer, η = 0.001, 300 steps' },
      { name: '×1', value: 'gradient descent, η = 0.1, 2000 steps' },
    ],
    checks: [
      above('UC-NFA, speed limited minus standard', limited.ucNfa - standard.ucNfa, 0.1),
      above('feature quality ρ(NFM, EGOP), the same', limited.nfmQuality - standard.nfmQuality, 0.2),
      above('dominance: the change’s share of ⟨NFM, AGOP⟩, speed limited', limited.dominance, 0.3),
      below('the same, standard', standard.dominance, 0.2),
      below('|C-NFA − UC-NFA|, speed limited: the change is all there is', Math.abs(limited.cNfa - limited.ucNfa), 0.15),
      below('test error, speed limited over standard', limited.testError / standard.testError, 0.8),
    ],
    conclusion: `From the same initial weights, speed limited optimization ends with UC-NFA ${limited.ucNfa.toFixed(2)} against ${standard.ucNfa.toFixed(2)}, feature quality ${limited.nfmQuality.toFixed(2)} against ${standard.nfmQuality.toFixed(2)}, and a test error of ${limited.testError.toFixed(3)} against ${standard.testError.toFixed(3)}.`,
    figures: [
      featureFigure('The ansatz over training', 'UC-NFA', runs, 'ucNfa'),
      featureFigure('What the change accounts for', 'dominance', runs, 'dominance'),
      featureFigure('Feature quality', 'ρ(NFM, EGOP)', runs, 'nfmQuality'),
      featureFigure('Error on new data', 'mean squared error', runs, 'testError'),
    ],
    tables: [featureTable(runs)],
  };
}
