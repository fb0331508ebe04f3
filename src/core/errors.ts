/** @file TangedgeError: one error class whose code is API and whose fields survive structured clone. */

/**
 * What went wrong, for programs.
 *
 * - `ERR_ARGUMENT`     an option or argument outside what is accepted
 * - `ERR_SHAPE`        arrays whose shapes do not fit each other or the model
 * - `ERR_DOMAIN`       NaN or Inf in an input, an empty batch, a value outside the mathematical domain
 * - `ERR_FORMAT`       a file that is not what it claims to be (magic, offsets, truncation)
 * - `ERR_UNSUPPORTED`  well-formed, but not supported (operator, dtype, layer)
 * - `ERR_MEMORY`       needs more bytes than the limit; `info.needed`, `info.limit`
 * - `ERR_CONVERGENCE`  an iteration reached its cap
 * - `ERR_DIVERGED`     a training run whose loss left all bounds; `info.step`, `info.stableRate`
 * - `ERR_IO`           a file that cannot be read or written
 * - `ERR_WORKER`       a worker thread that does not start, or that died again and again; `info.workerUrl`
 * - `ERR_CLOSED`       a pool that was closed, before or while it worked
 */
export type ErrorCode =
  | 'ERR_ARGUMENT'
  | 'ERR_SHAPE'
  | 'ERR_DOMAIN'
  | 'ERR_FORMAT'
  | 'ERR_UNSUPPORTED'
  | 'ERR_MEMORY'
  | 'ERR_CONVERGENCE'
  | 'ERR_DIVERGED'
  | 'ERR_IO'
  | 'ERR_WORKER'
  | 'ERR_CLOSED';

export type ErrorInfo = Readonly<Record<string, unknown>>;

/** Every error this library throws on purpose. Match on `code`, never on the text. */
export class TangedgeError extends Error {
  override readonly name = 'TangedgeError';
  readonly code: ErrorCode;
  readonly info: ErrorInfo;

  constructor(code: ErrorCode, message: string, info: ErrorInfo = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.info = info;
  }
}
