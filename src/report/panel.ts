/** @file The parts that every panel is made of: a numbered section, the two sentences beside it, tables and legends. */

import { type Markup, markup, nothing } from './markup.ts';

export interface Panel {
  readonly id: string;
  readonly title: string;
  /** What is drawn, in one sentence. */
  readonly shows: string;
  /** What follows from these numbers, in a sentence or two, with the threshold it rests on. */
  readonly concludes: string;
  readonly body: Markup;
}

export function panelSection({ id, title, shows, concludes, body }: Panel, number: number): Markup {
  return markup`<section id="${id}" aria-labelledby="${id}-title">
<header><h2 id="${id}-title"><span class="number">${number}</span>${title}</h2>
<p class="shows">${shows}</p>
<p class="concludes">${concludes}</p></header>
<div class="body">${body}</div>
</section>`;
}

export interface Column {
  readonly head: string;
  /** Numbers stand right. */
  readonly align?: 'left' | 'right';
}

export function table(caption: string, columns: readonly Column[], rows: readonly (readonly (string | Markup)[])[]): Markup {
  const side = (index: number) => (columns[index].align === 'right' ? 'right' : 'left');
  const head = columns.map(({ head: name }, index) => markup`<th scope="col" class="${side(index)}">${name}</th>`);
  const body = rows.map((cells) => markup`<tr>${cells.map((cell, index) => markup`<td class="${side(index)}">${cell}</td>`)}</tr>`);
  return markup`<div class="scroll"><table><caption class="hidden">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** A thin bar as long as a share of the widest. */
export function bar(share: number, className = ''): Markup {
  return markup`<span class="bar ${className}"><span style="width:${Math.round(share * 1000) / 10}%"></span></span>`;
}

/** Which line is which. Nothing when there is one only. */
export function legend(entries: readonly { readonly name: string; readonly className: string }[]): Markup {
  if (entries.length < 2) return nothing;
  return markup`<p class="legend">${entries.map(({ name, className }) => markup`<span class="key ${className}">${name}</span>`)}</p>`;
}
