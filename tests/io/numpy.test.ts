import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor, writeNpy } from 'tangedge';
import { describe, expect, test } from 'vitest';

/** A Python that has numpy, if this machine has one; the byte comparison in npy.test.ts needs none. */
const python = ['/usr/bin/python3', 'python3'].find((command) => {
  try {
    execFileSync(command, ['-c', 'import numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

describe.runIf(python !== undefined)('numpy reads what writeNpy writes', () => {
  test('shape, dtype, order and values, through numpy.load', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tangedge-npy-'));
    try {
      const file = join(directory, 'a.npy');
      const values = [1.5, -0, Number.MIN_VALUE, Number.MAX_VALUE, 0.1, -7];
      writeFileSync(file, writeNpy(tensor([3, 1, 2], values)));
      const program =
        'import numpy, sys; a = numpy.load(sys.argv[1]); print(a.dtype.str, a.shape, a.flags.c_contiguous, [v.hex() for v in a.ravel().tolist()])';
      const printed = execFileSync(python as string, ['-c', program, file], { encoding: 'utf8' });
      expect(printed.trim()).toBe(
        "<f8 (3, 1, 2) True ['0x1.8000000000000p+0', '-0x0.0p+0', '0x0.0000000000001p-1022', '0x1.fffffffffffffp+1023', '0x1.999999999999ap-4', '-0x1.c000000000000p+2']",
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
