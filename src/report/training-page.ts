/** @file renderTrainingRun: a training run as one page: loss and sharpness with the phases shaded, alignment, spectra, features, what went wrong. */

import { failureSignatures } from '../analysis/training/failure-signatures.ts';
import type { TrainingRun } from '../analysis/training/run.ts';
import { lastNumber, numbersOf } from '../analysis/training/run-series.ts';
import { formatBytes, formatCount, formatFixed, formatNumber, formatPercent, plural } from './format.ts';
import { type Markup, markup, nothing } from './markup.ts';
import { pageOf } from './page.ts';
import { type Panel, panelSection, table } from './panel.ts';
import { codesOf, signaturePanel } from './panels/signatures.ts';
import { featurePanel } from './panels/training-features.ts';
import { alignmentPanel, motionPanel, spectrumPanel } from './panels/training-kernel.ts';
import { activationPanel, progressPanel } from './panels/training-progress.ts';
import { stabilityPanel } from './panels/training-stability.ts';

/**
 * A training run as one self-contained HTML page. The same run gives the same bytes. Panels whose trackers were off are left out.
 *
 * @example
 * const options = { learningRate: 0.02, steps: 8, trackers: [{ tracker: 'loss' }, { tracker: 'kta' }] };
 * const page = renderTrainingRun((await runTraining(rt, model, { inputs: x, targets: y }, options)).run);
 */
export function renderTrainingRun(run: TrainingRun): string {
  const candidates = [
    progressPanel(run),
    stabilityPanel(run),
    alignmentPanel(run),
    spectrumPanel(run),
    motionPanel(run),
    featurePanel(run),
    activationPanel(run),
    signaturePanel(failureSignatures(run), 'what was not tracked is not judged'),
  ];
  const panels = candidates.filter((panel): panel is Panel => panel !== null);
  const contents = panels.map(({ id, title }, index) => markup`<a href="#${id}"><b>${index + 1}</b>${title}</a> `);
  return pageOf(
    { title: `${run.title} – training report`, version: run.provenance.version },
    markup`${header(run)}
<nav aria-label="Contents">${contents}</nav>
${panels.map((panel, index) => panelSection(panel, index + 1))}
${footer(run)}`,
  );
}

function header(run: TrainingRun): Markup {
  const { title, data, model, config } = run;
  const batch = config.batchSize === null ? 'full batch' : `batches of ${formatCount(config.batchSize)}`;
  const rate = config.learningRate === null ? 'a schedule of rates' : `η = ${formatNumber(config.learningRate)}`;
  return markup`<header class="page">
<p class="kicker">Training report</p>
<h1>${title}</h1>
<p class="subject">${plural(data.samples, 'sample')} · ${plural(data.outputs, 'output')} · ${plural(model.parameterCount, 'parameter')} · ${OPTIMIZERS[config.optimizer.name]}, ${batch}, ${rate}, ${config.loss}</p>
<p class="conclusion">${conclusion(run)}</p>
<dl class="headlines">${headlines(run).map(({ name, value, explanation }) => markup`<div><dt>${name}</dt><dd>${value}</dd><dd class="explanation">${explanation}</dd></div>`)}</dl>
</header>`;
}

const OPTIMIZERS: Readonly<Record<TrainingRun['config']['optimizer']['name'], string>> = {
  gd: 'gradient descent',
  momentum: 'momentum',
  nesterov: 'Nesterov momentum',
  adam: 'Adam',
  slo: 'speed limited optimization',
  'gradient-flow': 'gradient flow',
  'central-flow': 'central flow',
};

function conclusion(run: TrainingRun): string {
  const { outcome } = run;
  const loss = numbersOf(run, 'loss').values;
  const fall = loss.length > 0 && outcome.loss !== null ? ` from ${formatNumber(loss[0])} to ${formatNumber(outcome.loss)}` : '';
  const ending = {
    diverged: `The run diverged at step ${formatCount(outcome.step)}.`,
    stopped: `The run was stopped at step ${formatCount(outcome.step)}; the loss went${fall}.`,
    finished: `In ${formatCount(outcome.step)} steps the loss went${fall}.`,
  }[outcome.status];
  const kta = numbersOf(run, 'kta').values;
  const aligned =
    kta.length > 1 ? ` The kernel’s alignment with the targets went from ${formatFixed(kta[0], 3)} to ${formatFixed(kta[kta.length - 1], 3)}.` : '';
  const signatures = failureSignatures(run);
  return `${ending}${aligned}${signatures.length > 0 ? ` Signs of trouble: ${codesOf(signatures)}.` : ''}`;
}

interface Headline {
  readonly name: string;
  readonly value: string;
  readonly explanation: string;
}

function headlines(run: TrainingRun): Headline[] {
  const entries: readonly (readonly [string, number | null, string, (value: number) => string])[] = [
    ['Final loss', run.outcome.loss, `after ${formatCount(run.outcome.step)} steps`, (value) => formatNumber(value, 2)],
    [
      'Accuracy',
      lastNumber(run, 'testAccuracy') ?? lastNumber(run, 'accuracy'),
      lastNumber(run, 'testAccuracy') === null ? 'on the training data' : 'on the test data',
      formatPercent,
    ],
    ['KTA', lastNumber(run, 'kta'), 'of the kernel traced over outputs, at the end', (value) => formatFixed(value, 2)],
    ['Sharpness', lastNumber(run, 'sharpness'), 'λmax of the loss Hessian, at the end', (value) => formatNumber(value, 3)],
    ['Kernel drift', lastNumber(run, 'kernelDrift'), '‖Θ − Θ₀‖/‖Θ₀‖', (value) => formatNumber(value, 2)],
  ];
  return entries.flatMap(([name, value, explanation, format]) => (value === null ? [] : [{ name, value: format(value), explanation }]));
}

function footer({ provenance, data, config }: TrainingRun): Markup {
  const rows = provenance.sources.map(({ role, name, bytes, sha256 }) => [role, name, formatBytes(bytes), markup`<code>${sha256}</code>`]);
  const files =
    rows.length === 0 ? nothing : table('Files', [{ head: '' }, { head: 'File' }, { head: 'Size', align: 'right' }, { head: 'SHA-256' }], rows);
  return markup`<footer id="provenance"><h2>Provenance</h2>
<p>tangedge ${provenance.version}, ${provenance.dtype}, seed ${config.seed}; inputs ${[data.samples, ...data.inputShape].join(' × ')}; kernels and features on the first ${formatCount(data.kernelSamples)} samples. The same files, options and seed give the same bytes of this page, on any machine.</p>
${provenance.notes.map((note) => markup`<p>${note}</p>`)}
${files}
<p class="muted">Conventions: Θ is summed over outputs, without 1/n. Loss scale ${config.lossScale}. AGOP is the mean over samples and the sum over outputs. Alignments and correlations are cosines. Phases are those of Li, Wang and Li (2022), of the sharpness smoothed over three steps.</p>
</footer>`;
}
