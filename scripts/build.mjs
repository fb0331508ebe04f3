/** The one build: AssemblyScript → build/routines.wasm (+ base64 module), TypeScript → dist/. `--routines` stops after the first. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const newest = (dir) => Math.max(...readdirSync(dir, { recursive: true }).map((f) => statSync(join(dir, f)).mtimeMs));

buildRoutines();
if (!process.argv.includes('--routines')) await buildLibrary();

function buildRoutines() {
  const out = join(root, 'build/routines-base64.ts');
  if (existsSync(out) && statSync(out).mtimeMs > Math.max(newest(join(root, 'assembly')), statSync(join(root, 'asconfig.json')).mtimeMs)) return;
  mkdirSync(join(root, 'build'), { recursive: true });
  for (const target of ['release', 'debug']) {
    execFileSync(process.execPath, ['node_modules/assemblyscript/bin/asc.js', '--config', 'asconfig.json', '--target', target], {
      cwd: root,
      stdio: 'inherit',
    });
  }
  const base64 = readFileSync(join(root, 'build/routines.wasm')).toString('base64');
  writeFileSync(out, `export const routinesBase64 =\n  '${base64}';\n`);
}

async function buildLibrary() {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: { index: 'src/index.ts', cli: 'src/cli/main.ts' },
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    legalComments: 'none',
  });
}
