/** @file A project that installs the packed package, as npm would publish it, and the programs that use it. */

import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../structure/source-files.ts';

export interface Consumer {
  readonly folder: string;
  write(name: string, text: string): void;
  /** Runs a program in the folder, or one below it; what it prints on stdout. */
  run(program: string, args: readonly string[], below?: string): Promise<string>;
  remove(): void;
}

/** The model and the data that the recipes name, of a golden case. */
const FILES = ['model.onnx', 'x.npy', 'y.npy'];

/** Builds what is stale and packs it into a folder; the path of the tarball. */
export function pack(folder: string): string {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, stdio: 'pipe' });
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);
}

/** Packs, installs with npm, and puts model.onnx, x.npy and y.npy beside. */
export function installConsumer(): Consumer {
  const folder = mkdtempSync(join(tmpdir(), 'tangedge-consumer-'));
  const tarball = pack(folder);
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }');
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', tarball], { cwd: folder });
  for (const name of FILES) cpSync(join(ROOT, 'tests/golden/onnx/mlp-relu', name), join(folder, name));
  return {
    folder,
    write(name, text) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    },
    async run(program, args, below = '.') {
      const env = {
        ...process.env,
        NODE_OPTIONS: '',
        NODE_ENV: '',
        DENO_NO_UPDATE_CHECK: '1',
        WRANGLER_SEND_METRICS: 'false',
        CI: '1',
        NO_COLOR: '1',
      };
      const running = promisify(execFile)(program, args, { cwd: join(folder, below), env, maxBuffer: 1 << 26 });
      const { stdout } = await running.catch(({ code, stdout: said, stderr }) =>
        Promise.reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${`${said}\n${stderr}`.slice(-2000)}`)),
      );
      return stdout;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
