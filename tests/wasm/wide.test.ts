/** @file Wide mode where it runs (Node 24 on a CPU with AVX2), and the one line that refuses it elsewhere. */

import { execFileSync } from 'node:child_process';
import { loadRuntime, TangedgeError } from 'tangedge';
import { expect, test } from 'vitest';
import { ROOT } from '../structure/source-files.ts';
import { toolPath, toolsAre } from '../tools/tools.ts';

const old = Number.parseInt(process.versions.node, 10) < 24;

test.runIf(old)('before Node 24: refused in one line that says what to do', async () => {
  const failure = await loadRuntime({ wide: true }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TangedgeError);
  expect((failure as TangedgeError).code).toBe('ERR_UNSUPPORTED');
  expect((failure as TangedgeError).message).toMatch(/^wide mode needs Node 24 .* this is Node \d+\.\d+\.\d+\. Leave the wide option out/);
});

test.runIf(toolsAre('node24'))('Node 24: a product has the same bits, and the runtime says that it is wide, or why it cannot be', () => {
  const script = `
    import { createHash } from 'node:crypto';
    import { loadRuntime, matmul } from './dist/index.node.js';
    const a = { shape: [150, 150], data: Float64Array.from({ length: 22500 }, (_, i) => Math.sqrt(i % 1013) - 16) };
    const digest = (rt) => createHash('sha256').update(matmul(rt, a, a).data).digest('hex');
    const usual = digest(await loadRuntime());
    try {
      const rt = await loadRuntime({ wide: true });
      console.log(JSON.stringify({ wide: rt.wide, same: digest(rt) === usual }));
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`;
  const output = execFileSync(toolPath('node24'), ['--input-type=module', '--eval', script], { cwd: ROOT, encoding: 'utf8' });
  const result = JSON.parse(output);
  if (result.code === undefined) expect(result).toEqual({ wide: true, same: true });
  else expect(result).toEqual({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('no faster') });
});
