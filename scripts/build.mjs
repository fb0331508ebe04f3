/**
 * @file The one build. Each step is skipped when its output is newer than its sources.
 *
 *   assembly/                → build/routines(.wide|.fused|.wide-fused).wasm, .wat, -base64.ts, routines.debug.wasm   asc, pair-products.mjs,
 *                                                                                                             splat-offsets.mjs
 *   src/index.ts, cli        → dist/index.node.js, index.web.js, index.workerd.js, cli.js, routines.wasm      esbuild
 *   build/routines.fused-base64.ts → dist/routines.fused.js                                                   esbuild
 *   workers/node.ts, web.ts  → dist/worker.node.js, worker.web.js                                             esbuild
 *   workers/cloudflare.ts    → dist/cloudflare.js                                                             esbuild
 *   playground               → build/playground/: index.html, main.js, analysis-worker.js, style.css, demo/ …        esbuild
 *   src/index.ts             → dist/types/                                                                    tsc
 *
 * One build per runtime, chosen by package.json's exports: Node and Bun take the packages they depend on from
 * node_modules; the web build (browsers, Deno) holds everything in a file; workerd compiles no bytes, so its build
 * imports routines.wasm where the others have it built in.
 *
 * `--routines` stops after the first step, `--javascript` after the library's; `--bench` adds build/bench/, `--playground` build/playground/.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { pairProducts } from './pair-products.mjs';
import { editsBetween, withoutSplatOffsets } from './splat-offsets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const flags = new Set(process.argv.slice(2));
for (const flag of flags) {
  if (!['--routines', '--javascript', '--bench', '--playground'].includes(flag)) throw new Error(`build: unknown option ${flag}`);
}

/** The modules that are shipped: target in asconfig.json, and file in build/. */
const MODULES = { release: 'routines', wide: 'routines.wide', fused: 'routines.fused', 'wide-fused': 'routines.wide-fused' };

/** What asc says when its last round of optimization made nothing smaller: the round before counts. */
const CONVERGED = 'Last converge was suboptimal.';

await buildRoutines();
if (!flags.has('--routines')) await buildJavascript();
if (flags.has('--bench')) await buildBench();
if (flags.has('--playground')) await buildPlayground();
if (flags.size === 0) await buildTypes();

async function buildRoutines() {
  const texts = Object.values(MODULES).map((file) => `build/${file}-base64.ts`);
  if (
    isFresh(
      [...texts, 'build/routines.debug.wasm'],
      ['assembly', 'asconfig.json', 'node_modules/assemblyscript/package.json', 'scripts/pair-products.mjs', 'scripts/splat-offsets.mjs'],
    )
  )
    return;
  mkdirSync(join(root, 'build'), { recursive: true });
  const compile = (target) => run('node_modules/assemblyscript/bin/asc.js', ['--config', 'asconfig.json', '--target', target]);
  await Promise.all([...Object.keys(MODULES), 'debug'].map(compile));
  for (const file of Object.values(MODULES)) {
    const text = pairProducts(readFileSync(join(root, `build/${file}.wat`), 'utf8'), file.includes('wide') ? 4 : 2); // in 256 bits four products are two
    const bytes = await assembled(file, text);
    writeFileSync(join(root, `build/${file}.wat`), text);
    writeFileSync(join(root, `build/${file}.wasm`), bytes);
    const constants = { base64: bytes };
    if (file === MODULES.release) constants.edits = editsBetween(bytes, await assembled(file, withoutSplatOffsets(text)));
    const base64Of = ([name, value]) => `export const ${name}: string =\n  '${Buffer.from(value).toString('base64')}';\n`;
    writeFileSync(join(root, `build/${file}-base64.ts`), Object.entries(constants).map(base64Of).join(''));
  }
}

/** The bytes of a module in the text format. */
async function assembled(file, text) {
  const { default: binaryen } = await import('binaryen');
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All);
  if (!module.validate()) throw new Error(`build: build/${file}.wat is no valid module once its text is rewritten`);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

async function buildJavascript() {
  const outputs = ['index.node.js', 'index.web.js', 'index.workerd.js', 'cloudflare.js', 'cli.js'].map((name) => `dist/${name}`);
  if (isFresh(outputs, ['src', 'workers', 'build/routines-base64.ts', 'package.json', 'scripts/build.mjs'])) return;
  const made = new Set(
    (
      await Promise.all([
        bundleForNode({ 'index.node': 'src/index.ts', cli: 'src/cli/main.ts', 'worker.node': 'workers/node.ts' }, 'dist', [fusedModuleBeside()]),
        bundleForWeb({ 'index.web': 'src/index.ts' }, []),
        bundleForWeb({ 'worker.web': 'workers/web.ts' }, [without('fused')]),
        bundleForWeb({ 'index.workerd': 'src/index.ts', cloudflare: 'workers/cloudflare.ts' }, [importedModule(), without('fused')]),
        bundle({ entryPoints: { 'routines.fused': 'build/routines.fused-base64.ts' }, outdir: 'dist' }),
      ])
    ).flat(),
  );
  for (const name of readdirSync(join(root, 'dist'))) {
    if (name.endsWith('.js') && !made.has(`dist/${name}`)) rmSync(join(root, 'dist', name));
  }
  chmodSync(join(root, 'dist/cli.js'), 0o755);
  copyFileSync(join(root, 'build/routines.wasm'), join(root, 'dist/routines.wasm'));
}

async function buildBench() {
  await bundleForNode({ main: 'bench/main.ts', mode: 'bench/mode.ts' }, 'build/bench');
  if (isFresh(['build/bench/roof.wasm'], ['bench/roof'])) return;
  await run('node_modules/assemblyscript/bin/asc.js', ['--config', 'bench/roof/asconfig.json', '--target', 'release']);
}

/** A folder that any server of files can serve: with the pool's worker, the files of the demo, and the report's style before its own. */
async function buildPlayground() {
  const outdir = 'build/playground';
  if (isFresh([`${outdir}/index.html`], ['playground', 'dist/worker.web.js', 'demo', 'scripts/build.mjs'])) return;
  rmSync(join(root, outdir), { recursive: true, force: true });
  await bundleForWeb({ main: 'playground/main.ts', 'analysis-worker': 'playground/analysis-worker.ts' }, [], outdir);
  const { PAGE_STYLE } = await importTypeScript('src/report/page-style.ts');
  writeFileSync(join(root, outdir, 'style.css'), PAGE_STYLE + readFileSync(join(root, 'playground/style.css'), 'utf8'));
  mkdirSync(join(root, outdir, 'demo'));
  for (const name of ['model.onnx', 'initial.onnx', 'digits.npz']) copyFileSync(join(root, 'demo', name), join(root, outdir, 'demo', name));
  copyFileSync(join(root, 'dist/worker.web.js'), join(root, outdir, 'worker.web.js'));
  for (const name of ['frame.html', 'index.html']) copyFileSync(join(root, 'playground', name), join(root, outdir, name));
}

async function importTypeScript(path) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({ absWorkingDir: root, entryPoints: [path], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
}

async function buildTypes() {
  if (isFresh(['dist/types/src/index.d.ts'], ['src', 'workers', 'tsconfig.json', 'tsconfig.types.json'])) return;
  await run('node_modules/typescript/bin/tsc', ['-p', 'tsconfig.types.json']);
}

/** For Node: shared chunks, packages stay imports. Returns the files made, relative to the repository. */
function bundleForNode(entryPoints, outdir, plugins = []) {
  return bundle({ entryPoints, outdir, splitting: true, platform: 'node', target: 'node20.19', packages: 'external', plugins });
}

/**
 * For runtimes without node_modules: each entry point is one file, without the wide modules, which only Node can run. The fused
 * module is a file of its own, fetched when it is asked for; workers are sent it, since not every bundler divides a worker.
 */
function bundleForWeb(entryPoints, plugins, outdir = 'dist') {
  const footer = { js: 'export {};' }; // a worker exports nothing, and checkers would take it for CommonJS
  return bundle({
    entryPoints,
    outdir,
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    footer,
    plugins: [...plugins, without('wide'), fusedModuleBeside()],
  });
}

/** Puts the module that refuses a mode in the place of the one that loads it. */
function without(mode) {
  return {
    name: `without ${mode} mode`,
    setup({ onResolve }) {
      onResolve({ filter: new RegExp(`^\\./${mode}\\.ts$`) }, () => ({ path: join(root, `src/wasm/${mode}-absent.ts`) }));
    },
  };
}

/** One file for all builds in dist/. */
function fusedModuleBeside() {
  return {
    name: 'fused module beside',
    setup({ onResolve }) {
      onResolve({ filter: /\/routines\.fused-base64\.ts$/ }, () => ({ path: './routines.fused.js', external: true }));
    },
  };
}

/** Puts an import of ./routines.wasm, which workerd compiles when it loads the program, in the place of the built-in bytes. */
function importedModule() {
  return {
    name: 'imported module',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\/inline\.ts$/ }, () => ({ path: join(root, 'src/wasm/imported.ts') }));
      onResolve({ filter: /\/routines\.wasm$/ }, () => ({ path: './routines.wasm', external: true }));
    },
  };
}

async function bundle(options) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    alias: { tangedge: './src/index.ts' },
    legalComments: 'none',
    minifySyntax: true,
    logLevel: 'warning',
    metafile: true,
    ...options,
  });
  return Object.keys(metafile.outputs);
}

async function run(script, args) {
  const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: ['inherit', 'inherit', 'pipe'] });
  const closed = once(child, 'close');
  for await (const line of createInterface({ input: child.stderr })) if (line !== CONVERGED) console.error(line);
  const [status] = await closed;
  if (status !== 0) throw new Error(`build: ${script} ${args.join(' ')} ended with status ${status}`);
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
