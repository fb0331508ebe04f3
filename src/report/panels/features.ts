/** @file Panel: for every weight, what it stores (NFM) beside what the model uses (AGOP). */

import type { Correlation, FeatureSection, MatrixSummary, Report } from '../../analysis/report.ts';
import { formatCount, formatFixed, formatNumber, plural } from '../format.ts';
import { drawnMatrix, heatMap } from '../heat-map.ts';
import { type Markup, markup, nothing } from '../markup.ts';
import { legend, type Panel, table } from '../panel.ts';
import { drawnPositions, line, type Point, plot } from '../plot.ts';
import { extent, logScale } from '../scale.ts';

export function featuresPanel(report: Report): Panel {
  const { features } = report;
  const averaged = features.some(({ nfm }) => nfm.matrix.sampling === 'block-mean');
  return {
    id: 'features',
    title: 'Features: weights and gradients',
    shows: `For each weight, the neural feature matrix WᵀW beside the average gradient outer product of its input, their spectra (each divided by its largest eigenvalue), and how far the two are proportional.${averaged ? ' Wide matrices are drawn as means of blocks of neighbors.' : ''}`,
    concludes: featuresSentence(features),
    body: markup`${features.map(featureBlock)}${correlationTable(features)}`,
  };
}

function featureBlock(feature: FeatureSection): Markup {
  const { weight, size, nfm, agop, nfa, image } = feature;
  const square = (summary: MatrixSummary, name: string) =>
    heatMap(drawnMatrix(summary.matrix), { title: `Heat map of the ${name} of ${weight}.`, caption: name, size: 210, colors: 'diverging' });
  return markup`<div class="feature"><h3>${weight} <span class="muted">${formatCount(size)} inputs · correlation ${formatFixed(nfa.cosine, 2)}</span></h3>
<div class="triple">${square(nfm, 'NFM')}${square(agop, 'AGOP')}<div>${spectraPlot(feature)}${legend([
    { name: 'NFM', className: 'now' },
    { name: 'AGOP', className: 'target' },
  ])}</div></div>
${image === null ? nothing : diagonals(feature, image)}</div>`;
}

/** The diagonals as images: how much weight, and how much influence, every pixel has. */
function diagonals({ weight, nfm, agop }: FeatureSection, [rows, columns]: readonly number[]): Markup {
  const picture = (summary: MatrixSummary, name: string) =>
    heatMap(
      { rows, columns, values: Float32Array.from(summary.diagonal) },
      { title: `Diagonal of the ${name} of ${weight} as an image.`, caption: `diagonal of ${name}, as an image`, size: 120, colors: 'sequential' },
    );
  return markup`<div class="pictures">${picture(nfm, 'NFM')}${picture(agop, 'AGOP')}<p class="aside">Which inputs the weight responds to, and which inputs move the outputs.</p></div>`;
}

function spectraPlot({ weight, size, nfm, agop }: FeatureSection): Markup {
  const [width, height] = [280, 254];
  const x = logScale([1, Math.max(2, size)], [44, width - 8]);
  const relative = (summary: MatrixSummary) => summary.eigenvalues.map((value) => value / (summary.eigenvalues[0] || 1));
  const curves = [relative(nfm), relative(agop)];
  const visible = (value: number) => value > 1e-8;
  const y = logScale([Math.min(0.1, extent(curves.flat(), visible)[0]), 1], [height - 42, 26]);
  const points = curves.map((values) =>
    drawnPositions(size, (k) => x(k + 1))
      .filter((k) => visible(values[k]))
      .map((k): Point => [x(k + 1), y(values[k])]),
  );
  const readouts = drawnPositions(size, (k) => x(k + 1))
    .filter((k) => visible(curves[0][k]))
    .map((k) => ({
      x: x(k + 1),
      y: y(curves[0][k]),
      text: `k = ${k + 1}: NFM ${formatNumber(nfm.eigenvalues[k])}, AGOP ${formatNumber(agop.eigenvalues[k])}`,
    }));
  const title = `Spectra of NFM and AGOP of ${weight}, relative to their largest eigenvalues.`;
  return plot({ width, height, x, y, xLabel: 'index k', yLabel: 'λₖ/λ₁', title, readouts }, [
    line(points[0], 'now'),
    line(points[1], 'target dashed'),
  ]);
}

function correlationTable(features: readonly FeatureSection[]): Markup {
  const pair = (correlation: Correlation | null) => [formatFixed(correlation?.cosine ?? null, 3), formatFixed(correlation?.centered ?? null, 3)];
  const right = (head: string) => ({ head, align: 'right' as const });
  const moved = features.some(({ centeredNfa }) => centeredNfa !== null);
  const rows = features.map(({ weight, nfa, rootNfa, centeredNfa }) => [weight, ...pair(nfa), ...pair(rootNfa), ...(moved ? pair(centeredNfa) : [])]);
  const heads = ['UC-NFA', 'entries centered', 'with AGOP½', 'entries centered', ...(moved ? ['C-NFA', 'entries centered'] : [])];
  return table('Correlations of NFM and AGOP', [{ head: 'Weight' }, ...heads.map(right)], rows);
}

/** The last linear layer: its covariance is the identity, so AGOP and NFM are proportional, to rounding. */
function isReadout({ nfa }: FeatureSection): boolean {
  return nfa.cosine !== null && nfa.cosine >= 1 - 1e-9;
}

function featuresSentence(features: readonly FeatureSection[]): string {
  const readouts = features.filter(isReadout);
  const known = features.filter((feature) => feature.nfa.cosine !== null && !isReadout(feature));
  const aside =
    readouts.length > 0
      ? ` (${readouts.map(({ weight }) => weight).join(', ')} makes the outputs: there the two are equal up to scale by definition)`
      : '';
  if (known.length === 0) return `No weight but the readout has a feature matrix and gradients that are not zero${aside}.`;
  const cosine = ({ nfa }: FeatureSection) => nfa.cosine ?? 0;
  const best = known.reduce((a, b) => (cosine(b) > cosine(a) ? b : a));
  const close = known.filter((feature) => cosine(feature) >= 0.8).length;
  const count = `${formatCount(close)} of ${plural(known.length, 'weight')} ${close === 1 ? 'has' : 'have'} a correlation of 0.8 or more`;
  const lead = `${count}${aside}; the highest is ${formatFixed(cosine(best), 2)}, of ${best.weight}.`;
  const centered = known.flatMap(({ centeredNfa, nfa }) =>
    centeredNfa?.cosine != null && nfa.cosine !== null ? [centeredNfa.cosine - nfa.cosine] : [],
  );
  if (centered.length === 0) return `${lead} Where it is high, the weight has come to store what the outputs depend on.`;
  const gain = centered.reduce((sum, value) => sum + value, 0) / centered.length;
  if (gain >= 0.05)
    return `${lead} What training added (C-NFA) agrees better by ${formatFixed(gain, 2)} on average: the initial weights still blur the features that were learned.`;
  if (gain <= -0.05)
    return `${lead} What training added (C-NFA) agrees less, by ${formatFixed(-gain, 2)} on average: the agreement is owed to the initial weights too.`;
  return `${lead} What training added (C-NFA) agrees as well as the whole weight, within 0.05: training accounts for the weights’ features.`;
}
