/** @file Chromium without a window, and a server of files for it. */

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { CHROMIUM, toolModule } from '../tools/tools.ts';

/** What the tests use of Playwright's page. */
export interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<T>(script: string): Promise<T>;
  /** Runs in every document of the page before its own scripts, those of frames too. */
  addInitScript(script: string): Promise<unknown>;
  click(selector: string): Promise<void>;
  setInputFiles(selector: string, path: string): Promise<void>;
  waitForSelector(selector: string): Promise<unknown>;
  waitForEvent(event: 'download'): Promise<{ path(): Promise<string>; suggestedFilename(): string }>;
  frames(): readonly { evaluate<T>(script: string): Promise<T> }[];
  on(event: 'pageerror', listener: (error: Error) => void): void;
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  close(): Promise<void>;
}

export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

export function launchChromium(): Promise<Browser> {
  const { chromium } = toolModule<{ chromium: { launch(options: object): Promise<Browser> } }>('playwright-core');
  const args = ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args });
}

export interface FileServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves what `files` finds (a path to a file, or the text of a page) with these headers; 404 else. */
export async function serveFiles(
  files: (path: string) => { readonly file: string } | { readonly html: string } | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<FileServer> {
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url as string, 'http://localhost').pathname;
    const found = files(path);
    if (found === undefined || ('file' in found && !existsSync(found.file))) {
      response.writeHead(404, headers).end();
    } else if ('html' in found) {
      response.writeHead(200, { ...headers, 'content-type': 'text/html; charset=utf-8' }).end(found.html);
    } else {
      response.writeHead(200, { ...headers, 'content-type': TYPES[extname(found.file)] ?? 'application/octet-stream' }).end(readFileSync(found.file));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.html': 'text/html; charset=utf-8',
  '.wasm': 'application/wasm',
};
