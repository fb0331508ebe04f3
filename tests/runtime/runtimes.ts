/** @file The runtimes, and how the cases are run in each. */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../structure/source-files.ts';
import { type Tool, toolPath, toolsAre } from '../tools/tools.ts';
import { launchChromium, serveFiles } from './browser.ts';
import type { Measured } from './measure.ts';
import { serveWorkerd } from './workerd.ts';

export interface JsRuntime {
  readonly name: string;
  /** Whether it is to be tested here. */
  readonly present: boolean;
  /** Runs the programs that `buildPrograms` wrote, in the default mode or in fused mode, in the first settings. */
  measure(folder: string, settings: number, mode?: 'fused'): Promise<Measured>;
}

const WIDE = join(ROOT, 'build/routines.wide.wasm');

export const RUNTIMES: readonly JsRuntime[] = [
  { name: `Node ${process.versions.node.split('.')[0]}`, present: true, measure: script(process.execPath, []) },
  // Where no runtime has the wide mode, its routines run on vectors of 128 bits.
  { name: 'wide routines', present: !toolsAre('node24'), measure: script(process.execPath, [], { RELEASE: WIDE }) },
  scriptRuntime('Node 24', 'node24', []),
  scriptRuntime('Node 24, wide mode', 'node24', ['--experimental-wasm-revectorize'], { RELEASE: WIDE }),
  scriptRuntime('Deno', 'deno', ['run', '--quiet', '--allow-env', '--allow-read']),
  scriptRuntime('Bun', 'bun', []),
  { name: 'workerd', present: toolsAre('workerd'), measure: measureInWorkerd },
  { name: 'Chromium', present: toolsAre('playwright-core', 'chromium'), measure: measureInChromium },
];

function scriptRuntime(name: string, tool: Tool, args: readonly string[], variables?: Variables): JsRuntime {
  return { name, present: toolsAre(tool), measure: script(toolPath(tool), args, variables) };
}

function script(program: string, args: readonly string[], variables?: Variables): JsRuntime['measure'] {
  return (folder, settings, mode) => measureScript(folder, program, args, { FIRST: `${settings}`, ...(mode ? { FUSED: '1' } : variables) });
}

/** What hosts/script.ts reads from the environment. */
type Variables = { readonly RELEASE?: string; readonly FIRST?: string; readonly FUSED?: '1' };

export async function measureScript(folder: string, program: string, args: readonly string[], variables: Variables = {}): Promise<Measured> {
  const env = { ...process.env, NODE_OPTIONS: '', DENO_NO_UPDATE_CHECK: '1', ...variables };
  const running = promisify(execFile)(program, [...args, 'script.mjs'], { cwd: folder, env, maxBuffer: 1 << 26 });
  // The error's own message would quote the bundle's longest line.
  const { stdout } = await running.catch(({ code, stderr }) => Promise.reject(new Error(`${program} ended with ${code}: ${stderr.slice(-1000)}`)));
  return JSON.parse(stdout) as Measured;
}

async function measureInWorkerd(folder: string, settings: number, mode?: 'fused'): Promise<Measured> {
  const modules = readdirSync(folder).filter((name) => name.endsWith('.wasm'));
  const server = await serveWorkerd({ folder, main: 'workerd.js', modules: modules.map((name) => `./${name}`) });
  try {
    const response = await fetch(new URL(mode ? `${mode}/${settings}` : `${settings}`, server.url));
    if (!response.ok) throw new Error(`workerd: ${response.status} ${await response.text()}`);
    return (await response.json()) as Measured;
  } finally {
    await server.close();
  }
}

/** The page is not cross-origin isolated: the digests do not need it. */
async function measureInChromium(folder: string, settings: number, mode?: 'fused'): Promise<Measured> {
  const html = `<!doctype html><script type="importmap">{ "imports": { "tangedge": "/dist/index.web.js" } }</script>
<script type="module" src="/page.mjs"></script>`;
  const server = await serveFiles((path) =>
    path === '/'
      ? { html }
      : path.startsWith('/dist/')
        ? { file: join(ROOT, path) }
        : path === '/page.mjs'
          ? { file: join(folder, path) }
          : undefined,
  );
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(server.url);
    if (errors.length > 0) throw new Error(`Chromium: ${errors.join('; ')}`);
    return await page.evaluate<Measured>(`measure(${mode ? `'${mode}'` : 'undefined'}, ${settings})`);
  } finally {
    await browser.close();
    await server.close();
  }
}
