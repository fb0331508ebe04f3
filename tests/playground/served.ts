/** @file The playground as `npm run playground` serves it, opened in Chromium. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Browser, Page } from '../runtime/browser.ts';
import { ROOT } from '../structure/source-files.ts';

export interface Served {
  readonly url: string;
  close(): Promise<void>;
}

export function buildPlayground(): void {
  execFileSync(process.execPath, ['scripts/build.mjs', '--playground'], { cwd: ROOT, stdio: 'pipe' });
}

export async function servePlayground(...options: string[]): Promise<Served> {
  const child: ChildProcess = spawn(process.execPath, ['scripts/playground.mjs', ...options], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return {
    url: line.toString().trim(),
    async close() {
      const ended = once(child, 'exit');
      child.kill();
      await ended;
    },
  };
}

/** A page, and everything that its console or its policy complains of, in frames and workers too. */
export async function openPlayground(browser: Browser, url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => console.error('policy', event.violatedDirective, event.blockedURI))`,
  );
  await page.goto(url);
  return { page, complaints };
}

/** Drops files on an element, as a hand would. */
export async function drop(page: Page, selector: string, ...paths: string[]): Promise<void> {
  const files = paths.map((path) => ({ name: basename(path), base64: readFileSync(path).toString('base64') }));
  await page.evaluate(`{
    const dataTransfer = new DataTransfer();
    for (const { name, base64 } of ${JSON.stringify(files)}) {
      dataTransfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    }
    document.querySelector(${JSON.stringify(selector)}).dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
  }`);
}

/** Bytes of a file that a link downloads. */
export async function download(page: Page, selector: string): Promise<{ name: string; text: string }> {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
  return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
}

export const golden = (name: string) => join(ROOT, 'tests/golden/onnx', name);
