/** @file renderReport: a Report as one page that needs nothing else: no network, no library, and no script to be read. */

import type { Report } from '../analysis/report.ts';
import { markup, nothing } from './markup.ts';
import { pageOf } from './page.ts';
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
import { signaturePanel } from './panels/signatures.ts';
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
  return pageOf(
    { title: `${report.title} – tangent kernel report`, version: report.provenance.version },
    markup`${pageHeader(report)}
<nav aria-label="Contents">${contents}</nav>
${panels.map((panel, index) => panelSection(panel, index + 1))}
${provenanceFooter(report)}`,
  );
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
    signaturePanel(report.signatures, 'of the kernel its spectrum, of every weight its alignment beside ten random controls of the same spectrum'),
  ];
}

const WITHOUT_TARGETS: Panel = {
  id: 'alignment',
  title: 'Alignment with the targets',
  shows: 'How the targets lie along the kernel’s eigenvectors.',
  concludes: 'No targets were given, so there is nothing to align with. Pass --targets to see it.',
  body: nothing,
};
