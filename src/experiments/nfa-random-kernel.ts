/** @file Experiment: the ansatz is alignment, not spectrum: a random K with the same eigenvalues breaks it. */

import { above, below } from './check.ts';
import type { Experiment, ExperimentContext, Findings } from './experiment.ts';
import type { Figure } from './experiment-report.ts';
import { type FeatureRun, featureRun, featureTable, nfaTask, SLO_RUN, SMALL_RUN, STANDARD_RUN } from './nfa-runs.ts';

export const nfaRandomKernel: Experiment = {
  name: 'nfa-random-kernel',
  title: 'The ansatz is alignment, not spectrum',
  claim:
    'Where features are learned, replacing the covariance K of the pre-activation tangents by a random matrix with the same eigenvalues brings UC-NFA down to the level of the initialization; where they are not, it was at that level anyway.',
  source: 'Beaglehole, Mitliagkas, Agarwala 2024, arXiv:2402.05271, section 2',
  run,
};

function run(context: ExperimentContext): Findings {
  const task = nfaTask(context);
  const runs = [STANDARD_RUN, SMALL_RUN, SLO_RUN].map((plan) => featureRun(context, task, plan));
  const [standard, small, limited] = runs.map(({ end }) => end);
  const start = runs[0].states[0].ucNfa;
  return {
    settings: [...task.settings, { name: 'control', value: 'mean over 5 random matrices Q·Λ·Qᵀ, Q uniform over the orthogonal group' }],
    checks: [
      above('×0.3: UC-NFA minus that with random K', small.ucNfa - small.randomControl, 0.2),
      above('speed limited: the same', limited.ucNfa - limited.randomControl, 0.2),
      below('×1, where features are hardly learned: the same', standard.ucNfa - standard.randomControl, 0.15),
      below('×0.3: UC-NFA with random K minus that of the initial weights', small.randomControl - start, 0.15),
      below('speed limited: the same', limited.randomControl - start, 0.15),
    ],
    conclusion: `With random K, UC-NFA falls from ${small.ucNfa.toFixed(2)} to ${small.randomControl.toFixed(2)} (small initialization) and from ${limited.ucNfa.toFixed(2)} to ${limited.randomControl.toFixed(2)} (speed limited); it began at ${start.toFixed(2)}. In the standard run it goes from ${standard.ucNfa.toFixed(2)} to ${standard.randomControl.toFixed(2)}.`,
    figures: runs.map(controlFigure),
    tables: [featureTable(runs)],
  };
}

function controlFigure({ name, states }: FeatureRun): Figure {
  const x = states.map(({ step }) => Math.max(0.5, step));
  return {
    title: name,
    xLabel: 'step',
    yLabel: 'UC-NFA',
    xScale: 'log',
    yScale: 'linear',
    curves: [
      { name: 'as trained', mark: 'line-points', x, y: states.map(({ ucNfa }) => ucNfa) },
      { name: 'random K', mark: 'dashed', x, y: states.map(({ randomControl }) => randomControl) },
    ],
    levels: [],
    bands: [],
  };
}
