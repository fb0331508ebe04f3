/** @file renderExperiment: the report of a reproduction as one page that needs nothing else. */

import type { Check, DataTable, ExperimentReport } from '../experiments/experiment-report.ts';
import { figurePlot } from './figure.ts';
import { formatNumber, plural } from './format.ts';
import { type Markup, markup, nothing } from './markup.ts';
import { pageOf } from './page.ts';
import { type Panel, panelSection, table } from './panel.ts';

/**
 * The report of an experiment as one self-contained HTML page. The same report gives the same bytes.
 *
 * @example
 * const page = renderExperiment(await runExperiment(rt, experimentNamed('nfa-early')));
 */
export function renderExperiment(report: ExperimentReport): string {
  const { title, claim, source, name, conclusion, checks, holds } = report;
  const failed = checks.filter((check) => !check.holds).length;
  const verdict = holds
    ? `${plural(checks.length, 'check')}, all hold`
    : `${failed} of ${plural(checks.length, 'check')} ${failed === 1 ? 'fails' : 'fail'}`;
  const header = markup`<header class="page">
<p class="kicker">Reproduction · ${name}</p>
<h1>${title}</h1>
<p class="subject">${source} · <span class="${holds ? 'holds' : 'fails'}">${verdict}</span></p>
<p class="conclusion">${conclusion}</p>
</header>`;
  const panels = panelsOf(report).map((panel, index) => panelSection(panel, index + 1));
  return pageOf(
    { title: `${title} – tangedge reproduce ${name}`, version: report.version },
    markup`${header}
<p class="claim"><b>The claim.</b> ${claim}</p>
${panels}
${footer(report)}`,
  );
}

function panelsOf(report: ExperimentReport): Panel[] {
  const { checks, figures, tables } = report;
  return [
    {
      id: 'figures',
      title: 'What it looks like',
      shows: figures.map(({ title }) => title).join('; '),
      concludes: 'The plot of the source’s figure, from this run. Point at a curve, or use the arrow keys, to read it.',
      body: figuresBody(report),
    },
    {
      id: 'checks',
      title: 'Expected and measured',
      shows: 'Each number that the claim rests on, beside what was expected of it before it was measured.',
      concludes: checks.every(({ holds }) => holds)
        ? 'All hold.'
        : `Not all hold: ${checks
            .filter(({ holds }) => !holds)
            .map(({ name }) => name)
            .join('; ')}.`,
      body: checkTable(checks),
    },
    ...(tables.length > 0
      ? [
          {
            id: 'tables',
            title: 'The numbers',
            shows: 'Every run of the experiment, as measured.',
            concludes: 'report.json beside this page has them in full precision.',
            body: markup`${tables.map(dataTable)}`,
          },
        ]
      : []),
  ];
}

function figuresBody({ figures }: ExperimentReport): Markup {
  if (figures.length === 0) return nothing;
  if (figures.length === 1) return figurePlot(figures[0], { width: 760, height: 400 });
  return markup`<div class="pair">${figures.map((figure) => figurePlot(figure, { width: 376, height: 300 }))}</div>`;
}

function checkTable(checks: readonly Check[]): Markup {
  const rows = checks.map((check) => [
    markup`<span class="wrap"><span class="${check.holds ? 'holds' : 'fails'}">${check.holds ? '✓' : '✗'}</span> ${check.name}</span>`,
    expectation(check),
    formatNumber(check.measured, 5),
  ]);
  return table('Checks', [{ head: 'Quantity' }, { head: 'Expected' }, { head: 'Measured', align: 'right' }], rows);
}

/** `0.524 ± 0.001`, `≥ 0.5`, `≤ 2`. */
export function expectation({ relation, expected, tolerance }: Check): string {
  switch (relation) {
    case 'near':
      return `${formatNumber(expected, 6)} ± ${formatNumber(tolerance, 2)}`;
    case 'above':
      return `≥ ${formatNumber(expected + tolerance, 5)}`;
    case 'below':
      return `≤ ${formatNumber(expected - tolerance, 5)}`;
    default:
      return relation satisfies never;
  }
}

function dataTable({ title, columns, rows }: DataTable): Markup {
  const numeric = columns.map((_, column) => rows.every((row) => typeof row[column] !== 'string'));
  const heads = columns.map((head, column) => ({ head, align: numeric[column] ? ('right' as const) : ('left' as const) }));
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? cell : formatNumber(cell, 4))));
  return markup`<div><h3>${title}</h3>${table(title, heads, cells)}</div>`;
}

function footer({ settings, seed, size, version, name }: ExperimentReport): Markup {
  const rows = [
    ['seed', String(seed)],
    ...settings.map((setting) => [setting.name, typeof setting.value === 'number' ? formatNumber(setting.value, 6) : setting.value]),
  ];
  return markup`<footer id="provenance"><h2>Set-up</h2>
${table('Set-up', [{ head: '' }, { head: '' }], rows)}
<p>tangedge ${version}: <code>tangedge reproduce ${name}${size === 'full' ? ' --full' : ''} --seed ${seed}</code>. The same version and seed give the same bytes of this page, on any machine.</p>
</footer>`;
}
