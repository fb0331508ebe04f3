/**
 * @file Installs the programs that the tests run beside the package (tests/tools/package.json) into build/tools, unless they
 * are there: Node 24, Deno, Bun, wrangler with workerd, bundlers, checks of the package. They take 700 MB, so `npm ci` leaves them out.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'tests/tools');
const folder = join(root, 'build/tools');
const stamp = join(folder, 'installed.json');
const wanted = readFileSync(join(source, 'package-lock.json'), 'utf8');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(source, name), join(folder, name));
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  writeFileSync(stamp, wanted);
}
