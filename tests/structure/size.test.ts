/** @file Size budgets, gzipped: the compiled module below 60 kB, the JavaScript of the main job below 48 kB (kB = 1000 bytes). */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { ROOT } from './source-files.ts';

const gzippedBytes = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length;

test('build/routines.wasm', () => {
  const bytes = gzippedBytes(readFileSync(join(ROOT, 'build/routines.wasm')));
  expect(bytes).toBeGreaterThan(1000);
  expect(bytes).toBeLessThan(60_000);
});

/** Whole builds, not minified, routines included where they are built in. */
test.each([
  ['index.web.js', 348_000],
  ['index.workerd.js', 260_000],
  ['routines.wasm', 60_000],
])('dist/%s', (file, limit) => {
  expect(gzippedBytes(readFileSync(join(ROOT, 'dist', file)))).toBeLessThan(limit);
});

test('all of dist/ but the types', () => {
  const files = readdirSync(join(ROOT, 'dist')).filter((name) => !name.startsWith('types'));
  const bytes = files.reduce((sum, name) => sum + gzippedBytes(readFileSync(join(ROOT, 'dist', name))), 0);
  expect(bytes).toBeLessThan(1_630_000);
});

/** What a user of the library imports for the main job; the rest of the API is left out by tree shaking. */
const MAIN_JOB = `export { loadRuntime, importSpec, readSafetensors, readNpy, empiricalNtk, eigh, kernelTargetAlignment } from './src/index.ts';`;

test('the JavaScript of the main job, without the compiled module', async () => {
  const result = await build({
    absWorkingDir: ROOT,
    stdin: { contents: MAIN_JOB, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    plugins: [
      {
        name: 'leave out',
        setup: ({ onResolve }) => onResolve({ filter: /\/report\/|\/routines[.a-z-]*-base64\.ts$/ }, ({ path }) => ({ path, external: true })),
      },
    ],
    metafile: true,
  });
  const inputs = Object.keys(result.metafile.inputs);
  expect(inputs).toContain('src/core/tensor.ts');
  expect(inputs.filter((path) => path.includes('report/') || path.includes('cli/') || /routines[.a-z-]*-base64/.test(path))).toEqual([]);
  expect(gzippedBytes(result.outputFiles[0].contents)).toBeLessThan(48_000);
});
