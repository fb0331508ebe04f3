/** @file The page around every report: no network, no library, and no script to be read. */

import { type Markup, markup, trusted } from './markup.ts';
import { PAGE_SCRIPT } from './page-script.ts';
import { COLOR_RAMPS, PAGE_STYLE } from './page-style.ts';

export interface PageHead {
  readonly title: string;
  readonly version: string;
}

/** A whole HTML document with `content` as its main part. Its content security policy forbids every request. */
export function pageOf({ title, version }: PageHead, content: Markup): string {
  const page = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="generator" content="tangedge ${version}">
<title>${title}</title>
<style>${trusted(PAGE_STYLE)}</style>
</head>
<body>
${colorFilters()}
<button class="theme" type="button" hidden>Dark</button>
<main>
${content}
</main>
<script>${trusted(PAGE_SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

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
