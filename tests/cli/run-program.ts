/** @file Drives the built program as a child process, in a scratch folder of its own. */

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readNpy, type Tensor, writeNpy } from 'tangedge';
import { afterAll, beforeAll, expect } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Scratch {
  /** Absolute path of a file in the scratch folder. */
  path(name: string): string;
  write(name: string, contents: Uint8Array | string): string;
  writeArray(name: string, array: Tensor): string;
  readArray(name: string): Tensor;
  /** Every file and folder there, hidden ones too. */
  list(): string[];
}

/** A folder that lives as long as the test file; the program runs in it. */
export function useScratch(): Scratch & {
  run(...args: string[]): Promise<Outcome>;
  /** Runs the program and kills it (SIGKILL) when `now` says so, unless it has ended before: then status is not null. */
  runAndKill(now: () => boolean, ...args: string[]): Promise<Outcome>;
} {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tangedge-cli-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string) => join(folder, name);
  return {
    path,
    write(name, contents) {
      writeFileSync(path(name), contents);
      return path(name);
    },
    writeArray(name, array) {
      writeFileSync(path(name), writeNpy(array));
      return path(name);
    },
    readArray: (name) => readNpy(readFileSync(path(name))),
    list: () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort(),
    run: (...args) => runProgram(args, folder),
    runAndKill: (now, ...args) => runProgram(args, folder, now),
  };
}

function runProgram(args: readonly string[], cwd: string, killNow?: () => boolean): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, env: { ...process.env, TANGEDGE_DEBUG: '' } });
    const timer = killNow && setInterval(() => killNow() && child.kill('SIGKILL'), 1);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject).on('close', (status) => {
      clearInterval(timer);
      resolve({ status, stdout, stderr });
    });
  });
}

/** One line on stderr that matches, nothing on stdout, the status, no stack trace. */
export function expectFailure({ status, stdout, stderr }: Outcome, expectedStatus: 1 | 2, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^tangedge: [^\n]+\n$/);
  expect(stderr).not.toMatch(/^\s+at |\.ts:\d+|\.js:\d+/m);
  expect(stdout).toBe('');
  expect(status).toBe(expectedStatus);
}
