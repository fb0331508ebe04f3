/**
 * @file The one build. Each step is skipped when its output is newer than its sources.
 *
 *   assembly/            → build/routines.wasm, .debug.wasm, .wat, routines-base64.ts     asc
 *   src/index.ts, cli    → dist/index.js, dist/cli.js, dist/routines.wasm                 esbuild
 *   src/index.ts         → dist/types/                                                    tsc
 *
 * `--routines` stops after the first step, `--javascript` after the second; `--bench` adds build/bench/ to the first two.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const flags = new Set(process.argv.slice(2));
for (const flag of flags) {
  if (!['--routines', '--javascript', '--bench'].includes(flag)) throw new Error(`build: unknown option ${flag}`);
}

buildRoutines();
if (!flags.has('--routines')) await buildJavascript();
if (flags.has('--bench')) await buildBench();
if (flags.size === 0) buildTypes();

function buildRoutines() {
  const base64 = 'build/routines-base64.ts';
  if (isFresh([base64, 'build/routines.debug.wasm'], ['assembly', 'asconfig.json', 'node_modules/assemblyscript/package.json'])) return;
  mkdirSync(join(root, 'build'), { recursive: true });
  for (const target of ['release', 'debug']) {
    run('node_modules/assemblyscript/bin/asc.js', ['--config', 'asconfig.json', '--target', target]);
  }
  const bytes = readFileSync(join(root, 'build/routines.wasm'));
  writeFileSync(join(root, base64), `export const routinesBase64 =\n  '${bytes.toString('base64')}';\n`);
}

async function buildJavascript() {
  if (isFresh(['dist/index.js', 'dist/cli.js'], ['src', 'workers', 'build/routines-base64.ts', 'package.json'])) return;
  const stale = existsSync(join(root, 'dist')) ? readdirSync(join(root, 'dist')).filter((name) => /^chunk-.*\.js$/.test(name)) : [];
  const made = await bundle({ index: 'src/index.ts', cli: 'src/cli/main.ts' }, 'dist');
  for (const name of stale) if (!made.has(`dist/${name}`)) rmSync(join(root, 'dist', name));
  chmodSync(join(root, 'dist/cli.js'), 0o755);
  copyFileSync(join(root, 'build/routines.wasm'), join(root, 'dist/routines.wasm'));
}

async function buildBench() {
  await bundle({ main: 'bench/main.ts' }, 'build/bench');
}

function buildTypes() {
  if (isFresh(['dist/types/src/index.d.ts'], ['src', 'tsconfig.json', 'tsconfig.types.json'])) return;
  run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.types.json']);
}

/** Bundles and returns the files made, relative to the repository. */
async function bundle(entryPoints, outdir) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    alias: { tangedge: './src/index.ts' },
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  return new Set(Object.keys(metafile.outputs));
}

function run(script, args) {
  execFileSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
}

/** Whether every output exists and is newer than every source. */
function isFresh(outputs, sources) {
  const made = Math.min(...outputs.map((path) => (existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : 0)));
  return made > Math.max(...sources.map((path) => newest(join(root, path))));
}

function newest(path) {
  if (!existsSync(path)) return 0;
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}
