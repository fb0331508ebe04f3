/** @file What a failure looks like: one line on stderr that says what to do, and the exit status. */

import { CommanderError } from 'commander';
import { TangedgeError } from '../core/errors.ts';

/** 1: the computation failed. 2: bad usage or bad input. */
export type FailureStatus = 1 | 2;

export interface Failure {
  readonly status: FailureStatus;
  /** One line, no line breaks, no stack. */
  readonly line: string;
}

export function describeFailure(error: unknown): Failure {
  if (error instanceof CommanderError)
    return { status: 2, line: oneLine(`${usageMessage(error)} 'tangedge --help' lists the commands and options.`) };
  if (error instanceof TangedgeError)
    return { status: error.code === 'ERR_CONVERGENCE' || error.code === 'ERR_DIVERGED' ? 1 : 2, line: oneLine(error.message) };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 1, line: oneLine(`unexpected failure: ${message} (TANGEDGE_DEBUG=1 shows where; please report it.)`) };
}

/** The same error with the file it is about in front. */
export function inFile(path: string, error: unknown): unknown {
  if (!(error instanceof TangedgeError)) return error;
  return new TangedgeError(error.code, `${path}: ${error.message}`, { ...error.info, path }, { cause: error });
}

/** commander writes `error: unknown option '--dtpe'\n(Did you mean --dtype?)`. */
function usageMessage({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'a command is missing.';
  const sentence = oneLine(message.replace(/^error: /, ''));
  return /[.?)]$/.test(sentence) ? sentence : `${sentence}.`;
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
