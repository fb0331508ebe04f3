/** @file A program served by workerd, with the limits of Cloudflare's isolates, on a port of its choice. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { toolPath } from '../tools/tools.ts';

export interface WorkerdOptions {
  /** Folder of the program and its modules. */
  readonly folder: string;
  /** File of the program. */
  readonly main: string;
  /** Names under which the program imports `.wasm` files of the folder. */
  readonly modules: readonly string[];
  readonly bindings?: Readonly<Record<string, string>>;
  /** Of the engine; default: 64 MiB of WebAssembly memory and 128 MB of JavaScript objects: beyond them growth fails, or workerd stops. */
  readonly v8Flags?: readonly string[];
}

export interface Workerd {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

const V8_FLAGS = ['--wasm-max-mem-pages=1024', '--max-old-space-size=128'];

export async function serveWorkerd({ folder, main, modules, bindings = {}, v8Flags = V8_FLAGS }: WorkerdOptions): Promise<Workerd> {
  const list = (items: readonly string[]) => `[${items.join(', ')}]`;
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = ${list(v8Flags.map((flag) => JSON.stringify(flag)))},
  services = [(name = "main", worker = .program)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]);
const program :Workerd.Worker = (
  modules = ${list([
    `(name = ${JSON.stringify(main)}, esModule = embed ${JSON.stringify(main)})`,
    ...modules.map((name) => `(name = ${JSON.stringify(name)}, wasm = embed ${JSON.stringify(name.replace('./', ''))})`),
  ])},
  bindings = ${list(Object.entries(bindings).map(([name, text]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(text)})`))},
  compatibilityDate = "2026-04-01");
`;
  const path = join(folder, 'workerd.capnp');
  writeFileSync(path, config);
  const child = spawn(toolPath('workerd'), ['serve', path, '--control-fd=3'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
  const port = await listeningPort(child);
  return {
    url: `http://127.0.0.1:${port}/`,
    pid: child.pid as number,
    async close() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** workerd tells the port it chose on descriptor 3; what it says before it dies is the error. */
async function listeningPort(child: ChildProcess): Promise<number> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (said += text));
  const control = createInterface({ input: child.stdio[3] as NodeJS.ReadableStream });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`workerd ended with ${code}: ${said}`)));
    control.on('line', (line) => {
      const { event, port } = JSON.parse(line) as { event: string; port: number };
      if (event === 'listen') resolve(port);
    });
  });
}
