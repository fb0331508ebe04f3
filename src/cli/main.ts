#!/usr/bin/env node
/** @file The `tangedge` program: runs one command and exits with 0, 1 (failed computation) or 2 (bad usage or input). */

import { CommanderError } from 'commander';
import { describeFailure } from './failure.ts';
import { createProgram } from './program.ts';

// A reader that went away (`tangedge info m.onnx | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  const wantedHelp = error instanceof CommanderError && error.exitCode === 0;
  if (!wantedHelp) {
    const { status, line } = describeFailure(error);
    process.stderr.write(`tangedge: ${line}\n`);
    if (process.env.TANGEDGE_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = status;
  }
}
