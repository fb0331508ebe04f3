/** @file The body of a request within a limit: refused by its declared length before a byte is kept, and else by what arrives. */

import { TangedgeError } from '../core/errors.ts';
import { Refusal } from './refusal.ts';

/**
 * The fields of a multipart/form-data body.
 *
 * @throws {Refusal} 413 when it is longer than `limit` bytes · 415 when it is something else · 400 when it is malformed
 */
export async function readForm(request: Request, limit: number): Promise<{ readonly form: FormData; readonly bytes: number }> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^multipart\/form-data\b/i.test(type)) {
    throw new Refusal(
      415,
      new TangedgeError('ERR_FORMAT', `the body is ${type || 'of no type'}; it must be multipart/form-data, as curl -F model=@model.onnx sends it.`, {
        type,
      }),
    );
  }
  const body = await readWithin(request, limit);
  try {
    return { form: await new Response(body, { headers: { 'content-type': type } }).formData(), bytes: body.length };
  } catch (cause) {
    throw new Refusal(400, new TangedgeError('ERR_FORMAT', `the body is no multipart/form-data: ${(cause as Error).message}`, {}, { cause }));
  }
}

/** Length that the request declares, or undefined. */
export function declaredBytes(request: Request): number | undefined {
  const header = request.headers.get('content-length');
  return header === null ? undefined : Number(header);
}

/** Bodies up to so many times the limit are read to their end and dropped; longer ones are refused unread. */
const DROPPED = 4;

/** Reads a body without keeping it: a connection that closes while the client still sends loses the answer (EPIPE in Node's fetch). */
export async function dropBody({ body }: Request): Promise<void> {
  await body?.pipeTo(new WritableStream()).catch(() => {}); // a client that goes away needs no answer
}

async function readWithin(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const declared = declaredBytes(request);
  if (declared !== undefined && !(declared <= limit)) {
    if (declared <= DROPPED * limit) await dropBody(request);
    throw tooLong(declared, limit);
  }
  if (request.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw tooLong(length, limit);
    }
    parts.push(value);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const part of parts.splice(0)) {
    body.set(part, offset);
    offset += part.length;
  }
  return body;
}

function tooLong(needed: number, limit: number): Refusal {
  const message = `the request has ${needed} bytes${needed > limit ? '' : ' or more'}, the limit is ${limit}. Send a smaller model or fewer examples.`;
  return new Refusal(413, new TangedgeError('ERR_MEMORY', message, { needed, limit }));
}
