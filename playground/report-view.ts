/** @file The report: in a frame without an origin, and as the two files to download. */

import { element } from './element.ts';
import type { Finished } from './messages.ts';

export interface ReportView {
  show(report: Finished): void;
  clear(): void;
}

/**
 * Shows reports in `container`. A frame of this page's own bytes (srcdoc, blob:) would be under this page's policy, which forbids the
 * style and script inside a report; frame.html is served with a policy of its own, and is sent the page.
 */
export function reportView(container: HTMLElement): ReportView {
  let frame: HTMLIFrameElement | undefined;
  const links = [element<HTMLAnchorElement>('json'), element<HTMLAnchorElement>('html')];
  return {
    show({ title, json, html }) {
      element('title').textContent = title;
      const blobs = [new Blob([json], { type: 'application/json' }), new Blob([html], { type: 'text/html' })];
      for (const [index, link] of links.entries()) link.href = URL.createObjectURL(blobs[index]);
      frame = document.createElement('iframe');
      frame.title = `Report: ${title}`;
      frame.setAttribute('sandbox', 'allow-scripts');
      frame.src = 'frame.html';
      frame.addEventListener('load', ({ target }) => (target as HTMLIFrameElement).contentWindow?.postMessage(html, '*'), { once: true });
      container.hidden = false;
      container.append(frame);
      frame.focus();
    },
    clear() {
      for (const link of links) {
        URL.revokeObjectURL(link.href);
        link.removeAttribute('href');
      }
      frame?.remove();
      container.hidden = true;
    },
  };
}
