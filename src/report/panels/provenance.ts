/** @file Panel: where the numbers come from, and by which conventions. */

import type { Report } from '../../analysis/report.ts';
import { formatBytes } from '../format.ts';
import { type Markup, markup, nothing } from '../markup.ts';
import { table } from '../panel.ts';

export function provenanceFooter({ provenance, data, model }: Report): Markup {
  const { version, dtype, sources, notes } = provenance;
  const shape = [data.samples, ...data.inputShape].join(' × ');
  const rows = sources.map(({ role, name, bytes, sha256 }) => [role, name, formatBytes(bytes), markup`<code>${sha256}</code>`]);
  const files =
    sources.length === 0 ? nothing : table('Files', [{ head: '' }, { head: 'File' }, { head: 'Size', align: 'right' }, { head: 'SHA-256' }], rows);
  return markup`<footer id="provenance"><h2>Provenance</h2>
<p>tangedge ${version}, ${dtype}, ${model.implementation}; inputs ${shape}, ${data.outputs} outputs. The same files give the same bytes of this page, on any machine.</p>
${notes.map((note) => markup`<p>${note}</p>`)}
${files}
<p class="muted">Conventions: Θ is summed over outputs, without 1/n. The loss is L = 1/(2n)·Σ|f − y|², mean over samples and sum over outputs. AGOP is the mean over samples and the sum over outputs and positions. Alignments and correlations are cosines. Eigenvalues that agree to rounding count as one eigenspace.</p>
</footer>`;
}
