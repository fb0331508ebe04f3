/** @file Errors as plain data: class, code, fields and cause survive structured clone, which keeps only name, message and stack. */

import { type ErrorCode, TangedgeError } from '../core/errors.ts';

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Of a TangedgeError. */
  readonly code?: string;
  readonly info?: Readonly<Record<string, unknown>>;
  readonly cause?: WireError;
}

const STANDARD = { Error, RangeError, TypeError, SyntaxError, ReferenceError, EvalError, URIError } as const;

/** Any thrown value as data that structured clone takes. */
export function toWireError(thrown: unknown): WireError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, stack, cause } = thrown;
  const known = thrown instanceof TangedgeError ? { code: thrown.code, info: plainFields(thrown.info) } : {};
  return { name, message, stack, ...known, ...(cause === undefined ? {} : { cause: toWireError(cause) }) };
}

/** The error again: a TangedgeError, one of the language's classes, or an Error with the name it had. */
export function fromWireError({ name, message, stack, code, info, cause }: WireError): Error {
  const options = cause === undefined ? undefined : { cause: fromWireError(cause) };
  const error =
    code === undefined
      ? new (STANDARD[name as keyof typeof STANDARD] ?? Error)(message, options)
      : new TangedgeError(code as ErrorCode, message, info, options);
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Fields that can be cloned; a function, for one, becomes its text. */
function plainFields(info: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(info).map(([key, value]): [string, unknown] => {
    try {
      return [key, structuredClone(value)];
    } catch {
      return [key, String(value)];
    }
  });
  return Object.fromEntries(entries);
}
