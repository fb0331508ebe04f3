/** @file The packed package in projects that use it, with the programs of README.md: the kernel of a golden case is right in each. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readNpy } from 'tangedge';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium, serveFiles } from '../runtime/browser.ts';
import { serveWorkerd } from '../runtime/workerd.ts';
import { ROOT } from '../structure/source-files.ts';
import { toolModule, toolPath, toolsAre } from '../tools/tools.ts';
import { type Consumer, installConsumer } from './consumer.ts';
import { recipe } from './recipes.ts';

let consumer: Consumer;
beforeAll(() => {
  consumer = installConsumer();
}, 120_000);
afterAll(() => consumer.remove());

/** Alignment and largest eigenvalue of the golden kernel, which every program reports, within the rounding of either. */
function checkResult(result: { alignment: number; largest: number }): void {
  const { ktaUncentered, eigenvaluesAscending } = JSON.parse(readFileSync(join(ROOT, 'tests/golden/onnx/mlp-relu/expected.json'), 'utf8'));
  expect(Math.abs(result.alignment - ktaUncentered)).toBeLessThanOrEqual(1e-10);
  expect(Math.abs(result.largest / eigenvaluesAscending.at(-1) - 1)).toBeLessThanOrEqual(1e-10);
}

/** What a recipe computed, printed as JSON. */
const REPORTED = 'console.log(JSON.stringify({ alignment, largest: values.at(-1) }));';

describe('programs', () => {
  test('Node', async () => {
    consumer.write('node.js', `${recipe('main.js, Node')}\n${REPORTED}`);
    checkResult(JSON.parse(await consumer.run(process.execPath, ['node.js'])));
  });

  test('the command', async () => {
    const program = join(consumer.folder, 'node_modules/.bin/tangedge');
    const stdout = await consumer.run(program, ['--version']);
    expect(stdout).toBe(`${JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version}\n`);
    await consumer.run(program, ['ntk', 'model.onnx', '--inputs', 'x.npy', '--outputs', 'trace', '--out', 'k.npy']);
    expect(readNpy(readFileSync(join(consumer.folder, 'k.npy'))).shape).toEqual([12, 12]);
  });

  test.runIf(toolsAre('bun'))('Bun', async () => {
    consumer.write('bun.js', `${recipe('main.js, Node')}\n${REPORTED}`);
    checkResult(JSON.parse(await consumer.run(toolPath('bun'), ['bun.js'])));
  });

  test.runIf(toolsAre('deno'))('Deno, type-checked', async () => {
    consumer.write('deno.ts', `${recipe('main.ts, Deno')}\n${REPORTED}`);
    checkResult(JSON.parse(await consumer.run(toolPath('deno'), ['run', '--quiet', '--check', '--allow-read', 'deno.ts'])));
  });
});

describe('types', () => {
  const program = `${'import { loadRuntime, importOnnx, empiricalNtk, TangedgeError, type Report, type Tensor } from "tangedge";'}
    const rt = await loadRuntime({ memoryLimit: 1e6 });
    export const kernel = (bytes: Uint8Array, x: Tensor): Tensor => empiricalNtk(rt, importOnnx(bytes), x, { outputs: 'trace' });
    export const samples = (report: Report): number => report.data.samples;
    export const code = (error: TangedgeError): string => error.code;
    // @ts-expect-error an option's value that there is none of
    empiricalNtk(rt, importOnnx(new Uint8Array()), { shape: [], data: new Float64Array() }, { outputs: 'all' });`;
  const options = { strict: true, target: 'ES2022', lib: ['ES2022'], types: [], skipLibCheck: false, noEmit: true };

  test.each([
    ['NodeNext', 'NodeNext', undefined],
    ['Bundler', 'ESNext', 'bundler'],
  ])('%s, with the language’s own library alone: neither DOM nor Node', async (name, module, moduleResolution) => {
    const folder = `types-${name}`;
    consumer.write(`${folder}/main.ts`, program);
    consumer.write(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions: { ...options, module, moduleResolution }, files: ['main.ts'] }));
    await consumer.run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], folder);
  });
});

/** Minified, webpack's bundle takes 20 s of a core that does nothing else. */
const MINIFIED = { timeout: 240_000 };

describe('bundlers', () => {
  /** Opens a page of built files and waits for its `result`. */
  async function resultInChromium(files: string): Promise<{ alignment: number; largest: number }> {
    const server = await serveFiles((path) => {
      if (path === '/') return { file: join(files, 'index.html') };
      return { file: join(['/model.onnx', '/x.npy', '/y.npy'].includes(path) ? consumer.folder : files, path) };
    });
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const failed = new Promise<never>((_, reject) => page.on('pageerror', reject));
      await page.goto(server.url);
      const done = page.evaluate<{ alignment: number; largest: number }>(
        'new Promise((done) => { const wait = () => globalThis.result ? done(result) : setTimeout(wait, 20); wait(); })',
      );
      return await Promise.race([done, failed]);
    } finally {
      await browser.close();
      await server.close();
    }
  }

  const HTML = '<!doctype html><title>page</title><script type="module" src="./main.js"></script>';
  const REPORTED_ON_PAGE = 'globalThis.result = { alignment, largest: values.at(-1) };';

  test.runIf(toolsAre('vite', 'playwright-core', 'chromium'))('Vite', async () => {
    consumer.write('vite/index.html', HTML);
    consumer.write('vite/main.js', `${recipe('main.js, browser')}\n${REPORTED_ON_PAGE}`);
    await consumer.run(toolPath('vite'), ['build', '--logLevel', 'warn'], 'vite');
    checkResult(await resultInChromium(join(consumer.folder, 'vite/dist')));
  });

  test.runIf(toolsAre('webpack', 'playwright-core', 'chromium'))('webpack', MINIFIED, async () => {
    consumer.write('webpack/main.js', `${recipe('main.js, browser')}\n${REPORTED_ON_PAGE}`);
    const context = join(consumer.folder, 'webpack');
    const webpack = toolModule<(config: object, done: (error: Error | null, stats: { toJson(): { errors: object[] } }) => void) => void>('webpack');
    const output = { path: join(context, 'dist'), filename: 'main.js' };
    const optimization = { minimize: process.env.TANGEDGE_TEST_CASES === 'all' }; // four fifths of the time; Vite's build is minified always
    const config = { mode: 'production', context, entry: './main.js', target: 'web', output, optimization };
    const errors = await new Promise((resolve) => webpack(config, (error, stats) => resolve(error ? [error] : stats.toJson().errors)));
    expect(errors).toEqual([]);
    consumer.write('webpack/dist/index.html', HTML);
    checkResult(await resultInChromium(join(context, 'dist')));
  });

  test.runIf(toolsAre('wrangler', 'workerd'))('wrangler: the bundle of a dry run, in workerd', async () => {
    consumer.write('wrangler/worker.js', recipe('worker.js, Cloudflare'));
    consumer.write('wrangler/wrangler.json', JSON.stringify({ name: 'consumer', main: 'worker.js', compatibility_date: '2026-04-01' }));
    await consumer.run(toolPath('wrangler'), ['deploy', '--dry-run', '--outdir', 'dist'], 'wrangler');
    const folder = join(consumer.folder, 'wrangler/dist');
    const modules = readdirSync(folder).filter((name) => name.endsWith('.wasm'));
    const server = await serveWorkerd({ folder, main: 'worker.js', modules: modules.map((name) => `./${name}`) });
    try {
      const form = new FormData();
      for (const [field, name] of [
        ['model', 'model.onnx'],
        ['inputs', 'x.npy'],
        ['targets', 'y.npy'],
      ]) {
        form.set(field, new Blob([readFileSync(join(consumer.folder, name))]), name);
      }
      const response = await fetch(server.url, { method: 'POST', body: form });
      expect(response.status, await response.clone().text()).toBe(200);
      checkResult((await response.json()) as { alignment: number; largest: number });
    } finally {
      await server.close();
    }
  });
});
