/**
 * @file Serves build/playground and prints its URL.
 *
 *   node scripts/playground.mjs [--port PORT] [--isolated]
 *
 * `--isolated` adds the headers of cross-origin isolation, with which inputs are in memory that the workers share. The content
 * security policy is the strictest that the page works under: its scripts, workers and styles are files of its origin. The report
 * has its style and script inside, so it is shown in a frame, which is served with a policy of its own: no origin, no requests.
 */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../build/playground', import.meta.url));
const { values: options } = parseArgs({ options: { port: { type: 'string', default: '0' }, isolated: { type: 'boolean', default: false } } });

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];
const FRAME_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-scripts',
];
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css' };

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  const name = pathname === '/' ? 'index.html' : normalize(decodePath(pathname)).replace(/^[/\\]+/, '');
  const headers = {
    'content-security-policy': (name === 'frame.html' ? FRAME_POLICY : PAGE_POLICY).join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
    ...(options.isolated && { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }),
  };
  const body = request.method === 'GET' || request.method === 'HEAD' ? contentOf(name) : undefined;
  if (body === undefined) response.writeHead(404, headers).end();
  else response.writeHead(200, { ...headers, 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }).end(body);
});
server.listen(Number(options.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));

function decodePath(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}

/** Bytes of a file of the folder, or undefined when there is none. */
function contentOf(name) {
  const path = join(root, name);
  if (!path.startsWith(root)) return undefined;
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
