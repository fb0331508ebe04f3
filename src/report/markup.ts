/** @file Markup: text that is safe to put into a page. The `markup` template escapes every value that is not Markup already. */

/** Text of an HTML or SVG fragment. Only `markup` and `trusted` make one. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Markup | readonly Markup[] | null;

/** Escapes the five characters that HTML and SVG give a meaning, and drops controls that XML forbids. */
export function escapeText(text: string): string {
  return text
    .replace(FORBIDDEN, '\uFFFD')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to remove
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** A fragment: strings and numbers are escaped, Markup is kept, lists are joined, null is nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let text = parts[0];
  values.forEach((value, i) => {
    text += textOf(value) + parts[i + 1];
  });
  return new Markup(text);
}

/** Text of our own that is markup as it stands (style sheet, script). Never give it anything that was read. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

export const nothing = new Markup('');

function textOf(value: Value): string {
  if (value === null) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  return value.map(({ text }) => text).join('');
}
