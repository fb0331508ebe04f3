/** @file The Cloudflare Worker in workerd, over HTTP: the bits of Node, within the 128 MB of an isolate. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { initializeSpec, loadRuntime, uniformArray, writeNpy, writeSafetensors } from 'tangedge';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EDGE_LIMITS, limitsFrom } from '../../src/http/limits.ts';
import { AnalysisService } from '../../src/http/service.ts';
import wrangler from '../../wrangler.json' with { type: 'json' };
import { serveWorkerd, type Workerd } from '../runtime/workerd.ts';
import { ROOT } from '../structure/source-files.ts';
import { toolPath, toolsAre } from '../tools/tools.ts';
import { type Fields, formOf, golden, post } from './forms.ts';

test('wrangler.json says the limits that the service has by itself', () => {
  expect(limitsFrom(wrangler.vars)).toEqual(EDGE_LIMITS);
});

describe.runIf(toolsAre('workerd'))('workerd, with 64 MiB of WebAssembly memory and 128 MB of objects', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tangedge-cloudflare-'));
  let server: Workerd;

  beforeAll(async () => {
    for (const name of ['cloudflare.js', 'routines.wasm']) copyFileSync(join(ROOT, 'dist', name), join(folder, name));
    server = await serveWorkerd({ folder, main: 'cloudflare.js', modules: ['./routines.wasm'] });
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const ONNX: Fields = {
    model: golden('onnx/vit-meanpool/model.onnx'),
    inputs: golden('onnx/vit-meanpool/x.npy'),
    targets: golden('onnx/vit-meanpool/y.npy'),
  };

  test.each(['application/json', 'text/html'])('%s: the bytes that Node gives, twice', async (accept) => {
    const expected = await (await new AnalysisService(EDGE_LIMITS).respond(post(ONNX, { accept }))).text();
    for (let time = 0; time < 2; time++) {
      const response = await postOver(server.url, ONNX, { accept });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(expected);
    }
  });

  test('a refusal is a 4xx with one line', async () => {
    const response = await postOver(server.url, { model: ONNX.model });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { code: 'ERR_ARGUMENT', message: expect.stringMatching(/no field 'inputs'/), info: { field: 'inputs' } },
    });
  });

  test('an answer that takes longer than a connection may idle leaves the connection open for the next request', async () => {
    const body = new Response(formOf(await largeRequest(EDGE_LIMITS.examples, 2)));
    const agent = new Agent({ keepAlive: true });
    const headers = { 'content-type': body.headers.get('content-type') as string };
    const sent = request(server.url, { method: 'POST', agent, headers }).end(Buffer.from(await body.arrayBuffer()));
    await delay(300);
    process.kill(server.pid, 'SIGSTOP'); // while it computes
    await delay(5200);
    process.kill(server.pid, 'SIGCONT');
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const { socket } = response;
    const closed = once(socket, 'close').then(() => 'closed');
    response.resume();
    await once(response, 'end');
    expect(response.statusCode).toBe(200);
    expect(await Promise.race([closed, delay(500).then(() => 'open')])).toBe('open');
    agent.destroy();
  });

  test('the most that the limits admit takes an isolate less than 128 MB, time after time; more is refused with the numbers', async () => {
    // 24 MiB of WebAssembly memory as the limits say, and a heap so small that what was dropped is collected.
    const v8Flags = [`--wasm-max-mem-pages=${EDGE_LIMITS.wasmBytes / 65536}`, '--max-old-space-size=32'];
    const fields = await largeRequest(EDGE_LIMITS.examples, 5);
    const refused = [
      [await largeRequest(EDGE_LIMITS.examples + 1, 1), { examples: EDGE_LIMITS.examples + 1, limit: EDGE_LIMITS.examples }],
      [await largeRequest(EDGE_LIMITS.examples, 6), { needed: expect.any(Number), limit: EDGE_LIMITS.heapBytes }],
    ] as const;
    const small = await serveWorkerd({ folder, main: 'cloudflare.js', modules: ['./routines.wasm'], v8Flags });
    try {
      await fetch(small.url, { headers: ALONE });
      const idle = peakBytes(small.pid);
      for (let time = 0; time < 3; time++) {
        const response = await postOver(small.url, fields);
        expect(response.status, (await response.clone().text()).slice(0, 500)).toBe(200);
        expect(((await response.json()) as { data: { samples: number } }).data.samples).toBe(EDGE_LIMITS.examples);
      }
      const grown = peakBytes(small.pid) - idle;
      expect(grown).toBeGreaterThan(20e6);
      expect(grown, `${grown} bytes`).toBeLessThan(128e6);
      for (const [larger, info] of refused) {
        const more = await postOver(small.url, larger);
        expect(more.status).toBe(413);
        expect(((await more.json()) as { error: { info: object } }).error.info).toMatchObject(info);
      }
    } finally {
      await small.close();
    }
  });

  test('a variable that is no number is named', async () => {
    const misconfigured = await serveWorkerd({ folder, main: 'cloudflare.js', modules: ['./routines.wasm'], bindings: { MAX_OUTPUTS: 'few' } });
    try {
      const response = await fetch(misconfigured.url);
      expect(response.status).toBe(500);
      expect(await response.text()).toMatch(/MAX_OUTPUTS is \\"few\\"/);
    } finally {
      await misconfigured.close();
    }
  });
});

test.runIf(toolsAre('wrangler'))('wrangler takes the configuration and the bundle as they are', () => {
  const env = { ...process.env, NODE_OPTIONS: '', WRANGLER_SEND_METRICS: 'false', CI: '1', NO_COLOR: '1' };
  const said = execFileSync(toolPath('wrangler'), ['deploy', '--dry-run'], { cwd: ROOT, encoding: 'utf8', env });
  expect(said).toMatch(/Total Upload: [\d.]+ KiB \/ gzip: [\d.]+ KiB/);
  expect(said).toMatch(/MAX_EXAMPLES/);
});

/** Two checkpoints of a network with `layers` hidden layers, as wide as features are analyzed, and n examples. */
async function largeRequest(n: number, layers: number): Promise<Fields> {
  const width = EDGE_LIMITS.featureWidth;
  const linear = (name: string, outputs: number) => ({ type: 'Linear', name, in_features: width, out_features: outputs, bias: true });
  const hidden = Array.from({ length: layers }, (_, layer) => [linear(`hidden${layer}`, width), { type: 'Tanh' }]).flat();
  const spec = { format: 'ntk-golden/1', input_shape: [n, width], layers: [...hidden, linear('readout', 10)] };
  const rt = await loadRuntime();
  const file = (name: string, bytes: Uint8Array) => ({ name, bytes });
  return {
    model: file('spec.json', new TextEncoder().encode(JSON.stringify(spec))),
    weights: file('weights.safetensors', writeSafetensors(initializeSpec(rt, spec, { seed: 1 }))),
    initial: file('initial.safetensors', writeSafetensors(initializeSpec(rt, spec, { seed: 2 }))),
    inputs: file('x.npy', writeNpy({ shape: [n, width], data: uniformArray(3, 0, n * width).map((u) => 2 * u - 1) })),
    targets: file('y.npy', writeNpy({ shape: [n, 10], data: uniformArray(4, 0, n * 10) })),
  };
}

/** Over a connection of its own: this thread computes between requests, and would not see that workerd closes one after five idle seconds. */
const ALONE = { connection: 'close' };

async function postOver(url: string, fields: Fields, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body: formOf(fields), headers: { ...headers, ...ALONE } });
}

/** Most memory that a process ever had resident. */
function peakBytes(pid: number): number {
  return 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
