/** @file renderReport: a Report as one page that needs nothing else: no network, no library, and no script to be read. */

import type { Report } from '../analysis/report.ts';
import { type Markup, markup, nothing, trusted } from './markup.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { COLOR_RAMPS, PAGE_STYLE } from './page-style.ts';
import { type Panel, panelSection } from './panel.ts';
import { alignmentPanel } from './panels/alignment.ts';
import { changePanel } from './panels/change.ts';
import { dynamicsPanel } from './panels/dynamics.ts';
import { featuresPanel } from './panels/features.ts';
import { pageHeader } from './panels/header.ts';
import { kernelPanel } from './panels/kernel.ts';
import { modelPanel } from './panels/model.ts';
import { provenanceFooter } from './panels/provenance.ts';
import { sharesPanel } from './panels/shares.ts';
import { spectrumPanel } from './panels/spectrum.ts';

/**
 * The report as one self-contained HTML page. The same report gives the same bytes.
 *
 * Figures are static SVG and embedded images, so that the page prints and mails; a small script adds readouts and the choice
 * of palette. Its content security policy forbids every request. Strings of the report are escaped.
 *
 * @example
 * const page = renderReport(analyze(rt, { model, inputs: x, targets: y }));
 */
export function renderReport(report: Report): string {
  const panels = panelsOf(report);
  const contents = panels.map(({ id, title }, index) => markup`<a href="#${id}"><b>${index + 1}</b>${title}</a> `);
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="generator" content="tangedge ${report.provenance.version}">
<title>${report.title} – tangent kernel report</title>
<style>${trusted(PAGE_STYLE)}</style>
</head>
<body>
${colorFilters()}
<button class="theme" type="button" hidden>Dark</button>
<main>
${pageHeader(report)}
<nav aria-label="Contents">${contents}</nav>
${panels.map((panel, index) => panelSection(panel, index + 1))}
${provenanceFooter(report)}
</main>
<script>${trusted(PAGE_SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

/** Panels whose data are missing are left out; the alignment says why. */
function panelsOf(report: Report): Panel[] {
  const { alignment, features, change } = report;
  return [
    modelPanel(report),
    spectrumPanel(report),
    alignment ? alignmentPanel(report, alignment) : WITHOUT_TARGETS,
    kernelPanel(report),
    sharesPanel(report),
    ...(features.length > 0 ? [featuresPanel(report)] : []),
    dynamicsPanel(report),
    ...(change ? [changePanel(report, change)] : []),
  ];
}

const WITHOUT_TARGETS: Panel = {
  id: 'alignment',
  title: 'Alignment with the targets',
  shows: 'How the targets lie along the kernel’s eigenvectors.',
  concludes: 'No targets were given, so there is nothing to align with. Pass --targets to see it.',
  body: nothing,
};

/** The ramps as SVG filters: gray is looked up in a table of each channel. */
function colorFilters(): Markup {
  const channel = (colors: readonly string[], at: number) =>
    colors.map((color) => Math.round((Number.parseInt(color.slice(at, at + 2), 16) / 255) * 1000) / 1000).join(' ');
  const filters = Object.entries(COLOR_RAMPS).map(
    ([id, colors]) =>
      markup`<filter id="${id}" color-interpolation-filters="sRGB" x="0" y="0" width="100%" height="100%"><feComponentTransfer><feFuncR type="table" tableValues="${channel(colors, 1)}"/><feFuncG type="table" tableValues="${channel(colors, 3)}"/><feFuncB type="table" tableValues="${channel(colors, 5)}"/></feComponentTransfer></filter>`,
  );
  return markup`<svg class="filters" aria-hidden="true">${filters}</svg>`;
}
