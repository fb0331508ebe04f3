/** @file What a request that is not answered gets: a status, and one clear line as JSON. */

import { type ErrorInfo, TangedgeError } from '../core/errors.ts';

/** An error with the HTTP status that it deserves. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly error: TangedgeError;

  constructor(status: number, error: TangedgeError) {
    super(error.message);
    this.status = status;
    this.error = error;
  }
}

/** `{ error: { code, message, info } }`. What nobody threw on purpose is not told to strangers, but logged by the host. */
export function refusalResponse(error: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  if (error instanceof Refusal) return respond(error.status, error.error, headers);
  if (error instanceof TangedgeError) return respond(statusOf(error), error, headers);
  throw error;
}

/** 400 for what the request can change, 413 for what does not fit, 422 for a computation that fails. */
function statusOf({ code }: TangedgeError): number {
  if (code === 'ERR_MEMORY') return 413;
  return code === 'ERR_CONVERGENCE' ? 422 : 400;
}

function respond(
  status: number,
  { code, message, info }: { code: string; message: string; info: ErrorInfo },
  headers: Readonly<Record<string, string>>,
) {
  return Response.json({ error: { code, message: message.replace(/\s*[\r\n]+\s*/g, ' '), info } }, { status, headers });
}
