/** @file What a result is worth without: the commit, the processor, the runtime. */

import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

export interface Machine {
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly runtime: string;
}

export function machine(): Machine {
  const [cpu] = cpus();
  return {
    commit: commitOf(),
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    runtime: `Node ${process.versions.node} (V8 ${process.versions.v8})`,
  };
}

function commitOf(): string {
  try {
    const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    const dirty = execFileSync('git', ['status', '--porcelain', '--untracked-files=no'], { encoding: 'utf8' }).trim() !== '';
    return dirty ? `${commit}+changes` : commit;
  } catch {
    return 'unknown';
  }
}
