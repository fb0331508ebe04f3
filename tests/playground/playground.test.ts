/** @file The playground in Chromium, against the command line's report, under its own content security policy. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { useScratch } from '../cli/run-program.ts';
import { type Browser, launchChromium, type Page } from '../runtime/browser.ts';
import { ROOT } from '../structure/source-files.ts';
import { toolsAre } from '../tools/tools.ts';
import { buildPlayground, download, drop, golden, openPlayground, type Served, servePlayground } from './served.ts';

const scratch = useScratch();
const text = (page: Page, id: string) => page.evaluate<string>(`document.getElementById('${id}').textContent`);
const DROPPED = ['y.npy', 'initial.onnx', 'x.npy', 'model.onnx'].map((name) => golden(`cnn-gap/${name}`));
/** Archives of tests/golden that have nothing for the place they are dropped on, and what is said of them. */
const REFUSED_ARCHIVES = [
  ['body', 'npy/empty.npz', 'empty.npz: no array in it is for inputs or targets; it has none. Save inputs as x and targets as y.'],
  [
    '#slots li:nth-child(2)',
    's05_cnn/expected.npz',
    'expected.npz: "f", "ntk", "ntk_pseudo", "ntk_trace" and 44 more could each be the inputs. Call the one to take x, or save it as x.npy.',
  ],
  [
    '#slots li:nth-child(3)',
    's04_linear2_eos/expected.npz',
    'expected.npz: no array in it is for targets; it has "f", "jacobian", "ntk_trace", "ntk_trace_param/0.weight" and 32 more. Save inputs as x and targets as y.',
  ],
  [
    'body',
    'npy/refused-bzip2.npz',
    'refused-bzip2.npz: readNpz: member "x.npy" has compression method 12; stored (0) and deflated (8) are read. Save with numpy.savez.',
  ],
] as const;
const FAILED = '#failure:not([hidden])';

describe.runIf(toolsAre('playwright-core', 'chromium'))('playground', () => {
  let browser: Browser;
  let served: Served;
  beforeAll(async () => {
    buildPlayground();
    [browser, served] = await Promise.all([launchChromium(), servePlayground()]);
    const [y, initial, x, model] = DROPPED;
    const outcomes = await Promise.all([
      scratch.run('demo', '--out', 'demo'),
      scratch.run('analyze', model, '--inputs', x, '--targets', y, '--initial', initial, '--out', 'dropped'),
    ]);
    for (const { status, stderr } of outcomes) expect(status, stderr).toBe(0);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await served.close();
  });

  /** Presses the button and collects what the progress bar and its line said. */
  async function runDemo(page: Page): Promise<{ value: number; tiles: string; time: string; seconds: number }[]> {
    await page.evaluate(`{
      globalThis.seen = [];
      let start;
      const [progress, tiles, time] = ['progress', 'tiles', 'time'].map((id) => document.getElementById(id));
      document.getElementById('demo').addEventListener('click', () => { start = performance.now() }, { capture: true });
      new MutationObserver(() => {
        seen.push({ value: progress.value, tiles: tiles.textContent, time: time.textContent, seconds: (performance.now() - start) / 1000 });
      }).observe(document.getElementById('work'), { subtree: true, childList: true, attributes: true });
    }`);
    await page.click('#demo');
    await page.waitForSelector('iframe');
    return page.evaluate('seen');
  }

  /** The time left is said while there is some, and is what the rest takes at the rate so far. */
  function checkTimeLeft(seen: Awaited<ReturnType<typeof runDemo>>): void {
    const said = seen.filter(({ time }) => time !== '');
    expect(said.length).toBeGreaterThan(5);
    for (const { value, time, seconds } of said) {
      expect(time).toMatch(/^\d+ s left$/);
      const rest = (seconds * (1 - value)) / value;
      expect(Math.abs(Number.parseInt(time, 10) - rest), `${time} after ${seconds} s, at ${value}`).toBeLessThan(1 + 0.05 * rest);
    }
  }

  async function expectReport(page: Page, folder: string): Promise<void> {
    for (const [selector, name] of [
      ['#json', 'report.json'],
      ['#html', 'index.html'],
    ]) {
      const file = await download(page, selector);
      expect(file.name).toBe(name);
      expect(file.text === readFileSync(scratch.path(`${folder}/${name}`), 'utf8'), `${name} is the command line's`).toBe(true);
    }
  }

  test.each([
    ['without cross-origin isolation', []],
    ['with cross-origin isolation', ['--isolated']],
  ])('the demo %s: the bytes of `tangedge demo`, shown in the frame; progress moves; the policy is kept', async (_, options) => {
    const server = options.length > 0 ? await servePlayground(...options) : served;
    const { page, complaints } = await openPlayground(browser, server.url);
    try {
      expect(await page.evaluate('crossOriginIsolated')).toBe(options.length > 0);
      const seen = await runDemo(page);
      await expectReport(page, 'demo');
      const values = [...new Set(seen.map(({ value }) => value))];
      expect(values.length).toBeGreaterThan(5);
      expect(values).toEqual([...values].sort((a, b) => a - b));
      expect(seen.map(({ tiles }) => tiles)).toContainEqual(expect.stringMatching(/^\d+ of \d+ tiles, \d+(\.\d)? per second$/));
      checkTimeLeft(seen);
      await page.waitForSelector('iframe');
      const [, frame] = page.frames();
      const shown = await frame.evaluate<{
        heading: string;
        origin: string;
        figures: number;
        script: boolean;
        paper: string;
      }>(`new Promise((resolve) => {
        const look = () => document.querySelector('footer') && document.readyState === 'complete' ? resolve({
          heading: document.querySelector('h1').textContent, origin: self.origin, figures: document.querySelectorAll('main svg').length,
          script: !document.querySelector('.theme').hidden, paper: getComputedStyle(document.body).backgroundColor,
        }) : setTimeout(look, 20);
        look();
      })`);
      expect(shown).toMatchObject({
        heading: 'MLP 64–128–128–10 on UCI handwritten digits',
        origin: 'null',
        script: true,
        paper: 'rgb(252, 251, 248)',
      });
      expect(shown.figures).toBeGreaterThan(5);
      expect(complaints).toEqual([]);
      await page.evaluate(`document.head.append(Object.assign(document.createElement('style'), { textContent: 'p { color: red }' }))`);
      expect(complaints.join(), 'a violation is seen when there is one').toMatch(/style-src/);
    } finally {
      await page.close();
      if (server !== served) await server.close();
    }
  });

  test('dropped files find their places; the report has the bytes of `tangedge analyze`', async () => {
    const { page, complaints } = await openPlayground(browser, served.url);
    await drop(page, 'h1', ...DROPPED);
    await page.click('#analyze');
    await page.waitForSelector('iframe');
    await expectReport(page, 'dropped');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('a dropped .npz is its inputs and targets; the report has the bytes of `tangedge analyze … --inputs FILE.npz:x`', async () => {
    const [model, digits] = ['model.onnx', 'digits.npz'].map((name) => join(ROOT, 'demo', name));
    const { page, complaints } = await openPlayground(browser, served.url);
    await drop(page, 'h1', model, digits);
    await page.waitForSelector('#analyze:enabled');
    expect(await text(page, 'slots')).toMatch(/Inputsdigits\.npz:x .*Targetsdigits\.npz:y /);
    const [outcome] = await Promise.all([
      scratch.run('analyze', model, '--inputs', `${digits}:x`, '--targets', `${digits}:y`, '--out', 'archive'),
      page.click('#analyze').then(() => page.waitForSelector('iframe')),
    ]);
    expect(outcome.status, outcome.stderr).toBe(0);
    await expectReport(page, 'archive');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('bad files: one line that says what and where; good ones in their place are analyzed', async () => {
    const { page, complaints } = await openPlayground(browser, served.url);
    const failure = async (act: Promise<unknown>) => {
      await act;
      await page.waitForSelector(FAILED);
      return text(page, 'failure');
    };
    expect(await failure(drop(page, 'body', golden('PROVENANCE.md')))).toMatch(
      /^PROVENANCE\.md: it is neither a model .* nor an array \(\.npy, or \.npz\)\.$/,
    );
    for (const [place, archive, line] of REFUSED_ARCHIVES) {
      expect(await failure(drop(page, place, join(ROOT, 'tests/golden', archive)))).toBe(line);
    }
    await drop(page, 'body', golden('refused/unsupported-operator.onnx'), golden('mlp-relu/x.npy'));
    expect(await failure(page.click('#analyze'))).toMatch(/^model: importOnnx: node [^\n]+ \(NonZero\) is not supported\. [^\n]+\.$/);
    await drop(page, '#slots li', golden('mlp-relu/x.npy'));
    expect(await failure(page.click('#analyze'))).toMatch(/^model: importOnnx: [^\n]+$/);
    await page.setInputFiles('#model', golden('mlp-relu/model.onnx'));
    await page.setInputFiles('#inputs', golden('cnn-gap/x.npy'));
    expect(await failure(page.click('#analyze'))).toBe("inputs: x [12, 1, 8, 8] does not fit the model's input [64]: it must be [n, 64].");
    await page.setInputFiles('#inputs', golden('mlp-relu/x.npy'));
    await page.click('#analyze');
    await page.waitForSelector('iframe');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('cancel ends the analysis at once, and another can begin', async () => {
    const { page, complaints } = await openPlayground(browser, served.url);
    const waited = await page.evaluate<number>(`new Promise((resolve) => {
      const [demo, cancel, progress] = ['demo', 'cancel', 'progress'].map((id) => document.getElementById(id));
      new MutationObserver((_, observer) => {
        if (progress.value === 0) return;
        observer.disconnect();
        const start = performance.now();
        cancel.click();
        setTimeout(function look() { document.body.dataset.state === 'choosing' ? resolve(performance.now() - start) : setTimeout(look); });
      }).observe(progress, { attributes: true });
      demo.click();
    })`);
    expect(waited).toBeLessThan(500);
    expect(await page.evaluate(`document.getElementById('failure').hidden`)).toBe(true);
    expect(await page.evaluate(`document.querySelector('iframe')`)).toBe(null);
    await drop(page, 'h1', ...DROPPED);
    await page.click('#analyze');
    await page.waitForSelector('iframe');
    await expectReport(page, 'dropped');
    expect(complaints).toEqual([]);
    await page.close();
  });
});
