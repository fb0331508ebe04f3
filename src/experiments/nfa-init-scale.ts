/** @file Experiment: a small initialization makes the neural feature ansatz hold, the features better, and the test error smaller. */

import { above, below } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import { featureFigure, featureRun, featureTable, MIDDLE_RUN, nfaTask, SMALL_RUN, STANDARD_RUN } from './nfa-runs.ts';

export const nfaInitScale: Experiment = {
  name: 'nfa-init-scale',
  title: 'Small weights learn features',
  claim:
    'The smaller the initial weights, the more of the trained weights is change, the better WᵀW and the average gradient outer product agree (UC-NFA), the better both agree with the target’s own features, and the smaller the test error.',
  source: 'Beaglehole, Mitliagkas, Agarwala 2024, arXiv:2402.05271, section 4.1',
  run,
};

function run(context: ExperimentContext): Findings {
  const task = nfaTask(context);
  const runs = [STANDARD_RUN, MIDDLE_RUN, SMALL_RUN].map((plan) => featureRun(context, task, plan));
  const [standard, , small] = runs.map(({ end }) => end);
  return {
    settings: [...task.settings, { name: 'initial weights', value: 'normal, variance 1/fan_in, times 1, 0.6 and 0.3; η = 0.1, 0.2, 0.3' }],
    checks: [
      above('UC-NFA, ×0.3 minus ×1', small.ucNfa - standard.ucNfa, 0.1),
      above('C-NFA, ×0.3 minus ×1', small.cNfa - standard.cNfa, 0.03),
      above('feature quality ρ(NFM, EGOP), ×0.3 minus ×1', small.nfmQuality - standard.nfmQuality, 0.2),
      above('ρ(AGOP, EGOP), ×0.3 minus ×1', small.agopQuality - standard.agopQuality, 0),
      above('‖W̄‖/‖W‖, ×0.3 over ×1', small.change / standard.change, 1.5),
      above('dominance of the change, ×0.3 minus ×1', small.dominance - standard.dominance, 0.1),
      below('test error, ×0.3 over ×1', small.testError / standard.testError, 0.6),
      below('train error, the largest of the three', Math.max(...runs.map(({ end }) => end.trainError)), 0.02),
      above('C-NFA over UC-NFA at ×1: the sign of an initialization that is too large', standard.cNfa / standard.ucNfa, 1.15),
    ],
    conclusion: `From initial weights ×1 to ×0.3, UC-NFA goes ${standard.ucNfa.toFixed(2)} → ${small.ucNfa.toFixed(2)}, feature quality ${standard.nfmQuality.toFixed(2)} → ${small.nfmQuality.toFixed(2)} and the test error ${standard.testError.toFixed(3)} → ${small.testError.toFixed(3)}, with the training error near 0 in both.`,
    figures: [
      featureFigure('The ansatz over training', 'UC-NFA', runs, 'ucNfa'),
      featureFigure('The centered ansatz', 'C-NFA', runs, 'cNfa'),
      featureFigure('Feature quality', 'ρ(NFM, EGOP)', runs, 'nfmQuality'),
      featureFigure('Error on new data', 'mean squared error', runs, 'testError'),
    ],
    tables: [featureTable(runs)],
  };
}
