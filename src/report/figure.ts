/** @file A Figure as SVG: curves with a categorical palette, shaded bands, marked levels, readouts. */

import type { Band, Curve, Figure, Level } from '../experiments/experiment-report.ts';
import { formatNumber } from './format.ts';
import { type Markup, markup, nothing } from './markup.ts';
import { dots, drawnPositions, line, MARGINS, type Point, plot, type Readout } from './plot.ts';
import { extent, linearScale, logScale, round2, type Scale } from './scale.ts';

/** Colors that the style sheet names series-0, series-1, …; more curves begin again. */
export const SERIES_COLORS = 8;
/** Points whose values are readable one by one; longer curves are lines alone. */
const MOST_DOTS = 60;
/** Readouts of all curves together: enough for the pointer, few enough for the page. */
const MOST_READOUTS = 400;
/** Room for the y label of a figure with bands. */
const LABEL_WIDTH = 70;

export interface FigureSize {
  readonly width: number;
  readonly height: number;
}

/** The figure under its title, with a legend when there is more than one curve. */
export function figurePlot(figure: Figure, { width, height }: FigureSize): Markup {
  const x = scaleFor(figure.xScale, xExtent(figure), [MARGINS.left + 8, width - MARGINS.right]);
  const y = scaleFor(figure.yScale, yExtent(figure), [height - MARGINS.bottom, MARGINS.top + (figure.bands.length > 0 ? 14 : 0)]);
  const drawn = figure.curves.map((curve) => drawnPoints(curve, figure, x, y));
  const readouts = figure.curves.flatMap((curve, index) => readoutsOf(curve, figure, drawn[index], Math.ceil(MOST_READOUTS / figure.curves.length)));
  const content = [
    ...figure.bands.map((band) => bandMark(band, x, y)),
    ...figure.curves.flatMap((curve, index) => curveMarks(curve, drawn[index], `series-${index % SERIES_COLORS}`)),
    ...figure.levels.map((level) => levelMark(level, x, y)),
  ];
  return markup`<figure class="chart"><h3>${figure.title}</h3>
${plot({ width, height, x, y, xLabel: figure.xLabel, yLabel: figure.yLabel, title: describe(figure), readouts }, content)}
${curveLegend(figure.curves)}</figure>`;
}

/** A segment of a curve between gaps, and where its points come from. */
interface DrawnPoint {
  readonly at: Point;
  readonly index: number;
}

/** Runs of consecutive drawable points. */
function drawnPoints(curve: Curve, figure: Figure, x: Scale, y: Scale): DrawnPoint[][] {
  const runs: DrawnPoint[][] = [];
  let run: DrawnPoint[] = [];
  for (const index of drawnPositions(curve.x.length, (position) => x(curve.x[position]))) {
    const value = curve.y[index];
    if (isDrawable(value, figure.yScale) && isDrawable(curve.x[index], figure.xScale)) {
      run.push({ at: [x(curve.x[index]), y(value)], index });
    } else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  }
  if (run.length > 0) runs.push(run);
  return runs;
}

function isDrawable(value: number | null, scale: 'linear' | 'log'): value is number {
  return value !== null && Number.isFinite(value) && (scale === 'linear' || value > 0);
}

function curveMarks(curve: Curve, runs: readonly DrawnPoint[][], className: string): Markup[] {
  const points = runs.map((run) => run.map(({ at }) => at));
  const count = points.reduce((sum, run) => sum + run.length, 0);
  const lines = curve.mark === 'points' ? [] : points.map((run) => line(run, curve.mark === 'dashed' ? `${className} dashed` : className));
  const withDots = curve.mark === 'points' || (curve.mark === 'line-points' && count <= MOST_DOTS);
  return withDots ? [...lines, dots(points.flat(), className, 2.8)] : lines;
}

function bandMark({ name, from, to }: Band, x: Scale, y: Scale): Markup {
  const [left, right] = [x(Math.max(from, x.domain[0])), x(Math.min(to, x.domain[1]))];
  if (!(right > left)) return nothing;
  const [bottom, top] = y.range;
  const middle = round2((left + right) / 2);
  // Labels keep clear of the y label, which stands above the left end of the axis.
  const fits = right - left > 6 * name.length + 6 && middle > x.range[0] + LABEL_WIDTH;
  const label = fits ? markup`<text class="tick middle" x="${middle}" y="${top - 2}">${name}</text>` : nothing;
  return markup`<rect class="band band-${name.replace(/\W/g, '')}" x="${left}" y="${top}" width="${round2(right - left)}" height="${round2(bottom - top)}"/>${label}`;
}

function levelMark({ name, value }: Level, x: Scale, y: Scale): Markup {
  const at = y(value);
  return markup`<line class="mark" x1="${x.range[0]}" x2="${x.range[1]}" y1="${at}" y2="${at}"/><text class="tick end level" x="${x.range[1]}" y="${round2(at - 6)}">${name}</text>`;
}

function readoutsOf(curve: Curve, figure: Figure, runs: readonly DrawnPoint[][], most: number): Readout[] {
  const points = runs.flat();
  const every = Math.max(1, Math.ceil(points.length / most));
  const prefix = figure.curves.length > 1 ? `${curve.name}: ` : '';
  return points
    .filter((_, position) => position % every === 0)
    .map(({ at, index }) => ({
      x: at[0],
      y: at[1],
      text: `${prefix}${figure.xLabel} ${formatNumber(curve.x[index], 4)}, ${formatNumber(curve.y[index], 4)}`,
    }));
}

function curveLegend(curves: readonly Curve[]): Markup {
  if (curves.length < 2) return nothing;
  const keys = curves.map(
    ({ name, mark }, index) => markup`<span class="key series-${index % SERIES_COLORS}${mark === 'dashed' ? ' dashed' : ''}">${name}</span>`,
  );
  return markup`<p class="legend">${keys}</p>`;
}

function xExtent({ curves, bands, xScale }: Figure): [number, number] {
  const values = [...curves.flatMap((curve) => curve.x), ...bands.flatMap(({ from, to }) => [from, to])];
  return widened(
    extent(values, (value) => xScale === 'linear' || value > 0),
    xScale,
  );
}

function yExtent({ curves, levels, yScale }: Figure): [number, number] {
  const values = [...curves.flatMap((curve) => curve.y.filter((value): value is number => value !== null)), ...levels.map(({ value }) => value)];
  const [low, high] = extent(values, (value) => yScale === 'linear' || value > 0);
  if (yScale === 'log') return widened([low, high], 'log');
  const margin = 0.04 * (high - low);
  // Shares and other small positive quantities are read against zero.
  return widened([low >= 0 && low < 0.4 * high ? 0 : low - margin, high + margin], 'linear');
}

/** A domain with two ends, where the data have one value. */
function widened([low, high]: [number, number], scale: 'linear' | 'log'): [number, number] {
  if (high > low) return [low, high];
  return scale === 'log' ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
}

function scaleFor(kind: 'linear' | 'log', domain: [number, number], range: [number, number]): Scale {
  return kind === 'log' ? logScale(domain, range) : linearScale(domain, range);
}

function describe({ title, curves, xLabel, yLabel }: Figure): string {
  const names = curves.length > 1 ? ` of ${curves.map(({ name }) => name).join(', ')}` : '';
  return `${title}: ${yLabel}${names} against ${xLabel}.`;
}
