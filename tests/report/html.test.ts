/** @file The page: the same bytes, nothing from a network, well-formed, every string escaped, whole when parts are missing. */

import { type Report, renderReport } from 'tangedge';
import { describe, expect, test } from 'vitest';
import { exampleReport } from './example-report.ts';

const report = await exampleReport();
const page = renderReport(report);

/** Everything but the style sheet and the script. */
function bodyOf(html: string): string {
  return html.replace(/<style>[\s\S]*?<\/style>/g, '').replace(/<script>[\s\S]*?<\/script>/g, '');
}

/** Names of elements that are opened and not closed, or closed and not open. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name, attributes] of bodyOf(html).matchAll(/<(\/?)([a-zA-Z][\w]*)((?:"[^"]*"|[^">])*)>/g)) {
    if (['meta', 'link', 'br', 'img'].includes(name) || attributes.endsWith('/')) continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

describe('the page', () => {
  test('is the same for the report and for its JSON', async () => {
    expect(renderReport(JSON.parse(JSON.stringify(await exampleReport())) as Report)).toBe(page);
  });

  test('asks for nothing: every source and link is in the page, and the policy forbids the rest', () => {
    const references = [...page.matchAll(/\s(?:src|href|srcset|action|data)="([^"]*)"/g)].map(([, target]) => target);
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((target) => !/^(#|data:image\/png;base64,)/.test(target))).toEqual([]);
    expect(page.match(/url\((?!#)/g)).toBeNull();
    expect(page).not.toMatch(/@import|fetch\(|XMLHttpRequest|import\(/);
    expect(page).toContain("default-src 'none'");
  });

  test('closes every element it opens', () => {
    expect(unbalanced(page)).toEqual([]);
  });

  test('has a title and a label on every picture, and a name on every section', () => {
    const pictures = [...page.matchAll(/<svg [^>]*role="img" aria-label="([^"]*)"[^>]*>\s*<title>([^<]*)<\/title>/g)];
    expect(pictures.length).toBe([...page.matchAll(/role="img"/g)].length);
    expect(pictures.filter(([, label, title]) => label === '' || title === '')).toEqual([]);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, name] of page.matchAll(/aria-labelledby="([^"]+)"/g)) expect(ids).toContain(name);
  });

  test('shows no number that is none', () => {
    expect(bodyOf(page)).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  test('has all nine panels, each with what it shows and what to conclude', () => {
    const sections = [...page.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id);
    expect(sections).toEqual(['model', 'spectrum', 'alignment', 'kernel', 'shares', 'features', 'dynamics', 'change', 'signatures']);
    for (const kind of ['shows', 'concludes']) {
      const sentences = [...page.matchAll(new RegExp(`<p class="${kind}">([^<]*)</p>`, 'g'))].map(([, text]) => text);
      expect(sentences.length).toBe(sections.length);
      expect(sentences.filter((text) => text.length < 40)).toEqual([]);
    }
  });
});

describe('what is missing', () => {
  test('no targets: the alignment panel says so, and nothing else breaks', async () => {
    const html = renderReport(await exampleReport(['targets']));
    expect(html).toContain('No targets were given');
    expect(unbalanced(html)).toEqual([]);
    expect(bodyOf(html)).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('no initial checkpoint: no panel of change', async () => {
    const html = renderReport(await exampleReport(['initial']));
    expect(html).not.toContain('id="change"');
    expect(unbalanced(html)).toEqual([]);
  });

  test('one sample with no weight is still a page', async () => {
    const bare: Report = {
      ...report,
      features: [],
      alignment: null,
      change: null,
      dynamics: { ...report.dynamics, maxStableLearningRate: null, learningRate: null, residual: null },
    };
    expect(unbalanced(renderReport(bare))).toEqual([]);
  });
});

test('names from files cannot become markup', async () => {
  const hostile = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\u0000`;
  const text = JSON.stringify(await exampleReport([], { classNames: [hostile, hostile, hostile] }));
  const named = JSON.parse(text.replaceAll('hidden.weight', JSON.stringify(hostile).slice(1, -1))) as Report;
  const source = { role: 'model', name: hostile, bytes: 1, sha256: hostile } as const;
  const html = renderReport({ ...named, title: hostile, provenance: { ...named.provenance, version: hostile, sources: [source], notes: [hostile] } });
  expect(html.match(/<script/g)).toHaveLength(1);
  expect(html).not.toMatch(/<img|onerror='/);
  expect(html).not.toContain('\u0000');
  expect(unbalanced(html)).toEqual([]);
});
