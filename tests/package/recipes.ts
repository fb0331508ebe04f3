/** @file The code blocks of README.md, by the name that their first line gives: `// main.js` or `# …`. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../structure/source-files.ts';

/** The block whose first line is a comment that begins with `name`. */
export function recipe(name: string): string {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const blocks = [...readme.matchAll(/^```\w+\n(.*?)^```/gms)].map(([, text]) => text);
  const found = blocks.filter((text) => text.startsWith(`// ${name}`));
  if (found.length !== 1) throw new Error(`README.md has ${found.length} blocks that begin with // ${name}`);
  return found[0];
}
