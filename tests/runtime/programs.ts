/** @file The cases bundled as a user of each runtime would: `tangedge` is the installed package, resolved by its exports. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from '../structure/source-files.ts';

const BINARY = { '.npy': 'binary', '.npz': 'binary', '.onnx': 'binary', '.safetensors': 'binary' } as const;

/** Writes script.mjs (Node, Deno, Bun), page.js (browsers) and workerd.js into a folder in which `tangedge` is installed. */
export async function buildPrograms(folder: string): Promise<void> {
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "dependencies": { "tangedge": "*" } }');
  symlinkSync(ROOT, join(folder, 'node_modules/tangedge'));
  const shared = { absWorkingDir: ROOT, bundle: true, format: 'esm', target: 'es2022', outdir: folder, logLevel: 'warning' } as const;
  await Promise.all([
    build({
      ...shared,
      entryPoints: { script: 'tests/runtime/hosts/script.ts', page: 'tests/runtime/hosts/page.ts' },
      outExtension: { '.js': '.mjs' },
      external: ['tangedge', 'node:*'],
      loader: { ...BINARY, '.wasm': 'binary' },
    }),
    build({
      ...shared,
      entryPoints: { workerd: 'tests/runtime/hosts/workerd.ts' },
      conditions: ['workerd', 'worker', 'browser'],
      // Without the repository's tsconfig.json, which would take `tangedge` for src/index.ts.
      tsconfigRaw: {},
      loader: { ...BINARY, '.wasm': 'copy' },
      assetNames: '[name]',
    }),
  ]);
}
